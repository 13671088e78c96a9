//! `popcornc eval`.

use super::options::{PICTURES, ReadingArgs, read_data};
use super::progress::Bar;
use super::{Outcome, inspect, output};
use clap::Args;
use compiler::error::Error;
use compiler::evaluation::{Accuracy, evaluate, odd_labels};
use compiler::from_onnx::FloatReference;
use runtime::console;
use runtime::plan::OutputPart;
use std::path::PathBuf;

/// Compare a model's accuracy on labelled images with its plan's, or its map with the plan's
///
/// `agreement` is the share of images, or of the pixels of a map of scores, that both give the same class; `error` the root mean
/// square of the differences of all that is revealed, relative to what the model gives; PSNR that of a map without classes.
#[derive(Args)]
#[command(after_help = "Example:\n  popcornc eval mnist.onnx mnist.plan --data mnist-test.npz --limit 1000")]
pub(super) struct Eval {
    /// The model, run in floating point
    #[arg(value_name = "MODEL.onnx")]
    model: PathBuf,
    /// Its plan, run in plain integers, which is what encrypted runs give
    #[arg(value_name = "OUT.plan")]
    plan: PathBuf,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Arrays `images` (N,C,H,W), raw pixels, and `labels` (N); or a folder of pictures, scaled and cropped, in a folder for each class,
    /// called like the classes (compile --labels) or numbered in the order of names (1000 of them, or --limit)
    #[arg(long, value_name = "DATA.npz")]
    data: PathBuf,
    /// Look at so many images only
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Eval {
    pub(super) fn run(&self) -> Outcome {
        let plan = inspect::read(&self.plan)?;
        let input = &plan.client_view().input;
        let model = self.reading.read(&self.model)?;
        if model.input != input.shape {
            let what = format!("the model takes images of {}, the plan of {}", model.input, input.shape);
            return Err(Error::Option(what));
        }
        let float = FloatReference::new(&model)?;
        let limit = self.limit.unwrap_or(usize::MAX);
        let output = plan.plan().output.parts.first();
        let classes = output.map_or(0, OutputPart::class_count);
        let data = read_data(&self.data, input, output, self.limit.unwrap_or(PICTURES))?;
        let odd = [
            data.unfilled(limit, input.preprocessing.raw_range).map(|unfilled| {
                format!("the pixels {unfilled}; the plan takes raw pixels, as they are before preprocessing")
            }),
            odd_labels(data.labels().map(|labels| &labels[..labels.len().min(limit)]), classes),
        ];
        odd.iter().flatten().for_each(|odd| console::warn(odd));
        let bar = Bar::new(data.len().min(limit));
        let accuracy = evaluate(&plan, &|image| float.run(image), &data, limit, &bar);
        drop(bar);
        self.report(&accuracy?)
    }

    fn report(&self, accuracy: &Accuracy) -> Outcome {
        if self.json { output::print_json(accuracy) } else { output::print(&describe(accuracy)) }
    }
}

fn describe(accuracy: &Accuracy) -> String {
    let percent =
        |share: Option<f64>| share.map_or("no labels".into(), |share| format!("{:.2} %", 100.0 * share));
    let mut text = format!("{} images", accuracy.images);
    if accuracy.agreement.is_some() {
        let rows = [
            ("float accuracy", accuracy.float_accuracy),
            ("plan accuracy", accuracy.plan_accuracy),
            ("agreement", accuracy.agreement),
        ];
        text.extend(rows.map(|(name, share)| format!("\n{name:<15} {}", percent(share))));
    }
    if let Some(error) = accuracy.error {
        text += &format!("\n{:<15} {:.3} %", "error", 100.0 * error);
    }
    if let Some(decibels) = accuracy.psnr {
        text += &format!("\n{:<15} {decibels:.1} dB", "PSNR");
    }
    text
}
