//! Functions of two parties' bits, as polynomials in F₂: what is evaluated under masks ([`super::masked`]).
//!
//! The bits v_0, v_1, … are the client's, the server's or shared; a monomial v_S is the product of v_i for i in S.

use super::per_party::PerParty;
use crate::message::Role;
use std::collections::BTreeSet;

/// A set of places: place i is bit i.
pub(super) type Places = u8;

/// Spans that are joined at once, at most.
pub const MAX_JOINED: u8 = 4;

/// Bits of numbers that are added at once, at most.
pub const MAX_ADDED: u8 = 4;

/// A function of both parties' bits, with one result or two. Of joins v_i = x_i ⊕ y_i is a shared bit, x_i being the
/// client's and y_i the server's; g and p are the generates and propagates of spans, the lowest first, and results lack
/// the generate of the highest span, which each party adds itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formula {
    /// Of numbers x and y of w bits, v being y_0 … y_(w−1), x_0 … x_(w−1): x + y ≥ 2^w, and x + y = 2^w − 1.
    Sum {
        /// The number w of bits, 1 to [`MAX_ADDED`].
        bits: u8,
    },
    /// Of s spans, v being g_0 … g_(s−2), p_0 … p_(s−1): generate and propagate of all.
    Join {
        /// The number s of spans, 2 to [`MAX_JOINED`].
        spans: u8,
    },
    /// Of the s lowest spans, v being g_0 … g_(s−2), p_1 … p_(s−1): generate of all.
    Lowest {
        /// The number s of spans, 2 to [`MAX_JOINED`].
        spans: u8,
    },
}

impl Formula {
    /// All functions.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let sums = (1..=MAX_ADDED).map(|bits| Self::Sum { bits });
        let joins = (2..=MAX_JOINED).flat_map(|spans| [Self::Join { spans }, Self::Lowest { spans }]);
        sums.chain(joins)
    }

    /// Whether there is such a function.
    pub(super) fn exists(self) -> bool {
        Self::all().any(|formula| formula == self)
    }

    /// Bits of each party.
    pub const fn inputs(self) -> usize {
        match self {
            Self::Sum { bits } => bits as usize,
            Self::Join { spans } => 2 * spans as usize - 1,
            Self::Lowest { spans } => 2 * spans as usize - 2,
        }
    }

    /// The places of the bits that each party has, or has a share of.
    pub(super) const fn held(self) -> PerParty<Places> {
        let inputs = self.inputs() as u8;
        match self {
            Self::Sum { .. } => PerParty { client: range(inputs, 2 * inputs), server: range(0, inputs) },
            Self::Join { .. } | Self::Lowest { .. } => {
                PerParty { client: range(0, inputs), server: range(0, inputs) }
            }
        }
    }

    /// The number of places.
    pub(super) const fn places(self) -> u8 {
        let PerParty { client, server } = self.held();
        Places::BITS as u8 - (client | server).leading_zeros() as u8
    }

    /// The monomials of each result.
    pub(super) fn results(self) -> Vec<Vec<Places>> {
        match self {
            Self::Sum { bits } => {
                let generate = (0..bits).flat_map(|bit| {
                    splits(bits, range(bit + 1, bits)).map(move |above| above | 1 << bit | 1 << (bits + bit))
                });
                vec![generate.collect(), splits(bits, range(0, bits)).collect()]
            }
            Self::Join { spans } => vec![carry(spans, spans - 1), vec![range(spans - 1, 2 * spans - 1)]],
            Self::Lowest { spans } => vec![carry(spans, spans - 2)],
        }
    }

    /// The sets of places, one at least, of whose masks the evaluation takes the product: those within a monomial. Smaller
    /// numbers first, and so every set after its subsets.
    pub(super) fn products(self) -> Vec<Places> {
        let products: BTreeSet<Places> = self.results().into_iter().flatten().flat_map(subsets).collect();
        products.into_iter().collect()
    }

    /// Those of which `role` has a share that is not 0 always.
    pub(super) fn products_of(self, role: Role) -> Vec<Places> {
        let held = *self.held().get(role);
        self.products().into_iter().filter(|product| product & held != 0).collect()
    }
}

/// The carry out of `spans` spans without g of the highest, p_i being at place `first` + i.
fn carry(spans: u8, first: u8) -> Vec<Places> {
    (0..spans - 1).map(|span| 1 << span | range(first + span + 1, first + spans)).collect()
}

/// The places from `start` to `end` − 1.
const fn range(start: u8, end: u8) -> Places {
    ((1u16 << end) - (1u16 << start)) as Places
}

/// The monomials of the product of x_i ⊕ y_i for i in `places` of numbers of so many bits.
fn splits(bits: u8, places: Places) -> impl Iterator<Item = Places> {
    let of_client = std::iter::once(0).chain(subsets(places));
    of_client.map(move |of_client| of_client << bits | places & !of_client)
}

/// The sets of some of `places`, at least one.
fn subsets(places: Places) -> impl Iterator<Item = Places> {
    (1..=places).filter(move |subset| subset & !places == 0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The results for bits of the client's and the server's, by what they mean.
    pub(in super::super) fn plain(formula: Formula, x: Places, y: Places) -> Vec<bool> {
        let v = x ^ y;
        let bit = |place: u8| v >> place & 1 == 1;
        let carry = |spans: u8, first: u8| {
            (1..spans).fold(bit(0), |carry, span| {
                let generate = span + 1 < spans && bit(span);
                generate ^ (bit(first + span) & carry)
            })
        };
        match formula {
            Formula::Sum { bits } => {
                let (sum, ones) = (u16::from(x) + u16::from(y), (1 << bits) - 1);
                vec![sum > ones, sum == ones]
            }
            Formula::Join { spans } => {
                vec![carry(spans, spans - 1), (spans - 1..2 * spans - 1).all(bit)]
            }
            Formula::Lowest { spans } => vec![carry(spans, spans - 2)],
        }
    }

    #[test]
    fn polynomials_are_what_they_mean_for_all_bits() {
        for formula in Formula::all() {
            let (results, count) = (formula.results(), formula.inputs());
            for case in 0..1u16 << (2 * count) {
                let (x, y) = ((case & ((1 << count) - 1)) as Places, (case >> count) as Places);
                let v = match formula {
                    Formula::Sum { bits } => x << bits | y,
                    Formula::Join { .. } | Formula::Lowest { .. } => x ^ y,
                };
                let holds = |monomial: &&Places| *monomial & !v == 0;
                let value = |monomials: &Vec<Places>| monomials.iter().filter(holds).count() % 2 == 1;
                let values: Vec<bool> = results.iter().map(value).collect();
                assert_eq!(values, plain(formula, x, y), "{formula:?} {x:b} {y:b}");
            }
        }
    }

    #[test]
    fn products_of_masks_are_few() {
        let shared = |formula: Formula| {
            let PerParty { client, server } = formula.held();
            let of_both = |set: &&Places| *set & client != 0 && *set & server != 0 && !set.is_power_of_two();
            formula.products().iter().filter(of_both).count()
        };
        assert_eq!(Formula::all().map(shared).collect::<Vec<_>>(), [1, 6, 25, 90, 2, 1, 8, 5, 22, 15]);
    }
}
