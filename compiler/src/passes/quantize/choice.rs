//! Weight width and sparsity, chosen for each linear layer separately.

use crate::graph::NodeId;
use crate::options::LayerChoice;
use std::collections::BTreeMap;

/// A choice for every linear layer of a float graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    default: LayerChoice,
    by_layer: BTreeMap<NodeId, LayerChoice>,
}

impl Choices {
    /// The same choice for every layer.
    pub fn uniform(choice: LayerChoice) -> Self {
        Self { default: choice, by_layer: BTreeMap::new() }
    }

    /// Makes `choice` that of `layer`.
    pub fn set(&mut self, layer: NodeId, choice: LayerChoice) {
        self.by_layer.insert(layer, choice);
    }

    /// The layers for which something else was chosen than for the rest.
    pub fn layers(&self) -> impl Iterator<Item = (NodeId, LayerChoice)> + '_ {
        self.by_layer.iter().map(|(&layer, &choice)| (layer, choice))
    }

    /// The choice for `layer`: its own, or else the one for all layers.
    pub fn get(&self, layer: NodeId) -> LayerChoice {
        self.by_layer.get(&layer).copied().unwrap_or(self.default)
    }
}
