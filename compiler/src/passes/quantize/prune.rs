//! Which weights become zero: the optimal brain surgeon's choice, row by row.
//!
//! Every row is taken apart, always removing the weight whose loss is least once the others have made
//! up for it (OBC: Frantar, Singh & Alistarh 2022). The weights of the layer whose removal cost least
//! are then the ones that go; a row may lose more than another. Without calibration data the Hessian
//! is diagonal and this is pruning by magnitude of what multiplies the input's integers.

use super::curvature::{Block, Curvature};
use super::fit::Support;
use super::layer::Layer;
use crate::numeric::{Matrix, axpy};
use rayon::prelude::*;

/// The order in which a row loses its weights of one block.
struct Sequence {
    /// Where the row's weights begin in the layer.
    first: usize,
    /// Columns, first removed first.
    columns: Vec<usize>,
    /// Rising losses.
    losses: Vec<f64>,
}

/// Takes `count` more weights out of `support`.
pub(super) fn prune(layer: &Layer, curvature: &Curvature, support: &mut Support, count: usize) {
    let rows = (0..layer.outputs()).into_par_iter();
    let sequences: Vec<Sequence> =
        rows.flat_map_iter(|row| take_apart(layer, curvature, support, row)).collect();
    for index in cheapest(&sequences, count) {
        support.drop(index);
    }
}

fn take_apart(layer: &Layer, curvature: &Curvature, support: &Support, row: usize) -> Vec<Sequence> {
    let blocks = &curvature.groups[layer.group(row)].blocks;
    blocks.iter().map(|block| sequence(layer, block, support, row)).collect()
}

fn sequence(layer: &Layer, block: &Block, support: &Support, row: usize) -> Sequence {
    let part = support.part(layer, block, row);
    let (order, losses) = eliminate(part.root.inverse(), part.best);
    let columns = order.into_iter().map(|position| part.columns[position]).collect();
    Sequence { first: row * layer.columns(), columns, losses }
}

/// Positions in the order of removal, and what each removal costs (never less than the one before).
fn eliminate(mut inverse: Matrix, mut weights: Vec<f64>) -> (Vec<usize>, Vec<f64>) {
    let mut alive: Vec<usize> = (0..weights.len()).collect();
    let (mut order, mut losses, mut worst) = (Vec::new(), Vec::new(), 0f64);
    while let Some((at, loss)) = cheapest_of(&inverse, &weights) {
        worst = worst.max(loss);
        order.push(alive.swap_remove(at));
        losses.push(worst);
        remove(&mut inverse, &mut weights, at);
    }
    (order, losses)
}

fn cheapest_of(inverse: &Matrix, weights: &[f64]) -> Option<(usize, f64)> {
    let losses = weights.iter().enumerate().map(|(i, weight)| (i, weight * weight / inverse.at(i, i)));
    losses.min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Makes weight `at` zero, lets the others make up for it, and takes it out; the last takes its place.
fn remove(inverse: &mut Matrix, weights: &mut Vec<f64>, at: usize) {
    let last = weights.len() - 1;
    let mut pivot = inverse.row(at)[..=last].to_vec();
    for i in 0..=last {
        inverse.row_mut(i).swap(at, last);
    }
    let moved = inverse.row(last)[..=last].to_vec();
    inverse.row_mut(at)[..=last].copy_from_slice(&moved);
    pivot.swap(at, last);
    let diagonal = pivot[last];
    let weight = weights.swap_remove(at);
    axpy(-weight / diagonal, &pivot[..last], weights);
    for i in 0..last {
        axpy(-pivot[i] / diagonal, &pivot[..last], &mut inverse.row_mut(i)[..last]);
        // Rounding must not make a removal look free.
        inverse.row_mut(i)[i] = inverse.at(i, i).max(f64::MIN_POSITIVE);
    }
}

/// The places in the layer of the `count` weights that are removed first over all sequences.
fn cheapest(sequences: &[Sequence], count: usize) -> Vec<usize> {
    let steps = |(index, sequence): (usize, &Sequence)| {
        sequence.losses.clone().into_iter().enumerate().map(move |(step, loss)| (loss, index, step))
    };
    let mut all: Vec<(f64, usize, usize)> = sequences.iter().enumerate().flat_map(steps).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let chosen = all.into_iter().take(count);
    chosen.map(|(_, index, step)| sequences[index].first + sequences[index].columns[step]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_whose_loss_is_cheapest_after_compensation_goes_first() {
        // The first two inputs are nearly the same, so either weight can do the work of both.
        let hessian = Matrix::new(3, vec![1.01, 1.0, 0.0, 1.0, 1.01, 0.0, 0.0, 0.0, 1.0]);
        let (order, losses) = eliminate(hessian.root().inverse(), vec![1.0, 0.9, 0.5]);
        assert_eq!(order, [1, 2, 0]);
        assert!(losses.windows(2).all(|pair| pair[0] <= pair[1]), "{losses:?}");
        assert!((losses[1] - 0.25).abs() < 1e-9);
        assert!(losses[2] > 3.0, "the weight that stays has taken over: {losses:?}");
    }
}
