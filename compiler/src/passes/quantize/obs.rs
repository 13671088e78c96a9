//! Optimal brain surgeon: removes the weights of a row one after the other; those that are left are adjusted to
//! compensate.

use crate::numeric::simd::{self, Kernel};
use crate::numeric::{Matrix, axpy, subtract};

/// Most weights that are removed before the others are brought up to date.
const BATCH: usize = 16;
/// A batch of removals is at most one in so many of the weights that are left.
const SHARE: usize = 32;
/// Rows that are subtracted from another at one time.
const ROWS: usize = 4;

/// One step of pruning a row: a weight becomes zero and those that are left are adjusted to compensate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PruneStep {
    pub column: u32,
    /// Increase of the squared output error; never less than that of the step before.
    pub loss: f32,
    /// Squared output error of a change of this weight by 1, once the weights that are removed later compensate for it.
    pub curvature: f32,
}

/// A row of weights some of which have been removed, and the others adjusted to compensate.
pub(super) struct ObsUpdate {
    /// Distance of the rows of `inverse`.
    step: usize,
    /// Inverse Hessian of the weights that are left; only what is on and above the diagonal is read.
    inverse: Vec<f64>,
    weights: Vec<f64>,
    /// Their columns in the row.
    places: Vec<u32>,
}

impl ObsUpdate {
    /// `inverse` is that of the Hessian of all `weights`.
    pub(super) fn new(inverse: &Matrix, weights: Vec<f64>) -> Self {
        let size = weights.len();
        let inverse = (0..size).flat_map(|i| inverse.row(i)).copied().collect();
        Self { step: size, inverse, places: (0..size as u32).collect(), weights }
    }

    /// Removes all weights at places like these.
    pub(super) fn remove_all(&mut self, is_gone: impl Fn(usize) -> bool) {
        let gone = |this: &Self| -> Vec<usize> {
            let positions = (0..this.places.len()).filter(|&i| is_gone(this.places[i] as usize));
            positions.take(BATCH).collect()
        };
        loop {
            let positions = gone(self);
            if positions.is_empty() {
                return;
            }
            self.remove(&positions);
        }
    }

    /// Removes all weights, the cheapest first.
    pub(super) fn sequence(mut self) -> Vec<PruneStep> {
        let (mut removals, mut worst) = (Vec::with_capacity(self.weights.len()), 0f32);
        while !self.weights.is_empty() {
            let batch = (self.weights.len() / SHARE).clamp(1, BATCH);
            let positions: Vec<usize> = self
                .cheapest(batch)
                .into_iter()
                .map(|(at, loss, curvature)| {
                    worst = worst.max(loss as f32);
                    removals.push(PruneStep {
                        column: self.places[at],
                        loss: worst,
                        curvature: curvature as f32,
                    });
                    at
                })
                .collect();
            self.remove(&positions);
        }
        removals
    }

    /// The next weights to go with their losses and curvatures: the best sequence
    /// among the few that are cheapest now.
    fn cheapest(&self, count: usize) -> Vec<(usize, f64, f64)> {
        let loss = |i: usize| self.weights[i].powi(2) / self.at(i, i);
        let mut near: Vec<(f64, usize)> = (0..self.weights.len()).map(|i| (loss(i), i)).collect();
        let few = near.len().min(2 * count);
        near.select_nth_unstable_by(few - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut near: Vec<usize> = near[..few].iter().map(|x| x.1).collect();
        near.sort_unstable();
        let mut weights: Vec<f64> = near.iter().map(|&i| self.weights[i]).collect();
        let rows = near.iter().map(|&i| near.iter().map(|&j| self.at(i, j)).collect::<Vec<f64>>());
        let mut inverse: Vec<Vec<f64>> = rows.collect();
        let mut chosen = Vec::new();
        for _ in 0..count {
            let losses = weights.iter().enumerate().map(|(i, w)| (w * w / inverse[i][i], i));
            let Some((loss, at)) = losses.min_by(|a, b| a.0.total_cmp(&b.0)) else { break };
            let (pivot, weight) = (inverse.swap_remove(at), weights.swap_remove(at));
            chosen.push((near.swap_remove(at), loss, 1.0 / pivot[at]));
            let mut others = pivot.clone();
            others.swap_remove(at);
            axpy(-weight / pivot[at], &others, &mut weights);
            for (row, &by) in inverse.iter_mut().zip(&others) {
                row.swap_remove(at);
                axpy(-by / pivot[at], &others, row);
            }
            // Rounding must not make a removal look free.
            (0..inverse.len()).for_each(|i| inverse[i][i] = inverse[i][i].max(f64::MIN_POSITIVE));
        }
        chosen
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.inverse[i.min(j) * self.step + i.max(j)]
    }

    /// Removes the weights at `positions`, in this order.
    fn remove(&mut self, positions: &[usize]) {
        let mut pivots: Vec<Vec<f64>> = Vec::with_capacity(positions.len());
        for &at in positions {
            let mut pivot: Vec<f64> = (0..self.weights.len()).map(|i| self.at(at, i)).collect();
            pivots.iter().for_each(|before| axpy(-before[at], before, &mut pivot));
            let root = pivot[at].max(f64::MIN_POSITIVE).sqrt();
            pivot.iter_mut().for_each(|x| *x /= root);
            axpy(-self.weights[at] / root, &pivot, &mut self.weights);
            pivots.push(pivot);
        }
        let mut gone = positions.to_vec();
        gone.sort_unstable();
        let mut kept = 0..self.weights.len();
        let kept: Vec<usize> = kept.by_ref().filter(|i| gone.binary_search(i).is_err()).collect();
        pivots.iter_mut().for_each(|pivot| *pivot = kept.iter().map(|&i| pivot[i]).collect());
        self.weights = kept.iter().map(|&i| self.weights[i]).collect();
        self.places = kept.iter().map(|&i| self.places[i]).collect();
        simd::run(Shrink { inverse: &mut self.inverse, step: self.step, kept: &kept, pivots: &pivots });
    }
}

/// Moves the rows and columns `kept` of a symmetric matrix, held above the diagonal, to its beginning,
/// and subtracts the products of each of `pivots` with itself.
struct Shrink<'a> {
    inverse: &'a mut [f64],
    step: usize,
    kept: &'a [usize],
    pivots: &'a [Vec<f64>],
}

impl Kernel for Shrink<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let size = self.kept.len();
        let (blocks, rest) = self.pivots.as_chunks::<ROWS>();
        for (i, &from) in self.kept.iter().enumerate() {
            move_kept(self.inverse, from * self.step, i * self.step, &self.kept[i..], i);
            let row = &mut self.inverse[i * self.step + i..][..size - i];
            for pivots in blocks {
                subtract(
                    pivots.each_ref().map(|pivot| pivot[i]),
                    pivots.each_ref().map(|pivot| &pivot[i..]),
                    row,
                );
            }
            rest.iter().for_each(|pivot| axpy(-pivot[i], &pivot[i..], row));
            // Rounding must not make a removal look free.
            row[0] = row[0].max(f64::MIN_POSITIVE);
        }
    }
}

/// The elements `kept` of the row that begins at `from` go to the row at `to`, from `first` on.
#[inline(always)]
fn move_kept(values: &mut [f64], from: usize, to: usize, kept: &[usize], first: usize) {
    let mut done = 0;
    while done < kept.len() {
        let run = kept[done..].windows(2).take_while(|pair| pair[1] == pair[0] + 1).count() + 1;
        let source = from + kept[done];
        values.copy_within(source..source + run, to + first + done);
        done += run;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::testing::positive;

    fn eliminate(hessian: &Matrix, weights: Vec<f64>) -> Vec<PruneStep> {
        let all: Vec<usize> = (0..hessian.size()).collect();
        ObsUpdate::new(&hessian.root(&all).inverse(), weights).sequence()
    }

    #[test]
    fn the_weight_whose_loss_is_cheapest_after_compensation_goes_first() {
        // The first two inputs are nearly the same, so either weight can do the work of both.
        let hessian = Matrix::from_upper(3, vec![1.01, 1.0, 0.0, 1.0, 1.01, 0.0, 0.0, 0.0, 1.0]);
        let removals = eliminate(&hessian, vec![1.0, 0.9, 0.5]);
        assert_eq!(removals.iter().map(|step| step.column).collect::<Vec<_>>(), [1, 2, 0]);
        assert!(removals.windows(2).all(|pair| pair[0].loss <= pair[1].loss), "{removals:?}");
        assert!((removals[1].loss - 0.25).abs() < 1e-6);
        assert!(removals[2].loss > 3.0, "the weight that stays has taken over: {removals:?}");
        assert!((removals[1].curvature - 1.0).abs() < 1e-6);
    }

    /// Squared error of the best weights of which these are left.
    fn loss(hessian: &Matrix, weights: &[f64], left: &[usize]) -> f64 {
        let target = hessian.times(weights);
        let best = hessian.root(left).solve(&left.iter().map(|&i| target[i]).collect::<Vec<f64>>());
        let mut off = weights.to_vec();
        left.iter().zip(best).for_each(|(&i, best)| off[i] -= best);
        off.iter().zip(hessian.times(&off)).map(|(off, x)| off * x).sum()
    }

    /// So many numbers from −1 to 1.
    fn noise(seed: u64, count: usize) -> Vec<f64> {
        let next = |state: &mut u64| {
            *state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            Some((*state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
        };
        (0..count).scan(seed, |state, _| next(state)).collect()
    }

    #[test]
    fn batches_lose_hardly_more_than_single_removals() {
        let size = 100;
        for seed in 0..12 {
            let (hessian, weights) = (positive(&noise(seed, 400 * size), size), noise(!seed, size));
            let removals = eliminate(&hessian, weights.clone());
            let mut left: Vec<usize> = (0..size).collect();
            for gone in 1..size {
                let without = |at| {
                    let mut others = left.clone();
                    others.remove(at);
                    (at, loss(&hessian, &weights, &others))
                };
                let (at, exact) = (0..left.len()).map(without).min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
                left.remove(at);
                if gone % 25 == 0 {
                    let is_left =
                        |column: &usize| removals[..gone].iter().all(|r| r.column as usize != *column);
                    let others: Vec<usize> = (0..size).filter(is_left).collect();
                    let batched = loss(&hessian, &weights, &others);
                    assert!(batched <= 1.05 * exact, "{seed}: {gone} removals lose {batched}, not {exact}");
                }
            }
        }
    }
}
