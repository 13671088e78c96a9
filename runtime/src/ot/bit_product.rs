//! Additive shares of the product of a bit of each party's, as a number; both bits are told under masks, one bit each way.
//!
//! In Z_{2^w}, w up to 64. Ahead, from one random OT, in which the client has a bit α and the number r_α, the server
//! r_0 and r_1, and a bit β that belongs to both of them:
//!
//! ```text
//! client                                             server
//!                                             ◀──    1  e = β − (r_1 − r_0)
//! 2  π′ = r_α + α·e                                  2  π″ = −r_0
//! online
//! 3  X = x ⊕ α                                ◀─▶    3  Y = y ⊕ β
//! 4  x·Y + (1 − 2X)·(1 − 2Y)·π′                      4  X·(1 − 2Y)·β + (1 − 2X)·(1 − 2Y)·π″
//! ```
//!
//! so that π′ + π″ = α·β, and shares add up to x·y, since x = X + (1 − 2X)·α and y = Y + (1 − 2Y)·β.
//!
//! (Masks with shares of their product, made ahead: Patra, Schneider, Suresh and Yalame, "ABY2.0", USENIX Security
//! 2021; the product by an OT: as in [`super::correlated`].)
//!
//! # Who learns what
//!
//! The client: e, in which the one of r_0 and r_1 that it does not know hides β, and Y, hidden by β, which is a bit of the sum
//! of both blocks that no number has. The server: X, hidden by α. Masks are used once.

use super::bits::Bits;
use super::block::{BLOCK_BITS, bit, low_word, sum};
use super::chunk::{ReceivedChunk, SentChunk};
use super::correlated::chunk_bits;
use super::kept::{Reader, Writer};
use super::numbers::{CHUNK, Packed, Width, pack};
use super::turns;
use super::words::Words;
use crate::error::Result;
use crate::message::{Message, Role};
use rayon::prelude::*;

/// One party's masks and its shares of their products. Used once: no `Clone`, no `Debug`; wiped on drop.
///
/// ```compile_fail,E0382
/// fn twice(products: runtime::ot::bit_product::BitProducts, bits: &runtime::ot::Bits) {
///     let first = products.open(bits);
///     let second = products.open(bits);
/// }
/// ```
pub struct BitProducts {
    width: Width,
    /// α or β.
    masks: Bits,
    /// π′ or π″.
    products: Words,
}

/// A party between steps 3 and 4.
pub struct OpenProducts {
    own: BitProducts,
    /// Its x or y.
    bits: Bits,
    /// Its X or Y.
    opened: Bits,
}

/// The server before step 1.
pub(super) struct ProductSender {
    masks: Bits,
    pairs: [Words; 2],
}

/// The client before step 2.
pub(super) struct ProductReceiver {
    masks: Bits,
    numbers: Words,
}

/// The flight of corrections in which step 1's message is sent.
pub(super) const CORRECTION_FLIGHT: usize = turns::first(Role::Server);

/// Bytes of step 1's message for `count` products.
pub(super) const fn correction_bytes(count: usize, width: Width) -> u64 {
    width.bytes(count)
}

/// Bytes of step 3's message of either party for `count` products.
pub const fn opening_bytes(count: usize) -> u64 {
    Width::BIT.bytes(count)
}

impl ProductSender {
    /// From the server's halves of random OTs: the low bits of both blocks of each, and the top bit of their sum.
    pub(super) fn from_chunk(width: Width, chunk: &SentChunk<'_>) -> Self {
        let numbers =
            |half: usize| Words::collect(width, chunk.pairs.iter().map(|pair| low_word(&pair[half])));
        let mask = |index: usize| {
            let [r0, r1] = &chunk.pairs[index];
            bit(&sum(r0, r1), BLOCK_BITS - 1)
        };
        Self { masks: Bits::from_fn(chunk.pairs.len(), mask), pairs: [0, 1].map(numbers) }
    }

    /// Steps 1 and 2 for the first `count` products, from the parts of all OTs; with step 1's message.
    pub(super) fn products(width: Width, parts: &[Self], count: usize) -> (BitProducts, Vec<u8>) {
        let masks = Bits::concat(parts.iter().map(|part| &part.masks)).slice(0, count);
        let half = |half: usize| Words::gather(width, parts.iter().map(|part| &part.pairs[half]), count);
        let [r0, r1] = [0, 1].map(half);
        let correction =
            |index| u64::from(masks.get(index)).wrapping_sub(r1.get(index).wrapping_sub(r0.get(index)));
        let message = pack(width, count, correction);
        let products = Words::collect(width, (0..count).map(|index| r0.get(index).wrapping_neg()));
        (BitProducts { width, masks, products }, message)
    }
}

impl ProductReceiver {
    /// From the client's halves of random OTs: its choices, and the low bits of its blocks.
    pub(super) fn from_chunk(width: Width, chunk: &ReceivedChunk<'_>) -> Self {
        let numbers = Words::collect(width, chunk.blocks.iter().map(low_word));
        Self { masks: chunk_bits(chunk.choices), numbers }
    }

    /// The first `count` products before step 2, from the parts of all OTs.
    pub(super) fn products(width: Width, parts: &[Self], count: usize) -> BitProducts {
        let masks = Bits::concat(parts.iter().map(|part| &part.masks)).slice(0, count);
        let products = Words::gather(width, parts.iter().map(|part| &part.numbers), count);
        BitProducts { width, masks, products }
    }
}

impl BitProducts {
    /// Step 2 at the client with the server's message.
    pub(super) fn correct(&mut self, message: &[u8]) -> Result<()> {
        let Self { width, masks, products } = self;
        let corrections = Packed::new(Message::MaskCorrections.name(), message, *width, masks.len())?;
        let product = |index| {
            let correction = u64::from(masks.get(index)).wrapping_neg() & corrections.get(index);
            products.get(index).wrapping_add(correction)
        };
        *products = Words::collect(*width, (0..masks.len()).map(product));
        Ok(())
    }

    /// Adds them to what is kept.
    pub(super) fn keep(&self, kept: &mut Writer) {
        kept.bits(&self.masks);
        kept.words(self.width, &self.products);
    }

    /// `count` of them, as they were kept.
    pub(super) fn kept(width: Width, count: usize, kept: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { width, masks: kept.bits(count)?, products: kept.words(width, count)? })
    }

    /// Number of products.
    pub(super) fn len(&self) -> usize {
        self.masks.len()
    }

    /// Width of the products.
    pub(super) const fn width(&self) -> Width {
        self.width
    }

    /// Step 3 with one bit per product, and its message.
    ///
    /// # Panics
    /// If there are more or fewer bits than products.
    pub fn open(self, bits: &Bits) -> (OpenProducts, Vec<u8>) {
        assert_eq!(bits.len(), self.masks.len(), "one bit per product");
        let opened = bits.xor(&self.masks);
        let message = opened.to_bytes();
        (OpenProducts { bits: bits.slice(0, bits.len()), own: self, opened }, message)
    }
}

impl OpenProducts {
    /// Adds to what is kept what they were opened from.
    pub(super) fn keep(&self, kept: &mut Writer) {
        self.own.keep(kept);
    }

    /// Step 4 at `role` with the peer's message: this party's shares of x·y.
    ///
    /// # Errors
    /// The message has another length than [`opening_bytes`].
    pub fn close(self, role: Role, message: &[u8]) -> Result<Vec<u64>> {
        let Self { own: BitProducts { width, masks, products }, bits, opened } = self;
        let theirs = Bits::from_bytes("masked factors", message, bits.len())?;
        // x where Y, or β where X, negative where Y.
        let (alone, signs) = match role {
            Role::Client => (bits.and(&theirs), Bits::zeros(bits.len())),
            Role::Server => (masks.and(&theirs), opened.slice(0, opened.len())),
        };
        let flipped = opened.xor(&theirs);
        let share = |index| {
            let alone = negated(alone.get(index).into(), signs.get(index));
            alone.wrapping_add(negated(products.get(index), flipped.get(index))) & width.mask()
        };
        Ok((0..bits.len()).into_par_iter().with_min_len(CHUNK).map(share).collect())
    }
}

/// −`number` where `negative`, else the number.
fn negated(number: u64, negative: bool) -> u64 {
    let mask = u64::from(negative).wrapping_neg();
    (number ^ mask).wrapping_sub(mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::{bit_products, uniform};
    use proptest::prelude::*;

    /// x·y of each pair.
    fn run(width: Width, seed: u64, x: &Bits, y: &Bits) -> Vec<u64> {
        let [client, server] = bit_products(width, x.len(), seed);
        let ((client, to_server), (server, to_client)) = (client.open(x), server.open(y));
        assert_eq!([&to_server, &to_client].map(|m| m.len() as u64), [opening_bytes(x.len()); 2]);
        let ours = client.close(Role::Client, &to_client).unwrap();
        let theirs = server.close(Role::Server, &to_server).unwrap();
        assert!(ours.iter().chain(&theirs).all(|share| *share <= width.mask()));
        ours.iter().zip(theirs).map(|(x, y)| x.wrapping_add(y) & width.mask()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn shares_add_up_to_the_product(
            width in (1u32..=64).prop_map(|bits| Width::new(bits).unwrap()),
            pairs in prop::collection::vec(any::<[bool; 2]>(), 0..300),
            seed: u64,
        ) {
            let [x, y] = [0, 1].map(|party| Bits::from_fn(pairs.len(), |index| pairs[index][party]));
            for ([x, y], product) in pairs.iter().zip(run(width, seed, &x, &y)) {
                prop_assert_eq!(product, u64::from(x & y));
            }
        }
    }

    /// What each party receives, with its mask and its share of a product of masks, is spread alike for all bits; so
    /// are its shares of the results.
    #[test]
    fn bits_stay_hidden() {
        const COUNT: usize = 20_000;
        let width = Width::new(2).unwrap();
        for [x, y] in [[false, false], [false, true], [true, false], [true, true]] {
            let parties = bit_products(width, COUNT, 5000);
            let open = |(party, bit): (BitProducts, bool)| party.open(&Bits::from_fn(COUNT, |_| bit));
            let [(client, to_server), (server, to_client)] =
                parties.into_iter().zip([x, y]).map(open).collect::<Vec<_>>().try_into().ok().unwrap();
            for (own, peer) in [(&client, &server), (&server, &client)] {
                let cell = |index: usize| {
                    let bits = [&peer.opened, &own.own.masks].map(|bits| u64::from(bits.get(index)));
                    (own.own.products.get(index) << 2 | bits[0] << 1 | bits[1]) as usize
                };
                uniform(16, (0..COUNT).map(cell));
            }
            for shares in [client.close(Role::Client, &to_client), server.close(Role::Server, &to_server)] {
                uniform(4, shares.unwrap().into_iter().map(|share| share as usize));
            }
        }
    }

    /// A correction is spread alike, together with the client's mask and number, for both masks of the server's.
    #[test]
    fn corrections_hide_masks() {
        const COUNT: usize = 40_000;
        let width = Width::new(2).unwrap();
        let (sent, received) = crate::ot::testing::dealt(COUNT, 6);
        let (server, message) = ProductSender::products(
            width,
            &[ProductSender::from_chunk(width, &SentChunk { pairs: &sent.blocks })],
            COUNT,
        );
        let corrections = Packed::new("test", &message, width, COUNT).unwrap();
        let cell = |index: usize| {
            let [choice, mask] = [received.choices[index], server.masks.get(index)].map(u64::from);
            let number = low_word(&received.blocks[index]) & width.mask();
            (corrections.get(index) << 4 | number << 2 | choice << 1 | mask) as usize
        };
        uniform(64, (0..COUNT).map(cell));
    }
}
