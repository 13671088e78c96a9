//! Products of shared bits with shared numbers, in F₂: AND, and AND of one bit with several.
//!
//! All is shared by sums in F₂; numbers have w bits, w = 1 being plain AND. A triple is a random shared bit
//! b, a random shared number a and their shared product p = b·a. It is made from one random OT in each
//! direction, without a word: a party that sends (r_0, r_1) takes a_i = r_0 ⊕ r_1 for its share of a, the
//! other party's choice is the other share of b, and r_0 with the chosen r are shares of the product of the
//! two.
//!
//! ```text
//! party i (shares b_i, a_i, p_i; x_i, y_i)              party 1 − i
//! 1  d_i = x_i ⊕ b_i, e_i = y_i ⊕ a_i         ◀─▶      1 likewise
//! 2  d = d_0 ⊕ d_1, e = e_0 ⊕ e_1
//!    z_i = d·a_i ⊕ b_i·e ⊕ p_i, for the client ⊕ d·e
//! ```
//!
//! z = z_0 ⊕ z_1 = (d ⊕ b)·(e ⊕ a) = x·y. (Beaver, "Efficient Multiparty Protocols Using Circuit
//! Randomization", CRYPTO 1991; triples from random OTs: Asharov, Lindell, Schneider and Zohner, CCS 2013,
//! section 5.1.)
//!
//! Bits of many numbers stand side by side: a number's bits are in as many vectors, its *planes*. A message has all d,
//! and after them plane after plane of e.
//!
//! # Who learns what
//!
//! Each party: the other's d_i and e_i, hidden by b_i and a_i, which are uniform to it and used once.

use super::bits::Bits;
use super::block::low_word;
use super::chunk::{ReceivedChunk, SentChunk};
use super::correlated::chunk_bits;
use super::gather::Gather;
use super::numbers::Width;
use crate::error::{PeerFault, Result};
use crate::message::Role;

const OPENINGS: &str = "masked factors";

/// One party's shares of triples. Used once: no `Clone`, no `Debug`; wiped on drop.
///
/// ```compile_fail,E0382
/// fn twice(triples: runtime::ot::Triples, bits: &runtime::ot::Bits) {
///     let first = triples.open(bits, &[]);
///     let second = triples.open(bits, &[]);
/// }
/// ```
pub struct Triples {
    /// Shares of the bits b.
    bits: Bits,
    /// Planes of the shares of the numbers a.
    numbers: Vec<Bits>,
    /// Planes of the shares of the products p.
    products: Vec<Bits>,
}

/// The sender's halves of random OTs, the planes of r_0 and r_1.
pub(super) struct TripleSender([Vec<Bits>; 2]);

/// The receiver's halves of random OTs: its choices and the planes of what they name.
pub(super) struct TripleReceiver {
    choices: Bits,
    numbers: Vec<Bits>,
}

/// A party between the steps.
pub struct Opening {
    triples: Triples,
    /// Its d.
    bits: Bits,
    /// The planes of its e.
    numbers: Vec<Bits>,
}

/// Bytes of step 1's message of either party for `count` products.
pub const fn opening_bytes(count: usize, width: Width) -> u64 {
    Width::BIT.bytes(count) + width.bytes(count)
}

impl TripleSender {
    /// From the sender's halves of random OTs: the low bits of both blocks of each.
    pub(super) fn from_chunk(width: Width, chunk: &SentChunk<'_>) -> Self {
        let half = |half| planes(width, chunk.pairs.len(), |index| low_word(&chunk.pairs[index][half]));
        Self([half(0), half(1)])
    }
}

impl TripleReceiver {
    /// From the receiver's halves of random OTs: its choices, and the low bits of its blocks.
    pub(super) fn from_chunk(width: Width, chunk: &ReceivedChunk<'_>) -> Self {
        let numbers = planes(width, chunk.blocks.len(), |index| low_word(&chunk.blocks[index]));
        Self { choices: chunk_bits(chunk.choices), numbers }
    }
}

fn planes(width: Width, count: usize, number: impl Fn(usize) -> u64 + Sync) -> Vec<Bits> {
    (0..width.bits()).map(|plane| Bits::from_fn(count, |index| number(index) >> plane & 1 == 1)).collect()
}

impl Triples {
    /// From as many random OTs in each direction. The peer makes its shares from the other halves.
    pub(super) fn new(sent: TripleSender, received: TripleReceiver) -> Self {
        let TripleSender([r0, r1]) = sent;
        let bits = received.choices;
        let numbers: Vec<Bits> = r0.iter().zip(&r1).map(|(r0, r1)| r0.xor(r1)).collect();
        let halves = r0.iter().zip(&received.numbers).map(|(r0, chosen)| r0.xor(chosen));
        let products = numbers.iter().zip(halves).map(|(number, halves)| bits.and(number).xor(&halves));
        Self { products: products.collect(), bits, numbers }
    }

    /// Number of triples.
    pub fn len(&self) -> usize {
        self.bits.len()
    }

    /// Whether there are no triples.
    pub fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    /// Step 1 with one bit and one number per triple: its message.
    ///
    /// # Panics
    /// If there are more or fewer bits, numbers or planes than those of triples.
    pub fn open(self, bits: &Bits, numbers: &[Bits]) -> (Opening, Vec<u8>) {
        assert_eq!(numbers.len(), self.numbers.len(), "one plane per plane of the triples");
        assert!(numbers.iter().chain([bits]).all(|x| x.len() == self.len()), "one factor per triple");
        let bits = bits.xor(&self.bits);
        let numbers: Vec<Bits> = numbers.iter().zip(&self.numbers).map(|(y, share)| y.xor(share)).collect();
        let mut message = bits.to_bytes();
        message.extend(Bits::concat(&numbers).to_bytes());
        (Opening { triples: self, bits, numbers }, message)
    }
}

impl Opening {
    /// Step 2 with the peer's message: the planes of this party's shares of the products.
    ///
    /// # Errors
    /// The message has another length than [`opening_bytes`].
    pub fn close(self, role: Role, message: &[u8]) -> Result<Vec<Bits>> {
        let Self { triples, bits, numbers } = self;
        let (count, planes) = (triples.len(), numbers.len());
        let (expected, got) = (Width::BIT.bytes(count), message.len() as u64);
        let short = PeerFault::WrongLength { message: OPENINGS, expected, got };
        let (theirs, rest) = message.split_at_checked(expected as usize).ok_or(short)?;
        let d = Bits::from_bytes(OPENINGS, theirs, count)?.xor(&bits);
        let rest = Bits::from_bytes(OPENINGS, rest, planes * count)?;
        let product = |(plane, ours): (usize, &Bits)| {
            let e = rest.slice(plane * count, count).xor(ours);
            let number = &triples.numbers[plane];
            let number = if role == Role::Client { &number.xor(&e) } else { number };
            d.and(number).xor(&triples.bits.and(&e)).xor(&triples.products[plane])
        };
        Ok(numbers.iter().enumerate().map(product).collect())
    }
}

impl Gather for TripleSender {
    fn gather(width: Width, parts: Vec<Self>, count: usize) -> Self {
        Self([0, 1].map(|half| gather_planes(width, parts.iter().map(|part| &*part.0[half]), count)))
    }
}

impl Gather for TripleReceiver {
    fn gather(width: Width, parts: Vec<Self>, count: usize) -> Self {
        let choices = Bits::concat(parts.iter().map(|part| &part.choices)).slice(0, count);
        Self { choices, numbers: gather_planes(width, parts.iter().map(|part| &*part.numbers), count) }
    }
}

fn gather_planes<'a>(
    width: Width,
    parts: impl Iterator<Item = &'a [Bits]> + Clone,
    count: usize,
) -> Vec<Bits> {
    let plane = |plane: usize| Bits::concat(parts.clone().map(move |part| &part[plane])).slice(0, count);
    (0..width.bits() as usize).map(plane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::{triples, uniform};
    use proptest::prelude::*;

    fn plane(numbers: &[u64], plane: u32) -> Bits {
        Bits::from_fn(numbers.len(), |index| numbers[index] >> plane & 1 == 1)
    }

    fn planes_of(width: Width, numbers: &[u64]) -> Vec<Bits> {
        (0..width.bits()).map(|index| plane(numbers, index)).collect()
    }

    /// The products of what two parties' shares stand for.
    fn run(width: Width, seed: u64, bits: [&[u64]; 2], numbers: [&[u64]; 2]) -> Vec<u64> {
        let count = bits[0].len();
        let [first, second] = triples(width, count, seed);
        let open = |triples: Triples, party: usize| {
            triples.open(&plane(bits[party], 0), &planes_of(width, numbers[party]))
        };
        let ((ours, to_second), (theirs, to_first)) = (open(first, 0), open(second, 1));
        assert_eq!([&to_first, &to_second].map(|m| m.len() as u64), [opening_bytes(count, width); 2]);
        let ours = ours.close(Role::Client, &to_first).unwrap();
        let theirs = theirs.close(Role::Server, &to_second).unwrap();
        let bit = |index: usize, plane: usize| u64::from(ours[plane].get(index) ^ theirs[plane].get(index));
        let product = |index| (0..ours.len()).map(|plane| bit(index, plane) << plane).sum();
        (0..count).map(product).collect()
    }

    #[test]
    fn all_shares_of_all_bits() {
        let bit = |place: u32| (0..16u64).map(move |case| case >> place & 1).collect::<Vec<_>>();
        for seed in 0..50 {
            let products = run(Width::BIT, seed, [&bit(0), &bit(1)], [&bit(2), &bit(3)]);
            let expected = (0..16u64).map(|case| (case ^ case >> 1) & (case >> 2 ^ case >> 3) & 1);
            assert!(expected.eq(products));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn shares_of_products_add_up(
            width in (1u32..=64).prop_map(|bits| Width::new(bits).unwrap()),
            batch in prop::collection::vec(any::<[u64; 4]>(), 0..150),
            seed: u64,
        ) {
            let [x0, x1, y0, y1] = [0, 1, 2, 3].map(|i| batch.iter().map(|case| case[i]).collect::<Vec<_>>());
            let products = run(width, seed, [&x0, &x1], [&y0, &y1]);
            for ([x0, x1, y0, y1], product) in batch.into_iter().zip(products) {
                let x = ((x0 ^ x1) & 1).wrapping_neg();
                prop_assert_eq!(product, x & (y0 ^ y1) & width.mask());
            }
        }
    }

    /// The second party's message with its peer's own shares of b, a and p is spread alike for each x and y.
    #[test]
    fn factors_stay_hidden() {
        const COUNT: usize = 20_000;
        for (bit, number) in [(false, false), (true, false), (true, true)] {
            let [ours, theirs] = triples(Width::BIT, COUNT, 4000);
            let [bits, numbers] = [bit, number].map(|factor| Bits::from_fn(COUNT, |_| factor));
            let (opening, _) = theirs.open(&bits, &[numbers]);
            let all = [&opening.bits, &opening.numbers[0], &ours.bits, &ours.numbers[0], &ours.products[0]];
            let seen = |index| all.iter().fold(0, |seen, bits| seen << 1 | usize::from(bits.get(index)));
            uniform(32, (0..COUNT).map(seen));
        }
    }
}
