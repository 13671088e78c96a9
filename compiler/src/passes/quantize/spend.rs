//! Gives more bits to the weights and values whose rounding adds most to the error of the logits.

use super::{Choices, Noise, Rounding};
use crate::graph::NodeId;
use crate::options::LayerChoice;
use crate::options::{ACTIVATION_BITS, CompileOptions, WEIGHT_BITS};
use std::collections::BTreeMap;

/// Weights are not made wider than this.
const WIDEST_WEIGHTS: u32 = 12;
/// Halvings of the range in which the bearable error of one source is sought.
const HALVINGS: usize = 60;

/// How finely layers and values are rounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// Weight width and sparsity of each linear layer.
    pub choices: Choices,
    /// Bits that values keep beyond the usual, or fewer, by node of the float graph.
    pub values: BTreeMap<NodeId, i32>,
}

impl Precision {
    /// The precision that the options ask for, the same for all layers and values.
    pub fn usual(options: &CompileOptions) -> Self {
        Self { choices: Choices::uniform(options.layer()), values: BTreeMap::new() }
    }

    /// Nodes that have more bits than the options say.
    pub fn finer_nodes(&self, options: &CompileOptions) -> usize {
        let weights = self
            .choices
            .layers()
            .filter(|(id, choice)| choice.bits > options.weight_bits && !self.values.contains_key(id));
        self.values.len() + weights.count()
    }
}

/// `precision` with more bits, such that the squared error of the logits that `noise` predicts falls to `share` of what
/// it is, or as near as bits help; `None` where no more can be spent.
///
/// Squared errors of independent sources add up, and each bit quarters one: so all are cut to the same size.
pub fn spend(
    precision: &Precision,
    noise: &[Noise],
    share: f64,
    options: &CompileOptions,
) -> Option<Precision> {
    let total: f64 = noise.iter().map(|noise| noise.error).sum();
    let bearable = bearable(noise, total * share);
    let mut finer = precision.clone();
    for Noise { node, rounding, error } in noise {
        let bits = (error / bearable).log2() / 2.0;
        if bits > 0.0 && bits.is_finite() {
            finer.add(*node, *rounding, bits.ceil() as u32, options);
        }
    }
    (finer != *precision).then_some(finer)
}

/// `precision` with `bits` more for every source of `noise`; `None` where no more can be spent.
pub fn spend_everywhere(
    precision: &Precision,
    noise: &[Noise],
    bits: u32,
    options: &CompileOptions,
) -> Option<Precision> {
    let mut finer = precision.clone();
    for Noise { node, rounding, .. } in noise {
        finer.add(*node, *rounding, bits, options);
    }
    (finer != *precision).then_some(finer)
}

/// The error to which every source is cut so that all together make `total`.
fn bearable(noise: &[Noise], total: f64) -> f64 {
    let sum = |most: f64| noise.iter().map(|noise| noise.error.min(most)).sum::<f64>();
    let (mut low, mut high) = (0.0, noise.iter().map(|noise| noise.error).fold(0.0, f64::max));
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if sum(middle) > total { high = middle } else { low = middle }
    }
    high
}

impl Precision {
    fn add(&mut self, node: NodeId, rounding: Rounding, bits: u32, options: &CompileOptions) {
        match rounding {
            // Weights that the user wants narrower than the maximum stay so.
            Rounding::Weights if options.weight_bits < *WEIGHT_BITS.end() => {}
            Rounding::Weights => {
                let choice = self.choices.get(node);
                let bits = (choice.bits + bits).min(WIDEST_WEIGHTS.max(choice.bits));
                self.choices.set(node, LayerChoice { bits, ..choice });
            }
            Rounding::Value => {
                let most = ACTIVATION_BITS.end().saturating_sub(options.activation_bits) as i32;
                let known = self.values.get(&node).copied().unwrap_or(0);
                let bits = known.saturating_add_unsigned(bits).min(most);
                if bits > known {
                    self.values.insert(node, bits);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, Op, Real, RealFact, Shape};

    #[test]
    fn the_loudest_are_quietened_first() {
        let mut graph = Graph::<Real>::new("image", RealFact { shape: Shape::vector(1) });
        let loud = graph.append("loud", Op::Relu, &[graph.input()]).unwrap();
        let quiet = graph.append("quiet", Op::Relu, &[loud]).unwrap();
        let options = CompileOptions::default();
        let noise = [
            Noise { node: loud, rounding: Rounding::Value, error: 1e-2 },
            Noise { node: loud, rounding: Rounding::Weights, error: 1e-3 },
            Noise { node: quiet, rounding: Rounding::Value, error: 1e-5 },
        ];
        let usual = Precision::usual(&options);
        let finer = spend(&usual, &noise, 0.1, &options).unwrap();
        assert_eq!(finer.values, BTreeMap::from([(loud, 3)]));
        assert_eq!((finer.choices.get(loud).bits, finer.choices.get(quiet).bits), (9, 8));
        assert_eq!(finer.finer_nodes(&options), 1);
        let mut spent = usual;
        while let Some(finer) = spend(&spent, &noise, 0.01, &options) {
            spent = finer;
        }
        assert_eq!((spent.values[&loud], spent.choices.get(loud).bits), (8, WIDEST_WEIGHTS));
    }
}
