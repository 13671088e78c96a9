//! The options of a compilation, the same for every command that compiles.

use super::labels;
use clap::{Args, ValueEnum};
use compiler::activation::Fineness;
use compiler::error::Error;
use compiler::evaluation::Dataset;
use compiler::from_onnx::{self, Model, Reading};
use compiler::options::{
    ACTIVATION_BITS, CALIBRATION_IMAGES, CompileOptions, DEFAULT_ACTIVATION_BITS, InputOptions, MARGIN_BITS,
    MAX_ERROR, WEIGHT_BITS, parse_number,
};
use runtime::console;
use runtime::data::Pictures;
use runtime::plan::{
    BlindedParameters, Colours, InferenceBatch, InputSpec, KeyBits, OutputPart, Processor, Revealed,
    SharedParameters, Suite,
};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// How a model is read.
#[derive(Args)]
pub(super) struct ReadingArgs {
    /// Compile this output of the model, or any value inside it, instead of the one that looks like the scores of classes
    #[arg(long, value_name = "NAME")]
    model_output: Vec<String>,
}

impl ReadingArgs {
    /// The options of the import that these arguments stand for.
    pub(super) fn reading(&self) -> Reading {
        Reading { outputs: self.model_output.clone(), image: None }
    }

    /// The model in the file `path`; says on standard error what there is to know about it.
    ///
    /// # Errors
    /// Whatever is wrong with the model.
    pub(super) fn read(&self, path: &Path) -> Result<Model, Error> {
        read(path, &self.reading())
    }
}

fn read(path: &Path, reading: &Reading) -> Result<Model, Error> {
    let model = from_onnx::read_as(path, reading)?;
    print_notes(&model.notes);
    Ok(model)
}

/// What there is to know about a model, on standard error.
pub(super) fn print_notes(notes: &[String]) {
    notes.iter().for_each(|note| console::note(note));
}

/// What a compilation depends on beside the model.
#[derive(Args)]
pub(super) struct CompileArgs {
    #[command(flatten)]
    reading: ReadingArgs,
    /// The protocols: `shared` tells nothing of any value, and does what takes long before the image is known; `blinded`, the
    /// paper's, needs Paillier alone, and shows the client a little of the distribution of magnitudes inside layers
    #[arg(long, value_enum, default_value_t = SuiteName::Shared)]
    suite: SuiteName,
    /// What the client learns: all logits, or the label alone (suite shared). By default logits, unless the model
    /// itself ends in the label (ArgMax)
    #[arg(long, value_enum)]
    reveal: Option<RevealName>,
    /// What the classes are called: a name on each line, or a JSON list, or an object of names by number as ImageNet's. Clients
    /// are told them
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Length of the client's key: 2048, 3072 or 4096
    #[arg(long, value_name = "BITS", default_value_t = KeyBits::default())]
    key_bits: KeyBits,
    /// The machine that layouts are chosen for: with AVX-512 IFMA, where products cost little beside bytes, or without.
    /// The plan runs on both
    #[arg(long, value_enum, default_value_t = MachineName::Ifma)]
    machine: MachineName,
    #[command(flatten)]
    input: InputArgs,
    /// Width of quantised weights, 1 to 8. With 1 bit they are -1 or 1, and 0 where they are pruned
    #[arg(long, value_name = "BITS", default_value_t = 8, value_parser = within(WEIGHT_BITS))]
    weight_bits: u32,
    /// Bits that activations keep, 4 to 16 (suite shared). Fewer make every step cheaper and the result coarser
    #[arg(long, value_name = "BITS", default_value_t = DEFAULT_ACTIVATION_BITS, value_parser = within(ACTIVATION_BITS))]
    activation_bits: u32,
    /// Headroom: bits beyond the largest value seen in calibration (suite shared). An image whose values need more gets
    /// a wrong result. By default as many as keep the estimated chance of that below 1 in 10,000
    #[arg(long, value_name = "BITS", value_parser = within(MARGIN_BITS))]
    margin_bits: Option<u32>,
    /// Make oblivious transfers from AES alone (suite shared). Silent OT, which plans with many comparisons and batches take otherwise, sends a tenth
    /// as much or less and rests on learning parity with noise too
    #[arg(long)]
    no_silent_transfers: bool,
    /// Inferences that a client may prepare together at most, in batches of 4, 16 or 64 where that saves time (suite shared);
    /// 1 for none
    #[arg(long, value_name = "N", default_value_t = InferenceBatch::MAX as u32, value_parser = within(1..=InferenceBatch::MAX as u32))]
    max_batch: u32,
    /// Fraction of every layer's weights to set to zero, such as 0.75
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    sparsity: f64,
    /// Fraction of activations to remove by pruning whole channels, such as 0.25, chosen where later layers compensate
    /// best
    #[arg(long, value_name = "F", default_value_t = 0.0, requires = "calibration")]
    channel_sparsity: f64,
    /// Approximate each smooth activation by N linear segments (N - 1 ReLUs). By default as many as keep its error
    /// below 1 %
    #[arg(long, value_name = "N")]
    activation_pieces: Option<usize>,
    /// Calibration images, `images` (N,C,H,W) with raw pixels, or a folder of pictures, which are scaled and cropped, as many as
    /// --calibration-images says evenly from all of them; labels are not needed. They decide how weights and values
    /// are rounded and how wide rings are, and some are held back to check the plan
    #[arg(long, value_name = "DATA.npz|FOLDER")]
    calibration: Option<PathBuf>,
    /// Use only the first N calibration images
    #[arg(long, value_name = "N", default_value_t = CALIBRATION_IMAGES, requires = "calibration")]
    calibration_images: usize,
    /// Largest relative error of the logits (root mean square) where fewer than 98 % of the labels agree with the model's.
    /// The compiler checks this on calibration images that it has held back; a plan beyond it is an error
    #[arg(long, value_name = "F", default_value_t = MAX_ERROR, value_parser = parse_number)]
    max_error: f64,
    /// Write a plan that is further from the model than that
    #[arg(long)]
    accept_error: bool,
    /// Write the same bytes for the same model and options, to compare them (snapshots, golden files). Without it the plan holds 32
    /// random bytes, so that clients cannot confirm guesses at the weights by its digest
    #[arg(long)]
    reproducible: bool,
}

/// How the model wants its images: (pixel · scale − mean) ÷ std.
#[derive(Args)]
struct InputArgs {
    /// What raw pixels are multiplied by first, for example 1/255
    #[arg(long, value_name = "S", default_value = "1", value_parser = parse_number, allow_negative_numbers = true)]
    input_scale: f64,
    /// Subtracted after the scale: one number, or one per channel
    #[arg(long, value_name = "M,..", default_value = "0", value_delimiter = ',', value_parser = parse_number, allow_negative_numbers = true)]
    input_mean: Vec<f64>,
    /// Divided by last: one number, or one per channel
    #[arg(long, value_name = "S,..", default_value = "1", value_delimiter = ',', value_parser = parse_number)]
    input_std: Vec<f64>,
    /// Smallest and largest raw pixel; others are refused. By default 0,255, or what the model's input holds if it
    /// is an integer of 8 bits
    #[arg(long, value_name = "LOW,HIGH", value_parser = parse_range, allow_negative_numbers = true)]
    input_range: Option<(f64, f64)>,
    /// Order in which the model takes the channels of a PNG or JPEG picture (networks from Caffe: bgr);
    /// arrays are taken as they are
    #[arg(long, value_name = "ORDER", default_value = "rgb")]
    input_colours: ColourOrder,
}

#[derive(Clone, Copy, ValueEnum)]
enum ColourOrder {
    Rgb,
    Bgr,
}

impl From<ColourOrder> for Colours {
    fn from(order: ColourOrder) -> Self {
        match order {
            ColourOrder::Rgb => Self::Rgb,
            ColourOrder::Bgr => Self::Bgr,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum SuiteName {
    Blinded,
    Shared,
}

impl SuiteName {
    /// With the usual parameters.
    fn suite(self) -> Suite {
        match self {
            Self::Blinded => Suite::Blinded(BlindedParameters::default()),
            Self::Shared => Suite::Shared(SharedParameters::default()),
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum RevealName {
    Logits,
    Label,
}

impl From<RevealName> for Revealed {
    fn from(name: RevealName) -> Self {
        match name {
            RevealName::Logits => Self::Logits,
            RevealName::Label => Self::Label,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum MachineName {
    Ifma,
    Adx,
}

impl From<MachineName> for Processor {
    fn from(name: MachineName) -> Self {
        match name {
            MachineName::Ifma => Self::Ifma,
            MachineName::Adx => Self::Adx,
        }
    }
}

impl CompileArgs {
    /// The model in the file `path`, and how to compile it.
    ///
    /// # Errors
    /// Options that contradict themselves, and whatever is wrong with the model or the calibration images.
    pub(super) fn read(&self, path: &Path) -> Result<(Model, CompileOptions), Error> {
        let mut options = self.options();
        options.check()?;
        let reading = Reading { image: Some(options.input.preprocessed_range()), ..self.reading.reading() };
        let mut model = read(path, &reading)?;
        options.reveal = model.revealed(self.reveal.map(Revealed::from), &options.suite)?;
        if let Some(path) = &self.labels {
            labels::name(&mut model, path)?;
        }
        if let (None, Some((low, high))) = (self.input.input_range, model.pixels) {
            options.input.range = (low, high);
        }
        if let Some(path) = &self.calibration {
            let input = model.input_spec(&options.input)?;
            options.calibration = Some(read_data(path, &input, None, self.calibration_images)?.into());
        }
        Ok((model, options))
    }

    fn options(&self) -> CompileOptions {
        CompileOptions {
            suite: self.suite.suite(),
            reveal: self.reveal.map_or_else(Revealed::default, Revealed::from),
            key_bits: self.key_bits,
            processor: self.machine.into(),
            input: InputOptions {
                scale: self.input.input_scale,
                mean: self.input.input_mean.clone(),
                std: self.input.input_std.clone(),
                colours: self.input.input_colours.into(),
                range: self.input.input_range.unwrap_or(InputOptions::default().range),
                ..InputOptions::default()
            },
            activation_bits: self.activation_bits,
            margin_bits: self.margin_bits,
            silent_transfers: !self.no_silent_transfers,
            max_batch: self.max_batch as usize,
            weight_bits: self.weight_bits,
            sparsity: self.sparsity,
            channel_sparsity: self.channel_sparsity,
            activations: self.activation_pieces.map_or(Fineness::Percent, Fineness::Pieces),
            calibration: None,
            calibration_images: self.calibration_images,
            max_error: self.max_error,
            accept_error: self.accept_error,
            reproducible: self.reproducible,
        }
    }
}

/// What is odd about the calibration images of a compilation.
pub(super) fn odd_calibration(options: &CompileOptions) -> Option<String> {
    let unfilled = options.calibration.as_ref()?.unfilled(options.calibration_images, options.input.range)?;
    Some(format!(
        "the pixels of the calibration images {unfilled}; if they have been scaled already, say so (--input-range 0,1 for \
         pixels from 0 to 1, and --input-scale as the model wants them)"
    ))
}

/// Most pictures of a folder, where it is not said how many.
pub(super) const PICTURES: usize = 1000;

/// Damaged pictures that are named.
const NAMED: usize = 3;

/// The images at `path`, a file or a folder of pictures, of which `most` are taken, for a model that takes `input`. Folders are
/// labels if they are called like the classes of `part`, or there is one for each.
pub(super) fn read_data(
    path: &Path,
    input: &InputSpec,
    part: Option<&OutputPart>,
    most: usize,
) -> Result<Dataset, Error> {
    if !path.is_dir() {
        return Ok(Dataset::read(path, input.shape).map_err(runtime::Error::from)?);
    }
    let pictures = Pictures::read(path, input, most).map_err(runtime::Error::from)?;
    let warn = |what: String| console::warn(&format!("{}: {what}", path.display()));
    if pictures.passed_over > 0 {
        warn(format!("{} files are no pictures and were passed over", pictures.passed_over));
    }
    if !pictures.damaged.is_empty() {
        let named: Vec<String> = pictures.damaged.iter().take(NAMED).map(ToString::to_string).collect();
        let count = pictures.damaged.len();
        warn(format!("pictures that cannot be read and were left out: {count} ({})", named.join("; ")));
    }
    let Some(part) = part else { return Ok(pictures.images) };
    let (folders, classes) = (pictures.classes.len(), part.class_count());
    let images = pictures.of_classes(&part.names, classes);
    if folders > 0 && images.labels().is_none() {
        warn(format!("{folders} folders are not the model's {classes} classes; they are no labels"));
    }
    Ok(images)
}

fn within(range: RangeInclusive<u32>) -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(i64::from(*range.start())..=i64::from(*range.end()))
}

fn parse_range(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = text.split_once(',').ok_or("write LOW,HIGH, for example 0,255")?;
    Ok((parse_number(low)?, parse_number(high)?))
}
