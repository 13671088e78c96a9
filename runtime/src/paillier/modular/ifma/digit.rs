//! Arithmetic on a digit in V vectors of eight lanes of 52 bits, each in 64 bits.
//!
//! While numbers are added up the lanes are *columns*, which may be longer than 52 bits or negative.

#![expect(
    clippy::needless_range_loop,
    reason = "with iterators the compiler does not inline what must be inline to stay in registers"
)]

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_alignr_epi64, _mm512_and_si512, _mm512_broadcastq_epi64,
    _mm512_castsi512_si128, _mm512_cmpeq_epi64_mask, _mm512_cmpgt_epi64_mask, _mm512_loadu_epi64,
    _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_add_epi64, _mm512_mask_mov_epi64,
    _mm512_mask_sub_epi64, _mm512_maskz_srai_epi64, _mm512_or_si512, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_slli_epi64, _mm512_srai_epi64, _mm512_srli_epi64, _mm512_storeu_epi64,
};

use super::super::super::limbs::Limb;

/// Bits of a lane, as many as AVX-512 IFMA multiplies.
pub(super) const LANE_BITS: u32 = 52;

/// All bits of a lane.
pub(super) const LANE_MASK: u64 = (1 << LANE_BITS) - 1;

/// Lanes of a vector.
pub(super) const LANES: usize = 8;

/// One digit in memory.
pub(super) type Lanes<const V: usize> = [[Limb; LANES]; V];

/// One digit in registers.
#[derive(Clone, Copy)]
pub(super) struct Digit<const V: usize>([__m512i; V]);

/// The modulus M that columns are reduced by.
pub(super) struct Modulus<const V: usize> {
    base: Digit<V>,
    /// −1/M modulo 2^52, in every lane.
    negative_inverse: __m512i,
}

impl<const V: usize> Modulus<V> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn new(base: &Lanes<V>, negative_inverse: u64) -> Self {
        Self { base: Digit::load(base), negative_inverse: broadcast(negative_inverse) }
    }

    /// Adds x·lane for all `terms` (x, lane) and the multiple of M that clears the lowest 52 bits, and divides by
    /// 2^52. Returns that multiple's factor in all lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn step<const N: usize>(
        &self,
        columns: &mut Digit<V>,
        terms: [(&Digit<V>, __m512i); N],
    ) -> __m512i {
        for (x, lane) in terms {
            columns.add_low_halves(x, lane);
        }
        let quotient = self.quotient(columns);
        columns.add_low_halves(&self.base, quotient);
        // The next quotient waits for the lowest vector, so what enters it is summed up beside the rest.
        let mut entering = _mm512_setzero_si512();
        for (x, lane) in terms {
            entering = _mm512_madd52hi_epu64(entering, x.0[0], lane);
        }
        entering = _mm512_madd52hi_epu64(entering, self.base.0[0], quotient);
        entering = _mm512_add_epi64(entering, _mm512_maskz_srai_epi64(1, columns.0[0], LANE_BITS));
        columns.shift_down();
        columns.0[0] = _mm512_add_epi64(columns.0[0], entering);
        for (x, lane) in terms {
            columns.add_upper_high_halves(x, lane);
        }
        columns.add_upper_high_halves(&self.base, quotient);
        quotient
    }

    /// As [`step`](Self::step), in fewer instructions, of which more wait for one another: for when there is other work
    /// to fill the time.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn short_step<const N: usize>(
        &self,
        columns: &mut Digit<V>,
        terms: [(&Digit<V>, __m512i); N],
    ) -> __m512i {
        for (x, lane) in terms {
            columns.add_low_halves(x, lane);
        }
        let quotient = self.quotient(columns);
        columns.add_low_halves(&self.base, quotient);
        let carry = _mm512_srai_epi64(columns.0[0], LANE_BITS);
        columns.shift_down();
        columns.0[0] = _mm512_mask_add_epi64(columns.0[0], 1, columns.0[0], carry);
        for (x, lane) in terms {
            columns.add_high_halves(x, lane);
        }
        columns.add_high_halves(&self.base, quotient);
        quotient
    }

    /// The factor of M that clears the lowest 52 bits of the columns, in all lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn quotient(&self, columns: &Digit<V>) -> __m512i {
        let quotients = _mm512_madd52lo_epu64(_mm512_setzero_si512(), columns.0[0], self.negative_inverse);
        _mm512_broadcastq_epi64(_mm512_castsi512_si128(quotients))
    }

    /// The columns plus M, as a digit; only the lowest column may be negative, and be −1.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn plus_base(&self, mut columns: Digit<V>) -> Digit<V> {
        for j in 0..V {
            columns.0[j] = _mm512_add_epi64(columns.0[j], self.base.0[j]);
        }
        columns.carried()
    }
}

impl<const V: usize> Digit<V> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn zero() -> Self {
        Self([_mm512_setzero_si512(); V])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn load(lanes: &Lanes<V>) -> Self {
        let mut digit = Self::zero();
        for j in 0..V {
            // SAFETY: the pointer is to 64 bytes, which need no alignment here.
            digit.0[j] = unsafe { _mm512_loadu_epi64(lanes[j].as_ptr().cast()) };
        }
        digit
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn store(&self, lanes: &mut Lanes<V>) {
        for j in 0..V {
            // SAFETY: as in `load`, and the lanes are borrowed mutably.
            unsafe { _mm512_storeu_epi64(lanes[j].as_mut_ptr().cast(), self.0[j]) };
        }
    }

    /// Twice the number, which must be below R/2 and have its carries done.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn doubled(&self) -> Self {
        let mut doubled = Self::zero();
        let mut below = _mm512_setzero_si512();
        for j in 0..V {
            let x = self.0[j];
            let highest_bits = _mm512_srli_epi64(_mm512_alignr_epi64(x, below, 7), LANE_BITS - 1);
            let others = _mm512_and_si512(_mm512_slli_epi64(x, 1), broadcast(LANE_MASK));
            doubled.0[j] = _mm512_or_si512(others, highest_bits);
            below = x;
        }
        doubled
    }

    /// Subtracts the lowest lane of `lanes` from the lowest column.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn subtract_lowest(&mut self, lanes: __m512i) {
        self.0[0] = _mm512_mask_sub_epi64(self.0[0], 1, self.0[0], lanes);
    }

    /// Overwrites the digit with `other` where the mask has its bits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn replace_if(&mut self, mask: u8, other: &Self) {
        for j in 0..V {
            self.0[j] = _mm512_mask_mov_epi64(self.0[j], mask, other.0[j]);
        }
    }

    /// The same number in lanes of 52 bits; no column may be negative.
    ///
    /// After one pass of carries a column is at most 2^52 + 2^12, so that another carry is 0 or 1. These run
    /// through the binary addition of two masks: a column above 52 bits makes one, a column of ones
    /// hands one on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn carried(mut self) -> Self {
        let mask = broadcast(LANE_MASK);
        let mut below = _mm512_setzero_si512();
        let (mut above, mut full) = (0u128, 0u128);
        for j in 0..V {
            let carries = _mm512_srai_epi64(self.0[j], LANE_BITS);
            let lanes = _mm512_and_si512(self.0[j], mask);
            let column = _mm512_add_epi64(lanes, _mm512_alignr_epi64(carries, below, 7));
            above |= u128::from(_mm512_cmpgt_epi64_mask(column, mask)) << (LANES * j);
            full |= u128::from(_mm512_cmpeq_epi64_mask(column, mask)) << (LANES * j);
            self.0[j] = column;
            below = carries;
        }
        let carries = ((above << 1) + full) ^ full;
        for j in 0..V {
            let carried = (carries >> (LANES * j)) as u8;
            let lanes = _mm512_mask_add_epi64(self.0[j], carried, self.0[j], broadcast(1));
            self.0[j] = _mm512_and_si512(lanes, mask);
        }
        self
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_low_halves(&mut self, x: &Self, lane: __m512i) {
        for j in 0..V {
            self.0[j] = _mm512_madd52lo_epu64(self.0[j], x.0[j], lane);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_high_halves(&mut self, x: &Self, lane: __m512i) {
        for j in 0..V {
            self.0[j] = _mm512_madd52hi_epu64(self.0[j], x.0[j], lane);
        }
    }

    /// Leaves the lowest vector as it is.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_upper_high_halves(&mut self, x: &Self, lane: __m512i) {
        for j in 1..V {
            self.0[j] = _mm512_madd52hi_epu64(self.0[j], x.0[j], lane);
        }
    }

    /// Moves every column one place down; the lowest is lost.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn shift_down(&mut self) {
        for j in 0..V {
            let above = if j + 1 < V { self.0[j + 1] } else { _mm512_setzero_si512() };
            self.0[j] = _mm512_alignr_epi64(above, self.0[j], 1);
        }
    }
}

/// The same lane eight times.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn broadcast(lane: u64) -> __m512i {
    _mm512_set1_epi64(lane as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rug::Integer;

    use super::super::{available, radix::read_lanes};
    use super::*;

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn carried(columns: &mut Lanes<10>) {
        Digit::load(columns).carried().store(columns);
    }

    proptest! {
        #[test]
        fn carries_run_through_any_columns(
            columns in prop::collection::vec(
                prop_oneof![
                    3 => Just(LANE_MASK),
                    1 => Just(LANE_MASK - 1),
                    1 => Just(LANE_MASK + 1),
                    1 => Just(0),
                    1 => Just(i64::MAX as Limb),
                    1 => 0..i64::MAX as Limb,
                ],
                80,
            ),
        ) {
            if !available() {
                println!("no AVX-512 IFMA here: carries are not tested");
                return Ok(());
            }
            let value = |columns: &[Limb]| {
                columns.iter().rev().fold(Integer::new(), |value, column| (value << LANE_BITS) + column)
            };
            let mut lanes: Lanes<10> = columns.as_chunks().0.try_into().unwrap();
            // SAFETY: the instructions are available.
            unsafe { carried(&mut lanes) };
            let lanes = lanes.as_flattened();
            prop_assert!(lanes.iter().all(|lane| *lane <= LANE_MASK));
            prop_assert_eq!(read_lanes(lanes), value(&columns).keep_bits(80 * LANE_BITS));
        }
    }
}
