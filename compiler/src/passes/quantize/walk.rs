//! From a preparation to an integer graph.

use super::build::Quantizer;
use super::{Choices, Narrowing, Preparation, Quantized, constraints};
use crate::calibration::Calibration;
use crate::error::Result;

impl Preparation<'_> {
    /// The integer graph of this float graph, its layers compressed and its values narrowed as `choices` and
    /// `narrowing` say.
    ///
    /// # Errors
    /// [`crate::error::Error::Unsupported`] with the node whose scales cannot be made to agree or whose
    /// averages have no common divisor.
    pub fn quantize(&self, choices: &Choices, narrowing: &Narrowing) -> Result<Quantized> {
        build(self, self.calibration, choices, narrowing)
    }

    /// The same, but without evaluating the quantised layers on calibration images: quick, and good enough for prices.
    ///
    /// # Errors
    /// As [`Self::quantize`].
    pub fn draft(&self, choices: &Choices, narrowing: &Narrowing) -> Result<Quantized> {
        build(self, None, choices, narrowing)
    }
}

/// Visits the float graph's nodes in the order in which scales depend on each other.
fn build(
    preparation: &Preparation<'_>,
    calibration: Option<&Calibration>,
    choices: &Choices,
    narrowing: &Narrowing,
) -> Result<Quantized> {
    let mut quantizer = Quantizer::new(preparation, calibration, choices, narrowing);
    for id in constraints::visiting_order(quantizer.float) {
        if id != quantizer.float.input() {
            quantizer.visit(id)?;
        }
    }
    let counterparts = quantizer.values.into_iter().map(|value| Some(value?.id)).collect();
    Ok(Quantized {
        graph: quantizer.out,
        counterparts,
        estimates: quantizer.estimates,
        noise: quantizer.noise,
    })
}
