//! The values that later steps still read.

use crate::error::{Error, Result};
use crate::plan::StepId;

/// Values by step; each is dropped at its last use.
pub(super) struct Values<V> {
    values: Vec<Option<V>>,
    last_use: Vec<StepId>,
}

impl<V: Clone> Values<V> {
    /// Of steps that read these steps, in order.
    pub(super) fn new<'a>(reads: impl Iterator<Item = &'a [StepId]>) -> Self {
        let mut last_use = Vec::new();
        for (index, inputs) in reads.enumerate() {
            let id = StepId::new(index);
            last_use.push(id);
            inputs.iter().for_each(|input| last_use[input.index()] = id);
        }
        Self { values: Vec::new(), last_use }
    }

    /// The values that a step reads.
    pub(super) fn inputs(&self, inputs: &[StepId]) -> Result<Vec<&V>> {
        let input = |id: &StepId| self.values[id.index()].as_ref().ok_or_else(|| dropped(*id));
        inputs.iter().map(input).collect()
    }

    /// The only input of step `id`; a copy where a later step reads it too.
    pub(super) fn take(&mut self, id: StepId, inputs: &[StepId]) -> Result<V> {
        let input = inputs[0];
        let value = &mut self.values[input.index()];
        let value = if self.last_use[input.index()] == id { value.take() } else { value.clone() };
        value.ok_or_else(|| dropped(input))
    }

    /// Keeps the value of `id`; drops those that it was the last to read.
    pub(super) fn define(&mut self, id: StepId, inputs: &[StepId], value: V) {
        self.values.push(Some(value));
        for input in inputs {
            if self.last_use[input.index()] == id {
                self.values[input.index()] = None;
            }
        }
    }
}

fn dropped(id: StepId) -> Error {
    Error::Bug(format!("{id} was dropped before its last use"))
}
