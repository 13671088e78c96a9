//! Additive shares of a bit of the receiver's times a number of the sender's.
//!
//! In Z_{2^w}, w up to 64; ahead, a random OT becomes a random bit b and two random numbers r_0, r_1:
//!
//! ```text
//! receiver (b, r_b; choice c)                      sender (r_0, r_1; δ)
//! 1  d = c ⊕ b, one bit                      ──▶   2 s_0 = r_d, s_1 = r_(1 ⊕ d)
//!                                            ◀──   3 e = s_0 + δ − s_1;  its share is x = −s_0
//! 4  y = s_c + c·e,  s_c = r_b
//! ```
//!
//! so that x + y = c·δ (Asharov, Lindell, Schneider and Zohner, CCS 2013, section 5.4: correlated OT; random choices
//! corrected: Beaver, "Precomputing Oblivious Transfer", CRYPTO 1995).
//!
//! # Who learns what
//!
//! The receiver: y and e. For c = 0 it knows s_0, and s_1 hides δ in e; for c = 1 it knows s_1, and s_0
//! does. The sender: d, which b hides perfectly; its share comes from the random OT alone.

use super::bits::Bits;
use super::block::{BLOCK_BITS, Block, low_word, words};
use super::chunk::{ReceivedChunk, SentChunk};
use super::gather::Gather;
use super::numbers::{CHUNK, Packed, Width, pack};
use super::words::Words;
use crate::error::Result;
use rayon::prelude::*;

/// The sender's pairs of numbers. Used once: no `Clone`, no `Debug`; wiped on drop.
///
/// ```compile_fail,E0382
/// fn twice(pairs: runtime::ot::correlated::CotSender, departures: &[u8]) {
///     let first = pairs.answer(departures, &[1]);
///     let second = pairs.answer(departures, &[2]);
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

/// The receiver between the steps: the bits are its own choices.
pub struct CotChosen(CotReceiver);

/// Bytes of step 1's message for `count` products.
pub const fn departure_bytes(count: usize) -> u64 {
    Width::BIT.bytes(count)
}

/// Bytes of step 3's message for `count` products.
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

    /// Steps 2 and 3 with one δ per product: the shares x, and the message.
    ///
    /// # Errors
    /// The receiver's message has another length than [`departure_bytes`].
    ///
    /// # Panics
    /// If there are more or fewer numbers than pairs.
    pub fn answer(self, departures: &[u8], deltas: &[u64]) -> Result<(Vec<u64>, Vec<u8>)> {
        let (count, width) = (self.pairs[0].len(), self.width);
        assert_eq!(deltas.len(), count, "one number per product");
        let departs = Bits::from_bytes("departures from random choices", departures, count)?;
        let swapped = |index: usize| {
            let [r0, r1] = self.pairs.each_ref().map(|numbers| numbers.get(index));
            // The peer knows d; no branch, because it is random.
            let swap = (r0 ^ r1) & u64::from(departs.get(index)).wrapping_neg();
            [r0 ^ swap, r1 ^ swap]
        };
        let differences = pack(width, count, |index| {
            let [s0, s1] = swapped(index);
            s0.wrapping_add(deltas[index]).wrapping_sub(s1)
        });
        let share = |index| swapped(index)[0].wrapping_neg() & width.mask();
        Ok(((0..count).into_par_iter().with_min_len(CHUNK).map(share).collect(), differences))
    }
}

impl CotReceiver {
    /// From the receiver's halves of random OTs: its choices, and the low bits of its blocks.
    pub(super) fn from_chunk(width: Width, chunk: &ReceivedChunk<'_>) -> Self {
        let choices = chunk_bits(chunk.choices);
        Self { width, choices, numbers: Words::collect(width, chunk.blocks.iter().map(low_word)) }
    }

    /// Step 1 with one choice per product, and its message.
    ///
    /// # Panics
    /// If there are more or fewer choices than numbers.
    pub fn choose(mut self, choices: &Bits) -> (CotChosen, Vec<u8>) {
        assert_eq!(choices.len(), self.choices.len(), "one choice per product");
        let departures = self.choices.xor(choices);
        self.choices = self.choices.xor(&departures);
        (CotChosen(self), departures.to_bytes())
    }
}

impl CotChosen {
    /// Step 4: the shares y.
    ///
    /// # Errors
    /// The sender's message has another length than [`difference_bytes`].
    pub fn receive(self, message: &[u8]) -> Result<Vec<u64>> {
        let Self(CotReceiver { width, choices, numbers }) = self;
        let differences = Packed::new("masked differences", message, width, choices.len())?;
        let share = |index| {
            let masked = u64::from(choices.get(index)).wrapping_neg() & differences.get(index);
            numbers.get(index).wrapping_add(masked) & width.mask()
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
        let (ours, message) = sender.answer(&departures, deltas).unwrap();
        assert_eq!(message.len() as u64, difference_bytes(choices.len(), width));
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

    /// All that the receiver sees, e and s_c, is spread alike for each δ.
    #[test]
    fn the_number_stays_hidden() {
        const COUNT: usize = 20_000;
        let width = Width::PAIR;
        for (delta, choice) in [(0, false), (3, false), (0, true), (1, true)] {
            let (sender, receiver) = cots(width, COUNT, 2000 + delta);
            let (chosen, departures) = receiver.choose(&Bits::from_fn(COUNT, |_| choice));
            let (shares, message) = sender.answer(&departures, &vec![delta; COUNT]).unwrap();
            let differences = Packed::new("test", &message, width, COUNT).unwrap();
            uniform(16, (0..COUNT).map(|i| (differences.get(i) << 2 | chosen.0.numbers.get(i)) as usize));
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
