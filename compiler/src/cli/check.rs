//! `popcornc check`.

use super::options::{ReadingArgs, print_notes};
use super::{Outcome, output};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Say of every operator of a model whether it is supported, and why not; exit code 1 if one is not
#[derive(Args)]
#[command(after_help = "Example:\n  popcornc check model.onnx")]
pub(super) struct Check {
    /// The model
    #[arg(value_name = "MODEL.onnx")]
    model: PathBuf,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self) -> Outcome {
        let report = compiler::from_onnx::check(&self.model, &self.reading.reading())?;
        print_notes(&report.notes);
        if self.json {
            output::print_json(&report)?
        } else {
            output::print(&report.to_string())?
        };
        Ok(if report.supported() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
