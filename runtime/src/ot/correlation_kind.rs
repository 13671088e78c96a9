//! Which correlations protocols use up, and how many random OTs these take.

use super::bit_product;
use super::block::BLOCK_BITS;
use super::chunk;
use super::formula::Formula;
use super::mask_products;
use super::masked;
use super::number_product::Products;
use super::numbers::Width;
use super::turns;
use super::words;
use crate::message::Role;

/// A kind of correlation, with the width of its numbers and, where one party chooses, that party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrelationKind {
    /// The product of a bit of a party's with a number of the other's of this width ([`super::correlated`]).
    Cot(Role, Width),
    /// A function of both parties' bits ([`super::masked`]).
    Masked(Formula),
    /// The product of a bit of each party's as a number of this width ([`super::bit_product`]).
    BitProduct(Width),
    /// The product of two shared numbers ([`super::number_product`]).
    NumberProduct(Products),
}

/// Correlations that are used at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The kind, the same for the whole batch.
    pub kind: CorrelationKind,
    /// Number of correlations.
    pub count: usize,
}

/// Some of a batch, made by one thread in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) kind: CorrelationKind,
    /// Random OTs, whole blocks of 128.
    pub(super) ots: usize,
}

impl CorrelationKind {
    /// Whether there are such correlations.
    pub(super) fn exists(self) -> bool {
        match self {
            Self::Masked(formula) => formula.exists(),
            Self::Cot(..) | Self::BitProduct(_) => true,
            Self::NumberProduct(products) => products.shared > 0,
        }
    }

    /// OTs that stay in one chunk.
    const fn unit(self) -> usize {
        match self {
            Self::NumberProduct(products) => products.ots(1),
            Self::Cot(..) | Self::Masked(_) | Self::BitProduct(_) => BLOCK_BITS,
        }
    }
}

impl Batch {
    /// The random OTs that it takes in which `chooser` chooses: whole blocks of 128, so that batches share none.
    pub fn ots(&self, chooser: Role) -> usize {
        match self.kind {
            CorrelationKind::Cot(role, _) if role == chooser => self.count.next_multiple_of(BLOCK_BITS),
            CorrelationKind::BitProduct(_) if chooser == Role::Client => {
                self.count.next_multiple_of(BLOCK_BITS)
            }
            CorrelationKind::Masked(formula) => mask_products::ots(chooser, formula, self.count),
            CorrelationKind::NumberProduct(products) => products.ots(self.count),
            CorrelationKind::Cot(..) | CorrelationKind::BitProduct(_) => 0,
        }
    }

    /// Bytes by which either party tells its bits or numbers under masks; 0 for correlations without masks.
    pub fn opening_bytes(&self) -> u64 {
        match self.kind {
            CorrelationKind::Masked(formula) => masked::opening_bytes(formula, self.count),
            CorrelationKind::BitProduct(_) => bit_product::opening_bytes(self.count),
            CorrelationKind::NumberProduct(products) => products.opening_bytes(self.count),
            CorrelationKind::Cot(..) => 0,
        }
    }

    /// Flights by which what the OTs gave is corrected, up to the last one.
    pub(super) fn correction_flights(&self) -> usize {
        match self.kind {
            CorrelationKind::Masked(formula) => mask_products::flights(formula),
            CorrelationKind::BitProduct(_) => bit_product::CORRECTION_FLIGHT + 1,
            CorrelationKind::NumberProduct(_) => Products::correction_flight(Role::Server) + 1,
            CorrelationKind::Cot(..) => 0,
        }
    }

    /// Bytes of a flight of corrections.
    pub(super) fn correction_bytes(&self, flight: usize) -> u64 {
        match self.kind {
            CorrelationKind::Masked(formula) => mask_products::correction_bytes(flight, formula, self.count),
            CorrelationKind::BitProduct(width) if flight == bit_product::CORRECTION_FLIGHT => {
                bit_product::correction_bytes(self.count, width)
            }
            CorrelationKind::NumberProduct(products)
                if flight == Products::correction_flight(turns::sender(flight)) =>
            {
                products.correction_bytes(self.count)
            }
            CorrelationKind::Cot(..) | CorrelationKind::BitProduct(_) | CorrelationKind::NumberProduct(_) => {
                0
            }
        }
    }

    /// Bytes of all corrections, of both parties.
    pub fn all_correction_bytes(&self) -> u64 {
        (0..self.correction_flights()).map(|flight| self.correction_bytes(flight)).sum()
    }

    /// Bytes of memory that they take at `role` until they are used.
    pub fn kept_bytes(&self, role: Role) -> u64 {
        let bits = (self.count as u64).div_ceil(64) * 8;
        let numbers = |width| words::bytes(width, self.count);
        match self.kind {
            CorrelationKind::Cot(chooser, width) if chooser == role => bits + numbers(width),
            CorrelationKind::Cot(_, width) => 2 * numbers(width),
            CorrelationKind::BitProduct(width) => bits + numbers(width),
            CorrelationKind::NumberProduct(products) => {
                let second = words::bytes(products.width, products.factors(self.count));
                2 * numbers(products.width) + second
            }
            CorrelationKind::Masked(formula) => formula.products_of(role).len() as u64 * bits,
        }
    }

    /// Bytes that they take at `role` in a store's file, side by side.
    pub fn stored_bytes(&self, role: Role) -> u64 {
        let (bits, numbers) = (Width::BIT.bytes(self.count), |width: Width| width.bytes(self.count));
        match self.kind {
            CorrelationKind::Cot(chooser, width) if chooser == role => bits + numbers(width),
            CorrelationKind::Cot(_, width) => 2 * numbers(width),
            CorrelationKind::BitProduct(width) => bits + numbers(width),
            CorrelationKind::NumberProduct(products) => {
                2 * numbers(products.width) + products.width.bytes(products.factors(self.count))
            }
            CorrelationKind::Masked(formula) => formula.products_of(role).len() as u64 * bits,
        }
    }

    /// The chunks of it in which `chooser` chooses.
    pub(super) fn chunks(self, chooser: Role) -> impl Iterator<Item = Chunk> {
        chunk::sizes_in_units(self.ots(chooser), self.kind.unit())
            .map(move |ots| Chunk { kind: self.kind, ots })
    }
}
