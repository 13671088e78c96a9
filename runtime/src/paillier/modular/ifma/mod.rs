//! The kernel of processors with AVX-512 IFMA: digits in lanes of 52 bits, eight lanes to a vector.
//!
//! A digit has k lanes, k the least with 52k ≥ |M| + 4, in V = ⌈k/8⌉ vectors, and R = 2^(52k), so that
//! M < R/16. There is room for any representative of a digit within
//!
//! ```text
//! x0 < 2M,  x1 < 3M,
//! ```
//!
//! which saves every comparison with M: a product is as good as its factors. For
//!
//! * r = (x0·y0 + q·M)/R with q < R is below (4M/R + 1)·M < 2M;
//! * s = (x0·y1 + x1·y0 − q + q'·M)/R is an integer above −1, so s ≥ 0, and s + M, of the same residue, is
//!   below (12M/R + 2)·M < 3M.
//!
//! The high digit is s + M, because s may have −1 in its lowest column, a carry of the subtraction of q,
//! and M, being odd, makes up for that.
//!
//! A step takes one lane of y for both digits of the product. The two halves of products of lanes, low and
//! high 52 bits, are added to columns of 64 bits; the lowest, with the multiple of M that clears it,
//! leaves by a shift of all columns. A column takes at most six halves in each of k steps, besides a
//! carry and a lane of q, so it stays within ±2^63 for k up to 300. While the quotient lane of one digit
//! is on its way, the multiplications of the other go on.

mod digit;
mod pair;
mod radix;

use std::arch::x86_64::_mm512_cmpeq_epi64_mask;

use rug::Integer;
use zeroize::Zeroize;

use super::super::limbs::{Limb, inverse_mod_limb};
use super::kernel::Kernel;
use digit::{Digit, LANE_BITS, LANE_MASK, LANES, Lanes, Modulus, broadcast};
pub(super) use pair::pair_kernel;
use radix::{read_lanes, write_lanes};

/// log₂ of the least R/M.
const SLACK_BITS: u32 = 4;

/// What products need to know of M, for digits of V vectors.
///
/// It exists only where the processor has AVX-512 F and IFMA.
struct Ifma<const V: usize> {
    base: Lanes<V>,
    /// −1/M modulo 2^52.
    negative_inverse: u64,
    /// The number k of lanes of a digit.
    lanes: usize,
}

/// Whether the processor has the instructions.
fn available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")
}

/// The kernel for the ring modulo `base`², if the processor has the instructions and the base at most ten vectors.
pub(super) fn kernel(base: &Integer) -> Option<Box<dyn Kernel>> {
    if !available() {
        return None;
    }
    let lanes = lanes_for(base);
    Some(match lanes.div_ceil(LANES) {
        1 => Box::new(Ifma::<1>::new(base, lanes)),
        2 => Box::new(Ifma::<2>::new(base, lanes)),
        3 => Box::new(Ifma::<3>::new(base, lanes)),
        4 => Box::new(Ifma::<4>::new(base, lanes)),
        5 => Box::new(Ifma::<5>::new(base, lanes)),
        6 => Box::new(Ifma::<6>::new(base, lanes)),
        7 => Box::new(Ifma::<7>::new(base, lanes)),
        8 => Box::new(Ifma::<8>::new(base, lanes)),
        9 => Box::new(Ifma::<9>::new(base, lanes)),
        10 => Box::new(Ifma::<10>::new(base, lanes)),
        _ => return None,
    })
}

/// The number k of lanes of a digit modulo `base`.
fn lanes_for(base: &Integer) -> usize {
    (base.significant_bits() + SLACK_BITS).div_ceil(LANE_BITS) as usize
}

impl<const V: usize> Ifma<V> {
    fn new(base: &Integer, lanes: usize) -> Self {
        let mut base_lanes = [[0; LANES]; V];
        write_lanes(base_lanes.as_flattened_mut(), base);
        let negative_inverse = inverse_mod_limb(base_lanes[0][0]).wrapping_neg() & LANE_MASK;
        Self { base: base_lanes, negative_inverse, lanes }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn multiply(&self, x: &mut [Limb], y: &[Limb]) {
        let [x0, x1] = load_element::<V>(x);
        let (y0, y1) = y.split_at(V * LANES);
        let modulus = Modulus::new(&self.base, self.negative_inverse);
        let (mut low, mut high) = (Digit::zero(), Digit::zero());
        for (&y0, &y1) in y0.iter().zip(y1).take(self.lanes) {
            let (y0, y1) = (broadcast(y0), broadcast(y1));
            let quotient = modulus.step(&mut low, [(&x0, y0)]);
            high.subtract_lowest(quotient);
            modulus.step(&mut high, [(&x0, y1), (&x1, y0)]);
        }
        store_element(x, &low.carried(), &modulus.plus_base(high));
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn square(&self, x: &mut [Limb]) {
        let [x0, x1] = load_element::<V>(x);
        let twice_x1 = x1.doubled();
        let modulus = Modulus::new(&self.base, self.negative_inverse);
        let (mut low, mut high) = (Digit::zero(), Digit::zero());
        for &lane in &x[..self.lanes] {
            let lane = broadcast(lane);
            let quotient = modulus.step(&mut low, [(&x0, lane)]);
            high.subtract_lowest(quotient);
            modulus.step(&mut high, [(&twice_x1, lane)]);
        }
        store_element(x, &low.carried(), &modulus.plus_base(high));
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn multiply_low(&self, x: &mut [Limb], y: &[Limb]) {
        let x: &mut Lanes<V> = x.as_chunks_mut().0.try_into().expect("a digit has V vectors");
        let x0 = Digit::load(x);
        let modulus = Modulus::new(&self.base, self.negative_inverse);
        let mut low = Digit::zero();
        for &y0 in y.iter().take(self.lanes) {
            modulus.step(&mut low, [(&x0, broadcast(y0))]);
        }
        low.carried().store(x);
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn select(out: &mut [Limb], table: &[Limb], index: usize) {
        let index = broadcast(index as u64);
        let [mut low, mut high] = [Digit::<V>::zero(); 2];
        for (position, element) in table.chunks_exact(2 * V * LANES).enumerate() {
            let chosen = _mm512_cmpeq_epi64_mask(broadcast(position as u64), index);
            let [x0, x1] = load_element(element);
            low.replace_if(chosen, &x0);
            high.replace_if(chosen, &x1);
        }
        store_element(out, &low, &high);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn load_element<const V: usize>(x: &[Limb]) -> [Digit<V>; 2] {
    let (x0, x1) = x.as_chunks().0.split_at(V);
    [x0, x1].map(|lanes| Digit::load(lanes.try_into().expect("a digit has V vectors")))
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn store_element<const V: usize>(x: &mut [Limb], low: &Digit<V>, high: &Digit<V>) {
    let (x0, x1) = x.as_chunks_mut().0.split_at_mut(V);
    low.store(x0.try_into().expect("a digit has V vectors"));
    high.store(x1.try_into().expect("a digit has V vectors"));
}

impl<const V: usize> Kernel for Ifma<V> {
    fn digit_limbs(&self) -> usize {
        V * LANES
    }

    fn radix_bits(&self) -> u32 {
        LANE_BITS * self.lanes as u32
    }

    /// None: everything is in registers, or where the compiler spills them.
    fn workspace_limbs(&self) -> usize {
        0
    }

    fn write_digit(&self, limbs: &mut [Limb], digit: &Integer) {
        write_lanes(limbs, digit);
    }

    fn read_digit(&self, limbs: &[Limb]) -> Integer {
        read_lanes(limbs)
    }

    fn mul_assign(&self, x: &mut [Limb], y: &[Limb], _: &mut [Limb]) {
        // SAFETY: the processor has the instructions, or `self` would not exist.
        unsafe { self.multiply(x, y) }
    }

    fn square_assign(&self, x: &mut [Limb], _: &mut [Limb]) {
        // SAFETY: the processor has the instructions, or `self` would not exist.
        unsafe { self.square(x) }
    }

    fn mul_low_assign(&self, x: &mut [Limb], y: &[Limb], _: &mut [Limb]) {
        // SAFETY: the processor has the instructions, or `self` would not exist.
        unsafe { self.multiply_low(x, y) }
    }

    fn select(&self, out: &mut [Limb], table: &[Limb], index: usize) {
        // SAFETY: the processor has the instructions, or `self` would not exist.
        unsafe { Self::select(out, table, index) }
    }
}

impl<const V: usize> Drop for Ifma<V> {
    fn drop(&mut self) {
        self.base.as_flattened_mut().zeroize();
        self.negative_inverse.zeroize();
    }
}
