//! Masked evaluation: a [`Formula`] of both parties' bits, each told to the other under a mask; one bit each way for a bit of
//! each party, whatever is computed from it.
//!
//! Everything is in F₂. Of each bit v_i = x_i ⊕ y_i the client has x_i, the server y_i, one of the two being 0 where the bit
//! belongs to one party; α_i, β_i and the shares α_S and β_S of the products λ_S of masks are there before
//! ([`super::mask_products`]).
//!
//! ```text
//! client                                             server
//! 1  X_i = x_i ⊕ α_i                          ◀─▶    1  Y_i = y_i ⊕ β_i
//! 2  V_i = X_i ⊕ Y_i                                 2  likewise
//! 3  for every monomial v_M of a result:
//!       V_(M∖S)·α_S for all S ⊆ M                    V_M, and V_(M∖S)·β_S for all S ⊆ M
//! ```
//!
//! S is not empty. The sums of both parties' lines are shares of the result, since v_M is the product of V_i ⊕ λ_i for i in M.
//!
//! (Masks and products of masks in place of a triple for each gate: Patra, Schneider, Suresh and Yalame, "ABY2.0", USENIX
//! Security 2021.)
//!
//! # Who learns what
//!
//! The server: X_i, hidden by α_i. The client: Y_i, hidden by β_i. Masks are used once.

use super::bits::Bits;
use super::formula::{Formula, Places};
use super::kept::{Reader, Writer};
use super::numbers::Width;
use crate::error::Result;
use crate::message::Role;

/// One party's masks and its shares of products of masks, for many evaluations of a formula. Used once: no `Clone`, no
/// `Debug`; wiped on drop.
///
/// ```compile_fail,E0382
/// fn twice(masks: runtime::ot::Masked) {
///     let first = masks.open(Vec::new());
///     let second = masks.open(Vec::new());
/// }
/// ```
pub struct Masked {
    role: Role,
    formula: Formula,
    count: usize,
    /// Of products of masks, one place and more, in the order of [`Formula::products_of`].
    shares: Vec<Bits>,
}

/// A party between steps 1 and 2.
pub struct Opening {
    masked: Masked,
    /// Its X or Y, place by place of those that it holds.
    opened: Vec<Bits>,
}

/// Bytes of step 1's message of either party for `count` evaluations.
pub const fn opening_bytes(formula: Formula, count: usize) -> u64 {
    Width::BIT.bytes(formula.inputs() * count)
}

impl Masked {
    /// At `role`, with its shares in the order of [`Formula::products_of`].
    pub(super) const fn new(role: Role, formula: Formula, count: usize, shares: Vec<Bits>) -> Self {
        Self { role, formula, count, shares }
    }

    /// Adds them to what is kept.
    pub(super) fn keep(&self, kept: &mut Writer) {
        self.shares.iter().for_each(|share| kept.bits(share));
    }

    /// As they were kept at `role`.
    pub(super) fn kept(role: Role, formula: Formula, count: usize, kept: &mut Reader<'_>) -> Result<Self> {
        let shares = formula.products_of(role).iter().map(|_| kept.bits(count)).collect::<Result<_>>()?;
        Ok(Self::new(role, formula, count, shares))
    }

    /// Whether it evaluates this formula of so many bits at each place.
    pub(super) fn evaluates(&self, formula: Formula, inputs: &[Bits]) -> bool {
        self.formula == formula && inputs.iter().all(|bits| bits.len() == self.count)
    }

    /// Step 1 with this party's bits, place by place of those that it holds: its message.
    ///
    /// # Panics
    /// If there are more or fewer places than the formula has, or bits than evaluations.
    pub fn open(self, inputs: &[Bits]) -> (Opening, Vec<u8>) {
        assert_eq!(inputs.len(), self.formula.inputs(), "one input per place");
        assert!(inputs.iter().all(|bits| bits.len() == self.count), "one bit per evaluation");
        let opened: Vec<Bits> = inputs.iter().zip(self.masks()).map(|(bits, mask)| bits.xor(mask)).collect();
        let message = Bits::concat(&opened).to_bytes();
        (Opening { masked: self, opened }, message)
    }

    /// α or β, place by place of those that it holds.
    fn masks(&self) -> impl Iterator<Item = &Bits> {
        let products = self.formula.products_of(self.role);
        let alone = move |(product, share): (Places, _)| product.is_power_of_two().then_some(share);
        products.into_iter().zip(&self.shares).filter_map(alone)
    }
}

impl Opening {
    /// Adds to what is kept what it was opened from.
    pub(super) fn keep(&self, kept: &mut Writer) {
        self.masked.keep(kept);
    }

    /// Steps 2 and 3 with the peer's message: this party's shares of the results.
    ///
    /// # Errors
    /// The message has another length than [`opening_bytes`].
    pub fn close(self, message: &[u8]) -> Result<Vec<Bits>> {
        let Self { masked: Masked { role, formula, count, shares }, opened } = self;
        let inputs = formula.inputs();
        let theirs = Bits::from_bytes("masked bits", message, inputs * count)?;
        let theirs: Vec<Bits> = (0..inputs).map(|input| theirs.slice(input * count, count)).collect();
        let value = |place| {
            let of_parties = [(role, &opened), (role.peer(), &theirs)];
            let held =
                of_parties.into_iter().filter_map(|(role, bits)| bits.get(input(formula, role, place)?));
            held.fold(Bits::zeros(count), |sum, bits| sum.xor(bits))
        };
        let values: Vec<Bits> = (0..formula.places()).map(value).collect();
        let products = formula.products_of(role);
        let result = |monomials| Terms::new(role, monomials, &products).sum(&values, &shares, count);
        Ok(formula.results().into_iter().map(result).collect())
    }
}

/// The number of a place among those that `role` holds; none where it does not hold it.
fn input(formula: Formula, role: Role, place: u8) -> Option<usize> {
    let held = *formula.held().get(role);
    let before = held & ((1 << place) - 1);
    (held >> place & 1 == 1).then_some(before.count_ones() as usize)
}

/// What a party adds up in step 3 for one result.
struct Terms {
    /// M, at the server.
    alone: Vec<Places>,
    /// Of every share of λ_S the sets M∖S.
    of_shares: Vec<Vec<Places>>,
}

impl Terms {
    /// `products`: the sets S.
    fn new(role: Role, monomials: Vec<Places>, products: &[Places]) -> Self {
        let rests = |&product: &Places| {
            let around = monomials.iter().filter(|&monomial| product & !monomial == 0);
            around.map(|monomial| monomial & !product).collect()
        };
        let of_shares = products.iter().map(rests).collect();
        let alone = match role {
            Role::Client => Vec::new(),
            Role::Server => monomials,
        };
        Self { alone, of_shares }
    }

    /// With V, place by place, and the party's shares.
    fn sum(&self, values: &[Bits], shares: &[Bits], count: usize) -> Bits {
        Bits::from_word_fn(count, |word| {
            let public = products(values, word);
            let sum_of = |sets: &[Places]| sets.iter().fold(0, |sum, &set| sum ^ public[usize::from(set)]);
            let shares = self.of_shares.iter().zip(shares);
            shares.fold(sum_of(&self.alone), |sum, (rests, share)| sum ^ sum_of(rests) & share.word(word))
        })
    }
}

/// The products of 64 bits each at every set of places.
fn products(values: &[Bits], word: usize) -> [u64; 1 << Places::BITS] {
    let mut products = [u64::MAX; 1 << Places::BITS];
    for set in 1..1usize << values.len() {
        products[set] = products[set & (set - 1)] & values[set.trailing_zeros() as usize].word(word);
    }
    products
}

#[cfg(test)]
mod tests {
    use super::super::formula::tests::plain;
    use super::*;
    use crate::ot::testing::{masked, uniform};
    use proptest::prelude::*;

    /// Place by place, from one set of places for each evaluation.
    fn by_place(formula: Formula, sets: &[Places]) -> Vec<Bits> {
        let place = |place| Bits::from_fn(sets.len(), |index| sets[index] >> place & 1 == 1);
        (0..formula.inputs()).map(place).collect()
    }

    /// The results of evaluations with these bits of the client's and the server's.
    fn run(formula: Formula, seed: u64, [x, y]: [&[Places]; 2]) -> Vec<Vec<bool>> {
        let [client, server] = masked(formula, x.len(), seed);
        let (client, to_server) = client.open(&by_place(formula, x));
        let (server, to_client) = server.open(&by_place(formula, y));
        let length = opening_bytes(formula, x.len());
        assert_eq!([&to_server, &to_client].map(|message| message.len() as u64), [length; 2]);
        let ours = client.close(&to_client).unwrap();
        let theirs = server.close(&to_server).unwrap();
        let sums: Vec<Bits> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours.xor(theirs)).collect();
        (0..x.len()).map(|index| sums.iter().map(|sum| sum.get(index)).collect()).collect()
    }

    #[test]
    fn all_bits_of_both_parties() {
        for formula in Formula::all() {
            let count = formula.inputs();
            let cases = 0..1u16 << (2 * count);
            let x: Vec<Places> = cases.clone().map(|case| (case & ((1 << count) - 1)) as Places).collect();
            let y: Vec<Places> = cases.map(|case| (case >> count) as Places).collect();
            for seed in 0..3 {
                for ((&x, &y), result) in x.iter().zip(&y).zip(run(formula, seed, [&x, &y])) {
                    assert_eq!(result, plain(formula, x, y), "{formula:?} {x:b} {y:b}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn shares_add_up_to_the_results(
            formula in prop::sample::select(Formula::all().collect::<Vec<_>>()),
            batch in prop::collection::vec(any::<[Places; 2]>(), 0..300),
            seed: u64,
        ) {
            let low = (1u16 << formula.inputs()) as u8;
            let of = |party: usize| batch.iter().map(|sets| sets[party] & low.wrapping_sub(1)).collect();
            let [x, y]: [Vec<Places>; 2] = [0, 1].map(of);
            for (result, (&x, &y)) in run(formula, seed, [&x, &y]).into_iter().zip(x.iter().zip(&y)) {
                prop_assert_eq!(result, plain(formula, x, y));
            }
        }
    }

    /// What each party receives, with its own mask and its share of one product, is spread alike for all bits.
    #[test]
    fn bits_stay_hidden() {
        const COUNT: usize = 20_000;
        for formula in [Formula::Sum { bits: 2 }, Formula::Lowest { spans: 2 }] {
            for sets in [[0, 0], [3, 0], [1, 2], [3, 3]] {
                let [client, server] = masked(formula, COUNT, 4000);
                let parties = [client, server].into_iter().zip(sets);
                let open =
                    |(party, set): (Masked, Places)| party.open(&by_place(formula, &vec![set; COUNT])).0;
                let openings: Vec<Opening> = parties.map(open).collect();
                for (own, peer) in [(0, 1), (1, 0)] {
                    let masked = &openings[own].masked;
                    let several = |product: &Places| !product.is_power_of_two();
                    let products = formula.products_of(masked.role).into_iter().zip(&masked.shares);
                    let mixed = |product: Places| {
                        [Role::Client, Role::Server]
                            .iter()
                            .all(|role| product & formula.held().get(*role) != 0)
                    };
                    for (_, share) in products.filter(|&(product, _)| several(&product) && mixed(product)) {
                        let seen = openings[peer].opened.iter().chain(masked.masks()).chain([share]);
                        let seen: Vec<&Bits> = seen.collect();
                        let cell = |index| {
                            seen.iter().fold(0, |cell, bits| cell << 1 | usize::from(bits.get(index)))
                        };
                        uniform(32, (0..COUNT).map(cell));
                    }
                }
            }
        }
    }
}
