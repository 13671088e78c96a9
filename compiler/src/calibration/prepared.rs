//! A raw image in both forms: as integers for plans, preprocessed for float models.

use crate::error::Result;
use runtime::error::{Error as RuntimeError, InvalidInput};
use runtime::plan::InputSpec;

/// The integers of a raw image.
///
/// # Errors
/// A wrong number of pixels, or one outside the range of `input`.
pub(crate) fn integers(input: &InputSpec, raw: &[f32]) -> Result<Vec<i64>> {
    Ok(input.quantize(raw).map_err(|error| RuntimeError::from(InvalidInput::from(error)))?)
}

/// A raw image as plans and as float models take it, row-major.
pub(crate) struct Prepared {
    pub(crate) integers: Vec<i64>,
    pub(crate) preprocessed: Vec<f32>,
}

impl Prepared {
    /// # Errors
    /// A wrong number of pixels, or one outside the range of `input`.
    pub(crate) fn new(input: &InputSpec, raw: &[f32]) -> Result<Self> {
        let integers = integers(input, raw)?;
        let plane = input.shape.plane();
        let preprocess = |(i, &x): (usize, &f32)| input.preprocessing.apply(i / plane, x.into()) as f32;
        Ok(Self { integers, preprocessed: raw.iter().enumerate().map(preprocess).collect() })
    }
}
