//! Shares of W·r for a mask r of the client's and a linear layer W of the server's, before any image is known.
//!
//! Notation: S slots of b bits in a plaintext, one after the other; `[m]` an encryption of m; numbers of a slot are written
//! with its index s; f the layer's fraction bits.
//!
//! ```text
//! client                                            server
//! 1  draws r, packs it            [r]        ──▶
//!                                                   2  [W·r], slot by slot, over the integers (tiles.rs,
//!                                                      stack.rs)
//!                                                   3  several results into one ciphertext, times 2^f; adds
//!                                                      2^(b−1) in every slot, and R uniform modulo N;
//!                                                      re-randomises
//!                                            ◀──       [v]
//! 4  decrypts v; its shares are the               5  its shares are −R_s − 2^(b−1), R_s the digits
//!    digits v_s                                       of R
//! ```
//!
//! v = t + R for a number 0 ≤ t < 2^(b·S), where the sum does not exceed N: that it does, in any reply of a preparation, has
//! probability 2^−σ at most ([`Layout::capacity`]), and gives a wrong result. The digits of a sum are the sums of digits and a
//! carry of 0 or 1 from the slot below, so that the shares add up to 2^f·(W·r)_s or one more, modulo the ring: that is why the
//! product is multiplied by 2^f. Who reads the shares drops their lowest f bits ([`Fraction`](crate::plan::Fraction)). (Our own;
//! one mask for a whole ciphertext instead of one for each slot is what lets the slots be narrow.)
//!
//! Several inferences can be prepared together: then r is a mask of each, and the numbers of [`Layout::images`] of them lie one
//! after the other in every plaintext, so that one evaluation, a *pass*, serves them all. What a carry crosses from one
//! inference to the next is a fraction like any other.
//!
//! r is taken as signed numbers of the result's ring; being uniform, it makes |2^f·(W·r)_s| < 2^(b−1) with probability
//! 1 − 2^−64 for each sum ([`Reach`](crate::plan::Reach)).
//!
//! # Who learns what
//!
//! The server sees ciphertexts. The client sees v = t + R mod N, which is uniform whatever t is: it is independent of the
//! weights, also where the client put something else into its masks than it should. The randomness of the ciphertexts is fresh.
//! What a carry would tell about the weights (whether one product is above a number that the client knows) stays in shares:
//! before values are revealed, or compared with each other in an arg-max, their fraction bits are dropped by a protocol.

use super::tiles::TiledConv;
use crate::paillier::{
    Ciphertexts, Count, PublicKey, Randomisers, Rows, SecretInteger, SecureRng, ShiftedTerm, TermPlace,
    shifted_sum, shifted_sum_count, weighted_sums, weighted_sums_count,
};
use crate::plan::{KeyBits, Layout, Linear, Op, Ring, Schedule, Shape, StepId, Tiling};
use rayon::prelude::*;
use rug::Integer;
use rug::integer::Order;
use zeroize::Zeroizing;

/// A linear step's numbers in plaintexts, as both parties know them.
pub struct Packed {
    from: Shape,
    to: Shape,
    tiling: Tiling,
    linear: Linear,
    /// Prepared together.
    inferences: usize,
    /// b: bits from one slot to the next.
    stride: u32,
    /// Ring of the results, without the fraction bit.
    ring: Ring,
    /// Ring of the results' shares.
    shares: Ring,
}

impl Packed {
    /// The numbers of step `id` of a valid schedule; `None` if that is no linear step.
    pub fn from_step(schedule: &Schedule, id: StepId) -> Option<Self> {
        let step = schedule.step(id);
        let linear = step.linear()?;
        Self::new(linear, [schedule.source(step).shape, step.shape], step.bits, schedule.inferences())
    }

    /// A layer from the first shape to the second, whose results are taken modulo 2^(bits+1), for `inferences` inferences;
    /// `None` where its window or tile does not fit, or there is no such ring.
    pub fn new(linear: Linear, [from, to]: [Shape; 2], bits: u32, inferences: usize) -> Option<Self> {
        let Linear { layout, .. } = linear;
        Some(Self {
            from,
            to,
            tiling: linear.tiling(from)?,
            linear,
            inferences,
            stride: layout.slot_bits,
            ring: Ring::new(bits + 1)?,
            shares: Ring::new(bits + 1 + layout.fraction)?,
        })
    }

    /// The same step with other numbers of images, of inputs and of results in a ciphertext.
    pub fn repacked(&self, images: usize, stacked: usize, results: usize) -> Self {
        let layout = Layout { images, stacked, results, ..self.linear.layout };
        Self { linear: Linear { layout, ..self.linear }, tiling: self.tiling.clone(), ..*self }
    }

    /// How the step's numbers lie in ciphertexts.
    pub const fn layout(&self) -> Layout {
        self.linear.layout
    }

    /// Which pixels share a ciphertext.
    pub const fn tiling(&self) -> &Tiling {
        &self.tiling
    }

    /// All linear steps of a valid schedule, in order.
    pub fn all(schedule: &Schedule) -> Vec<(StepId, Self)> {
        schedule.steps().filter_map(|(id, _)| Some((id, Self::from_step(schedule, id)?))).collect()
    }

    /// Number of ciphertexts in which the client sends its masks.
    pub fn masks(&self) -> usize {
        self.passes() * self.masks_of_pass()
    }

    /// Number of ciphertexts in which the server sends the products.
    pub fn products(&self) -> usize {
        self.passes() * self.products_of_pass()
    }

    /// How often the step is evaluated.
    pub const fn passes(&self) -> usize {
        self.linear.layout.passes(self.inferences)
    }

    fn masks_of_pass(&self) -> usize {
        self.linear.masks(self.from, &self.tiling)
    }

    fn products_of_pass(&self) -> usize {
        self.linear.products(self.to.channels, &self.tiling)
    }

    /// Step 1: plaintext number `index` of the masks of the input, one for each inference.
    pub fn pack(&self, masks: &[&[u64]], index: usize) -> Integer {
        let images = self.linear.layout.images;
        let (pass, index) = (index / self.masks_of_pass(), index % self.masks_of_pass());
        let mut packed = Integer::new();
        for input in self.stack().inputs_in(index).rev() {
            for image in (pass * images..(pass + 1) * images).rev() {
                match masks.get(image) {
                    Some(r) => self.push(&mut packed, r, input),
                    None => packed <<= self.block(), // the last pass may have fewer
                }
            }
        }
        packed
    }

    /// Bits of one image's slots together.
    fn block(&self) -> u32 {
        self.tiling.slots() as u32 * self.stride
    }

    /// Puts an input's slots below those that are there.
    fn push(&self, packed: &mut Integer, r: &[u64], input: usize) {
        let (channel, plane) = (input / self.tiling.planes(), input % self.tiling.planes());
        let width = if self.linear.window.is_some() { self.from.width } else { 1 };
        let channel = &r[channel * self.plane()..];
        for slot in (0..self.tiling.slots()).rev() {
            *packed <<= self.stride;
            if let Some([y, x]) = self.tiling.pixel(plane, slot) {
                *packed += self.ring.signed(self.ring.reduce(channel[y * width + x]));
            }
        }
    }

    /// Steps 2 and 3 of a pass: what goes back for its packed masks, and what hides it.
    pub(crate) fn evaluate(
        &self,
        op: &Op,
        key: &PublicKey,
        randomisers: &dyn Randomisers,
        (masks, pass): (&Ciphertexts, usize),
        rng: &mut SecureRng,
    ) -> (Ciphertexts, Vec<SecretInteger>) {
        let range = pass * self.masks_of_pass()..(pass + 1) * self.masks_of_pass();
        let of_pass = Ciphertexts::gather(key, range.map(|index| masks.get(index)));
        let inputs = self.stack().align(key, &of_pass);
        let sums = weighted_sums(key, &[&*inputs], &self.rows(op));
        self.hide(key, randomisers, &sums, rng)
    }

    /// Step 5: the server's shares of the results of each inference, from what hides the replies of all passes.
    pub(crate) fn server_shares(&self, hiding: &[SecretInteger]) -> Vec<Vec<u64>> {
        let half = 1u64.checked_shl(self.linear.layout.slot_bits - 1).unwrap_or(0);
        self.shares(hiding.iter().map(|mask| &**mask), |digit| digit.wrapping_add(half).wrapping_neg())
    }

    /// Step 3: the replies of a pass, and what hides each.
    fn hide(
        &self,
        key: &PublicKey,
        randomisers: &dyn Randomisers,
        sums: &Ciphertexts,
        rng: &mut SecureRng,
    ) -> (Ciphertexts, Vec<SecretInteger>) {
        let generators: Vec<SecureRng> = (0..self.products_of_pass()).map(|_| rng.split()).collect();
        let masked = |(product, mut rng): (usize, SecureRng)| {
            let mask = SecretInteger::new(rng.integer_below(key.modulus()));
            let constant = SecretInteger::new(Integer::from(&*mask + &self.offset(product)));
            let one = Integer::from(1);
            let terms: Vec<ShiftedTerm<'_>> = self
                .rows_of(product)
                .zip(self.places(product))
                .map(|(row, place)| ShiftedTerm { ciphertext: sums.get(row), multiplier: &one, place })
                .collect();
            let randomiser = randomisers.draw(&mut rng);
            (shifted_sum(key, &terms, &constant, randomiser), mask)
        };
        let (replies, masks): (Vec<_>, Vec<_>) = generators.into_par_iter().enumerate().map(masked).unzip();
        (Ciphertexts::gather(key, replies.iter().map(|reply| reply.as_ref())), masks)
    }

    /// Slots of all replies together.
    pub fn reply_slots(&self) -> usize {
        (0..self.products_of_pass()).map(|product| self.slots(product)).sum::<usize>() * self.passes()
    }

    /// The probability, at most, that in any reply the number in its slots and the mask, which is uniform modulo N, exceed N.
    pub fn excess(&self, key: KeyBits) -> f64 {
        let bits = |product| (self.slots(product) as u32 * self.stride) as f64;
        let of_reply = |product| (bits(product) - f64::from(key.plaintext_bits())).exp2();
        (0..self.products_of_pass()).map(of_reply).sum::<f64>() * self.passes() as f64
    }

    /// What the server computes in all passes, without drawing randomisers.
    pub fn count(&self, op: &Op) -> Count {
        self.work(self.sums(op))
    }

    /// What the weighted sums of `op` take in one pass.
    pub fn sums(&self, op: &Op) -> Count {
        weighted_sums_count(self.stack().inputs, &self.rows(op))
    }

    /// What all takes, if the weighted sums take `sums` in one pass.
    pub fn work(&self, sums: Count) -> Count {
        let reply = |product: usize| shifted_sum_count(self.places(product));
        let last = self.products_of_pass() - 1; // the others are full
        let pass = self.stack().align_count() + sums + reply(0).times(last as u64) + reply(last);
        pass.times(self.passes() as u64)
    }

    /// Step 4: the client's shares of the results of each inference, from the plaintexts of all replies.
    pub fn open(&self, plaintexts: &[Integer]) -> Vec<Vec<u64>> {
        self.shares(plaintexts.iter(), |digit| digit)
    }

    fn rows<'a>(&'a self, op: &'a Op) -> impl Rows + 'a {
        TiledConv::new(op, self.channels(), &self.tiling)
    }

    /// Channels of the input, as tiles see them.
    fn channels(&self) -> usize {
        self.from.elements() / self.plane()
    }

    /// Elements of such a channel.
    fn plane(&self) -> usize {
        if self.linear.window.is_some() { self.from.plane() } else { 1 }
    }

    fn stack(&self) -> Stack {
        let block = self.linear.layout.images as u32 * self.block();
        let (inputs, stacked) = (self.linear.inputs(self.from, &self.tiling), self.linear.layout.stacked);
        Stack { inputs, stacked, block }
    }

    /// Slots of one weighted sum in a ciphertext that comes back, of which those from number
    /// [`first`](Self::first) on mean something.
    fn width(&self) -> usize {
        self.linear.layout.width(self.tiling.slots())
    }

    fn first(&self) -> usize {
        (self.linear.layout.stacked - 1) * self.linear.layout.images * self.tiling.slots()
    }

    /// The weighted sums that come back in one ciphertext, lowest slots first.
    fn rows_of(&self, product: usize) -> std::ops::Range<usize> {
        let (each, all) = (self.linear.layout.results, self.to.channels * self.tiling.results());
        product * each..all.min((product + 1) * each)
    }

    /// Slots of a ciphertext that comes back.
    fn slots(&self, product: usize) -> usize {
        self.rows_of(product).len() * self.width()
    }

    fn places(&self, product: usize) -> impl Iterator<Item = TermPlace> + Clone {
        let result = self.width() as u32 * self.stride;
        let fraction = self.linear.layout.fraction;
        let place = move |row| TermPlace { multiplier_bits: 1, shift: row * result + fraction };
        (0..self.rows_of(product).len() as u32).map(place)
    }

    /// 2^(b−1) in every slot.
    fn offset(&self, product: usize) -> Integer {
        let half = Integer::from(1) << (self.linear.layout.slot_bits - 1);
        let mut offset = Integer::new();
        for _ in 0..self.slots(product) {
            offset <<= self.stride;
            offset += &half;
        }
        offset
    }

    /// The results' shares, of each inference, from the digits of numbers, one for each ciphertext that comes back.
    fn shares<'n>(
        &self,
        numbers: impl Iterator<Item = &'n Integer>,
        share: impl Fn(u64) -> u64,
    ) -> Vec<Vec<u64>> {
        let mut shares = vec![vec![0; self.to.elements()]; self.inferences];
        for (index, number) in numbers.enumerate() {
            let (pass, product) = (index / self.products_of_pass(), index % self.products_of_pass());
            let limbs = Zeroizing::new(number.to_digits::<u64>(Order::Lsf));
            for Place { image, element, slot } in self.places_of(product) {
                // The last pass may have fewer images.
                if let Some(shares) = shares.get_mut(pass * self.linear.layout.images + image) {
                    let digit = low_bits(&limbs, slot * self.stride as usize, self.stride);
                    shares[element] = self.shares.reduce(share(digit));
                }
            }
        }
        shares
    }

    /// What the slots of a ciphertext that comes back mean, where they mean anything.
    fn places_of(&self, product: usize) -> impl Iterator<Item = Place> + '_ {
        let (images, slots) = (self.linear.layout.images, self.tiling.slots());
        self.rows_of(product).enumerate().flat_map(move |(place, row)| {
            let (channel, result) = (row / self.tiling.results(), row % self.tiling.results());
            let first = place * self.width() + self.first();
            (0..images * slots).filter_map(move |slot| {
                let [y, x] = self.tiling.position(result, slot % slots)?;
                Some(Place { image: slot / slots, element: self.to.index(channel, y, x), slot: first + slot })
            })
        })
    }
}

/// Where a result lies in a ciphertext.
struct Place {
    /// Of those that share the ciphertext.
    image: usize,
    element: usize,
    slot: usize,
}

/// The low bits, 64 at most, of the `width` bits at `offset`.
fn low_bits(limbs: &[u64], offset: usize, width: u32) -> u64 {
    let limb = |index: usize| limbs.get(index).copied().unwrap_or(0);
    let (first, shift) = (offset / 64, offset % 64);
    let wide = u128::from(limb(first)) | u128::from(limb(first + 1)) << 64;
    let bits = (wide >> shift) as u64;
    if width < u64::BITS { bits & ((1 << width) - 1) } else { bits }
}

mod coefficients;
mod stack;
#[cfg(test)]
mod tests;

pub use stack::Stack;
