//! Arithmetic on the values of channels that are the same for every image.

use crate::graph::sum_pool;
use crate::graph::{Domain, Integer, Pool, PoolDivisor, Real, Shape};

/// A domain whose constants can be computed with.
pub trait Constants: Domain {
    /// Holds weights, biases, multipliers, and what is computed from them.
    type Wide: Copy + PartialOrd + Default + From<Self::Weight> + From<Self::Bias> + From<Self::Multiplier>;
    /// 1.
    const ONE: Self::Wide;

    /// Σ a·b; `None` where it cannot be held.
    fn dot(terms: impl Iterator<Item = (Self::Wide, Self::Wide)>) -> Option<Self::Wide>;

    /// `x` as a bias; `None` where it is none.
    fn bias(x: Self::Wide) -> Option<Self::Bias>;

    /// The average, or in the integer graph the sum, that `pool` from `image` to `output` gives of the constant `x`;
    /// `None` where that is not the same everywhere, or cannot be held.
    fn pooled(pool: &Pool, image: Shape, output: Shape, x: Self::Wide) -> Option<Self::Wide>;
}

impl Constants for Real {
    type Wide = f64;
    const ONE: f64 = 1.0;

    fn dot(terms: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
        Some(terms.map(|(a, b)| a * b).sum::<f64>()).filter(|sum| sum.is_finite())
    }

    fn bias(x: f64) -> Option<f32> {
        Some(x as f32).filter(|bias| bias.is_finite())
    }

    fn pooled(pool: &Pool, image: Shape, output: Shape, x: f64) -> Option<f64> {
        let kernel = pool.window.kernel[0] * pool.window.kernel[1];
        match pool.divisor {
            PoolDivisor::Inside => Some(x),
            PoolDivisor::Kernel => Some(x * inside(pool, image, output)? as f64 / kernel as f64),
        }
    }
}

impl Constants for Integer {
    type Wide = i128;
    const ONE: i128 = 1;

    fn dot(mut terms: impl Iterator<Item = (i128, i128)>) -> Option<i128> {
        terms.try_fold(0i128, |sum, (a, b)| sum.checked_add(a.checked_mul(b)?))
    }

    fn bias(x: i128) -> Option<i128> {
        Some(x)
    }

    fn pooled(pool: &Pool, image: Shape, output: Shape, x: i128) -> Option<i128> {
        let pixels = match sum_pool(pool, image, output).ok()?.sum.balance {
            Some(common) => common.into(),
            None => inside(pool, image, output)? as i128,
        };
        x.checked_mul(pixels)
    }
}

/// The number of pixels in every window; `None` where windows hold different numbers.
fn inside(pool: &Pool, image: Shape, output: Shape) -> Option<usize> {
    let same = |axis: usize, image: usize, output: usize| {
        let counts = pool.window.tap_counts(axis, image, output);
        counts.first().copied().filter(|first| counts.iter().all(|count| count == first))
    };
    Some(same(0, image.height, output.height)? * same(1, image.width, output.width)?)
}
