//! Functions of two parties' bits, as polynomials in F₂: what is evaluated under masks ([`super::masked`]).
//!
//! The client has bits x_0, x_1, …, the server as many y_0, y_1, …; a monomial x_S·y_T is the product of x_i for i in S
//! and of y_i for i in T.

use std::collections::BTreeSet;

/// A set of places: place i is bit i.
pub(super) type Places = u8;

/// Spans that are joined at once, at most.
pub const MAX_JOINED: u8 = 4;

/// Bits of numbers that are added at once, at most.
pub const MAX_ADDED: u8 = 4;

/// A function of both parties' bits, with one result or two. In the last two v_i = x_i ⊕ y_i is a shared bit; g and p are the
/// generates and propagates of spans, the lowest first, and results lack the generate of the highest span, which each
/// party adds itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formula {
    /// Of numbers x and y of w bits: x + y ≥ 2^w, and x + y = 2^w − 1.
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

/// The product x_S·y_T.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Monomial {
    /// The set S.
    pub(super) client: Places,
    /// The set T.
    pub(super) server: Places,
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

    /// The monomials of each result.
    pub(super) fn results(self) -> Vec<Vec<Monomial>> {
        match self {
            Self::Sum { bits } => {
                let all = range(0, bits);
                let generate = (0..bits).flat_map(|j| {
                    let above = splits(range(j + 1, bits));
                    above.map(move |Monomial { client, server }| Monomial {
                        client: client | 1 << j,
                        server: server | 1 << j,
                    })
                });
                vec![generate.collect(), splits(all).collect()]
            }
            Self::Join { spans } => {
                vec![carry(spans, spans - 1), splits(range(spans - 1, 2 * spans - 1)).collect()]
            }
            Self::Lowest { spans } => vec![carry(spans, spans - 2)],
        }
    }

    /// The monomials of masks that all results take: those of both parties' masks, sorted.
    pub(super) fn mixed(self) -> Vec<Monomial> {
        let of = |monomial: Monomial| {
            let of_client =
                move |client| subsets(monomial.server).map(move |server| Monomial { client, server });
            subsets(monomial.client).flat_map(of_client)
        };
        let mixed: BTreeSet<Monomial> = self.results().into_iter().flatten().flat_map(of).collect();
        mixed.into_iter().collect()
    }
}

/// The carry out of `spans` spans without g of the highest, p_i being at place `first` + i.
fn carry(spans: u8, first: u8) -> Vec<Monomial> {
    (0..spans - 1).flat_map(|span| splits(1 << span | range(first + span + 1, first + spans))).collect()
}

/// The places from `start` to `end` − 1.
const fn range(start: u8, end: u8) -> Places {
    ((1u16 << end) - (1u16 << start)) as Places
}

/// The monomials of the product of x_i ⊕ y_i for i in `places`.
fn splits(places: Places) -> impl Iterator<Item = Monomial> {
    let client = std::iter::once(0).chain(subsets(places));
    client.map(move |client| Monomial { client, server: places & !client })
}

/// The sets of some of `places`, at least one.
fn subsets(places: Places) -> impl Iterator<Item = Places> + Clone {
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
                let holds = |m: &&Monomial| m.client & !x == 0 && m.server & !y == 0;
                let value = |monomials: &Vec<Monomial>| monomials.iter().filter(holds).count() % 2 == 1;
                let values: Vec<bool> = results.iter().map(value).collect();
                assert_eq!(values, plain(formula, x, y), "{formula:?} {x:b} {y:b}");
            }
        }
    }

    #[test]
    fn products_of_masks_are_few() {
        let counts: Vec<usize> = Formula::all().map(|formula| formula.mixed().len()).collect();
        assert_eq!(counts, [1, 6, 25, 90, 4, 2, 24, 14, 100, 62]);
    }
}
