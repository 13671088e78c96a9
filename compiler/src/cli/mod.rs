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

use clap::{CommandFactory, Parser, Subcommand};
use compiler::error::Error;
use runtime::console::{self, Completions, Manual, Verbosity};
use std::process::ExitCode;

/// Compiles trained convolutional networks (ONNX) to plans for private inference.
#[derive(Parser)]
#[command(name = "popcornc", version, max_term_width = 100, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    verbosity: Verbosity,
}

const EXAMPLES: &str = "\
Examples:
  popcornc check   model.onnx
  popcornc compile model.onnx -o model.plan --input-scale 1/255 --calibration train.npz
  popcornc inspect model.plan
  popcornc eval    model.onnx model.plan --data test.npz

`popcorn` runs plans.";

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
    #[command(after_help = "Example:\n  popcornc completions bash > /etc/bash_completion.d/popcornc")]
    Completions(Completions),
    #[command(after_help = "Example:\n  popcornc manual -o /usr/local/share/man/man1")]
    Manual(Manual),
}

/// What a subcommand comes to: success, a failure that has been reported in full, or an error to report.
type Outcome = Result<ExitCode, Error>;

/// Runs the program; errors go to stderr, and the exit code is then 1 (2 for a wrong command line).
pub(crate) fn main() -> ExitCode {
    let Cli { command, verbosity } = Cli::parse();
    verbosity.set();
    let outcome = match command {
        Command::Check(command) => command.run(),
        Command::Compile(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::Compare(command) => command.run(),
        Command::Passes(command) => command.run(),
        Command::Operators(command) => command.run(),
        Command::Completions(command) => output::print_bytes(&command.text(Cli::command())),
        Command::Manual(command) => {
            let written = command.write(Cli::command()).map(|()| ExitCode::SUCCESS);
            written.map_err(|error| output::file_error(command.folder(), error))
        }
    };
    outcome.unwrap_or_else(|error| {
        console::error(&error, advice(&error));
        ExitCode::FAILURE
    })
}

/// What to do about an error, where it does not say it itself.
fn advice(error: &Error) -> Option<&'static str> {
    match error {
        Error::Runtime(error) => console::advice(error),
        Error::File { source, .. } => console::of_system(source.kind()),
        Error::Unsupported(_) => Some("`popcornc operators` lists what is supported, and in which form"),
        Error::Bug(_) => {
            Some("this is a defect of the compiler: please report it, with the model if you may")
        }
        _ => None,
    }
}
