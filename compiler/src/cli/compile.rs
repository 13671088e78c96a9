//! `popcornc compile`.

use super::{Outcome, output};
use clap::{Args, ValueEnum};
use compiler::data::Dataset;
use compiler::options::{CALIBRATION_IMAGES, CompileOptions, InputOptions, WEIGHT_BITS, parse_number};
use compiler::pipeline;
use runtime::plan::{BlindedParameters, KeyBits, Suite, ValidPlan, codec};
use std::path::PathBuf;

/// Compile a model to a plan
#[derive(Args)]
#[command(after_help = "\
Examples:
  popcornc compile mnist.onnx -o mnist.plan
  popcornc compile lenet.onnx -o lenet.plan --input-scale 1/255 --input-mean 0.1307 --input-std 0.3081
  popcornc compile mnist.onnx -o small.plan --weight-bits 4 --sparsity 0.75 --calibration train.npz
  popcornc compile cifar.onnx -o cifar.plan --input-scale 1/255 --input-mean 0.49,0.48,0.45 --input-std 0.25,0.24,0.26")]
pub(super) struct Compile {
    /// The model
    #[arg(value_name = "MODEL.onnx")]
    model: PathBuf,
    /// Where the plan goes
    #[arg(short, long, value_name = "OUT.plan")]
    output: PathBuf,
    /// The protocols: `blinded` needs Paillier alone, and shows the client a little of the
    /// distribution of magnitudes inside layers
    #[arg(long, value_enum, default_value_t = SuiteName::Blinded)]
    suite: SuiteName,
    /// Length of the client's key: 2048, 3072 or 4096
    #[arg(long, value_name = "BITS", default_value_t = KeyBits::default())]
    key_bits: KeyBits,
    #[command(flatten)]
    input: InputArgs,
    /// Width of quantised weights, 1 to 8. With 1 bit they are -1 or 1, and 0 where they are pruned
    #[arg(long, value_name = "BITS", default_value_t = 8, value_parser = weight_bits())]
    weight_bits: u32,
    /// Share of every layer's weights that become zero, such as 0.75
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    sparsity: f64,
    /// Example images, `images` (N,C,H,W) with raw pixels; labels are not needed. Weights are then
    /// rounded and pruned such that the network's values on these images change least
    #[arg(long, value_name = "DATA.npz")]
    calibration: Option<PathBuf>,
    /// Look at so many of them only
    #[arg(long, value_name = "N", default_value_t = CALIBRATION_IMAGES, requires = "calibration")]
    calibration_images: usize,
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
    /// Smallest and largest raw pixel; others are refused
    #[arg(long, value_name = "LOW,HIGH", default_value = "0,255", value_parser = parse_range, allow_negative_numbers = true)]
    input_range: (f64, f64),
}

#[derive(Clone, Copy, ValueEnum)]
enum SuiteName {
    Blinded,
}

impl Compile {
    pub(super) fn run(&self) -> Outcome {
        let mut options = self.options();
        options.check()?;
        let model = compiler::from_onnx::read(&self.model)?;
        if let Some(path) = &self.calibration {
            let data = Dataset::read(path, model.input).map_err(runtime::Error::from)?;
            options.calibration = Some(data.into());
        }
        let plan = pipeline::compile_imported(&model, &options)?;
        let bytes = codec::encode(&plan);
        output::write_atomically(&self.output, &bytes)?;
        output::print(&summary(&plan, &self.output.display().to_string(), bytes.len()))
    }

    fn options(&self) -> CompileOptions {
        let SuiteName::Blinded = self.suite;
        CompileOptions {
            suite: Suite::Blinded(BlindedParameters::default()),
            key_bits: self.key_bits,
            input: InputOptions {
                scale: self.input.input_scale,
                mean: self.input.input_mean.clone(),
                std: self.input.input_std.clone(),
                range: self.input.input_range,
                ..InputOptions::default()
            },
            weight_bits: self.weight_bits,
            sparsity: self.sparsity,
            calibration: None,
            calibration_images: self.calibration_images,
        }
    }
}

fn weight_bits() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(i64::from(*WEIGHT_BITS.start())..=i64::from(*WEIGHT_BITS.end()))
}

fn parse_range(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = text.split_once(',').ok_or("write LOW,HIGH, for example 0,255")?;
    Ok((parse_number(low)?, parse_number(high)?))
}

fn summary(plan: &ValidPlan, file: &str, size: usize) -> String {
    let steps = &plan.plan().steps;
    let widest = steps.iter().map(|step| step.bits).max().unwrap_or(0);
    let cost = plan.plan().total_cost();
    format!(
        "{file}: plan {}, {} steps, {} bytes\n\
         values of at most {widest} bits, key of {} bits\n\
         one inference: {} products and {} squarings, {} encryptions, {} decryptions, {} rounds,\n\
         {} bytes up, {} bytes down; `popcornc inspect` shows them step by step",
        plan.id(),
        steps.len(),
        size,
        plan.plan().key_bits,
        cost.products,
        cost.squarings,
        cost.encryptions,
        cost.decryptions,
        cost.rounds,
        cost.bytes_up,
        cost.bytes_down,
    )
}
