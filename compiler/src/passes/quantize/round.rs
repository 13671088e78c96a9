//! Rounding that makes up for its own errors.

use crate::numeric::{Root, dot};
use std::borrow::Cow;

/// Scales tried are this many, each smaller than the one before by [`CLIP_STEP`].
const CLIP_TRIES: i32 = 48;
const CLIP_STEP: f64 = 0.96;

/// The weights of a row within a block that may differ from zero.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    /// Their columns in the row.
    pub columns: Vec<usize>,
    /// Their best real values.
    pub best: Vec<f64>,
    /// Scales of the integers that they multiply.
    pub input: Vec<f64>,
    /// Of the Hessian of these columns.
    pub root: Cow<'a, Root>,
}

/// Integers for a [`Part`], and their squared output error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rounded {
    pub integers: Vec<i32>,
    pub error: f64,
}

impl Part<'_> {
    /// The better of compensated and nearest rounding to integers of at most ±`largest`, with one
    /// integer worth `scale` at the output.
    pub(super) fn round(&self, scale: f64, largest: i32) -> Rounded {
        let (compensated, nearest) = (self.pass(scale, largest, true), self.pass(scale, largest, false));
        if compensated.error <= nearest.error { compensated } else { nearest }
    }

    /// The output error is |R·d|² with d the errors of the weights. Its components are made small one
    /// by one, last first: component i depends on weights i and later alone, so weight i is rounded
    /// after the errors of the later ones have been taken into account. This is the rounding of GPTQ
    /// (Frantar et al. 2022), without an inverse.
    fn pass(&self, scale: f64, largest: i32, compensate: bool) -> Rounded {
        let size = self.best.len();
        let (mut off, mut integers, mut error) = (vec![0.0; size], vec![0; size], 0.0);
        let bound = f64::from(largest);
        for i in (0..size).rev() {
            let row = self.root.row(i);
            let step = scale / self.input[i];
            let carried = dot(&row[1..], &off[i + 1..]) / row[0];
            let wanted = if compensate { self.best[i] + carried } else { self.best[i] };
            let integer = (wanted / step).round().clamp(-bound, bound);
            off[i] = self.best[i] - integer * step;
            integers[i] = integer as i32;
            error += (row[0] * (off[i] + carried)).powi(2);
        }
        Rounded { integers, error }
    }
}

/// The scale at which no weight of the row is clipped; 0 for no weights.
pub(super) fn unclipped(parts: &[Part<'_>], largest: i32) -> f64 {
    let sizes = parts.iter().flat_map(|part| part.best.iter().zip(&part.input).map(|(w, s)| w.abs() * s));
    sizes.fold(0.0, f64::max) / f64::from(largest)
}

/// `largest_scale` and smaller ones.
pub(super) fn candidates(largest_scale: f64) -> impl Iterator<Item = f64> {
    (0..CLIP_TRIES).map(move |power| largest_scale * CLIP_STEP.powi(power))
}

/// Squared output error of a row at `scale`.
pub(super) fn error(parts: &[Part<'_>], scale: f64, largest: i32) -> f64 {
    parts.iter().map(|part| part.round(scale, largest).error).sum()
}

/// The candidate with the least of these errors, the largest of equals.
pub(super) fn least(candidates: impl Iterator<Item = f64>, error: impl Fn(f64) -> f64) -> f64 {
    let (mut best, mut least) = (0.0, f64::INFINITY);
    for scale in candidates {
        let error = error(scale);
        if error < least {
            (best, least) = (scale, error);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::{Matrix, axpy};
    use proptest::prelude::*;

    /// Weights before a covariance of inputs that depend on each other.
    fn part(noise: &[f64], size: usize) -> (Matrix, Part<'static>) {
        let mut hessian = Matrix::zeros(size);
        for sample in noise.chunks_exact(size) {
            (0..size).for_each(|i| axpy(sample[i], sample, hessian.row_mut(i)));
        }
        hessian.add_to_diagonal(0.01);
        let best = noise[..size].to_vec();
        let root = Cow::Owned(hessian.clone().root());
        (hessian, Part { columns: (0..size).collect(), best, input: vec![0.5; size], root })
    }

    proptest! {
        #[test]
        fn compensation_is_never_worse_than_nearest(
            size in 1usize..12, noise in proptest::collection::vec(-1f64..1.0, 144), largest in 1i32..8,
        ) {
            let (hessian, part) = part(&noise, size);
            let scale = unclipped(std::slice::from_ref(&part), largest);
            let nearest: Vec<i32> = part.best.iter().map(|w| (w * 0.5 / scale).round() as i32).collect();
            let harm = |integers: &[i32]| -> f64 {
                let off: Vec<f64> =
                    part.best.iter().zip(integers).map(|(w, &q)| w - f64::from(q) * scale / 0.5).collect();
                dot(&off, &hessian.times(&off))
            };
            let rounded = part.round(scale, largest);
            prop_assert!(rounded.integers.iter().all(|q| q.abs() <= largest));
            prop_assert!((harm(&rounded.integers) - rounded.error).abs() <= 1e-6 * (1.0 + rounded.error));
            prop_assert!(rounded.error <= harm(&nearest) * (1.0 + 1e-6) + 1e-9);
        }
    }

    #[test]
    fn errors_are_made_up_for() {
        // Two inputs that are nearly the same: only the sum of their weights counts.
        let root = Cow::Owned(Matrix::new(2, vec![1.001, 1.0, 1.0, 1.001]).root());
        let part = Part { columns: vec![0, 1], best: vec![0.4, 0.4], input: vec![1.0; 2], root };
        assert_eq!(part.round(1.0, 1).integers, [1, 0]);
    }

    #[test]
    fn an_outlier_is_clipped_where_that_pays() {
        let mut best = vec![0.3; 400];
        best[0] = 1.0;
        let root = Cow::Owned({
            let mut unit = Matrix::zeros(400);
            unit.add_to_diagonal(1.0);
            unit.root()
        });
        let part = [Part { columns: (0..400).collect(), best, input: vec![1.0; 400], root }];
        let scale = least(candidates(unclipped(&part, 1)), |scale| error(&part, scale, 1));
        assert!((0.28..0.32).contains(&scale), "{scale}");
    }
}
