//! What a user may choose when a model is compiled.

use crate::activation::{Fineness, PIECES};
use crate::error::{Error, Result};
use crate::graph::Affine;
use runtime::data::Dataset;
use runtime::plan::validate::MAX_INPUT_BITS;
use runtime::plan::{
    BlindedParameters, Colours, InferenceBatch, InputSpec, KeyBits, Preprocessing, Processor, Revealed,
    Shape, SharedParameters, Suite, UnitCosts,
};
use serde::Serialize;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The widths that weights may have.
pub const WEIGHT_BITS: RangeInclusive<u32> = 1..=8;

/// The widths that activations may keep in suite `shared`.
pub const ACTIVATION_BITS: RangeInclusive<u32> = 4..=16;

/// What they keep where nothing else is said.
pub const DEFAULT_ACTIVATION_BITS: u32 = 8;

/// Bits that rings of suite `shared` may have beyond what calibration images need.
pub const MARGIN_BITS: RangeInclusive<u32> = 0..=16;

/// Calibration images used by default.
pub const CALIBRATION_IMAGES: usize = 512;

/// The largest error of logits, where nothing else is said.
pub const MAX_ERROR: f64 = 0.1;

/// Share of the images for which plan and model name the same class, where an error above the largest does not matter.
pub const LEAST_AGREEMENT: f64 = 0.98;

/// Further than this from a whole number of steps, an offset is nearly in the middle between two.
const NEAR_TIE: f64 = 0.4;

/// Everything that a compilation depends on beside the model.
#[derive(Clone, Debug, PartialEq)]
pub struct CompileOptions {
    /// Which protocols parties run, `shared` or `blinded`, with their parameters.
    pub suite: Suite,
    /// Whether the client learns all logits or the label alone.
    pub reveal: Revealed,
    /// Length of the client's key.
    pub key_bits: KeyBits,
    /// The machine that layouts are chosen for.
    pub processor: Processor,
    /// From raw images to what the model takes.
    pub input: InputOptions,
    /// Width B of quantised weights, in [`WEIGHT_BITS`]; see [`LayerChoice::bits`].
    pub weight_bits: u32,
    /// Share of every layer's weights that become zero, 0 to below 1; layers of one weight per channel
    /// keep theirs.
    pub sparsity: f64,
    /// Share of the values that go with their channels, of all layers together that can lose channels,
    /// 0 to below 1; needs calibration images.
    pub channel_sparsity: f64,
    /// Suite `shared`: bits that the largest integers of an activation keep, in [`ACTIVATION_BITS`].
    pub activation_bits: u32,
    /// Suite `shared`: headroom, bits of rings beyond the largest value seen on calibration images, in [`MARGIN_BITS`];
    /// `None` for as many as keep the estimated chance that an image needs more below 10^-4, or three without calibration.
    pub margin_bits: Option<u32>,
    /// Suite `shared`: whether oblivious transfers may rest on learning parity with noise (silent OT), where that takes fewer
    /// bytes.
    pub silent_transfers: bool,
    /// Suite `shared`: inferences that clients can prepare together at most, where that saves time.
    pub max_batch: usize,
    /// How closely activations are followed that take several ReLUs.
    pub activations: Fineness,
    /// Calibration images after which weights are rounded and pruned.
    pub calibration: Option<Arc<Dataset>>,
    /// How many of them are looked at.
    pub calibration_images: usize,
    /// Largest error of the logits (root mean square, relative to that of the model's, each image's mean taken away) of a
    /// plan that names the model's class for fewer than [`LEAST_AGREEMENT`] of the images of the self-check.
    pub max_error: f64,
    /// Whether such a plan is returned all the same.
    pub accept_error: bool,
    /// Whether the plan's bytes follow from the model and these options alone. Otherwise they hold 32 random bytes, without which
    /// clients could confirm guesses at the weights by the plan's digest.
    pub reproducible: bool,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self::with_suite(Suite::Shared(SharedParameters::default()))
    }
}

impl CompileOptions {
    /// The defaults for suite `blinded`, the protocols of the paper.
    pub fn blinded() -> Self {
        Self::with_suite(Suite::Blinded(BlindedParameters::default()))
    }

    /// The defaults for `suite`.
    fn with_suite(suite: Suite) -> Self {
        Self {
            suite,
            reveal: Revealed::default(),
            key_bits: KeyBits::default(),
            processor: Processor::default(),
            input: InputOptions::default(),
            weight_bits: 8,
            sparsity: 0.0,
            channel_sparsity: 0.0,
            activation_bits: DEFAULT_ACTIVATION_BITS,
            margin_bits: None,
            silent_transfers: true,
            max_batch: InferenceBatch::MAX,
            activations: Fineness::default(),
            calibration: None,
            calibration_images: CALIBRATION_IMAGES,
            max_error: MAX_ERROR,
            accept_error: false,
            reproducible: false,
        }
    }
}

impl CompileOptions {
    /// What operations take, where choices are weighed.
    pub fn unit_costs(&self) -> UnitCosts {
        UnitCosts::typical(self.key_bits, self.processor)
    }

    /// What is chosen for every layer alike.
    pub fn layer(&self) -> LayerChoice {
        LayerChoice { bits: self.weight_bits, sparsity: self.sparsity }
    }

    /// Whether values are taken in rings.
    pub fn has_rings(&self) -> bool {
        matches!(self.suite, Suite::Shared(_))
    }

    /// Refuses options that contradict themselves.
    ///
    /// # Errors
    /// [`Error::Option`].
    pub fn check(&self) -> Result<()> {
        require(WEIGHT_BITS.contains(&self.weight_bits), || {
            format!("weights have 1 to 8 bits, not {}", self.weight_bits)
        })?;
        for (what, share) in [("sparsity", self.sparsity), ("channel sparsity", self.channel_sparsity)] {
            require((0.0..1.0).contains(&share), || {
                format!("the {what} is a share from 0 to below 1, not {share}")
            })?;
        }
        let (least, most) = (ACTIVATION_BITS.start(), ACTIVATION_BITS.end());
        require(ACTIVATION_BITS.contains(&self.activation_bits), || {
            format!("activations keep {least} to {most} bits, not {}", self.activation_bits)
        })?;
        require(self.margin_bits.is_none_or(|bits| MARGIN_BITS.contains(&bits)), || {
            format!("rings have {} bits more than needed at most", MARGIN_BITS.end())
        })?;
        require(self.max_error > 0.0, || {
            format!("the largest error is a share above 0, such as 0.1, not {}", self.max_error)
        })?;
        require(self.has_rings() || self.reveal == Revealed::Logits, || {
            "suite blinded reveals logits; the label alone takes suite shared".into()
        })?;
        match self.activations {
            Fineness::Pieces(count) => require(PIECES.contains(&count), || {
                let (least, most) = (PIECES.start(), PIECES.end());
                format!("an activation has {least} to {most} linear segments, not {count}")
            }),
            Fineness::Percent => Ok(()),
        }
    }
}

/// How a linear layer is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LayerChoice {
    /// Width B of weights, which are −(2^(B−1)−1) to 2^(B−1)−1: with 2 bits −1, 0, 1. With 1 bit they
    /// are −1 or 1, or 0 where they are pruned.
    pub bits: u32,
    /// Share of the weights that are zero at least, 0 to 1; rounding adds more. Without effect where a row
    /// has one weight only.
    pub sparsity: f64,
}

/// x = (raw · scale − mean) ÷ std, and how finely x is represented.
#[derive(Clone, Debug, PartialEq)]
pub struct InputOptions {
    /// What a raw pixel is multiplied by, before the mean is taken away.
    pub scale: f64,
    /// One per channel, or one for all.
    pub mean: Vec<f64>,
    /// One per channel, or one for all.
    pub std: Vec<f64>,
    /// Smallest and largest raw pixel.
    pub range: (f64, f64),
    /// The order of a picture's channels.
    pub colours: Colours,
    /// Integer steps from the smallest raw pixel to the largest; 255 gives 8-bit images one step a level.
    pub steps: u32,
}

impl Default for InputOptions {
    fn default() -> Self {
        Self {
            scale: 1.0,
            mean: vec![0.0],
            std: vec![1.0],
            range: (0.0, 255.0),
            colours: Colours::Rgb,
            steps: 255,
        }
    }
}

impl InputOptions {
    /// These options and then scale·x + shift, with positive scales, per channel of `shape`.
    ///
    /// # Errors
    /// [`Error::Option`] for lists whose length is neither 1 nor the number of channels.
    pub fn followed_by(&self, affine: &Affine, shape: Shape) -> Result<Self> {
        let mut mean = per_channel("mean", &self.mean, shape)?;
        let mut std = per_channel("std", &self.std, shape)?;
        for (channel, (&scale, &shift)) in affine.scale.iter().zip(&affine.shift).enumerate() {
            std[channel] /= f64::from(scale);
            mean[channel] -= f64::from(shift) * std[channel];
        }
        Ok(Self { mean, std, ..self.clone() })
    }

    /// Smallest and largest number that preprocessing makes of raw pixels.
    pub fn preprocessed_range(&self) -> (f64, f64) {
        let channels = self.mean.len().max(self.std.len());
        let per_channel = self.mean.iter().cycle().zip(self.std.iter().cycle()).take(channels);
        let ends = per_channel
            .flat_map(|(mean, std)| [self.range.0, self.range.1].map(|raw| (raw * self.scale - mean) / std));
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), x| (least.min(x), most.max(x)))
    }

    /// The border of a plan whose model takes images of `shape`.
    ///
    /// Where the mean lies near the middle between two steps, steps are halved, so that no two raw
    /// pixels are moved together or apart by rounding.
    ///
    /// # Errors
    /// [`Error::Option`] for numbers that are not finite or not positive where they divide, an empty
    /// range, numbers so far apart that integers would be too wide, or lists whose length is neither 1 nor the number of channels.
    pub fn spec(&self, shape: Shape) -> Result<InputSpec> {
        let (low, high) = self.range;
        require(low.is_finite() && high.is_finite() && low < high, || {
            format!("the input range {low},{high} is empty or not finite")
        })?;
        require(self.scale.is_finite() && self.scale != 0.0, || {
            format!("the input scale {} is unusable", self.scale)
        })?;
        require(self.steps > 0, || "an input needs at least one step".into())?;
        let mean = per_channel("mean", &self.mean, shape)?;
        let std = per_channel("std", &self.std, shape)?;
        require(std.iter().all(|&std| std > 0.0), || "an input std is not positive".into())?;
        let level = self.scale.abs() * (high - low) / f64::from(self.steps);
        let zero = |mean: f64| (low * self.scale - mean) / level;
        let halves = |mean: f64| if (zero(mean) - zero(mean).round()).abs() > NEAR_TIE { 2.0 } else { 1.0 };
        let step: Vec<f64> = mean.iter().zip(&std).map(|(&mean, std)| level / std / halves(mean)).collect();
        let preprocessing =
            Preprocessing { colours: self.colours, raw_range: self.range, scale: self.scale, mean, std };
        let spec = InputSpec { shape, preprocessing, step };
        let is_usable = spec.step.iter().all(|step| step.is_normal()) && spec.bits() <= MAX_INPUT_BITS;
        require(is_usable, || {
            format!(
                "input scale, mean, std and range make integers of more than {MAX_INPUT_BITS} bits, or none"
            )
        })?;
        Ok(spec)
    }
}

fn per_channel(what: &str, values: &[f64], shape: Shape) -> Result<Vec<f64>> {
    require(values.iter().all(|value| value.is_finite()), || format!("an input {what} is not finite"))?;
    match values {
        [one] => Ok(vec![*one; shape.channels]),
        many if many.len() == shape.channels => Ok(many.to_vec()),
        many => Err(Error::Option(format!(
            "{} values of input {what} for {} channels; give one, or one per channel",
            many.len(),
            shape.channels
        ))),
    }
}

fn require(holds: bool, what: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Option(what())) }
}

/// A number as users write it: `0.1307`, `1e-3`, or a quotient like `1/255`.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn parse_number(text: &str) -> std::result::Result<f64, String> {
    let decimal = |part: &str| part.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let number = match text.split_once('/') {
        Some((above, below)) => decimal(above).zip(decimal(below)).map(|(above, below)| above / below),
        None => decimal(text),
    };
    number
        .filter(|number| number.is_finite())
        .ok_or_else(|| format!("'{text}' is no number; write 0.5 or 1/255"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_alone_takes_suite_shared() {
        let reveal = Revealed::Label;
        let error = CompileOptions { reveal, ..CompileOptions::blinded() }.check().unwrap_err().to_string();
        assert!(error.contains("takes suite shared"), "{error}");
        let shared = CompileOptions { reveal, ..CompileOptions::default() };
        assert!(shared.check().is_ok());
        assert!(CompileOptions { activation_bits: 3, ..shared.clone() }.check().is_err());
        assert!(CompileOptions { margin_bits: Some(17), ..shared }.check().is_err());
    }

    #[test]
    fn numbers_are_decimals_or_quotients() {
        assert_eq!(parse_number("1/255"), Ok(1.0 / 255.0));
        assert_eq!(parse_number("-.5"), Ok(-0.5));
        for bad in ["", "x", "1/0", "1/", "nan", "inf", "1/2/3"] {
            assert!(parse_number(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn levels_of_eight_bit_images_stay_equally_far_apart() {
        for (mean, apart) in [(0.0, 1), (0.1307, 1), (0.5, 2), (0.4914, 1)] {
            let options = InputOptions {
                scale: 1.0 / 255.0,
                mean: vec![mean],
                std: vec![0.25],
                ..InputOptions::default()
            };
            let spec = options.spec(Shape::new(1, 1, 1)).unwrap();
            assert_eq!(spec.step, [1.0 / 255.0 / 0.25 / apart as f64]);
            let integers: Vec<i64> = (0..=255).map(|raw| spec.quantize(&[raw as f32]).unwrap()[0]).collect();
            assert!(integers.windows(2).all(|pair| pair[1] - pair[0] == apart), "mean {mean}");
        }
    }

    #[test]
    fn normalisations_compose() {
        let shape = Shape::new(2, 1, 1);
        let options = InputOptions { scale: 0.5, mean: vec![3.0], std: vec![2.0], ..InputOptions::default() };
        let affine = Affine { scale: vec![1.0, 4.0], shift: vec![0.0, -5.0] };
        let spec = options.followed_by(&affine, shape).unwrap().spec(shape).unwrap();
        let apply = |channel| spec.preprocessing.apply(channel, 20.0);
        assert_eq!((apply(0), apply(1)), (3.5, 3.5 * 4.0 - 5.0));
    }

    #[test]
    fn contradictions_are_refused() {
        let shape = Shape::new(3, 4, 4);
        let refused = |options: InputOptions| options.spec(shape).unwrap_err().to_string();
        let base = InputOptions::default;
        assert!(
            refused(InputOptions { mean: vec![1.0, 2.0], ..base() })
                .contains("2 values of input mean for 3 channels")
        );
        assert!(refused(InputOptions { std: vec![0.0], ..base() }).contains("not positive"));
        assert!(refused(InputOptions { range: (1.0, 1.0), ..base() }).contains("empty"));
        assert!(refused(InputOptions { scale: f64::NAN, ..base() }).contains("scale"));
        let activations = Fineness::Pieces(1);
        assert!(CompileOptions { activations, ..CompileOptions::blinded() }.check().is_err());
        assert!(CompileOptions { weight_bits: 9, ..CompileOptions::blinded() }.check().is_err());
    }
}
