//! `popcornc operators`: the table of operators for the documentation.

use super::{Outcome, output};
use clap::Args;

/// Print the supported operators as a Markdown table
#[derive(Args)]
#[command(after_help = "Example:\n  popcornc operators")]
pub(super) struct Operators {}

impl Operators {
    pub(super) fn run(&self) -> Outcome {
        output::print(&compiler::from_onnx::registry::markdown())
    }
}
