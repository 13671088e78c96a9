//! What may be chosen for each linear layer apart.

use crate::graph::NodeId;
use serde::Serialize;
use std::collections::BTreeMap;

/// How a linear layer is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LayerChoice {
    /// Width B of weights, which are −(2^(B−1)−1) to 2^(B−1)−1: with 2 bits −1, 0, 1. With 1 bit they
    /// are −1 or 1, or 0 where they are pruned.
    pub bits: u32,
    /// Share of the weights that are zero at least, 0 to 1; rounding adds more. Without effect where a row
    /// has one weight only.
    pub sparsity: f64,
}

/// A choice for every linear layer of a float graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    default: LayerChoice,
    by_layer: BTreeMap<NodeId, LayerChoice>,
}

impl Choices {
    /// The same for all.
    pub fn uniform(choice: LayerChoice) -> Self {
        Self { default: choice, by_layer: BTreeMap::new() }
    }

    /// `choice` for `layer` instead.
    pub fn set(&mut self, layer: NodeId, choice: LayerChoice) {
        self.by_layer.insert(layer, choice);
    }

    /// The layers for which something else was chosen than for the rest.
    pub fn layers(&self) -> impl Iterator<Item = (NodeId, LayerChoice)> + '_ {
        self.by_layer.iter().map(|(&layer, &choice)| (layer, choice))
    }

    /// The choice for `layer`.
    pub fn of(&self, layer: NodeId) -> LayerChoice {
        self.by_layer.get(&layer).copied().unwrap_or(self.default)
    }
}
