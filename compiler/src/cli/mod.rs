//! The command line: one file per subcommand.

mod check;
mod compare;
mod compile;
mod eval;
mod inspect;
mod labels;
mod load;
mod operators;
mod options;
mod output;
mod passes;
mod progress;
mod report;
mod search;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Compiles trained convolutional networks (ONNX) to plans for private inference.
#[derive(Parser)]
#[command(name = "popcornc", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Check),
    Compile(compile::Compile),
    Inspect(inspect::Inspect),
    Report(report::Report),
    Eval(eval::Eval),
    Compare(compare::Compare),
    #[command(hide = true)]
    Passes(passes::Passes),
    #[command(hide = true)]
    Operators(operators::Operators),
}

/// What a subcommand comes to: success, a failure that has been reported in full, or an error to report.
type Outcome = Result<ExitCode, compiler::error::Error>;

/// Runs the program; errors go to stderr, and the exit code is then 1 (2 for a wrong command line).
pub(crate) fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Check(command) => command.run(),
        Command::Compile(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::Compare(command) => command.run(),
        Command::Passes(command) => command.run(),
        Command::Operators(command) => command.run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
