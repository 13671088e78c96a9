//! The key, the images' form and the output: flags that `popcorn infer` and `popcorn run` have in common.

use super::output;
use super::report::{Report, steps};
use super::secret::KeyFile;
use clap::Args;
use runtime::Result;
use runtime::data::Fit;
use runtime::observe::StepReport;
use runtime::roles::client::Prediction;
use std::path::PathBuf;

/// These flags.
#[derive(Args)]
pub(crate) struct Ask {
    /// Scale and crop an image of another size instead of refusing it
    #[arg(long)]
    pub(crate) resize: bool,
    #[command(flatten)]
    pub(crate) key: KeyFile,
    /// How many classes to print, best first, where one image is asked about
    #[arg(long, default_value_t = 3, value_name = "K")]
    pub(crate) top: usize,
    /// Write what the model gives to this file. FILE.npy: an array with the axes of the model's output, and one for the images before
    /// these where there are several. FILE.npz: the same for each of several outputs, by its name. FILE.png: a map as a picture,
    /// as bright as raw pixels were, or the class of each pixel in the colours of PASCAL VOC; further images as FILE-001.png, ..
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// In pictures, the values that are black and white
    #[arg(long, value_name = "LOW,HIGH", allow_hyphen_values = true, requires = "output", value_parser = range)]
    pub(crate) output_range: Option<(f64, f64)>,
    /// Print one line of JSON for each image instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

fn range(text: &str) -> std::result::Result<(f64, f64), String> {
    let numbers: Vec<f64> = text.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    match numbers[..] {
        [low, high] if low < high && (high - low).is_finite() => Ok((low, high)),
        _ => Err("give two numbers, the smaller one first, such as -1,1".into()),
    }
}

impl Ask {
    /// Prints a prediction, and what it took.
    pub(crate) fn print(&self, report: &Report, prediction: &Prediction) -> Result<()> {
        output::print(&if self.json { report.json() } else { report.text(prediction, self.top) })
    }

    /// Prints where each party's time went, for people.
    pub(crate) fn print_steps(&self, parties: &[(&str, &[StepReport])]) -> Result<()> {
        if self.json {
            return Ok(());
        }
        let tables = parties.iter().map(|(party, reports)| format!("\n{}", steps(party, reports)));
        output::print(&tables.collect::<String>())
    }

    pub(crate) const fn fit(&self) -> Fit {
        if self.resize { Fit::Resize } else { Fit::Exact }
    }
}
