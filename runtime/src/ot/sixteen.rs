//! One of sixteen short messages of the sender's, of one bit or two.
//!
//! Ahead, four random OTs become a random choice r in 0 … 15 of one of sixteen random pads: r has the four OTs'
//! choice bits r_0, r_1, r_2, r_3, lowest first. A block has 16 bytes, one for each pad: no hash is needed.
//!
//! ```text
//! receiver (choice c)                              sender (m_0, …, m_15)
//! 1  pad p_r = Σ_t (byte r of s_t,r_t)             pads p_i = Σ_t (byte i of s_t,b for bit b = i_t of i)
//! 2  d = c ⊕ r, four bits                    ──▶
//!                                            ◀──   3 e_i = m_i ⊕ p_(i ⊕ d)
//! 4  m_c = e_c ⊕ p_r
//! ```
//!
//! Of each byte the low bits are used. Sixteen messages are one word, message i in the bits from w·i on: so are they
//! masked and sent.
//!
//! (Naor and Pinkas, "Oblivious Transfer and Polynomial Evaluation", STOC 1999, with blocks in place of a
//! pseudo-random function of them; the leaves of CrypTFlow2's comparison, eprint 2020/1002; random choices corrected:
//! Beaver, "Precomputing Oblivious Transfer", CRYPTO 1995.)
//!
//! # Who learns what
//!
//! The receiver: m_c. Every i ≠ r differs from r in a bit t, so byte i of an unknown block is in p_i and in
//! no other pad: the p_i for i ≠ r are uniform together. The sender: d, which r hides perfectly.

use super::block::Block;
use super::chunk::{ReceivedChunk, SentChunk};
use super::gather::Gather;
use super::numbers::{CHUNK, Width};
pub use super::sixteen_word::{MESSAGES, replicate};
use super::sixteen_word::{exchange, low_bits, swaps, to_bytes, word_bytes};
use crate::error::{PeerFault, Result};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// OTs that one choice takes.
pub const OTS: usize = 4;

/// Bits of a choice.
const CHOICE_BITS: u32 = 4;

/// Per OT: all bits of the bytes of messages whose number has that bit.
const WITH_BIT: [u128; OTS] = {
    let mut masks = [0; OTS];
    let mut place = 0;
    while place < OTS * MESSAGES {
        let (t, message) = (place / MESSAGES, place % MESSAGES);
        masks[t] |= if message >> t & 1 == 1 { 0xff << (8 * message) } else { 0 };
        place += 1;
    }
    masks
};

/// The sender's pads. Used once: no `Clone`, no `Debug`; wiped on drop.
///
/// ```compile_fail,E0382
/// fn twice(pads: runtime::ot::sixteen::SixteenSender, departures: &[u8]) {
///     let first = pads.mask(departures, vec![1]);
///     let second = pads.mask(departures, vec![2]);
/// }
/// ```
pub struct SixteenSender {
    width: Width,
    /// Per choice sixteen pads.
    pads: Zeroizing<Vec<u32>>,
}

/// The receiver's random choices and their pads. Used once: no `Clone`, no `Debug`; wiped on drop.
pub struct SixteenReceiver {
    width: Width,
    halves: Zeroizing<Vec<Half>>,
}

/// The receiver between the steps: its halves have its own choices.
pub struct SixteenChosen(SixteenReceiver);

/// A choice in the low four bits, a pad above them.
type Half = u8;

/// Bytes of step 2's message for `count` choices.
pub const fn departure_bytes(count: usize) -> u64 {
    count.div_ceil(2) as u64
}

/// Bytes of step 3's message for `count` choices.
pub const fn masked_bytes(count: usize, width: Width) -> u64 {
    width.bytes(MESSAGES * count)
}

impl SixteenSender {
    /// Step 1 for a chunk.
    pub(super) fn from_chunk(width: Width, chunk: &SentChunk<'_>) -> Self {
        let pads = chunk.pairs.as_chunks().0.iter().map(|four| pads(width, four));
        Self { width, pads: Zeroizing::new(pads.collect()) }
    }

    /// Step 3 for one word of messages per choice: what is sent.
    ///
    /// # Errors
    /// The receiver's message has another length than [`departure_bytes`].
    ///
    /// # Panics
    /// If there are more or fewer words than choices.
    pub fn mask(self, departures: &[u8], mut messages: Vec<u32>) -> Result<Vec<u8>> {
        assert_eq!(messages.len(), self.pads.len(), "one word of messages per choice");
        expect("departures from random choices", departure_bytes(messages.len()), departures)?;
        let swaps = swaps(self.width);
        let parts = messages.par_chunks_mut(CHUNK).zip(self.pads.par_chunks(CHUNK));
        parts.zip(departures.par_chunks(CHUNK / 2)).for_each(|((messages, pads), departures)| {
            for ((messages, pads), &departure) in messages.chunks_mut(2).zip(pads.chunks(2)).zip(departures) {
                let departures = [departure, departure >> CHOICE_BITS];
                for ((message, &pads), departure) in messages.iter_mut().zip(pads).zip(departures) {
                    *message ^= exchange(pads, departure, &swaps);
                }
            }
        });
        Ok(to_bytes(self.width, &messages))
    }
}

impl SixteenReceiver {
    /// Step 1 for a chunk.
    pub(super) fn from_chunk(width: Width, chunk: &ReceivedChunk<'_>) -> Self {
        let nibbles = chunk.choices.as_flattened().iter().flat_map(|byte| [byte & 15, byte >> CHOICE_BITS]);
        let halves = nibbles.zip(chunk.blocks.as_chunks::<OTS>().0).map(|(choice, blocks)| {
            let pad = blocks.iter().fold(0, |pad, block| pad ^ block[usize::from(choice)]);
            choice | (pad & width.mask() as u8) << CHOICE_BITS
        });
        Self { width, halves: Zeroizing::new(halves.collect()) }
    }

    /// Step 2 with choices below 16, and its message.
    ///
    /// # Panics
    /// If there are more or fewer choices than halves, or one is 16 or more.
    pub fn choose(mut self, choices: &[u8]) -> (SixteenChosen, Vec<u8>) {
        assert_eq!(choices.len(), self.halves.len(), "one choice per half");
        assert!(choices.iter().all(|&choice| choice < MESSAGES as u8), "choices are below 16");
        let mut message = vec![0; departure_bytes(choices.len()) as usize];
        let parts = self.halves.par_chunks_mut(CHUNK).zip(choices.par_chunks(CHUNK));
        parts.zip(message.par_chunks_mut(CHUNK / 2)).for_each(|((halves, choices), message)| {
            for ((halves, choices), message) in halves.chunks_mut(2).zip(choices.chunks(2)).zip(message) {
                for ((half, choice), place) in halves.iter_mut().zip(choices).zip([0, CHOICE_BITS]) {
                    let departure = (*half ^ choice) & 15;
                    *half ^= departure;
                    *message |= departure << place;
                }
            }
        });
        (SixteenChosen(self), message)
    }
}

impl SixteenChosen {
    /// Step 4: one message per choice.
    ///
    /// # Errors
    /// The sender's message has another length than [`masked_bytes`].
    pub fn receive(self, message: &[u8]) -> Result<Vec<u8>> {
        let Self(SixteenReceiver { width, halves }) = self;
        expect("masked messages", masked_bytes(halves.len(), width), message)?;
        let unmask = |(&half, masked): (&Half, &[u8])| {
            let message = masked.iter().rfold(0, |word, &byte| word << 8 | u32::from(byte))
                >> (width.bits() * u32::from(half & 15));
            (message as u8 ^ half >> CHOICE_BITS) & width.mask() as u8
        };
        let words = message.par_chunks_exact(word_bytes(width));
        Ok(halves.par_iter().with_min_len(CHUNK).zip(words).map(unmask).collect())
    }
}

impl Gather for SixteenSender {
    fn gather(width: Width, parts: Vec<Self>, count: usize) -> Self {
        let mut pads = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.pads.len()).sum()));
        parts.iter().for_each(|part| pads.extend_from_slice(&part.pads));
        pads.truncate(count);
        Self { width, pads }
    }
}

impl Gather for SixteenReceiver {
    fn gather(width: Width, parts: Vec<Self>, count: usize) -> Self {
        let mut halves = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.halves.len()).sum()));
        parts.iter().for_each(|part| halves.extend_from_slice(&part.halves));
        halves.truncate(count);
        Self { width, halves }
    }
}

/// Step 1 for one choice: the low bits of sixteen bytes, side by side.
fn pads(width: Width, blocks: &[[Block; 2]; OTS]) -> u32 {
    let sum = blocks.iter().zip(WITH_BIT).fold(0, |sum, ([without, with], mask)| {
        sum ^ (u128::from_le_bytes(*without) & !mask) ^ (u128::from_le_bytes(*with) & mask)
    });
    low_bits(width, &sum.to_le_bytes())
}

fn expect(message: &'static str, expected: u64, bytes: &[u8]) -> Result<()> {
    let got = bytes.len() as u64;
    if got == expected {
        return Ok(());
    }
    Err(PeerFault::WrongLength { message, expected, got }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::{sixteens, uniform};
    use proptest::prelude::*;

    const WIDTHS: [Width; 2] = [Width::BIT, Width::PAIR];

    fn word(width: Width, messages: &[u8; MESSAGES]) -> u32 {
        messages.iter().rfold(0, |word, &message| word << width.bits() | u32::from(message))
    }

    fn run(width: Width, seed: u64, messages: &[[u8; MESSAGES]], choices: &[u8]) -> Vec<u8> {
        let (sender, receiver) = sixteens(width, choices.len(), seed);
        let (chosen, departures) = receiver.choose(choices);
        assert_eq!(departures.len() as u64, departure_bytes(choices.len()));
        let words = messages.iter().map(|messages| word(width, messages)).collect();
        let masked = sender.mask(&departures, words).unwrap();
        assert_eq!(masked.len() as u64, masked_bytes(choices.len(), width));
        chosen.receive(&masked).unwrap()
    }

    /// All pairs of a random and a wanted choice come about.
    #[test]
    fn every_choice_among_all_messages() {
        for width in WIDTHS {
            let messages: [u8; MESSAGES] = std::array::from_fn(|i| (i * 7 / 3) as u8 & width.mask() as u8);
            let choices: Vec<u8> = (0..9001).map(|i| i as u8 % 16).collect();
            let received = run(width, 7, &vec![messages; choices.len()], &choices);
            assert!(choices.iter().map(|&choice| messages[usize::from(choice)]).eq(received));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn the_chosen_message_arrives(
            wide: bool,
            mut batch in prop::collection::vec((any::<[u8; 16]>(), 0u8..16), 0..40),
            seed: u64,
        ) {
            let width = WIDTHS[usize::from(wide)];
            let low = |message: &mut u8| *message &= width.mask() as u8;
            batch.iter_mut().for_each(|(messages, _)| messages.iter_mut().for_each(low));
            let (messages, choices): (Vec<_>, Vec<_>) = batch.iter().copied().unzip();
            let received = run(width, seed, &messages, &choices);
            for ((messages, choice), received) in batch.into_iter().zip(received) {
                prop_assert_eq!(received, messages[usize::from(choice)]);
            }
        }

    }

    /// Two masked messages that were not chosen, with the pad of the chosen one, are spread alike for each
    /// pair of messages.
    #[test]
    fn the_other_messages_stay_hidden() {
        const COUNT: usize = 10_000;
        let width = Width::PAIR;
        for (choice, others) in [(5u8, [4, 7]), (5, [10, 13]), (0, [1, 15]), (15, [0, 7]), (8, [9, 0])] {
            for value in [0, 3] {
                let mut messages = [1; MESSAGES];
                others.iter().for_each(|&other: &usize| messages[other] = value);
                let (sender, receiver) = sixteens(width, COUNT, 3000 + u64::from(choice));
                let (chosen, departures) = receiver.choose(&vec![choice; COUNT]);
                let masked = sender.mask(&departures, vec![word(width, &messages); COUNT]).unwrap();
                let seen = masked.as_chunks().0.iter().zip(chosen.0.halves.iter()).map(|(word, half)| {
                    let word = u32::from_le_bytes(*word);
                    let [other, another] = others.map(|place| (word >> (2 * place) & 3) as usize);
                    other << 4 | another << 2 | usize::from(half >> CHOICE_BITS)
                });
                uniform(64, seen);
            }
        }
    }

    /// Every departure comes as often for one choice as for another.
    #[test]
    fn departures_do_not_depend_on_the_choices() {
        for choice in [0, 6, 15] {
            let (_, message) = sixteens(Width::BIT, 16_000, 74).1.choose(&[choice; 16_000]);
            uniform(256, message.into_iter().map(usize::from));
        }
    }

    #[test]
    #[should_panic(expected = "below 16")]
    fn choices_are_numbers_of_messages() {
        let _ = sixteens(Width::BIT, 2, 1).1.choose(&[3, 16]);
    }
}
