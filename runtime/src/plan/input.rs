//! The border of a plan at its beginning: from an image to integers.

use super::geometry::Shape;
use serde::{Deserialize, Serialize};

/// How a raw image becomes the integers that are encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Shape of one image.
    pub shape: Shape,
    /// How raw pixels become the numbers that the model was trained on.
    pub preprocessing: Preprocessing,
    /// Real size of one integer step, per channel: integer = round(preprocessed ÷ step).
    pub step: Vec<f64>,
}

/// (raw · scale − mean) ÷ std, per channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Which channel of a picture comes first; arrays are taken as they are.
    pub colours: Colours,
    /// Smallest and largest raw pixel, for example 0 and 255; others are refused.
    pub raw_range: (f64, f64),
    /// What raw pixels are multiplied by, before the mean is subtracted.
    pub scale: f64,
    /// Subtracted after the scale; one per channel.
    pub mean: Vec<f64>,
    /// Divided by last; one per channel, positive.
    pub std: Vec<f64>,
}

/// The channels of a coloured picture, in the order in which a model takes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Colours {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red: models from Caffe and OpenCV.
    Bgr,
}

/// An image that does not fit the plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InputError {
    /// Wrong number of pixels.
    #[error("the model takes images of {expected} ({} values), this one has {got} values", expected.elements())]
    Length {
        /// Shape that the plan wants.
        expected: Shape,
        /// Number of values given.
        got: usize,
    },
    /// A pixel outside the range for which the plan's bounds hold.
    #[error("pixel {index} is {value}; raw pixels are declared to be {low} to {high}{}", scaled(*value, *low))]
    Pixel {
        /// Position of the pixel, row-major (channel, row, column).
        index: usize,
        /// Value of the pixel.
        value: f64,
        /// Smallest value allowed.
        low: f64,
        /// Largest value allowed.
        high: f64,
    },
}

/// What a pixel below the range, which is negative, says.
const fn scaled(value: f64, low: f64) -> &'static str {
    if value < 0.0 && low >= 0.0 {
        "; a negative pixel has been through preprocessing: give it as it was before, or say so when compiling \
         (--input-range, and no --input-mean)"
    } else {
        ""
    }
}

impl Preprocessing {
    /// Raw pixels 0 to 255, unchanged.
    pub fn identity(channels: usize) -> Self {
        Self {
            colours: Colours::Rgb,
            raw_range: (0.0, 255.0),
            scale: 1.0,
            mean: vec![0.0; channels],
            std: vec![1.0; channels],
        }
    }

    /// One raw pixel of `channel`.
    pub fn apply(&self, channel: usize, raw: f64) -> f64 {
        (raw * self.scale - self.mean[channel]) / self.std[channel]
    }

    /// Smallest and largest preprocessed value of `channel`.
    pub fn range(&self, channel: usize) -> (f64, f64) {
        let (a, b) = (self.apply(channel, self.raw_range.0), self.apply(channel, self.raw_range.1));
        (a.min(b), a.max(b))
    }
}

impl InputSpec {
    /// Smallest and largest integer of `channel`.
    pub fn bounds(&self, channel: usize) -> (i64, i64) {
        let (low, high) = self.preprocessing.range(channel);
        (self.integer(channel, low), self.integer(channel, high))
    }

    /// Least b with |x| < 2^b for every integer of an image.
    pub fn bits(&self) -> u32 {
        let largest = (0..self.shape.channels)
            .map(|c| self.bounds(c))
            .map(|(l, h)| l.unsigned_abs().max(h.unsigned_abs()));
        u64::BITS - largest.max().unwrap_or(0).leading_zeros()
    }

    /// The integers of a raw image, row-major (channels, height, width).
    ///
    /// # Errors
    /// Wrong length, or a pixel outside [`Preprocessing::raw_range`] (NaN included).
    pub fn quantize(&self, raw: &[f32]) -> Result<Vec<i64>, InputError> {
        if raw.len() != self.shape.elements() {
            return Err(InputError::Length { expected: self.shape, got: raw.len() });
        }
        let (low, high) = self.preprocessing.raw_range;
        let plane = self.shape.plane();
        raw.iter()
            .enumerate()
            .map(|(index, &pixel)| {
                let value = f64::from(pixel);
                if !(low..=high).contains(&value) {
                    return Err(InputError::Pixel { index, value, low, high });
                }
                let channel = index / plane;
                Ok(self.integer(channel, self.preprocessing.apply(channel, value)))
            })
            .collect()
    }

    fn integer(&self, channel: usize, preprocessed: f64) -> i64 {
        (preprocessed / self.step[channel]).round() as i64
    }
}
