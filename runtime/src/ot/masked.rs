//! Masked evaluation: a [`Formula`] of both parties' bits, each told to the other under a mask; one bit each way for a bit of
//! each party, whatever is computed from it.
//!
//! Notation of `formula.rs`; everything is in F₂. The client has masks α_i, the server β_i, and they share
//! π_ST = α_S·β_T for all S and T that the formula takes. Ahead, from one random OT for each S, in which the
//! client has a bit c and a string r_c, the server r_0 and r_1, and a string has a bit for each T:
//!
//! ```text
//! client                                             server
//! 1  α_i = c of the OT of {i}                        1  β_i = r_0 ⊕ r_1 of the bit that defines it
//! 2  d = c ⊕ α_S, S of two places or more     ──▶
//!                                             ◀──    3  e = r_0 ⊕ r_1 ⊕ β_T, but where that is 0
//! 4  π_ST = r_c ⊕ α_S·e                              4  π_ST = r_0 ⊕ d·(r_0 ⊕ r_1)
//! online
//! 5  X_i = x_i ⊕ α_i                          ◀─▶    5  Y_i = y_i ⊕ β_i
//! 6  for every monomial x_S·y_T of a result:
//!       x_S·Y_T, and for all A ⊆ S, B ⊆ T:           X_S·(y_T ⊕ Y_T), and for all A ⊆ S, B ⊆ T:
//!       X_(S∖A)·Y_(T∖B)·π_AB                         X_(S∖A)·Y_(T∖B)·π_AB
//! ```
//!
//! A and B are not empty. The sums of both parties' lines are shares of the result, since x_S = Σ_A X_(S∖A)·α_A over all
//! A ⊆ S, and y_T likewise; and (r_c ⊕ α_S·e) ⊕ (r_0 ⊕ d·(r_0 ⊕ r_1)) = (c ⊕ d)·(r_0 ⊕ r_1) ⊕ α_S·e = α_S·β_T.
//!
//! (Masks and products of masks in place of a triple for each gate: Patra, Schneider, Suresh and Yalame, "ABY2.0", USENIX
//! Security 2021. Two parties' own masks, whose products take an OT each: our own. Triples from random OTs are the
//! case of Asharov, Lindell, Schneider and Zohner, CCS 2013, section 5.1.)
//!
//! # Who learns what
//!
//! The server: d, hidden by c, which is uniform to it and of an OT of its own, and X_i, hidden by α_i. The client: e, hidden
//! by the bit of r_0 or r_1 that it does not know, one for each product, and Y_i, hidden by β_i, which rests on such a bit
//! that no e has. Masks are used once.

use super::bits::Bits;
use super::block::{BLOCK_BITS, Block, words};
use super::chunk::{ReceivedChunk, SentChunk};
use super::correlated::chunk_bits;
use super::formula::{Formula, Monomial, Places};
use super::numbers::Width;
use super::recipe::{Product, Recipe};
use super::transpose::transpose;
use crate::error::Result;
use crate::message::{Message, Role};
use zeroize::Zeroizing;

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
    formula: Formula,
    count: usize,
    /// α or β, place by place.
    masks: Vec<Bits>,
    /// The shares of π, in the order of [`Formula::mixed`].
    products: Vec<Bits>,
}

/// A party between steps 5 and 6.
pub struct Opening {
    masked: Masked,
    /// Its x or y.
    inputs: Vec<Bits>,
    /// Its X or Y.
    opened: Vec<Bits>,
}

/// A party between steps 3 and 4.
pub(super) struct Uncorrected {
    formula: Formula,
    count: usize,
    masks: Vec<Bits>,
    /// r_c or r_0 of every product, then its share of π.
    random: Vec<Bits>,
    /// What the peer's correction is multiplied with: α_S of every choice, or r_0 ⊕ r_1 of every product.
    factors: Vec<Bits>,
    /// What the peer is sent: d or e.
    corrections: Vec<Bits>,
}

/// The server's halves of random OTs: the planes of r_0 and r_1.
pub(super) struct MaskSender([Vec<Bits>; 2]);

/// The client's halves of random OTs: its choices and the planes of what they name.
pub(super) struct MaskReceiver {
    choices: Bits,
    strings: Vec<Bits>,
}

/// Random OTs in which the client chooses, for `count` evaluations.
pub(super) fn ots(formula: Formula, count: usize) -> usize {
    Recipe::of(formula).choices.len() * stride(count)
}

/// Bytes of `role`'s message of steps 2 and 3 for `count` evaluations.
pub(super) fn correction_bytes(role: Role, formula: Formula, count: usize) -> u64 {
    let recipe = Recipe::of(formula);
    let planes = match role {
        Role::Client => recipe.corrected_choices().count(),
        Role::Server => recipe.corrected_products().count(),
    };
    planes as u64 * Width::BIT.bytes(count)
}

/// Bits that both parties send for an evaluation, ahead and online, an OT taking about one.
pub fn bits(formula: Formula) -> usize {
    let recipe = Recipe::of(formula);
    let corrections = recipe.corrected_choices().count() + recipe.corrected_products().count();
    recipe.choices.len() + corrections + 2 * formula.inputs()
}

/// Planes of bits that a party keeps: its masks, and its shares of their products.
pub(super) fn kept_planes(formula: Formula) -> usize {
    formula.inputs() + Recipe::of(formula).products.len()
}

/// Bytes of step 5's message of either party for `count` evaluations.
pub const fn opening_bytes(formula: Formula, count: usize) -> u64 {
    Width::BIT.bytes(formula.inputs() * count)
}

/// OTs of one choice: whole blocks.
const fn stride(count: usize) -> usize {
    count.next_multiple_of(BLOCK_BITS)
}

impl MaskSender {
    /// From the server's halves of random OTs.
    pub(super) fn from_chunk(formula: Formula, chunk: &SentChunk<'_>) -> Self {
        let half = |half: usize| planes(formula, chunk.pairs.len(), |index| &chunk.pairs[index][half]);
        Self([0, 1].map(half))
    }

    /// Steps 1 and 3 for the first `count` evaluations, from the parts of all OTs.
    pub(super) fn uncorrected(formula: Formula, parts: &[Self], count: usize) -> Uncorrected {
        let recipe = Recipe::of(formula);
        let [random, others] =
            [0, 1].map(|half| strings(recipe, parts.iter().map(|part| &*part.0[half]), count));
        let factors: Vec<Bits> = random.iter().zip(&others).map(|(r0, r1)| r0.xor(r1)).collect();
        let masks: Vec<Bits> =
            recipe.server_masks().map(|product| factors[product].slice(0, count)).collect();
        let correct =
            |product: usize| factors[product].xor(&product_of(&masks, recipe.products[product].server));
        let corrections = recipe.corrected_products().map(correct).collect();
        Uncorrected { formula, count, masks, random, factors, corrections }
    }
}

impl MaskReceiver {
    /// From the client's halves of random OTs.
    pub(super) fn from_chunk(formula: Formula, chunk: &ReceivedChunk<'_>) -> Self {
        let strings = planes(formula, chunk.blocks.len(), |index| &chunk.blocks[index]);
        Self { choices: chunk_bits(chunk.choices), strings }
    }

    /// Steps 1 and 2 for the first `count` evaluations, from the parts of all OTs.
    pub(super) fn uncorrected(formula: Formula, parts: &[Self], count: usize) -> Uncorrected {
        let recipe = Recipe::of(formula);
        let random = strings(recipe, parts.iter().map(|part| &*part.strings), count);
        let choices = Bits::concat(parts.iter().map(|part| &part.choices));
        let choice = |number: usize| choices.slice(number * stride(count), count);
        let masks: Vec<Bits> = recipe.client_masks().map(choice).collect();
        let factors: Vec<Bits> = recipe.choices.iter().map(|&places| product_of(&masks, places)).collect();
        let correct = |number: usize| choice(number).xor(&factors[number]);
        let corrections = recipe.corrected_choices().map(correct).collect();
        Uncorrected { formula, count, masks, random, factors, corrections }
    }
}

impl Uncorrected {
    /// What steps 2 and 3 send, in order; once.
    pub(super) fn take_corrections(&mut self) -> Vec<Bits> {
        std::mem::take(&mut self.corrections)
    }

    /// Step 4 at `role` with the peer's corrections, of which `next` gives so many bytes.
    pub(super) fn correct(
        &mut self,
        role: Role,
        mut next: impl FnMut(usize) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let Self { formula, count, masks: _, random, factors, corrections: _ } = self;
        let recipe = Recipe::of(*formula);
        let corrected: Vec<usize> = match role {
            Role::Client => recipe.corrected_products().collect(),
            Role::Server => recipe.corrected_choices().collect(),
        };
        for corrected in corrected {
            let message = next(Width::BIT.bytes(*count) as usize)?;
            let theirs = Bits::from_bytes(Message::MaskCorrections.name(), &message, *count)?;
            for (number, product) in recipe.products.iter().enumerate() {
                let (ours, theirs_of) = match role {
                    Role::Client => (product.choice, number),
                    Role::Server => (number, product.choice),
                };
                if theirs_of == corrected {
                    random[number] = random[number].xor(&factors[ours].and(&theirs));
                }
            }
        }
        Ok(())
    }

    /// After step 4.
    pub(super) fn corrected(self) -> Masked {
        let Self { formula, count, masks, random, factors: _, corrections: _ } = self;
        Masked { formula, count, masks, products: random }
    }
}

impl Masked {
    /// Number of evaluations.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no evaluations.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Step 5 with this party's bits, place by place: its message.
    ///
    /// # Panics
    /// If there are more or fewer places than the formula has, or bits than evaluations.
    pub fn open(self, inputs: Vec<Bits>) -> (Opening, Vec<u8>) {
        assert_eq!(inputs.len(), self.masks.len(), "one input per place");
        assert!(inputs.iter().all(|bits| bits.len() == self.count), "one bit per evaluation");
        let opened: Vec<Bits> = inputs.iter().zip(&self.masks).map(|(bits, mask)| bits.xor(mask)).collect();
        let message = Bits::concat(&opened).to_bytes();
        (Opening { masked: self, inputs, opened }, message)
    }
}

impl Opening {
    /// Step 6 with the peer's message: this party's shares of the results.
    ///
    /// # Errors
    /// The message has another length than [`opening_bytes`].
    pub fn close(self, role: Role, message: &[u8]) -> Result<Vec<Bits>> {
        let Self { masked, inputs, opened } = self;
        let (count, places) = (masked.count, inputs.len());
        let theirs = Bits::from_bytes("masked bits", message, places * count)?;
        let theirs: Vec<Bits> = (0..places).map(|place| theirs.slice(place * count, count)).collect();
        let (of_client, of_server) = match role {
            Role::Client => (&opened, &theirs),
            Role::Server => (&theirs, &opened),
        };
        let shares = Shares { role, own: &inputs, of_client, of_server, products: &masked.products };
        let mixed = masked.formula.mixed();
        let result = |monomials: Vec<Monomial>| shares.of(&Terms::new(monomials, &mixed), count);
        Ok(masked.formula.results().into_iter().map(result).collect())
    }
}

/// What step 6 adds up for one result.
struct Terms {
    monomials: Vec<Monomial>,
    mixed: Vec<Mixed>,
}

/// X_(S∖A)·Y_(T∖B)·π_AB.
struct Mixed {
    product: usize,
    rest: Monomial,
}

impl Terms {
    fn new(monomials: Vec<Monomial>, products: &[Monomial]) -> Self {
        let of = |monomial: &Monomial| {
            let Monomial { client, server } = *monomial;
            let within = move |(product, part): (usize, &Monomial)| {
                let inside = part.client & !client == 0 && part.server & !server == 0;
                let rest = Monomial { client: client & !part.client, server: server & !part.server };
                inside.then_some(Mixed { product, rest })
            };
            products.iter().enumerate().filter_map(within)
        };
        let mixed = monomials.iter().flat_map(of).collect();
        Self { monomials, mixed }
    }
}

/// What a party knows in step 6.
struct Shares<'a> {
    role: Role,
    /// Its x or y.
    own: &'a [Bits],
    /// X.
    of_client: &'a [Bits],
    /// Y.
    of_server: &'a [Bits],
    /// Of π.
    products: &'a [Bits],
}

impl Shares<'_> {
    /// This party's share of a result.
    fn of(&self, terms: &Terms, count: usize) -> Bits {
        Bits::from_word_fn(count, |word| {
            let alone = terms.monomials.iter().fold(0, |sum, monomial| sum ^ self.alone(monomial, word));
            terms.mixed.iter().fold(alone, |sum, Mixed { product, rest }| {
                let public = product_word(self.of_client, rest.client, word)
                    & product_word(self.of_server, rest.server, word);
                sum ^ public & self.products[*product].word(word)
            })
        })
    }

    /// Its part of a monomial that takes no product of masks.
    fn alone(&self, &Monomial { client, server }: &Monomial, word: usize) -> u64 {
        let theirs = product_word(self.of_server, server, word);
        match self.role {
            Role::Client => product_word(self.own, client, word) & theirs,
            Role::Server => {
                product_word(self.of_client, client, word) & (product_word(self.own, server, word) ^ theirs)
            }
        }
    }
}

/// The products of 64 bits each at these places.
fn product_word(bits: &[Bits], places: Places, word: usize) -> u64 {
    let factors = bits.iter().enumerate().filter(|(place, _)| places >> place & 1 == 1);
    factors.fold(u64::MAX, |product, (_, bits)| product & bits.word(word))
}

/// The products of the bits at these places, one at least.
fn product_of(bits: &[Bits], places: Places) -> Bits {
    let count = bits.first().map_or(0, Bits::len);
    Bits::from_word_fn(count, |word| product_word(bits, places, word))
}

/// The first bits of blocks, side by side.
fn planes<'b>(formula: Formula, count: usize, block: impl Fn(usize) -> &'b Block) -> Vec<Bits> {
    let width = Recipe::of(formula).planes();
    let mut planes: Vec<Vec<u64>> =
        (0..width).map(|_| Vec::with_capacity(2 * count.div_ceil(BLOCK_BITS))).collect();
    for first in (0..count).step_by(BLOCK_BITS) {
        let mut matrix = Zeroizing::new(std::array::from_fn(|index| *block(first + index)));
        transpose(&mut matrix);
        planes.iter_mut().zip(&*matrix).for_each(|(plane, row)| plane.extend(words(row)));
    }
    planes.into_iter().map(|plane| Bits::from_words(plane, count)).collect()
}

/// Of every product its bits of the strings, for the first `count` evaluations.
fn strings<'p>(recipe: &Recipe, parts: impl Iterator<Item = &'p [Bits]> + Clone, count: usize) -> Vec<Bits> {
    let plane = |plane: usize| Bits::concat(parts.clone().map(move |part| &part[plane]));
    let planes: Vec<Bits> = (0..recipe.planes()).map(plane).collect();
    let of = |product: &Product| planes[product.plane].slice(product.choice * stride(count), count);
    recipe.products.iter().map(of).collect()
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
        let (client, to_server) = client.open(by_place(formula, x));
        let (server, to_client) = server.open(by_place(formula, y));
        let length = opening_bytes(formula, x.len());
        assert_eq!([&to_server, &to_client].map(|message| message.len() as u64), [length; 2]);
        let ours = client.close(Role::Client, &to_client).unwrap();
        let theirs = server.close(Role::Server, &to_server).unwrap();
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

    /// What each party receives online, with its own share of one product and of its mask, is spread alike for all bits.
    #[test]
    fn bits_stay_hidden() {
        const COUNT: usize = 20_000;
        let formula = Formula::Sum { bits: 2 };
        for sets in [[0, 0], [3, 0], [1, 2], [3, 3]] {
            let [client, server] = masked(formula, COUNT, 4000);
            let parties = [client, server].into_iter().zip(sets);
            let open = |(party, set): (Masked, Places)| party.open(by_place(formula, &vec![set; COUNT])).0;
            let openings: Vec<Opening> = parties.map(open).collect();
            for (own, peer) in [(0, 1), (1, 0)] {
                let Masked { masks, products, .. } = &openings[own].masked;
                for product in products {
                    let seen = openings[peer].opened.iter().chain(masks).chain([product]);
                    let seen: Vec<&Bits> = seen.collect();
                    let cell =
                        |index| seen.iter().fold(0, |cell, bits| cell << 1 | usize::from(bits.get(index)));
                    uniform(32, (0..COUNT).map(cell));
                }
            }
        }
    }

    /// A correction is 1 as often as 0, and for every one of both masks.
    #[test]
    fn corrections_hide_masks() {
        const COUNT: usize = 20_000;
        let formula = Formula::Sum { bits: 3 };
        let (sent, received) = crate::ot::testing::dealt(ots(formula, COUNT), 5);
        let choices: Vec<Block> = received
            .choices
            .chunks(BLOCK_BITS)
            .map(|bits| bits.iter().rev().fold(0u128, |word, &bit| word << 1 | u128::from(bit)).to_le_bytes())
            .collect();
        let sent = MaskSender::from_chunk(formula, &SentChunk { pairs: &sent.blocks });
        let received =
            MaskReceiver::from_chunk(formula, &ReceivedChunk { choices: &choices, blocks: &received.blocks });
        for party in [
            MaskSender::uncorrected(formula, &[sent], COUNT),
            MaskReceiver::uncorrected(formula, &[received], COUNT),
        ] {
            for correction in &party.corrections {
                let cell = |index| {
                    let bits = party.masks.iter().chain([correction]);
                    bits.fold(0, |cell, bits| cell << 1 | usize::from(bits.get(index)))
                };
                uniform(16, (0..COUNT).map(cell));
            }
        }
    }
}
