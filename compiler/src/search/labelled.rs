//! Labelled images, and how many of them a network gets right.

use crate::calibration::{Batch, as_seen, logits};
use crate::error::{Error, Result};
use crate::evaluation::{Dataset, largest};
use crate::graph::{Graph, Real};
use runtime::plan::InputSpec;

/// Images that are evaluated together; bounds memory.
const TOGETHER: usize = 64;
/// Images that tell how far logits are off.
const ENOUGH: usize = 512;

/// Labelled images as the model sees them.
pub(super) struct Labelled {
    batches: Vec<Batch>,
    labels: Vec<i64>,
}

impl Labelled {
    /// The first `limit` images of `data`.
    ///
    /// # Errors
    /// [`Error::Option`] for no images, no labels or another shape; a pixel outside the declared range.
    pub(super) fn new(data: &Dataset, limit: usize, input: &InputSpec) -> Result<Self> {
        if data.shape() != input.shape {
            let what = format!("evaluation images of {}, but the model takes {}", data.shape(), input.shape);
            return Err(Error::Option(what));
        }
        let labels = data.labels().ok_or_else(|| Error::Option("an accuracy budget needs labels".into()))?;
        let count = data.len().min(limit);
        if count == 0 {
            return Err(Error::Option("an accuracy budget needs at least one labelled image".into()));
        }
        let chunk = |first: usize| {
            let images = first..count.min(first + TOGETHER);
            as_seen(images.map(|index| data.image(index)), input)
        };
        let batches = (0..count).step_by(TOGETHER).map(chunk).collect::<Result<_>>()?;
        Ok(Self { batches, labels: labels[..count].to_vec() })
    }

    /// These, with labels that are classes of `graph`.
    ///
    /// # Errors
    /// [`Error::Option`] with a label that is none.
    pub(super) fn of_classes(self, graph: &Graph<Real>) -> Result<Self> {
        let classes = graph.shape(graph.output()).elements();
        let is_class = |label: &&i64| usize::try_from(**label).is_ok_and(|label| label < classes);
        match self.labels.iter().find(|label| !is_class(label)) {
            None => Ok(self),
            Some(label) => Err(Error::Option(format!(
                "an image is labelled {label}, but the model has {classes} classes"
            ))),
        }
    }

    /// Number of labelled images.
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Share of the images whose label is the largest logit of `graph`.
    pub(super) fn accuracy(&self, graph: &Graph<Real>) -> f64 {
        let mut right = 0;
        for (batch, labels) in self.batches.iter().zip(self.labels.chunks(TOGETHER)) {
            right += count_right(&logits(graph, batch), labels);
        }
        right as f64 / self.len() as f64
    }

    /// The logits that `graph` gives, image by image, of the first [`ENOUGH`] images or so.
    pub(super) fn logits(&self, graph: &Graph<Real>) -> Vec<f32> {
        let mut all = Vec::new();
        for batch in self.batches.iter().take(ENOUGH / TOGETHER) {
            all.extend_from_slice(logits(graph, batch).values());
        }
        all
    }
}

fn count_right(logits: &Batch, labels: &[i64]) -> usize {
    let is_right = |&(index, &label): &(usize, &i64)| {
        largest(logits.image(index)).is_some_and(|class| class as i64 == label)
    };
    labels.iter().enumerate().filter(is_right).count()
}
