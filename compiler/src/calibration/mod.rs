//! What a network's values look like on example images, layer by layer, so that its weights can be
//! rounded and pruned where it hurts least. Labels are not needed.

mod activations;
mod batch;
mod evaluate;
mod moments;
mod patches;

pub use activations::{Activations, Pair};
pub use batch::Batch;
pub use evaluate::apply;
pub use moments::{BlockMoments, GroupMoments, moments};
pub use patches::Reading;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::{Graph, Real};
use runtime::error::{Error as RuntimeError, InvalidInput};
use runtime::plan::InputSpec;

/// Example images, as the model sees them once they are integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    images: Batch,
}

impl Calibration {
    /// The first `limit` images of `data`; fewer where the values of `graph` would not fit into memory.
    ///
    /// # Errors
    /// [`Error::Option`] for no images or images of another shape; a pixel outside the declared range.
    pub fn new(data: &Dataset, limit: usize, graph: &Graph<Real>, input: &InputSpec) -> Result<Self> {
        if data.shape() != input.shape {
            let what = format!("calibration images of {}, but the model takes {}", data.shape(), input.shape);
            return Err(Error::Option(what));
        }
        let count = data.len().min(limit).min(activations::affordable_images(graph));
        if count == 0 {
            return Err(Error::Option("calibration needs at least one image".into()));
        }
        let plane = input.shape.plane();
        let mut values = Vec::with_capacity(count * input.shape.elements());
        for index in 0..count {
            let integers = input.quantize(&data.image(index));
            let integers = integers.map_err(|error| RuntimeError::from(InvalidInput::from(error)))?;
            values
                .extend(integers.iter().enumerate().map(|(i, &x)| (x as f64 * input.step[i / plane]) as f32));
        }
        Ok(Self { images: Batch::new(input.shape, values) })
    }

    /// The images.
    pub fn images(&self) -> &Batch {
        &self.images
    }
}
