//! Rounding in which the error of each weight is compensated for in those still to be rounded (GPTQ).

use super::grid::Grid;
use super::search::{self, LANES};
use crate::numeric::simd::{self, Kernel};
use crate::numeric::{Root, dot};
use std::borrow::Cow;

/// The weights of a row that may differ from zero, or some of them.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    /// Their columns in the row.
    pub columns: Vec<usize>,
    /// The real values of these weights with the least output error, before rounding.
    pub best: Vec<f64>,
    /// Scales of the integers that they multiply.
    pub input: Vec<f64>,
    pub loss: Loss<'a>,
}

/// The squared output error that errors of the weights of a [`Part`] cause.
#[derive(Clone, Debug)]
pub(super) enum Loss<'a> {
    /// Independent: the sum of the squared errors, each times this.
    Diagonal(Vec<f64>),
    /// Dependent: the quadratic form of the Hessian of which this is the root.
    Full(Cow<'a, Root>),
}

/// Integers for a [`Part`], and their squared output error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rounded {
    pub integers: Vec<i32>,
    pub error: f64,
}

impl Part<'_> {
    /// The better of compensated and nearest rounding to integers of `grid`, with one integer worth
    /// `scale` at the output; or zeros, where these are better than the grid that has none.
    pub(super) fn round(&self, scale: f64, grid: Grid) -> Rounded {
        let near = |wanted: f64, i: usize| grid.nearest(wanted * self.input[i] / scale);
        let apart = || self.pass(scale, |i, _| near(self.best[i], i));
        let mut best = match &self.loss {
            Loss::Diagonal(_) => apart(),
            Loss::Full(_) => less(self.pass(scale, |i, carried| near(self.best[i] + carried, i)), apart()),
        };
        if !grid.has_zero() {
            best = less(best, self.pass(scale, |_, _| 0.0));
        }
        best
    }

    /// The output error is |R·d|² with d the errors of the weights. Its components are made small one
    /// by one, last first: component i depends on weights i and later alone, so weight i is rounded
    /// after the errors of the later ones have been taken into account. This is the rounding of GPTQ
    /// (Frantar et al. 2022), without an inverse.
    ///
    /// `choose` gives an integer for weight i, where a real weight larger by its second argument would
    /// make up for the errors of the later ones.
    fn pass(&self, scale: f64, choose: impl Fn(usize, f64) -> f64) -> Rounded {
        let size = self.best.len();
        let (mut off, mut integers, mut error) = (vec![0.0; size], vec![0; size], 0.0);
        for i in (0..size).rev() {
            let (carried, weight) = match &self.loss {
                Loss::Diagonal(weights) => (0.0, weights[i]),
                Loss::Full(root) => {
                    let row = root.row(i);
                    (dot(&row[1..], &off[i + 1..]) / row[0], row[0] * row[0])
                }
            };
            let integer = choose(i, carried);
            off[i] = self.best[i] - integer * scale / self.input[i];
            integers[i] = integer as i32;
            error += weight * (off[i] + carried).powi(2);
        }
        Rounded { integers, error }
    }
}

fn less(first: Rounded, second: Rounded) -> Rounded {
    if first.error <= second.error { first } else { second }
}

/// The scale at which no weight of the row is clipped; 0 for no weights.
pub(super) fn unclipped(parts: &[Part<'_>], grid: Grid) -> f64 {
    let sizes = parts.iter().flat_map(|part| part.best.iter().zip(&part.input).map(|(w, s)| w.abs() * s));
    sizes.fold(0.0, f64::max) / grid.largest()
}

/// The scale at which the compensated rounding of a row has the least loss; 0 for no weights.
pub(super) fn best_scale(parts: &[Part<'_>], grid: Grid) -> f64 {
    let largest = unclipped(parts, grid);
    if largest == 0.0 {
        return 0.0;
    }
    let weights = parts.iter().map(|part| part.best.len()).sum();
    search::least(largest, weights, |scales| errors(parts, scales, grid))
}

/// Squared output errors of a row at each of `scales`, its rounding compensated.
pub(super) fn errors(parts: &[Part<'_>], scales: [f64; LANES], grid: Grid) -> [f64; LANES] {
    let mut sum = [0.0; LANES];
    for part in parts {
        let errors = simd::run(Errors { part, scales, grid });
        (0..LANES).for_each(|lane| sum[lane] += errors[lane]);
    }
    sum
}

/// The compensated pass at several scales at one time.
struct Errors<'a> {
    part: &'a Part<'a>,
    scales: [f64; LANES],
    grid: Grid,
}

impl Kernel for Errors<'_> {
    type Output = [f64; LANES];

    #[inline(always)]
    fn run(self) -> [f64; LANES] {
        match (&self.part.loss, self.grid) {
            (Loss::Diagonal(weights), Grid::Signs) => self.apart(weights, |x| Grid::Signs.nearest(x)),
            (Loss::Diagonal(weights), grid) => self.apart(weights, |x| grid.nearest(x)),
            (Loss::Full(root), Grid::Signs) => self.together(root, |x| Grid::Signs.nearest(x)),
            (Loss::Full(root), grid) => self.together(root, |x| grid.nearest(x)),
        }
    }
}

impl Errors<'_> {
    #[inline(always)]
    fn apart(&self, weights: &[f64], nearest: impl Fn(f64) -> f64) -> [f64; LANES] {
        let inverse = self.scales.map(|scale| 1.0 / scale);
        let mut errors = [0.0; LANES];
        for ((&best, &input), &weight) in self.part.best.iter().zip(&self.part.input).zip(weights) {
            let (best, weight) = (best * input, weight / (input * input));
            for lane in 0..LANES {
                let off = best - nearest(best * inverse[lane]) * self.scales[lane];
                errors[lane] += weight * off * off;
            }
        }
        errors
    }

    #[inline(always)]
    fn together(&self, root: &Root, nearest: impl Fn(f64) -> f64) -> [f64; LANES] {
        let size = self.part.best.len();
        let inverse = self.scales.map(|scale| 1.0 / scale);
        let (mut off, mut errors) = (vec![[0.0; LANES]; size], [0.0; LANES]);
        for i in (0..size).rev() {
            let row = root.row(i);
            let (best, input) = (self.part.best[i], self.part.input[i]);
            let carried = weighted_sum(&row[1..], &off[i + 1..]);
            for lane in 0..LANES {
                let carried = carried[lane] / row[0];
                let integer = nearest((best + carried) * (input * inverse[lane]));
                off[i][lane] = best - integer * (self.scales[lane] / input);
                let error = row[0] * (off[i][lane] + carried);
                errors[lane] += error * error;
            }
        }
        errors
    }
}

/// Σ aₖ·xₖ, lane by lane.
#[inline(always)]
fn weighted_sum(a: &[f64], x: &[[f64; LANES]]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (a, x) in a.iter().zip(x) {
        sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += a * x);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::{Matrix, axpy};
    use proptest::prelude::*;

    fn together(hessian: &Matrix, best: Vec<f64>, input: f64) -> Part<'static> {
        let columns: Vec<usize> = (0..best.len()).collect();
        let loss = Loss::Full(Cow::Owned(hessian.root(&columns)));
        Part { input: vec![input; best.len()], columns, best, loss }
    }

    /// Weights before a covariance of inputs that depend on each other.
    fn part(noise: &[f64], size: usize) -> (Matrix, Part<'static>) {
        let mut values = vec![0.0; size * size];
        for sample in noise.chunks_exact(size) {
            values.chunks_exact_mut(size).zip(sample).for_each(|(row, &x)| axpy(x, sample, row));
        }
        let mut hessian = Matrix::from_upper(size, values);
        hessian.add_to_diagonal(0.01);
        let part = together(&hessian, noise[..size].to_vec(), 0.5);
        (hessian, part)
    }

    fn loss(hessian: &Matrix, part: &Part<'_>, integers: &[i32], scale: f64) -> f64 {
        let off = |(w, &q): (&f64, &i32)| w - f64::from(q) * scale / 0.5;
        let off: Vec<f64> = part.best.iter().zip(integers).map(off).collect();
        dot(&off, &hessian.times(&off))
    }

    proptest! {
        #[test]
        fn compensation_is_never_worse_than_nearest(
            size in 1usize..12, noise in proptest::collection::vec(-1f64..1.0, 144), bits in 1u32..5,
        ) {
            let ((hessian, part), grid) = (part(&noise, size), Grid::with_bits(bits));
            let scale = unclipped(std::slice::from_ref(&part), grid);
            let nearest: Vec<i32> = part.best.iter().map(|w| grid.nearest(w * 0.5 / scale) as i32).collect();
            let rounded = part.round(scale, grid);
            prop_assert!(rounded.integers.iter().all(|&q| f64::from(q).abs() <= grid.largest()));
            let exact = loss(&hessian, &part, &rounded.integers, scale);
            prop_assert!((exact - rounded.error).abs() <= 1e-6 * (1.0 + rounded.error));
            let other = loss(&hessian, &part, &nearest, scale);
            prop_assert!(rounded.error <= other * (1.0 + 1e-6) + 1e-9);
        }

        #[test]
        fn errors_at_many_scales_are_those_of_the_compensated_pass(
            size in 1usize..12, noise in proptest::collection::vec(-1f64..1.0, 144), bits in 1u32..5,
        ) {
            let ((_, part), grid) = (part(&noise, size), Grid::with_bits(bits));
            let scales = std::array::from_fn(|lane| 0.1 + lane as f64 * 0.05);
            let errors = errors(std::slice::from_ref(&part), scales, grid);
            for (scale, error) in scales.into_iter().zip(errors) {
                let choose = |i: usize, carried: f64| grid.nearest((part.best[i] + carried) * 0.5 / scale);
                prop_assert!((part.pass(scale, choose).error - error).abs() <= 1e-9 * (1.0 + error));
            }
        }

        #[test]
        fn scales_are_as_good_as_the_best_of_many(
            noise in proptest::collection::vec(-1f64..1.0, 4096), size in 4usize..65, bits in 1u32..=8,
        ) {
            let grid = Grid::with_bits(bits);
            let (mut found, mut exhaustive) = (0.0, 0.0);
            for row in 0..16 {
                let part = [part(&noise[row * size..], size).1];
                let largest = unclipped(&part, grid);
                let at = |scale: f64| errors(&part, [scale; LANES], grid)[0];
                let all = (0..48).map(|power| at(largest * 0.96f64.powi(power)));
                exhaustive += all.fold(f64::INFINITY, f64::min);
                found += at(best_scale(&part, grid));
            }
            prop_assert!(found <= 1.1 * exhaustive, "{found} is more than {exhaustive}");
        }
    }

    #[test]
    fn errors_are_made_up_for() {
        // Two inputs that are nearly the same: only the sum of their weights counts.
        let hessian = Matrix::from_upper(2, vec![1.001, 1.0, 1.0, 1.001]);
        let part = together(&hessian, vec![0.4, 0.4], 1.0);
        assert_eq!(part.round(1.0, Grid::with_bits(2)).integers, [1, 0]);
    }

    #[test]
    fn an_outlier_is_clipped_where_that_pays() {
        let mut best = vec![0.3; 400];
        best[0] = 1.0;
        let mut unit = Matrix::zeros(400);
        unit.add_to_diagonal(1.0);
        let apart = Part {
            columns: (0..400).collect(),
            best: best.clone(),
            input: vec![1.0; 400],
            loss: Loss::Diagonal(vec![1.0; 400]),
        };
        for part in [together(&unit, best, 1.0), apart] {
            for bits in [1, 2] {
                let scale = best_scale(std::slice::from_ref(&part), Grid::with_bits(bits));
                assert!((0.28..0.32).contains(&scale), "{scale}");
            }
        }
    }

    #[test]
    fn signs_give_way_to_zeros_at_a_scale_that_is_far_too_coarse() {
        let part =
            Part { columns: vec![0], best: vec![0.1], input: vec![1.0], loss: Loss::Diagonal(vec![1.0]) };
        assert_eq!(part.round(0.15, Grid::Signs).integers, [1]);
        assert_eq!(part.round(0.25, Grid::Signs).integers, [0]);
    }
}
