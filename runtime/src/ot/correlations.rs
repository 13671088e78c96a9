//! A batch's correlations, in parts and as a whole.

use super::chunk::{ReceivedChunk, SentChunk};
use super::correlated::{CotReceiver, CotSender};
use super::correlation_kind::{Batch, CorrelationKind};
use super::gather::Gather;
use super::masked::{MaskReceiver, MaskSender, Masked, Uncorrected};
use crate::message::Role;

/// One party's correlations of a batch.
pub(super) enum Correlations {
    CotSender(CotSender),
    CotReceiver(CotReceiver),
    Masked(Masked),
}

/// What is made of the random OTs of a chunk in which the peer chooses.
pub(super) enum SentPart {
    Cot(CotSender),
    Masked(MaskSender),
}

/// What is made of the random OTs of a chunk in which this party chooses.
pub(super) enum ReceivedPart {
    Cot(CotReceiver),
    Masked(MaskReceiver),
}

impl SentPart {
    /// For a batch of this kind.
    pub(super) fn new(kind: CorrelationKind, ots: &SentChunk<'_>) -> Self {
        match kind {
            CorrelationKind::Cot(_, width) => Self::Cot(CotSender::from_chunk(width, ots)),
            CorrelationKind::Masked(formula) => Self::Masked(MaskSender::from_chunk(formula, ots)),
        }
    }

    fn cot(self) -> Option<CotSender> {
        if let Self::Cot(part) = self { Some(part) } else { None }
    }

    fn masked(self) -> Option<MaskSender> {
        if let Self::Masked(part) = self { Some(part) } else { None }
    }
}

impl ReceivedPart {
    /// For a batch of this kind.
    pub(super) fn new(kind: CorrelationKind, ots: &ReceivedChunk<'_>) -> Self {
        match kind {
            CorrelationKind::Cot(_, width) => Self::Cot(CotReceiver::from_chunk(width, ots)),
            CorrelationKind::Masked(formula) => Self::Masked(MaskReceiver::from_chunk(formula, ots)),
        }
    }

    fn cot(self) -> Option<CotReceiver> {
        if let Self::Cot(part) = self { Some(part) } else { None }
    }

    fn masked(self) -> Option<MaskReceiver> {
        if let Self::Masked(part) = self { Some(part) } else { None }
    }
}

/// One party's correlations of a batch, before the peer's corrections.
pub(super) enum Made {
    /// They are ready.
    Ready(Correlations),
    /// They are to be corrected.
    Uncorrected(Uncorrected),
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
            CorrelationKind::Masked(formula) => Self::Uncorrected(match role {
                Role::Client => {
                    let parts: Vec<_> = received.filter_map(ReceivedPart::masked).collect();
                    MaskReceiver::uncorrected(formula, &parts, count)
                }
                Role::Server => {
                    let parts: Vec<_> = sent.filter_map(SentPart::masked).collect();
                    MaskSender::uncorrected(formula, &parts, count)
                }
            }),
        }
    }

    /// The correlations that are to be corrected, if these are such.
    pub(super) fn uncorrected(&mut self) -> Option<&mut Uncorrected> {
        if let Self::Uncorrected(uncorrected) = self { Some(uncorrected) } else { None }
    }

    /// The correlations, after the peer's corrections.
    pub(super) fn corrected(self) -> Correlations {
        match self {
            Self::Ready(correlations) => correlations,
            Self::Uncorrected(uncorrected) => Correlations::Masked(uncorrected.corrected()),
        }
    }
}
