//! Images and answers as bytes.

use pyo3::prelude::*;
use runtime::Prediction;

/// The labels of all positions, the classes of the first one, likeliest first, and the scores as bytes of little-endian `f64`.
pub(crate) type Answer = (Vec<usize>, Vec<usize>, Vec<u8>);

/// The numbers in bytes of native `f32`.
///
/// # Errors
/// `InvalidInput` where the last number is cut off.
pub(crate) fn floats(py: Python<'_>, bytes: &[u8]) -> PyResult<Vec<f32>> {
    let (numbers, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(crate::errors::raise(py, "InvalidInput", "the bytes of the images are no whole numbers"));
    }
    Ok(numbers.iter().map(|&number| f32::from_ne_bytes(number)).collect())
}

/// What Python makes a `Prediction` of.
pub(crate) fn answer(prediction: &Prediction) -> Answer {
    let scores = prediction.logits.iter().flat_map(|score| score.to_ne_bytes()).collect();
    (prediction.labels().to_vec(), prediction.ranking().to_vec(), scores)
}
