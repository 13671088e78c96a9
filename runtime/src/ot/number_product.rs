//! Additive shares of the product of two shared numbers; both are told under masks, a number each way. Products one after
//! another may have the same second factor, which is told once.
//!
//! In Z_{2^w}, w up to 64. Ahead, from w random OTs in which the client chooses, i = 0 … w − 1: it has bits α_i and the
//! numbers r_i of these names, the server r_{i,0} and r_{i,1}.
//!
//! ```text
//! client                                             server
//! 1  a′ = Σ 2^i·α_i                                  1  b″ = r_{0,1} − r_{0,0} of the first product with this factor
//!                                             ◀──    2  e_i = b″ − (r_{i,1} − r_{i,0}) modulo 2^(w−i)
//! 3  p′ = Σ 2^i·(r_i + α_i·e_i)                      3  p″ = −Σ 2^i·r_{i,0}
//! the same with client and server exchanged: a″, b′, q′ and q″
//! 4  c′ = a′·b′ + p′ + q′                            4  c″ = a″·b″ + p″ + q″
//! online
//! 5  X′ = x′ − a′,  Y′ = y′ − b′              ◀─▶    5  X″ = x″ − a″,  Y″ = y″ − b″
//! 6  c′ + X·b′ + Y·a′ for X = X′ + X″, Y = Y′ + Y″   6  c″ + X·b″ + Y·a″ + X·Y
//! ```
//!
//! so that p′ + p″ = a′·b″ and q′ + q″ = a″·b′, c′ + c″ = a·b for a = a′ + a″ and b = b′ + b″, and shares add up to x·y.
//!
//! (Multiplication of shared numbers by a product of masks: Beaver, CRYPTO 1991. Products of masks from OTs, bit by bit:
//! Gilboa, "Two Party RSA Key Generation", CRYPTO 1999. With ciphertexts in place of OTs as many bytes are sent, and more is
//! computed.)
//!
//! # Who learns what
//!
//! The client: e_i, in which of r_{i,0} and r_{i,1} the one that it does not know hides b″, but for e_0 of the first product
//! with a factor, which is 0; X″ and Y″, hidden by a″ and b″. The server likewise. a′ is a choice in OTs, and uniform, as is
//! b″, a number that the client knows nothing of. Masks are used once.

use super::block::{BLOCK_BITS, bit, low_word};
use super::chunk::{ReceivedChunk, SentChunk};
use super::kept::{Reader, Writer};
use super::numbers::{CHUNK, Packed, Width, pack};
use super::turns;
use super::words::Words;
use crate::error::Result;
use crate::message::{Message, Role};
use rayon::prelude::*;

/// Which products: their width, and how many, one after another, have the same second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Products {
    /// w.
    pub width: Width,
    /// At least 1.
    pub shared: usize,
}

/// One party's masks and its shares of their products. Used once: no `Clone`, no `Debug`; wiped on drop.
///
/// ```compile_fail,E0382
/// fn twice(products: runtime::ot::number_product::NumberProducts) {
///     let first = products.open(&[], &[]);
///     let second = products.open(&[], &[]);
/// }
/// ```
pub struct NumberProducts {
    products: Products,
    /// a′ or a″.
    first: Words,
    /// b′ or b″.
    second: Words,
    /// c′ or c″.
    shares: Words,
}

/// A party between steps 5 and 6.
pub struct OpenNumbers {
    own: NumberProducts,
    /// X′ or X″.
    first: Vec<u64>,
    /// Y′ or Y″.
    second: Vec<u64>,
}

/// A party's halves of random OTs in which the peer chooses.
pub(super) struct FactorSender {
    /// r_{i,1} − r_{i,0} of every OT.
    differences: Words,
    /// p″.
    shares: Words,
}

/// A party's halves of random OTs in which it chooses.
pub(super) struct FactorReceiver {
    /// a′.
    masks: Words,
    /// p′ before corrections.
    shares: Words,
}

impl Products {
    /// Random OTs of one choice for `count` products: whole blocks of 128 products.
    pub(super) const fn ots(self, count: usize) -> usize {
        count.next_multiple_of(BLOCK_BITS) * self.bits()
    }

    /// The flight of corrections in which a party's message of step 2 is sent.
    pub(super) const fn correction_flight(role: Role) -> usize {
        turns::first(role)
    }

    /// Bytes of that message of either party for `count` products.
    pub(super) fn correction_bytes(self, count: usize) -> u64 {
        self.corrected().map(|width| width.bytes(count)).sum()
    }

    /// Bytes of step 5's message of either party for `count` products.
    pub const fn opening_bytes(self, count: usize) -> u64 {
        self.width.bytes(count) + self.width.bytes(self.factors(count))
    }

    /// Second factors of `count` products.
    pub const fn factors(self, count: usize) -> usize {
        count.div_ceil(self.shared)
    }

    const fn bits(self) -> usize {
        self.width.bits() as usize
    }

    /// The width of e_i for each i.
    fn corrected(self) -> impl Iterator<Item = Width> {
        (1..=self.width.bits()).rev().filter_map(Width::new)
    }

    /// The number of the OT for a bit of a product: the OTs of a bit of 128 products stand together.
    const fn place(self, product: usize, index: usize) -> usize {
        (product / BLOCK_BITS * self.bits() + index) * BLOCK_BITS + product % BLOCK_BITS
    }

    /// Σ 2^i·term(i), term by term of so many products.
    fn sums(self, count: usize, term: impl Fn(usize, usize) -> u64) -> Words {
        let sum = |product| {
            (0..self.bits()).fold(0u64, |sum, index| sum.wrapping_add(term(product, index) << index))
        };
        Words::collect(self.width, (0..count).map(sum))
    }
}

impl FactorSender {
    /// Of a chunk: whole blocks of 128 products.
    pub(super) fn from_chunk(products: Products, chunk: &SentChunk<'_>) -> Self {
        let number = |place: usize, half: usize| low_word(&chunk.pairs[place][half]);
        let difference = |place| number(place, 1).wrapping_sub(number(place, 0));
        let share = |product, index| number(products.place(product, index), 0).wrapping_neg();
        Self {
            differences: Words::collect(products.width, (0..chunk.pairs.len()).map(difference)),
            shares: products.sums(chunk.pairs.len() / products.bits(), share),
        }
    }
}

impl FactorReceiver {
    /// Of a chunk: whole blocks of 128 products.
    pub(super) fn from_chunk(products: Products, chunk: &ReceivedChunk<'_>) -> Self {
        let count = chunk.blocks.len() / products.bits();
        let choice = |product, index| {
            let place = products.place(product, index);
            bit(&chunk.choices[place / BLOCK_BITS], place % BLOCK_BITS).into()
        };
        let number = |product, index| low_word(&chunk.blocks[products.place(product, index)]);
        Self { masks: products.sums(count, choice), shares: products.sums(count, number) }
    }
}

impl NumberProducts {
    /// Steps 1 to 3, but for the peer's corrections, and step 4 for the first `count` products, from the parts of all OTs;
    /// with step 2's message for each i.
    pub(super) fn new(
        products: Products,
        count: usize,
        sent: &[FactorSender],
        received: &[FactorReceiver],
    ) -> (Self, Vec<Vec<u8>>) {
        let width = products.width;
        let gathered = |parts: Vec<&Words>, count| Words::gather(width, parts.into_iter(), count);
        let differences = gathered(sent.iter().map(|part| &part.differences).collect(), products.ots(count));
        let of_second = (0..products.factors(count))
            .map(|factor| differences.get(products.place(factor * products.shared, 0)));
        let second = Words::collect(width, of_second);
        let first = gathered(received.iter().map(|part| &part.masks).collect(), count);
        let [p, q] = [
            gathered(sent.iter().map(|part| &part.shares).collect(), count),
            gathered(received.iter().map(|part| &part.shares).collect(), count),
        ];
        let share = |product| {
            let own = first.get(product).wrapping_mul(second.get(product / products.shared));
            own.wrapping_add(p.get(product)).wrapping_add(q.get(product))
        };
        let shares = Words::collect(width, (0..count).map(share));
        let corrections = products.corrected().enumerate().map(|(index, width)| {
            pack(width, count, |product| {
                let factor = second.get(product / products.shared);
                factor.wrapping_sub(differences.get(products.place(product, index)))
            })
        });
        let corrections = corrections.collect();
        (Self { products, first, second, shares }, corrections)
    }

    /// Step 3 with the peer's corrections, of which `next` gives so many bytes.
    pub(super) fn correct(&mut self, mut next: impl FnMut(usize) -> Result<Vec<u8>>) -> Result<()> {
        let Self { products, first, shares, .. } = self;
        for (index, width) in products.corrected().enumerate() {
            let message = next(width.bytes(first.len()) as usize)?;
            let corrections = Packed::new(Message::MaskCorrections.name(), &message, width, first.len())?;
            let corrected = |product: usize| {
                let chosen = (first.get(product) >> index & 1).wrapping_neg();
                shares.get(product).wrapping_add((corrections.get(product) & chosen) << index)
            };
            *shares = Words::collect(products.width, (0..first.len()).map(corrected));
        }
        Ok(())
    }

    /// Adds them to what is kept.
    pub(super) fn keep(&self, kept: &mut Writer) {
        for numbers in [&self.first, &self.second, &self.shares] {
            kept.words(self.products.width, numbers);
        }
    }

    /// `count` of them, as they were kept.
    pub(super) fn kept(products: Products, count: usize, kept: &mut Reader<'_>) -> Result<Self> {
        let mut words = |count| kept.words(products.width, count);
        let (first, second) = (words(count)?, words(products.factors(count))?);
        Ok(Self { products, first, second, shares: words(count)? })
    }

    /// Step 5 with this party's shares of both factors, and its message.
    ///
    /// # Panics
    /// If there are more or fewer first factors than products, or second ones than these share.
    pub fn open(self, x: &[u64], y: &[u64]) -> (OpenNumbers, Vec<u8>) {
        assert_eq!((x.len(), y.len()), (self.first.len(), self.second.len()), "a factor each");
        let width = self.products.width;
        let masked = |numbers: &[u64], masks: &Words| -> Vec<u64> {
            let masked = numbers.iter().enumerate();
            masked.map(|(index, number)| number.wrapping_sub(masks.get(index)) & width.mask()).collect()
        };
        let [first, second] = [masked(x, &self.first), masked(y, &self.second)];
        let message = [&first, &second].map(|numbers| pack(width, numbers.len(), |index| numbers[index]));
        (OpenNumbers { own: self, first, second }, message.concat())
    }
}

impl OpenNumbers {
    /// Step 6 at `role` with the peer's message: this party's shares of x·y.
    ///
    /// # Errors
    /// The message has another length than [`Products::opening_bytes`].
    pub fn close(self, role: Role, message: &[u8]) -> Result<Vec<u64>> {
        const NAME: &str = "masked numbers";
        let Self { own: NumberProducts { products, first: a, second: b, shares }, first, second } = self;
        let Products { width, shared } = products;
        let (of_first, of_second) = message.split_at(message.len().min(width.bytes(first.len()) as usize));
        let theirs = Packed::new(NAME, of_first, width, first.len())?;
        let x = |product: usize| first[product].wrapping_add(theirs.get(product));
        let theirs = Packed::new(NAME, of_second, width, second.len())?;
        let y: Vec<u64> =
            second.iter().enumerate().map(|(factor, own)| own.wrapping_add(theirs.get(factor))).collect();
        let share = |product: usize| {
            let (x, y) = (x(product), y[product / shared]);
            let public = if role == Role::Server { x.wrapping_mul(y) } else { 0 };
            let masked = x.wrapping_mul(b.get(product / shared)).wrapping_add(y.wrapping_mul(a.get(product)));
            shares.get(product).wrapping_add(masked).wrapping_add(public) & width.mask()
        };
        Ok((0..first.len()).into_par_iter().with_min_len(CHUNK).map(share).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, PeerFault};
    use crate::ot::testing::{number_products, uniform};
    use proptest::prelude::*;

    fn products(bits: u32, shared: usize) -> Products {
        Products { width: Width::new(bits).unwrap(), shared }
    }

    /// x·y for numbers that are shared like this.
    fn run(products: Products, seed: u64, x: [&[u64]; 2], y: [&[u64]; 2]) -> Vec<u64> {
        let [client, server] = number_products(products, x[0].len(), seed);
        let ((client, to_server), (server, to_client)) = (client.open(x[0], y[0]), server.open(x[1], y[1]));
        let length = products.opening_bytes(x[0].len());
        assert_eq!([&to_server, &to_client].map(|message| message.len() as u64), [length; 2]);
        let ours = client.close(Role::Client, &to_client).unwrap();
        let theirs = server.close(Role::Server, &to_server).unwrap();
        let mask = products.width.mask();
        assert!(ours.iter().chain(&theirs).all(|share| *share <= mask));
        ours.iter().zip(theirs).map(|(x, y)| x.wrapping_add(y) & mask).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn shares_add_up_to_the_product(
            bits in 1u32..=64,
            shared in 1usize..=9,
            pairs in prop::collection::vec(any::<[u64; 4]>(), 0..300),
            seed: u64,
        ) {
            let products = products(bits, shared);
            let mask = products.width.mask();
            let share = |index: usize| -> Vec<u64> { pairs.iter().map(|pair| pair[index] & mask).collect() };
            let factor = |index: usize| -> Vec<u64> {
                share(index).into_iter().step_by(shared).collect()
            };
            let (x, y) = ([share(0), share(1)], [factor(2), factor(3)]);
            let results = run(products, seed, [&x[0], &x[1]], [&y[0], &y[1]]);
            for (index, result) in results.into_iter().enumerate() {
                let x = x[0][index].wrapping_add(x[1][index]);
                let y = y[0][index / shared].wrapping_add(y[1][index / shared]);
                prop_assert_eq!(result, x.wrapping_mul(y) & mask);
            }
        }
    }

    #[test]
    fn all_shares_of_a_small_ring() {
        let all = || 0..256u64;
        let share = |shift: u64| -> Vec<u64> { all().map(|case| case >> shift & 3).collect() };
        let [x, u, y, v] = [0, 2, 4, 6].map(share);
        let results = run(products(2, 1), 1, [&x, &u], [&y, &v]);
        let product = |case: usize| ((x[case] + u[case]) * (y[case] + v[case])) & 3;
        assert!(results.iter().enumerate().all(|(case, &result)| result == product(case)));
    }

    /// What each party receives, with its masks and its share of a product of masks, is spread alike for all numbers; so are its
    /// shares of the results.
    #[test]
    fn numbers_stay_hidden() {
        const COUNT: usize = 60_000;
        for shared in [1, 2] {
            let products = products(2, shared);
            for [x, y] in [[0, 0], [3, 1], [1, 2]] {
                let factors = products.factors(COUNT);
                let open = |party: NumberProducts| party.open(&vec![x; COUNT], &vec![y; factors]);
                let [(client, to_server), (server, to_client)] =
                    number_products(products, COUNT, 77).map(open);
                for (own, peer) in [(&client, &server), (&server, &client)] {
                    let cell = |index: usize| {
                        let second = index / shared;
                        let told = [peer.first[index], peer.second[second]];
                        let masks = [own.own.first.get(index), own.own.second.get(second)];
                        [told[0], told[1], masks[0], masks[1], own.own.shares.get(index)]
                            .into_iter()
                            .fold(0, |cell, number| cell << 2 | number as usize)
                    };
                    uniform(1024, (0..COUNT).step_by(shared).map(cell));
                }
                for shares in [client.close(Role::Client, &to_client), server.close(Role::Server, &to_server)]
                {
                    uniform(4, shares.unwrap().into_iter().map(|share| share as usize));
                }
            }
        }
    }

    /// A correction is spread alike, whatever mask of the server's it is of, together with what the client has.
    #[test]
    fn corrections_hide_masks() {
        const COUNT: usize = 40_000;
        let products = products(2, 2);
        let (sent, received) = crate::ot::testing::dealt(products.ots(COUNT), 8);
        let parts = [FactorSender::from_chunk(products, &SentChunk { pairs: &sent.blocks })];
        let none = [FactorReceiver {
            masks: products.sums(COUNT, |_, _| 0),
            shares: products.sums(COUNT, |_, _| 0),
        }];
        let (server, corrections) = NumberProducts::new(products, COUNT, &parts, &none);
        let first = Packed::new("test", &corrections[0], products.width, COUNT).unwrap();
        let cell = |product: usize| {
            let place = products.place(product, 0);
            let choice = u64::from(received.choices[place]);
            let number = low_word(&received.blocks[place]) & 3;
            let mask = server.second.get(product / 2);
            (first.get(product) << 5 | number << 3 | choice << 2 | mask) as usize
        };
        // Of the second product with a factor: the first one's correction defines it.
        uniform(128, (1..COUNT).step_by(2).map(cell));
        assert!((0..COUNT).step_by(2).all(|product| first.get(product) == 0));
    }

    #[test]
    fn messages_of_other_lengths_are_refused() {
        let products = products(5, 3);
        for length in [0, 4, 7, 9] {
            let [client, _] = number_products(products, 7, 3);
            let (client, message) = client.open(&[0; 7], &[0; 3]);
            assert_eq!(message.len(), 5 + 2);
            let closed = client.close(Role::Client, &vec![0; length]);
            let fault = matches!(closed, Err(Error::PeerMisbehaved(PeerFault::WrongLength { .. })));
            assert!(fault == (length != 7), "{length}");
        }
    }
}
