//! Fraction bits: what the shares of a value hold below it, in suite `shared`.
//!
//! After a linear step the parties' shares are those of 2^f·x + c: one mask hides all slots of a ciphertext, so that a carry of
//! 0 or 1 comes from the slot below ([`Layout::fraction`](super::Layout)). Sums add such carries up; C is the largest that a
//! value may have. While C < 2^f, who drops the f bits has x exactly.
//!
//! | value | f | C |
//! |---|---|---|
//! | of a linear step | its layout's | 1 |
//! | of an activation, a truncation, a product, the input | 0 | 0 |
//! | Σ m_i·x_i | max f_i | Σ \|m_i\|·2^(f − f_i)·C_i |
//! | sums over windows of n | f | n·C |
//! | concatenations | max f_i | max 2^(f − f_i)·C_i |
//! | maxima, gathered elements | f | C |
//!
//! Terms with a negative multiplier take carries away: the server adds D, the sum of |m_i|·2^(f − f_i)·C_i over these, so that
//! the carry of the sum stays in [0, C].

use super::ids::StepId;
use super::knowledge::Knowledge;
use super::ops::{Op, SumPool};

/// What the shares of a value hold below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fraction {
    /// f.
    pub bits: u32,
    /// C, at most `u64::MAX`.
    pub carry: u64,
}

impl Fraction {
    /// Of all values of a plan, from each step's operation, the fraction bits of its layout if it is linear, and what it reads.
    /// Steps may be anything: what has not run yet counts as if it had no fraction.
    pub fn of_steps<'s, K: Knowledge + 's>(
        steps: impl IntoIterator<Item = (&'s Op<K>, u32, &'s [StepId])>,
    ) -> Vec<Self> {
        let mut fractions: Vec<Self> = Vec::new();
        for (op, linear, inputs) in steps {
            let input = |input: &StepId| fractions.get(input.index()).copied().unwrap_or_default();
            let inputs: Vec<Self> = inputs.iter().map(input).collect();
            fractions.push(Self::of_result(op, linear, &inputs));
        }
        fractions
    }

    /// Of a value that `op` makes of values with these fractions; `linear`: the fraction bits of the layout, of a linear step.
    pub fn of_result<K: Knowledge>(op: &Op<K>, linear: u32, inputs: &[Self]) -> Self {
        let bits = inputs.iter().map(|input| input.bits).max().unwrap_or(0);
        let aligned = || inputs.iter().map(move |input| input.aligned(bits));
        match op {
            Op::Conv2d(_) | Op::Dense(_) => Self { bits: linear, carry: 1 },
            Op::Add(sum) => {
                let terms = sum.multipliers.iter().zip(aligned());
                let carry = terms.map(|(multiplier, carry)| multiplier.unsigned_abs().saturating_mul(carry));
                Self { bits, carry: carry.fold(0, u64::saturating_add) }
            }
            Op::SumPool(pool) => {
                Self { bits, carry: aligned().max().unwrap_or(0).saturating_mul(most_terms(pool)) }
            }
            Op::Concat | Op::Gather(_) | Op::MaxPool(_) => Self { bits, carry: aligned().max().unwrap_or(0) },
            Op::Input
            | Op::Relu
            | Op::Sign
            | Op::Rescale { .. }
            | Op::ReluRescale { .. }
            | Op::Mul
            | Op::ArgMax(_)
            | Op::Reveal => Self::default(),
        }
    }

    /// The largest carry of the same value with `bits` fraction bits, which are not fewer.
    fn aligned(self, bits: u32) -> u64 {
        let shift = bits - self.bits;
        if self.carry == 0 || shift < self.carry.leading_zeros() {
            self.carry << shift.min(63)
        } else {
            u64::MAX
        }
    }

    /// Whether dropping the bits gives the value exactly.
    pub const fn is_exact(self) -> bool {
        if self.bits == 0 { self.carry == 0 } else { self.bits < u64::BITS && self.carry >> self.bits == 0 }
    }

    /// The fewest bits below which a carry as large as this stays.
    pub const fn least_bits(self) -> u32 {
        u64::BITS - self.carry.leading_zeros()
    }
}

/// D: what the server adds to Σ m_i·x_i, so that no carry is negative.
pub(super) fn missing_carry(multipliers: &[i64], inputs: &[Fraction], bits: u32) -> u64 {
    let negative = multipliers.iter().zip(inputs).filter(|(multiplier, _)| **multiplier < 0);
    negative.map(|(multiplier, input)| multiplier.unsigned_abs().wrapping_mul(input.aligned(bits))).sum()
}

/// What a sum over a window multiplies a carry by, at most.
fn most_terms(pool: &SumPool) -> u64 {
    let pixels = pool.window.kernel[0].saturating_mul(pool.window.kernel[1]) as u64;
    pool.balance.map_or(pixels, |common| pixels.max(common.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Dense, Private, Window};

    const LINEAR: Fraction = Fraction { bits: 3, carry: 1 };

    fn add(multipliers: &[i64], inputs: &[Fraction]) -> Fraction {
        Fraction::of_result(&Op::<Private>::Add(multipliers.to_vec().into()), 9, inputs)
    }

    #[test]
    fn carries_add_up_in_sums() {
        let dense: Op = Op::Dense(Dense { weights: vec![], bias: vec![] });
        assert_eq!(Fraction::of_result(&dense, 3, &[Fraction::default()]), LINEAR);
        assert_eq!(add(&[1, -5], &[LINEAR, LINEAR]), Fraction { bits: 3, carry: 6 });
        assert_eq!(add(&[1, -5], &[LINEAR, Fraction::default()]), LINEAR);
        let finer = Fraction { bits: 5, carry: 2 };
        assert_eq!(add(&[3, -2], &[LINEAR, finer]), Fraction { bits: 5, carry: 3 * 4 + 2 * 2 });
        assert_eq!(missing_carry(&[3, -2], &[LINEAR, finer], 5), 4);
        assert_eq!(missing_carry(&[-3, 2], &[LINEAR, finer], 5), 12);
        assert!(!add(&[8], &[LINEAR]).is_exact() && add(&[-7], &[LINEAR]).is_exact());
    }

    #[test]
    fn pools_and_concatenations_keep_the_bits() {
        let pool = |balance| Op::<Private>::SumPool(SumPool { window: Window::dense([2, 3]), balance });
        assert_eq!(Fraction::of_result(&pool(None), 0, &[LINEAR]), Fraction { bits: 3, carry: 6 });
        assert_eq!(Fraction::of_result(&pool(Some(12)), 0, &[LINEAR]), Fraction { bits: 3, carry: 12 });
        let finer = Fraction { bits: 5, carry: 2 };
        assert_eq!(
            Fraction::of_result(&Op::<Private>::Concat, 0, &[finer, LINEAR]),
            Fraction { bits: 5, carry: 4 }
        );
        assert_eq!(Fraction::of_result(&Op::<Private>::Relu, 0, &[finer]), Fraction::default());
    }

    #[test]
    fn absurd_carries_are_no_more_than_the_largest_number() {
        let wide = Fraction { bits: 200, carry: 1 };
        assert_eq!(add(&[1, 1], &[LINEAR, wide]), Fraction { bits: 200, carry: u64::MAX });
        assert!(
            !wide.is_exact() && !Fraction { bits: 0, carry: 1 }.is_exact() && Fraction::default().is_exact()
        );
        let most = Fraction { bits: 62, carry: u64::MAX };
        assert_eq!(add(&[i64::MIN, 3], &[most, most]).carry, u64::MAX);
    }
}
