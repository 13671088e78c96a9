//! Products of shared bits with shared numbers, in F₂: AND, and AND of one bit with many.
//!
//! All is shared by sums in F₂; numbers have w bits, w = 1 being plain AND. A triple is a random shared bit b, a random
//! shared number a and their shared product p = b·a. It is made from one random OT in each direction, without a word:
//! a party that sends (r_0, r_1) takes a_i = r_0 ⊕ r_1 for its share of a, the other party's choice is the other share of b, and
//! r_0 with the chosen r are shares of the product of the two.
//!
//! ```text
//! party i (shares b_i, a_i, p_i; x_i, y_i)              party 1 − i
//! 1  d_i = x_i ⊕ b_i, e_i = y_i ⊕ a_i         ◀─▶      1 likewise
//! 2  d = d_0 ⊕ d_1, e = e_0 ⊕ e_1
//!    z_i = d·a_i ⊕ b_i·e ⊕ p_i, for one of them ⊕ d·e
//! ```
//!
//! z = z_0 ⊕ z_1 = (d ⊕ b)·(e ⊕ a) = x·y. (Beaver, "Efficient Multiparty Protocols Using Circuit Randomization", CRYPTO 1991; triples
//! from random OTs: Asharov, Lindell, Schneider and Zohner, CCS 2013, section 5.1.)
//!
//! # Who learns what
//!
//! Each party: the other's d_i and e_i, hidden by b_i and a_i, which are uniform to it and used once.

use super::bits::{Width, pack, pack_bits, unpack, unpack_bits};
use super::block::low_word;
use super::pool::{ReceivedOts, SentOts};
use super::wire::{self, Cost, Frame, Sent, Turn};
use crate::channel::{Connection, Transport};
use crate::error::{Error, PeerFault, Result};
use zeroize::Zeroizing;

/// One party's shares of triples. Used once: no `Clone`.
///
/// ```compile_fail,E0382
/// fn twice(triples: runtime::ot::Triples, bits: &[bool], numbers: &[u64]) {
///     let first = triples.open(bits, numbers);
///     let second = triples.open(bits, numbers);
/// }
/// ```
pub struct Triples {
    width: Width,
    shares: Zeroizing<Vec<Triple>>,
}

/// A party between the steps.
pub struct Opening {
    triples: Triples,
    bits: Vec<bool>,
    numbers: Vec<u64>,
}

#[derive(Clone, Copy, Default)]
struct Triple {
    bit: bool,
    number: u64,
    product: u64,
}

impl zeroize::DefaultIsZeroes for Triple {}

/// Bytes of step 1's message of either party for `count` products.
pub const fn opening_bytes(count: usize, width: Width) -> u64 {
    Width::BIT.bytes(count) + width.bytes(count)
}

/// What [`multiply`] sends: both parties the same.
pub const fn cost(count: usize, width: Width) -> Cost {
    let each = Sent::frame(opening_bytes(count, width));
    Cost { by_sender: each, by_receiver: each }
}

/// x AND all bits of y.
fn times(x: bool, y: u64) -> u64 {
    u64::from(x).wrapping_neg() & y
}

impl Triples {
    /// Triples with numbers of `width` bits, from as many OTs of each direction. The peer makes its shares
    /// from the other halves.
    ///
    /// # Errors
    /// There are not as many OTs of one direction as of the other.
    pub fn new(width: Width, sent: SentOts, received: ReceivedOts) -> Result<Self> {
        if sent.len() != received.len() {
            return Err(Error::Bug(format!("triples from {} and {} OTs", sent.len(), received.len())));
        }
        let halves = sent.blocks.iter().zip(received.choices.iter().zip(&*received.blocks));
        let triple = |(pair, (&bit, chosen)): (&[_; 2], (&bool, _))| {
            let [r0, r1] = pair.each_ref().map(|block| low_word(block) & width.mask());
            let number = r0 ^ r1;
            Triple { bit, number, product: times(bit, number) ^ r0 ^ (low_word(chosen) & width.mask()) }
        };
        Ok(Self { width, shares: Zeroizing::new(halves.map(triple).collect()) })
    }

    /// How many are left.
    pub fn len(&self) -> usize {
        self.shares.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    /// Moves `count` of them out, the last ones.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn take(&mut self, count: usize) -> Result<Self> {
        let missing = || Error::Bug(format!("{count} triples are wanted, {} are left", self.len()));
        let rest = self.len().checked_sub(count).ok_or_else(missing)?;
        Ok(Self { width: self.width, shares: Zeroizing::new(self.shares.split_off(rest)) })
    }

    /// Step 1 with one bit and one number per triple: its message.
    ///
    /// # Panics
    /// If there are more or fewer bits or numbers than triples.
    pub fn open(self, bits: &[bool], numbers: &[u64]) -> (Opening, Vec<u8>) {
        assert_eq!([bits.len(), numbers.len()], [self.len(); 2], "one bit and one number per triple");
        let bits: Vec<bool> = bits.iter().zip(&*self.shares).map(|(x, share)| x ^ share.bit).collect();
        let numbers: Vec<u64> =
            numbers.iter().zip(&*self.shares).map(|(y, share)| y ^ share.number).collect();
        let mut message = pack_bits(bits.iter().copied());
        message.extend(pack(self.width, numbers.iter().copied()));
        (Opening { triples: self, bits, numbers }, message)
    }
}

impl Opening {
    /// Step 2 with the peer's message: the shares of the products. `turn` says which party adds d·e.
    ///
    /// # Errors
    /// The message has another length than [`opening_bytes`].
    pub fn close(self, turn: Turn, message: &[u8]) -> Result<Vec<u64>> {
        let (width, count) = (self.triples.width, self.triples.len());
        let (name, expected, got) =
            (Frame::Openings.name(), opening_bytes(count, width), message.len() as u64);
        let fault = PeerFault::WrongLength { message: name, expected, got };
        let (bits, numbers) = message.split_at_checked(Width::BIT.bytes(count) as usize).ok_or(fault)?;
        let bits = unpack_bits(name, bits, count)?.zip(&self.bits).map(|(theirs, ours)| theirs ^ ours);
        let numbers =
            unpack(name, numbers, width, count)?.zip(&self.numbers).map(|(theirs, ours)| theirs ^ ours);
        let product = |((d, e), share): ((bool, u64), &Triple)| {
            let constant = times(turn == Turn::First, e);
            (times(d, share.number ^ constant) ^ times(share.bit, e) ^ share.product) & width.mask()
        };
        Ok(bits.zip(numbers).zip(&*self.triples.shares).map(product).collect())
    }
}

/// Shares of the products of shared bits with shared numbers, one triple each: one frame each way, that of the party
/// whose turn is first goes first.
///
/// # Errors
/// The peer's frame is another one or has another length, or it hung up.
///
/// # Panics
/// If there are more or fewer bits or numbers than triples.
pub fn multiply<T: Transport>(
    connection: &mut Connection<T>,
    triples: Triples,
    turn: Turn,
    bits: &[bool],
    numbers: &[u64],
) -> Result<Vec<u64>> {
    let (opening, message) = triples.open(bits, numbers);
    let theirs = wire::exchange(connection, Frame::Openings, turn, message)?;
    opening.close(turn, &theirs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::{Spent, dealt, extended, together, traffic, uniform};
    use proptest::prelude::*;

    fn triples(width: Width, forth: (SentOts, ReceivedOts), back: (SentOts, ReceivedOts)) -> [Triples; 2] {
        [Triples::new(width, forth.0, back.1).unwrap(), Triples::new(width, back.0, forth.1).unwrap()]
    }

    /// The products of what two parties' shares stand for.
    fn run(width: Width, seed: u64, bits: [&[bool]; 2], numbers: [&[u64]; 2]) -> Vec<u64> {
        let count = bits[0].len();
        let [first, second] = triples(width, dealt(count, seed), dealt(count, !seed));
        let ((left, spent), right) = together(
            |connection| {
                traffic(connection, |c| multiply(c, first, Turn::First, bits[0], numbers[0]).unwrap())
            },
            |connection| multiply(connection, second, Turn::Second, bits[1], numbers[1]).unwrap(),
        );
        let cost = cost(count, width);
        assert_eq!(spent, Spent { sent: cost.by_sender, received: cost.by_receiver });
        assert_eq!(cost.rounds(), 1);
        left.iter().zip(right).map(|(left, right)| left ^ right).collect()
    }

    #[test]
    fn all_shares_of_all_bits() {
        let bit = |place: u32| (0..16u64).map(move |case| case >> place & 1);
        let bools = |place| bit(place).map(|bit| bit == 1).collect::<Vec<_>>();
        let numbers = |place| bit(place).collect::<Vec<_>>();
        for seed in 0..50 {
            let products = run(Width::BIT, seed, [&bools(0), &bools(1)], [&numbers(2), &numbers(3)]);
            let expected = (0..16u64).map(|case| (case ^ case >> 1) & (case >> 2 ^ case >> 3) & 1);
            assert!(expected.eq(products));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn shares_of_products_add_up(
            width in (1u32..=64).prop_map(|bits| Width::new(bits).unwrap()),
            batch in prop::collection::vec(any::<([bool; 2], [u64; 2])>(), 0..70),
            seed: u64,
        ) {
            let bits = [0, 1].map(|party| batch.iter().map(|case| case.0[party]).collect::<Vec<_>>());
            let numbers = [0, 1].map(|party| batch.iter().map(|case| case.1[party]).collect::<Vec<_>>());
            let products = run(width, seed, [&bits[0], &bits[1]], [&numbers[0], &numbers[1]]);
            for ((x, y), product) in batch.into_iter().zip(products) {
                prop_assert_eq!(product, times(x[0] ^ x[1], (y[0] ^ y[1]) & width.mask()));
            }
        }
    }

    /// The second party's message with its peer's own shares of b, a and p is spread alike for each x and y.
    #[test]
    fn factors_stay_hidden() {
        const COUNT: usize = 20_000;
        for (bit, number) in [(false, 0), (true, 0), (true, 1)] {
            let [ours, theirs] = triples(Width::BIT, extended(COUNT, 4000), extended(COUNT, 4001));
            let shares: Vec<Triple> = ours.shares.to_vec();
            let (opening, _) = theirs.open(&vec![bit; COUNT], &vec![number; COUNT]);
            let message = opening.bits.iter().zip(&opening.numbers);
            let seen = message.zip(shares).map(|((&d, e), share)| {
                [d.into(), *e, share.bit.into(), share.number, share.product]
                    .into_iter()
                    .fold(0, |seen, bit| seen << 1 | bit as usize)
            });
            uniform(32, seen);
        }
    }

    #[test]
    fn triples_are_moved_out_and_wrong_lengths_are_refused() {
        let [mut ours, _] = triples(Width::BIT, dealt(10, 1), dealt(10, 2));
        assert_eq!((ours.take(7).unwrap().len(), ours.len()), (7, 3));
        assert!(ours.take(4).is_err());
        for length in [0, 1, 3] {
            let (opening, message) = ours.take(1).unwrap().open(&[true], &[1]);
            assert_eq!(message.len(), 2);
            assert!(opening.close(Turn::First, &vec![0; length]).is_err());
        }
        assert!(Triples::new(Width::BIT, dealt(2, 1).0, dealt(3, 2).1).is_err());
    }
}
