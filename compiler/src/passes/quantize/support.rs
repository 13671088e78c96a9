//! Which weights of a layer may differ from zero.

use super::layer::Layer;

/// A model with at least this share of zeros in a layer has been pruned; its zeros stay zero.
const PRUNED: f64 = 0.1;

/// For each weight of a layer whether it may differ from zero.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Support(Vec<bool>);

impl Support {
    /// All weights of `layer`; where it has been pruned, those that are not zero.
    pub(super) fn new(layer: &Layer) -> Self {
        let zeros = layer.weights().iter().filter(|&&weight| weight == 0.0).count();
        if zeros as f64 >= PRUNED * layer.weights().len() as f64 {
            return Self::without_zeros(layer);
        }
        Self(vec![true; layer.weights().len()])
    }

    /// The weights of `layer` that are not zero.
    pub(super) fn without_zeros(layer: &Layer) -> Self {
        Self(layer.weights().iter().map(|&weight| weight != 0.0).collect())
    }

    /// How many weights are zero if this share of them is to be, more than are already.
    pub(super) fn missing_zeros(&self, sparsity: f64) -> usize {
        let zeros = self.0.iter().filter(|&&kept| !kept).count();
        ((sparsity * self.0.len() as f64).round() as usize).saturating_sub(zeros)
    }

    /// Whether the weight at `index` of the layer may differ from zero.
    pub(super) fn has(&self, index: usize) -> bool {
        self.0[index]
    }

    /// Takes out the weight at `index` of the layer.
    pub(super) fn drop(&mut self, index: usize) {
        self.0[index] = false;
    }
}

/// The cheapest of many losses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cheapest {
    /// Less than this is cheap.
    pub bound: f32,
    /// So many losses of exactly this size are cheap too, first come first served.
    pub ties: usize,
}

impl Cheapest {
    /// The `count` smallest of `losses`, which come in any order; all where there are not so many.
    pub(super) fn new(mut losses: Vec<f32>, count: usize) -> Self {
        if count == 0 || losses.is_empty() {
            return Self { bound: f32::NEG_INFINITY, ties: 0 };
        }
        let last = count.min(losses.len()) - 1;
        let (below, &mut bound, _) = losses.select_nth_unstable_by(last, f32::total_cmp);
        let less = below.iter().filter(|&&loss| loss < bound).count();
        Self { bound, ties: last + 1 - less }
    }

    /// Whether this loss, none of those asked about before, is cheap.
    pub(super) fn takes(&mut self, loss: f32) -> bool {
        let tie = loss == self.bound && self.ties > 0;
        self.ties -= usize::from(tie);
        loss < self.bound || tie
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_cheapest_are_as_many_as_asked(levels in proptest::collection::vec(0u8..9, 0..40), count in 0usize..50) {
            let losses: Vec<f32> = levels.iter().map(|&level| level.into()).collect();
            let mut cheapest = Cheapest::new(losses.clone(), count);
            let taken: Vec<bool> = losses.iter().map(|&loss| cheapest.takes(loss)).collect();
            prop_assert_eq!(taken.iter().filter(|&&taken| taken).count(), count.min(losses.len()));
            let of = |wanted: bool| losses.iter().zip(&taken).filter(move |x| *x.1 == wanted).map(|x| *x.0);
            prop_assert!(of(true).fold(0.0, f32::max) <= of(false).fold(f32::INFINITY, f32::min));
        }
    }
}
