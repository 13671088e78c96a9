//! Products of weight matrices with panels of narrow integers.
//!
//! A panel has a few columns, which are summed in vector registers while the weights of a row go by.

use std::ops::Range;

/// A matrix of weights, in the form in which products read it.
pub(super) enum WeightMatrix<'a> {
    /// All of them, row after row.
    All {
        /// The weights.
        weights: &'a [i32],
        /// Weights in a row.
        length: usize,
    },
    /// Those that are not zero.
    NonZero {
        /// Where rows begin, and where the last ends.
        bounds: Vec<usize>,
        /// The weights that are not zero, row after row.
        terms: Vec<Term>,
    },
}

/// A weight and its position within its row.
pub(super) struct Term {
    position: u32,
    weight: i32,
}

impl<'a> WeightMatrix<'a> {
    /// Rows of `length` weights, zeros among them.
    pub(super) fn all(weights: &'a [i32], length: usize) -> Self {
        Self::All { weights, length }
    }

    /// Rows of `length` weights, to be read without their zeros.
    pub(super) fn non_zero(weights: &[i32], length: usize) -> Self {
        let mut terms = Vec::new();
        let mut bounds = vec![0];
        for row in weights.chunks_exact(length) {
            let row = (0..).zip(row).filter(|&(_, &weight)| weight != 0);
            terms.extend(row.map(|(position, &weight)| Term { position, weight }));
            bounds.push(terms.len());
        }
        Self::NonZero { bounds, terms }
    }

    /// The products of the rows `range` with the columns of `panel`, whose rows are as many as the
    /// weights of a row: exactly, if no sum leaves 64 bits.
    pub(super) fn times<const W: usize>(&self, range: Range<usize>, panel: &[[i32; W]]) -> Vec<[i64; W]> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { times_in_avx2(self, range, panel) };
        }
        times(self, range, panel)
    }
}

/// [`times`] in the vector instructions that multiply 32 bits by 32 bits to 64.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn times_in_avx2<const W: usize>(
    matrix: &WeightMatrix<'_>,
    range: Range<usize>,
    panel: &[[i32; W]],
) -> Vec<[i64; W]> {
    times(matrix, range, panel)
}

// No closures from here on: they would be compiled without the caller's vector instructions.

#[inline(always)]
fn times<const W: usize>(
    matrix: &WeightMatrix<'_>,
    range: Range<usize>,
    panel: &[[i32; W]],
) -> Vec<[i64; W]> {
    let mut products = vec![[0; W]; range.len()];
    for (product, row) in products.iter_mut().zip(range) {
        let mut sums = [0; W];
        match matrix {
            WeightMatrix::All { weights, length } => {
                for (&weight, x) in weights[row * length..][..*length].iter().zip(panel) {
                    add(&mut sums, weight, x);
                }
            }
            WeightMatrix::NonZero { bounds, terms } => {
                for term in &terms[bounds[row]..bounds[row + 1]] {
                    add(&mut sums, term.weight, &panel[term.position as usize]);
                }
            }
        }
        *product = sums;
    }
    products
}

#[inline(always)]
fn add<const W: usize>(sums: &mut [i64; W], weight: i32, x: &[i32; W]) {
    for column in 0..W {
        let product = i64::from(weight).wrapping_mul(i64::from(x[column]));
        sums[column] = sums[column].wrapping_add(product);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive<const W: usize>(weights: &[i32], length: usize, panel: &[[i32; W]]) -> Vec<[i64; W]> {
        let row = |weights: &[i32]| {
            std::array::from_fn(|j| {
                weights.iter().zip(panel).map(|(&w, x)| i64::from(w) * i64::from(x[j])).sum()
            })
        };
        weights.chunks_exact(length).map(row).collect()
    }

    fn assert_product<const W: usize>(weights: &[i32], length: usize, digits: &[i32], from: usize) {
        let panel: Vec<[i32; W]> =
            (0..length).map(|k| std::array::from_fn(|j| digits[(k * W + j) % digits.len()])).collect();
        let expected = naive(weights, length, &panel);
        let range = from.min(expected.len() - 1)..expected.len();
        for rows in [WeightMatrix::all(weights, length), WeightMatrix::non_zero(weights, length)] {
            assert_eq!(rows.times(range.clone(), &panel), expected[range.clone()]);
            assert_eq!(times(&rows, range.clone(), &panel), expected[range.clone()]);
        }
    }

    proptest! {
        #[test]
        fn both_forms_give_the_product(
            rows in 1usize..6,
            length in 1usize..40,
            weights in prop::collection::vec(prop_oneof![Just(0), -127..128i32], 240),
            digits in prop::collection::vec(prop_oneof![Just(i32::MIN), Just(i32::MAX), any::<i32>()], 1..300),
            from in 0usize..6,
        ) {
            let weights = &weights[..rows * length];
            assert_product::<1>(weights, length, &digits, from);
            assert_product::<4>(weights, length, &digits, from);
            assert_product::<32>(weights, length, &digits, from);
        }
    }

    #[test]
    fn the_largest_product_is_exact() {
        let product = WeightMatrix::all(&[i32::MIN], 1).times(0..1, &[[i32::MIN; 4]]);
        assert_eq!(product, [[1 << 62; 4]]);
    }
}
