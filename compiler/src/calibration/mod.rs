//! Runs float networks on calibration images and gathers statistics of their values, so that weights can be rounded and
//! pruned where it does least harm. Labels are not needed.

mod activations;
mod adjoint;
mod batch;
mod evaluate;
mod gradients;
mod patches;
mod prepared;
mod sample;
mod statistics;
pub(crate) mod synthetic;
mod taps;
mod unusual;
mod walk;

pub use activations::Activations;
pub use batch::Batch;
pub use evaluate::apply;
pub use gradients::{Seen, gradients};
pub use patches::Reading;
pub(crate) use prepared::{Prepared, integers};
pub use sample::{Sample, Sampling};
pub use statistics::{Channel, Statistics};
pub use walk::{logits, walk};

pub(crate) use unusual::unusual;

use crate::error::{Error, Result};
use crate::graph::{Graph, Real};
use runtime::data::Dataset;
use runtime::plan::InputSpec;
use std::sync::Arc;

/// Calibration images, as the model sees them once they are integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    images: Arc<Batch>,
}

impl Calibration {
    /// The first `limit` images of `data`; fewer where the values of `graph` would not fit into memory.
    ///
    /// # Errors
    /// [`Error::Option`] for no images or images of another shape; a pixel outside the declared range.
    pub fn new(data: &Dataset, limit: usize, graph: &Graph<Real>, input: &InputSpec) -> Result<Self> {
        let indices: Vec<usize> = (0..data.len().min(limit)).collect();
        Self::of_some(data, &indices, graph, input)
    }

    /// Those images of `data` that have these indices; fewer where the values of `graph` would not fit into memory.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_some(
        data: &Dataset,
        indices: &[usize],
        graph: &Graph<Real>,
        input: &InputSpec,
    ) -> Result<Self> {
        if data.shape() != input.shape {
            let what = format!("calibration images of {}, but the model takes {}", data.shape(), input.shape);
            return Err(Error::Option(what));
        }
        if indices.is_empty() {
            return Err(Error::Option("calibration needs at least one image".into()));
        }
        let images = indices.iter().take(activations::affordable_images(graph));
        Ok(Self { images: as_seen(images.map(|&index| data.image(index)), input)?.into() })
    }

    /// These images, as the model sees them.
    #[cfg(test)]
    pub(crate) fn from_images(images: Batch) -> Self {
        Self { images: images.into() }
    }

    /// The preprocessed images, rounded to the integer steps of the input.
    pub fn images(&self) -> &Arc<Batch> {
        &self.images
    }
}

/// The calibration images, or, where there are none, synthetic ones.
///
/// # Errors
/// A pixel outside the declared range.
pub fn images(calibration: Option<&Calibration>, input: &InputSpec) -> Result<Arc<Batch>> {
    match calibration {
        Some(calibration) => Ok(calibration.images.clone()),
        None => Ok(as_seen(synthetic::images(input).into_iter(), input)?.into()),
    }
}

/// Raw images as the model sees them once they are integers.
pub(crate) fn as_seen(images: impl Iterator<Item = Vec<f32>>, input: &InputSpec) -> Result<Batch> {
    let (mut values, plane) = (Vec::new(), input.shape.plane());
    for image in images {
        let integers = integers(input, &image)?;
        values.extend(integers.iter().enumerate().map(|(i, &x)| (x as f64 * input.step[i / plane]) as f32));
    }
    Ok(Batch::new(input.shape, values))
}
