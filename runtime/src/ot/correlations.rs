//! A batch's correlations, in parts and as a whole.

use super::bit_product::{self, BitProducts, OpenProducts, ProductReceiver, ProductSender};
use super::bits::Bits;
use super::chunk::{ReceivedChunk, SentChunk};
use super::correlated::{CotReceiver, CotSender};
use super::correlation_kind::{Batch, CorrelationKind};
use super::gather::Gather;
use super::kept::{Reader, Writer};
use super::mask_products::{MaskProducts, MaskReceiver, MaskSender};
use super::masked::{Masked, Opening};
use super::number_product::{FactorReceiver, FactorSender, NumberProducts, Products};
use crate::error::Result;
use crate::message::Role;

/// One party's correlations of a batch.
pub(super) enum Correlations {
    CotSender(CotSender),
    CotReceiver(CotReceiver),
    Masked(Masked),
    BitProducts(BitProducts),
    NumberProducts(NumberProducts),
    /// Of which the peer was told ahead.
    Opened(Opening),
    OpenProducts(OpenProducts),
}

impl Correlations {
    /// Adds them to what is kept; of those that are opened what they were opened from.
    pub(super) fn keep(&self, kept: &mut Writer) {
        match self {
            Self::CotSender(pairs) => pairs.keep(kept),
            Self::CotReceiver(numbers) => numbers.keep(kept),
            Self::Masked(masked) => masked.keep(kept),
            Self::BitProducts(products) => products.keep(kept),
            Self::NumberProducts(products) => products.keep(kept),
            Self::Opened(opening) => opening.keep(kept),
            Self::OpenProducts(opening) => opening.keep(kept),
        }
    }

    /// Those of `batch` at `role`, as they were kept; none is opened.
    ///
    /// # Errors
    /// There are fewer bytes.
    pub(super) fn kept(role: Role, Batch { kind, count }: Batch, kept: &mut Reader<'_>) -> Result<Self> {
        Ok(match kind {
            CorrelationKind::Cot(chooser, width) if chooser == role => {
                Self::CotReceiver(CotReceiver::kept(width, count, kept)?)
            }
            CorrelationKind::Cot(_, width) => Self::CotSender(CotSender::kept(width, count, kept)?),
            CorrelationKind::Masked(formula) => Self::Masked(Masked::kept(role, formula, count, kept)?),
            CorrelationKind::BitProduct(width) => Self::BitProducts(BitProducts::kept(width, count, kept)?),
            CorrelationKind::NumberProduct(products) => {
                Self::NumberProducts(NumberProducts::kept(products, count, kept)?)
            }
        })
    }
}

/// What is made of the random OTs of a chunk in which the peer chooses.
pub(super) enum SentPart {
    Cot(CotSender),
    Masked(MaskSender),
    BitProducts(ProductSender),
    NumberProducts(FactorSender),
}

/// What is made of the random OTs of a chunk in which this party chooses.
pub(super) enum ReceivedPart {
    Cot(CotReceiver),
    Masked(MaskReceiver),
    BitProducts(ProductReceiver),
    NumberProducts(FactorReceiver),
}

impl SentPart {
    /// At `role`, for a batch of this kind.
    pub(super) fn new(role: Role, kind: CorrelationKind, ots: &SentChunk<'_>) -> Self {
        match kind {
            CorrelationKind::Cot(_, width) => Self::Cot(CotSender::from_chunk(width, ots)),
            CorrelationKind::Masked(formula) => Self::Masked(MaskSender::from_chunk(role, formula, ots)),
            CorrelationKind::BitProduct(width) => Self::BitProducts(ProductSender::from_chunk(width, ots)),
            CorrelationKind::NumberProduct(products) => {
                Self::NumberProducts(FactorSender::from_chunk(products, ots))
            }
        }
    }

    fn cot(self) -> Option<CotSender> {
        if let Self::Cot(part) = self { Some(part) } else { None }
    }

    fn masked(self) -> Option<MaskSender> {
        if let Self::Masked(part) = self { Some(part) } else { None }
    }

    fn bit_products(self) -> Option<ProductSender> {
        if let Self::BitProducts(part) = self { Some(part) } else { None }
    }

    fn number_products(self) -> Option<FactorSender> {
        if let Self::NumberProducts(part) = self { Some(part) } else { None }
    }
}

impl ReceivedPart {
    /// At `role`, for a batch of this kind.
    pub(super) fn new(role: Role, kind: CorrelationKind, ots: &ReceivedChunk<'_>) -> Self {
        match kind {
            CorrelationKind::Cot(_, width) => Self::Cot(CotReceiver::from_chunk(width, ots)),
            CorrelationKind::Masked(formula) => Self::Masked(MaskReceiver::from_chunk(role, formula, ots)),
            CorrelationKind::BitProduct(width) => Self::BitProducts(ProductReceiver::from_chunk(width, ots)),
            CorrelationKind::NumberProduct(products) => {
                Self::NumberProducts(FactorReceiver::from_chunk(products, ots))
            }
        }
    }

    fn cot(self) -> Option<CotReceiver> {
        if let Self::Cot(part) = self { Some(part) } else { None }
    }

    fn masked(self) -> Option<MaskReceiver> {
        if let Self::Masked(part) = self { Some(part) } else { None }
    }

    fn bit_products(self) -> Option<ProductReceiver> {
        if let Self::BitProducts(part) = self { Some(part) } else { None }
    }

    fn number_products(self) -> Option<FactorReceiver> {
        if let Self::NumberProducts(part) = self { Some(part) } else { None }
    }
}

/// One party's correlations of a batch, before the peer's corrections.
pub(super) enum Made {
    /// They need none.
    Ready(Correlations),
    /// Masks of formulas, and their products.
    Masks(MaskProducts),
    /// Masks of products, and the server's corrections.
    Products(BitProducts, Vec<u8>),
    /// Masks of numbers, and this party's corrections.
    NumberProducts(Role, NumberProducts, Vec<Vec<u8>>),
}

impl Made {
    /// Those of `batch` at `role`, from the parts that are made of all its chunks.
    pub(super) fn gather(
        role: Role,
        Batch { kind, count }: Batch,
        sent: impl Iterator<Item = SentPart>,
        received: impl Iterator<Item = ReceivedPart>,
    ) -> Self {
        match kind {
            CorrelationKind::Cot(chooser, width) if chooser == role => {
                let parts = received.filter_map(ReceivedPart::cot).collect();
                Self::Ready(Correlations::CotReceiver(CotReceiver::gather(width, parts, count)))
            }
            CorrelationKind::Cot(_, width) => {
                let parts = sent.filter_map(SentPart::cot).collect();
                Self::Ready(Correlations::CotSender(CotSender::gather(width, parts, count)))
            }
            CorrelationKind::Masked(formula) => {
                let sent: Vec<MaskSender> = sent.filter_map(SentPart::masked).collect();
                let received: Vec<MaskReceiver> = received.filter_map(ReceivedPart::masked).collect();
                Self::Masks(MaskProducts::new(role, formula, count, &sent, &received))
            }
            CorrelationKind::BitProduct(width) => match role {
                Role::Client => {
                    let parts: Vec<_> = received.filter_map(ReceivedPart::bit_products).collect();
                    Self::Products(ProductReceiver::products(width, &parts, count), Vec::new())
                }
                Role::Server => {
                    let parts: Vec<_> = sent.filter_map(SentPart::bit_products).collect();
                    let (products, corrections) = ProductSender::products(width, &parts, count);
                    Self::Products(products, corrections)
                }
            },
            CorrelationKind::NumberProduct(products) => {
                let sent: Vec<_> = sent.filter_map(SentPart::number_products).collect();
                let received: Vec<_> = received.filter_map(ReceivedPart::number_products).collect();
                let (made, corrections) = NumberProducts::new(products, count, &sent, &received);
                Self::NumberProducts(role, made, corrections)
            }
        }
    }

    /// What the peer is sent in a flight, in order; once.
    pub(super) fn take_corrections(&mut self, flight: usize) -> Vec<Vec<u8>> {
        match self {
            Self::Masks(masks) => masks.corrections(flight).iter().map(Bits::to_bytes).collect(),
            Self::Products(_, corrections) if flight == bit_product::CORRECTION_FLIGHT => {
                vec![std::mem::take(corrections)]
            }
            Self::NumberProducts(role, _, corrections) if flight == Products::correction_flight(*role) => {
                std::mem::take(corrections)
            }
            Self::Ready(_) | Self::Products(..) | Self::NumberProducts(..) => Vec::new(),
        }
    }

    /// Corrects them by what the peer sent in a flight, of which `next` gives so many bytes.
    pub(super) fn correct(
        &mut self,
        flight: usize,
        mut next: impl FnMut(usize) -> Result<Vec<u8>>,
    ) -> Result<()> {
        match self {
            Self::Masks(masks) => masks.correct(flight, next),
            Self::Products(products, _) if flight == bit_product::CORRECTION_FLIGHT => {
                let length = bit_product::correction_bytes(products.len(), products.width());
                products.correct(&next(length as usize)?)
            }
            Self::NumberProducts(role, products, _) if flight == Products::correction_flight(role.peer()) => {
                products.correct(next)
            }
            Self::Ready(_) | Self::Products(..) | Self::NumberProducts(..) => Ok(()),
        }
    }

    /// The correlations, after all corrections.
    pub(super) fn corrected(self) -> Correlations {
        match self {
            Self::Ready(correlations) => correlations,
            Self::Masks(masks) => Correlations::Masked(masks.finish()),
            Self::Products(products, _) => Correlations::BitProducts(products),
            Self::NumberProducts(_, products, _) => Correlations::NumberProducts(products),
        }
    }
}
