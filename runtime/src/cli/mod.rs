//! The command line; one file per subcommand.

mod answers;
mod ask;
mod asking;
mod bench;
mod certificate;
mod images;
mod infer;
mod kernel;
mod keygen;
mod memory;
mod output;
mod prepare;
mod progress;
mod report;
mod run;
mod saved;
mod serve;
mod stored;
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
  popcorn prepare --connect 127.0.0.1:7000 --store prepared --count 16
  popcorn run model.plan --input test.npz#7 --json
  popcorn bench

Plans come from `popcornc compile`.";

#[derive(Subcommand)]
enum Command {
    Keygen(keygen::Keygen),
    Serve(serve::Serve),
    Infer(infer::Infer),
    Prepare(prepare::Prepare),
    Run(run::Run),
    Bench(bench::Bench),
    Certificate(certificate::Certificate),
}

/// Runs the command; errors go to standard error, with exit status 1.
pub(crate) fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Keygen(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Infer(command) => command.run(),
        Command::Prepare(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Certificate(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
