//! What a client knows of the server's plan.

use runtime::plan::{ClientPlan, Colours, Revealed};
use std::ffi::{CString, c_char};

/// What the server showed of its plan. Counts are for one image.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Plan {
    /// Channels of an image. Pixels are given channel by channel, in each row by row.
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Pixels of an image: channels · height · width.
    pub pixels: usize,
    /// Smallest raw pixel, for example 0; others are refused. The library does the model's preprocessing.
    pub pixel_low: f64,
    /// Largest raw pixel, for example 255.
    pub pixel_high: f64,
    /// Whether the three channels are blue, green, red instead of red, green, blue.
    pub is_bgr: bool,
    /// Labels of an answer: 1 where images are classified, one for each position of a map, 0 where the model has no classes.
    pub labels: usize,
    /// Scores of an answer: one for each class where images are classified; 0 where the label alone is revealed.
    pub scores: usize,
    /// Classes, 0 where there are none. `popcorn_client_class_name` says what they are called.
    pub classes: usize,
    /// Length of the key that it needs.
    pub key_bits: u32,
    /// Its digest, to be given as `plan` in `popcorn_options`: 64 hexadecimal digits and a zero byte.
    pub digest: [c_char; 65],
}

impl From<&ClientPlan> for Plan {
    fn from(plan: &ClientPlan) -> Self {
        let (input, output) = (&plan.input, &plan.output);
        let part = output.parts.first();
        let (labels, scores) = match output.revealed {
            Revealed::Logits => (part.map_or(0, |part| part.positions()), output.elements()),
            Revealed::Label => (output.revealed_values(), 0),
        };
        Self {
            channels: input.shape.channels,
            height: input.shape.height,
            width: input.shape.width,
            pixels: input.shape.elements(),
            pixel_low: input.preprocessing.raw_range.0,
            pixel_high: input.preprocessing.raw_range.1,
            is_bgr: input.preprocessing.colours == Colours::Bgr,
            labels,
            scores,
            classes: part.map_or(0, |part| part.class_count()),
            key_bits: plan.key_bits.get(),
            digest: digest(&plan.id.to_string()),
        }
    }
}

/// The 64 digits of `text`, and a zero byte.
fn digest(text: &str) -> [c_char; 65] {
    let mut digits = [0; 65];
    digits[..64].iter_mut().zip(text.bytes()).for_each(|(digit, byte)| *digit = byte as c_char);
    digits
}

/// What the classes are called; none where that is not known.
pub(crate) fn class_names(plan: &ClientPlan) -> Vec<CString> {
    let names = plan.output.parts.first().map_or(&[][..], |part| &part.names);
    // Names have no zero bytes: the plan was checked for control characters.
    names.iter().map(|name| CString::new(name.as_str()).unwrap_or_default()).collect()
}
