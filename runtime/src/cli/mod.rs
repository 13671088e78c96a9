//! The command line; one file per subcommand.

mod answers;
mod ask;
mod asking;
mod bench;
mod catalogue;
mod certificate;
mod ending;
mod flood;
mod images;
mod infer;
mod kernel;
mod keygen;
mod log;
mod memory;
mod output;
mod plans;
mod progress;
mod report;
mod run;
mod saved;
mod serve;
mod token;
mod transport;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Private inference: the client's image stays private, and so does the server's model.
#[derive(Parser)]
#[command(name = "popcorn", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  popcorn keygen -o me.key
  popcorn serve model.plan --listen 127.0.0.1:7000
  popcorn infer --connect 127.0.0.1:7000 --input digit.png
  popcorn run model.plan --input test.npz#7 --json
  popcorn bench

Plans come from `popcornc compile`.";

#[derive(Subcommand)]
enum Command {
    Keygen(keygen::Keygen),
    Serve(serve::Serve),
    Infer(infer::Infer),
    Run(run::Run),
    Bench(bench::Bench),
    Certificate(certificate::Certificate),
    Token(token::Token),
    Plans(plans::Plans),
}

/// Runs the command; errors go to standard error, with exit status 1. README.md lists what other statuses mean.
pub(crate) fn main() -> ExitCode {
    let done = |()| ExitCode::SUCCESS;
    let outcome = match Cli::parse().command {
        Command::Keygen(command) => command.run().map(done),
        Command::Serve(command) => command.run(),
        Command::Infer(command) => command.run().map(done),
        Command::Run(command) => command.run().map(done),
        Command::Bench(command) => command.run().map(done),
        Command::Certificate(command) => command.run().map(done),
        Command::Token(command) => command.run().map(done),
        Command::Plans(command) => command.run().map(done),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
