//! Which values lose low bits (truncation), and how much noise that may make.

use crate::graph::NodeId;
use crate::options::CompileOptions;
use crate::passes::terms::Terms;
use std::collections::{BTreeMap, BTreeSet};

/// The values that lose low bits, by node of the float graph; in suite `shared` those that a ReLU alone reads do in any
/// case, since that costs nothing.
///
/// How many bits a value loses follows from its scale, once the layers before it have theirs: as many as its readers
/// tolerate.
#[derive(Clone, Debug, PartialEq)]
pub struct Narrowing {
    pub(super) terms: Terms,
    places: Places,
    values: BTreeMap<NodeId, i32>,
}

/// The values that are truncated although it takes a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Places {
    /// At these values.
    At(BTreeSet<NodeId>),
    /// At every value with bits to spare.
    Everywhere,
}

impl Narrowing {
    /// Truncation only where it costs nothing.
    pub fn free(options: &CompileOptions) -> Self {
        Self::at(options, Places::At(BTreeSet::new()))
    }

    /// Truncation where it costs nothing, and at `places`.
    pub fn at(options: &CompileOptions, places: Places) -> Self {
        Self { terms: Terms::new(options), places, values: BTreeMap::new() }
    }

    /// The same, with so many bits more kept of some values, or fewer.
    pub fn with_values(self, values: BTreeMap<NodeId, i32>) -> Self {
        Self { values, ..self }
    }

    /// Whether `id` loses bits at a cost.
    pub(super) fn is_place(&self, id: NodeId) -> bool {
        match &self.places {
            Places::At(ids) => ids.contains(&id),
            Places::Everywhere => true,
        }
    }

    /// The noise that rounding the value `id` may make in its readers, as a share of their standard deviation.
    pub(super) fn noise(&self, id: NodeId) -> f64 {
        let bits = self.terms.precision.saturating_add_signed(self.values.get(&id).copied().unwrap_or(0));
        2.0 * (-f64::from(bits)).exp2()
    }
}
