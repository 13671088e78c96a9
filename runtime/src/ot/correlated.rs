//! Additive shares of a bit of the receiver's times a number of the sender's.
//!
//! In Z_{2^w}, w up to 64; ahead, a random OT becomes a random bit b and two random numbers r_0, r_1. Both messages
//! are independent of each other:
//!
//! ```text
//! receiver (b, r_b; choice c)                      sender (r_0, r_1; δ)
//! 1  d = c ⊕ b, one bit                      ──▶
//!                                            ◀──   2  e = δ − (r_1 − r_0)
//! 3  y = c·e + r_b, for d = 1 c·e − r_b            3  x = −r_0, for d = 1 r_1
//! ```
//!
//! so that x + y = c·δ: with D = r_1 − r_0 and b·D = r_b − r_0, c·D is b·D for d = 0 and D − b·D = r_1 − r_b for d = 1.
//! (Asharov, Lindell, Schneider and Zohner, CCS 2013, section 5.4: correlated OT; random choices corrected: Beaver,
//! "Precomputing Oblivious Transfer", CRYPTO 1995; the number too: as in Beaver's triples, CRYPTO 1991.)
//!
//! # Who learns what
//!
//! The receiver: e, in which the one of r_0 and r_1 that it does not know hides δ. The sender: d, which b hides
//! perfectly; its share comes from the random OT and d alone.

use super::bits::Bits;
use super::block::{BLOCK_BITS, Block, low_word, words};
use super::chunk::{ReceivedChunk, SentChunk};
use super::gather::Gather;
use super::kept::{Reader, Writer};
use super::numbers::{CHUNK, Packed, Width, pack};
use super::words::Words;
use crate::error::Result;
use rayon::prelude::*;

/// The sender's pairs of numbers. Used once: no `Clone`, no `Debug`; wiped on drop.
///
/// ```compile_fail,E0382
/// fn twice(pairs: runtime::ot::correlated::CotSender) {
///     let first = pairs.mask(&[1]);
///     let second = pairs.mask(&[2]);
/// }
/// ```
pub struct CotSender {
    width: Width,
    pairs: [Words; 2],
}

/// The receiver's bits, and of each pair the number that a bit names. Used once: no `Clone`, no `Debug`; wiped on
/// drop.
///
/// ```compile_fail,E0382
/// fn twice(numbers: runtime::ot::correlated::CotReceiver, choices: &runtime::ot::Bits) {
///     let first = numbers.choose(choices);
///     let second = numbers.choose(choices);
/// }
/// ```
pub struct CotReceiver {
    width: Width,
    choices: Bits,
    numbers: Words,
}

/// The sender between the steps.
pub struct CotMasked(CotSender);

/// The receiver between the steps.
pub struct CotChosen {
    receiver: CotReceiver,
    /// Its choices c.
    choices: Bits,
}

/// Bytes of step 1's message for `count` products.
pub const fn departure_bytes(count: usize) -> u64 {
    Width::BIT.bytes(count)
}

/// Bytes of step 2's message for `count` products.
pub const fn difference_bytes(count: usize, width: Width) -> u64 {
    width.bytes(count)
}

impl CotSender {
    /// From the sender's halves of random OTs: the low bits of both blocks of each.
    pub(super) fn from_chunk(width: Width, chunk: &SentChunk<'_>) -> Self {
        let numbers =
            |half: usize| Words::collect(width, chunk.pairs.iter().map(|pair| low_word(&pair[half])));
        Self { width, pairs: [0, 1].map(numbers) }
    }

    /// Step 2 with one δ per product, and its message.
    ///
    /// # Panics
    /// If there are more or fewer numbers than pairs.
    pub fn mask(self, deltas: &[u64]) -> (CotMasked, Vec<u8>) {
        assert_eq!(deltas.len(), self.pairs[0].len(), "one number per product");
        let differences = pack(self.width, deltas.len(), |index| {
            let [r0, r1] = self.pair(index);
            deltas[index].wrapping_sub(r1.wrapping_sub(r0))
        });
        (CotMasked(self), differences)
    }

    /// Adds them to what is kept.
    pub(super) fn keep(&self, kept: &mut Writer) {
        self.pairs.iter().for_each(|numbers| kept.words(self.width, numbers));
    }

    /// `count` of them, as they were kept.
    pub(super) fn kept(width: Width, count: usize, kept: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { width, pairs: [kept.words(width, count)?, kept.words(width, count)?] })
    }

    fn pair(&self, index: usize) -> [u64; 2] {
        self.pairs.each_ref().map(|numbers| numbers.get(index))
    }
}

impl CotMasked {
    /// Step 3: the shares x.
    ///
    /// # Errors
    /// The receiver's message has another length than [`departure_bytes`].
    pub fn receive(self, departures: &[u8]) -> Result<Vec<u64>> {
        let Self(sender) = self;
        let count = sender.pairs[0].len();
        let departs = Bits::from_bytes("departures from random choices", departures, count)?;
        let share = |index| {
            let [r0, r1] = sender.pair(index);
            let swap = u64::from(departs.get(index)).wrapping_neg();
            (r0.wrapping_neg() & !swap | r1 & swap) & sender.width.mask()
        };
        Ok((0..count).into_par_iter().with_min_len(CHUNK).map(share).collect())
    }
}

impl CotReceiver {
    /// From the receiver's halves of random OTs: its choices, and the low bits of its blocks.
    pub(super) fn from_chunk(width: Width, chunk: &ReceivedChunk<'_>) -> Self {
        let choices = chunk_bits(chunk.choices);
        Self { width, choices, numbers: Words::collect(width, chunk.blocks.iter().map(low_word)) }
    }

    /// Adds them to what is kept.
    pub(super) fn keep(&self, kept: &mut Writer) {
        kept.bits(&self.choices);
        kept.words(self.width, &self.numbers);
    }

    /// `count` of them, as they were kept.
    pub(super) fn kept(width: Width, count: usize, kept: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { width, choices: kept.bits(count)?, numbers: kept.words(width, count)? })
    }

    /// Step 1 with one choice per product, and its message.
    ///
    /// # Panics
    /// If there are more or fewer choices than numbers.
    pub fn choose(self, choices: &Bits) -> (CotChosen, Vec<u8>) {
        assert_eq!(choices.len(), self.choices.len(), "one choice per product");
        let departures = self.choices.xor(choices).to_bytes();
        (CotChosen { choices: choices.slice(0, choices.len()), receiver: self }, departures)
    }
}

impl CotChosen {
    /// Step 3: the shares y.
    ///
    /// # Errors
    /// The sender's message has another length than [`difference_bytes`].
    pub fn receive(self, message: &[u8]) -> Result<Vec<u64>> {
        let Self { receiver: CotReceiver { width, choices: random, numbers }, choices } = self;
        let differences = Packed::new("masked differences", message, width, choices.len())?;
        let share = |index| {
            let choice = choices.get(index);
            let masked = u64::from(choice).wrapping_neg() & differences.get(index);
            // −r where d = 1: its bits inverted, and 1.
            let departs = u64::from(choice ^ random.get(index));
            let number = (numbers.get(index) ^ departs.wrapping_neg()).wrapping_add(departs);
            masked.wrapping_add(number) & width.mask()
        };
        Ok((0..choices.len()).into_par_iter().with_min_len(CHUNK).map(share).collect())
    }
}

impl Gather for CotSender {
    fn gather(width: Width, parts: Vec<Self>, count: usize) -> Self {
        let half = |half: usize| Words::gather(width, parts.iter().map(|part| &part.pairs[half]), count);
        Self { width, pairs: [0, 1].map(half) }
    }
}

impl Gather for CotReceiver {
    fn gather(width: Width, parts: Vec<Self>, count: usize) -> Self {
        let choices = Bits::concat(parts.iter().map(|part| &part.choices)).slice(0, count);
        Self { width, choices, numbers: Words::gather(width, parts.iter().map(|part| &part.numbers), count) }
    }
}

/// The choice bits of a chunk, which come in blocks of 128.
pub(super) fn chunk_bits(choices: &[Block]) -> Bits {
    Bits::from_words(choices.iter().flat_map(words).collect(), choices.len() * BLOCK_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::{cots, uniform};
    use proptest::prelude::*;

    /// x + y of each product.
    fn run(width: Width, seed: u64, deltas: &[u64], choices: &[bool]) -> Vec<u64> {
        let (sender, receiver) = cots(width, choices.len(), seed);
        let (chosen, departures) = receiver.choose(&Bits::from_fn(choices.len(), |i| choices[i]));
        assert_eq!(departures.len() as u64, departure_bytes(choices.len()));
        let (masked, message) = sender.mask(deltas);
        assert_eq!(message.len() as u64, difference_bytes(choices.len(), width));
        let ours = masked.receive(&departures).unwrap();
        let theirs = chosen.receive(&message).unwrap();
        assert!(ours.iter().chain(&theirs).all(|share| *share <= width.mask()));
        ours.iter().zip(theirs).map(|(x, y)| x.wrapping_add(y) & width.mask()).collect()
    }

    #[test]
    fn all_numbers_of_three_bits_and_choices() {
        let (deltas, choices): (Vec<_>, Vec<_>) = (0..16).map(|case| (case & 7, case >> 3 == 1)).unzip();
        for seed in 0..20 {
            let products = run(Width::new(3).unwrap(), seed, &deltas, &choices);
            let expected = deltas.iter().zip(&choices).map(|(&delta, &choice)| delta * u64::from(choice));
            assert!(expected.eq(products));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn shares_add_up_to_the_product(
            width in (1u32..=64).prop_map(|bits| Width::new(bits).unwrap()),
            batch in prop::collection::vec((any::<u64>(), any::<bool>()), 0..70),
            copies in prop_oneof![Just(1usize), Just(150)],
            seed: u64,
        ) {
            let (deltas, choices): (Vec<_>, Vec<_>) = batch.repeat(copies).iter().copied().unzip();
            let products = run(width, seed, &deltas, &choices);
            for ((delta, choice), product) in deltas.into_iter().zip(choices).zip(products) {
                prop_assert_eq!(product, if choice { delta & width.mask() } else { 0 });
            }
        }
    }

    /// All that the receiver sees, e and r_b, is spread alike for each δ.
    #[test]
    fn the_number_stays_hidden() {
        const COUNT: usize = 20_000;
        let width = Width::PAIR;
        for (delta, choice) in [(0, false), (3, false), (0, true), (1, true)] {
            let (sender, receiver) = cots(width, COUNT, 2000 + delta);
            let (chosen, departures) = receiver.choose(&Bits::from_fn(COUNT, |_| choice));
            let (masked, message) = sender.mask(&vec![delta; COUNT]);
            let shares = masked.receive(&departures).unwrap();
            let differences = Packed::new("test", &message, width, COUNT).unwrap();
            uniform(
                16,
                (0..COUNT).map(|i| (differences.get(i) << 2 | chosen.receiver.numbers.get(i)) as usize),
            );
            uniform(4, shares.into_iter().map(|share| share as usize));
        }
    }

    /// d is 1 as often for choice 0 as for choice 1.
    #[test]
    fn departures_do_not_depend_on_the_choices() {
        for choice in [false, true] {
            let (_, message) = cots(Width::BIT, 8000, 74).1.choose(&Bits::from_fn(8000, |_| choice));
            let ones: u32 = message.iter().map(|byte| byte.count_ones()).sum();
            // ± 6.5 standard deviations of 44.7.
            assert!(ones.abs_diff(4000) < 290, "{ones}");
        }
    }
}
