//! Shares of 2·W·r for a mask r of the client's and a linear layer W of the server's, before any input is known.
//!
//! Notation: S slots of b bits in a plaintext; σ = 40; `[m]` an encryption of m. Numbers of a slot are written
//! with its index s. (Our own; one mask for a whole ciphertext instead of one for each slot is what lets the
//! slots be narrow.)
//!
//! ```text
//! client                                            server
//! 1  draws r, packs it            [r]        ──▶
//!                                                   2  [2·W·r], slot by slot, over the integers
//!                                                   3  adds 2^(b−1) in every slot, and one R uniform in
//!                                                      [0, 2^(b·S+σ)); re-randomises
//!                                            ◀──       [v]
//! 4  decrypts v; its shares are the               5  its shares are −R_s − 2^(b−1), R_s the digits
//!    digits v_s                                       of R, modulo 2^b
//! ```
//!
//! The digits of a sum are the sums of digits and a carry of 0 or 1 from the slot below, so that the shares add up to
//! 2·(W·r)_s or one more, modulo 2^b: that is why the product is doubled, and whoever truncates the result
//! drops the lowest bit. A slot holds |2·(W·r)_s| < 2^(b−1).
//!
//! # Who learns what
//!
//! The server sees ciphertexts. The client sees v = t + R for a number 0 ≤ t < 2^(b·S) that depends on the weights,
//! and R uniform in 2^σ times as many numbers: v is within statistical distance 2^−σ of R, which is independent of
//! them. The randomness of the ciphertexts is fresh.

use crate::paillier::{
    Ciphertexts, HolderKey, PublicKey, Randomisers, Rows, SecretInteger, SecureRng, SlotWidths,
    add_plain_each, rerandomise, square_each, weighted_sums,
};
use crate::plan::KeyBits;
use crate::plan::Ring;
use rug::Integer;

/// σ.
pub const STATISTICAL_BITS: u32 = 40;

/// How the numbers of a product share plaintexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// S.
    slots: usize,
    /// b.
    slot_bits: u32,
}

impl Packing {
    /// `slots` slots for sums of masks of `ring` with weights whose magnitudes add up to `norm` at most in each
    /// row; `None` if a plaintext does not hold them.
    pub fn new(slots: usize, ring: Ring, norm: u64, key: KeyBits) -> Option<Self> {
        let slot_bits = Self::slot_bits(ring, norm);
        let bits = u32::try_from(slots).ok()?.checked_mul(slot_bits)?.checked_add(STATISTICAL_BITS + 1)?;
        (slots > 0 && bits <= key.plaintext_bits()).then_some(Self { slots, slot_bits })
    }

    /// The largest number of slots for which there is a packing.
    pub fn most_slots(ring: Ring, norm: u64, key: KeyBits) -> usize {
        ((key.plaintext_bits() - STATISTICAL_BITS - 1) / Self::slot_bits(ring, norm)) as usize
    }

    /// b: |2·W·r| < 2^(1 + k + ⌈log2 norm⌉), and a sign.
    fn slot_bits(ring: Ring, norm: u64) -> u32 {
        ring.bits() + norm.max(1).next_power_of_two().ilog2() + 2
    }

    /// Every slot's number, one after another.
    pub fn slots(&self) -> usize {
        self.slots
    }

    fn widths(&self) -> SlotWidths {
        SlotWidths::new(&[self.slot_bits])
    }

    /// 2^(b−1) in every slot.
    fn offset(&self) -> Integer {
        let half = Integer::from(1) << (self.slot_bits - 1);
        (0..self.slots).map(|slot| Integer::from(&half << self.widths().offset(slot))).sum()
    }

    /// The digits of a number, as elements of `ring`.
    fn digits(&self, number: &Integer, ring: Ring) -> impl Iterator<Item = u64> {
        self.widths()
            .unpack(number, self.slots)
            .into_iter()
            .map(move |digit| ring.reduce(digit.to_u64_wrapping()))
    }
}

/// Step 1: the plaintexts that hold the mask, `slots` numbers each.
pub fn pack_mask(packing: Packing, mask: &[u64]) -> Vec<Integer> {
    let widths = packing.widths();
    let pack = |numbers: &[u64]| {
        let placed =
            numbers.iter().enumerate().map(|(slot, &number)| Integer::from(number) << widths.offset(slot));
        placed.sum()
    };
    mask.chunks(packing.slots).map(pack).collect()
}

/// Steps 2, 3 and 5: what goes back for the packed mask, and the server's shares in `ring`, slot by slot, row by row.
pub fn evaluate(
    key: &PublicKey,
    randomisers: &dyn Randomisers,
    rows: &dyn Rows,
    (packing, ring): (Packing, Ring),
    mask: &Ciphertexts,
    rng: &mut SecureRng,
) -> (Ciphertexts, Vec<u64>) {
    let mut products = weighted_sums(key, &[mask], rows);
    square_each(key, &mut products);
    let bits = packing.widths().offset(packing.slots) + STATISTICAL_BITS;
    let draws = (0..products.len()).map(|_| SecretInteger::new(rng.integer_of_bits(bits)));
    let draws: Vec<SecretInteger> = draws.collect();
    let offset = packing.offset();
    let added: Vec<Integer> = draws.iter().map(|draw| Integer::from(&**draw + &offset)).collect();
    add_plain_each(key, &mut products, &added);
    rerandomise(randomisers, &mut products, rng);
    let half = 1u64.checked_shl(packing.slot_bits - 1).unwrap_or(0);
    let share = |digit: u64| ring.reduce(digit.wrapping_add(half).wrapping_neg());
    let shares = draws.iter().flat_map(|draw| packing.digits(draw, ring).map(share)).collect();
    (products, shares)
}

/// Step 4: the client's shares in `ring`, slot by slot, row by row.
pub fn shares(key: &HolderKey, (packing, ring): (Packing, Ring), reply: &Ciphertexts) -> Vec<u64> {
    key.decrypt(reply).iter().flat_map(|plaintext| packing.digits(plaintext, ring)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tiles::TiledConv;
    use super::*;
    use crate::paillier::{PublicRandomisers, test_keys};
    use crate::plan::{Conv2d, Shape, Tiling, Window};
    use proptest::prelude::*;

    const CHANNELS: [usize; 2] = [2, 3];

    /// The largest Σ|w| of a row.
    fn norm(op: &Conv2d) -> u64 {
        let row = op.weights.len() / CHANNELS[1];
        op.weights.chunks(row).map(|row| row.iter().map(|w| u64::from(w.unsigned_abs())).sum()).max().unwrap()
    }

    /// The client's mask by (channel, y, x) in the slots of planes.
    fn spread(tiling: &Tiling, image: Shape, mask: &[u64]) -> Vec<u64> {
        let slot = |channel, plane, slot| {
            tiling.pixel(plane, slot).map_or(0, |[y, x]| mask[image.index(channel, y, x)])
        };
        let places =
            (0..image.channels).flat_map(|channel| (0..tiling.planes()).map(move |plane| (channel, plane)));
        places
            .flat_map(|(channel, plane)| (0..tiling.slots()).map(move |s| slot(channel, plane, s)))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn shares_add_up_to_twice_the_convolution_of_the_mask_or_one_more(
            weights in prop::collection::vec(-7i32..=7, 6 * 9),
            bits in 5u32..=14,
            stride in 1usize..=2,
            seed in prop::collection::vec(any::<u64>(), 2 * 36),
        ) {
            let mut rng = SecureRng::from_os().unwrap();
            let (key, ring) = (test_keys::holder(512), Ring::new(bits).unwrap());
            let window = Window { stride: [stride; 2], pad_before: [1; 2], pad_after: [1; 2], ..Window::dense([3; 2]) };
            let op = Conv2d { window, groups: 1, weights, bias: vec![] };
            let image = Shape::new(CHANNELS[0], 6, 6);
            let tiling = Tiling::new(window, image, [2, 1]).unwrap();
            let packing = Packing::new(tiling.slots(), ring, norm(&op), key.public().bits()).unwrap();
            let mask: Vec<u64> = seed.into_iter().map(|number| ring.reduce(number)).collect();
            let plaintexts = pack_mask(packing, &spread(&tiling, image, &mask));
            let encrypted = key.encrypt(&plaintexts, &mut rng).unwrap();
            let randomisers = PublicRandomisers::for_uses(key.public(), 10, &mut rng);
            let rows = TiledConv::new(&op, CHANNELS[0], &tiling);
            let doubled = Ring::new(bits + 1).unwrap();
            let (reply, ours) =
                evaluate(key.public(), &randomisers, &rows, (packing, doubled), &encrypted, &mut rng);
            let theirs = shares(&key, (packing, doubled), &reply);
            prop_assert_eq!(ours.len(), theirs.len());
            for (index, (ours, theirs)) in ours.into_iter().zip(theirs).enumerate() {
                let (row, slot) = (index / tiling.slots(), index % tiling.slots());
                let (channel, result) = (row / tiling.results(), row % tiling.results());
                let Some(at) = tiling.position(result, slot) else { continue };
                let kernel = &op.weights[channel * CHANNELS[0] * 9..];
                let sum: i64 = window
                    .taps([image.height, image.width], at)
                    .flat_map(|tap| (0..CHANNELS[0]).map(move |c| (c, tap)))
                    .map(|(c, ([ky, kx], [y, x]))| {
                        i64::from(kernel[c * 9 + ky * 3 + kx]) * mask[image.index(c, y, x)] as i64
                    })
                    .sum();
                let carry = doubled.reduce(ours.wrapping_add(theirs).wrapping_sub(doubled.embed(2 * sum)));
                prop_assert!(carry <= 1, "{} and {} share {} wrongly", ours, theirs, 2 * sum);
            }
        }
    }

    #[test]
    fn slots_fill_a_plaintext() {
        let (ring, key) = (Ring::new(32).unwrap(), KeyBits::default());
        let most = Packing::most_slots(ring, 1000, key);
        assert_eq!(most, (3071 - 41) / 44);
        assert!(Packing::new(most, ring, 1000, key).is_some());
        assert_eq!(Packing::new(most + 1, ring, 1000, key), None);
        assert_eq!(Packing::new(0, ring, 1, key), None);
    }
}
