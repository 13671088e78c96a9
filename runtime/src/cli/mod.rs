//! The command line; one file per subcommand.

mod again;
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
mod page;
mod plans;
mod prepare;
mod progress;
mod report;
mod run;
mod saved;
mod secret;
mod serve;
mod session;
mod stored;
mod token;
mod transport;

use clap::{Parser, Subcommand};
use runtime::{Result, harden_process, wipe_freed_numbers};
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
  popcorn keygen -o me.key --passphrase
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
    Token(token::Token),
    Plans(plans::Plans),
}

/// Runs the command; errors go to standard error, with exit status 1. README.md lists what other statuses mean.
pub(crate) fn main() -> ExitCode {
    // SAFETY: no other thread has begun.
    unsafe { wipe_freed_numbers() };
    run(Cli::parse().command).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> Result<ExitCode> {
    if command.has_secrets() {
        harden_process()?;
    }
    let done = |()| ExitCode::SUCCESS;
    match command {
        Command::Keygen(command) => command.run().map(done),
        Command::Serve(command) => command.run(),
        Command::Infer(command) => command.run().map(done),
        Command::Prepare(command) => command.run().map(done),
        Command::Run(command) => command.run().map(done),
        Command::Bench(command) => command.run().map(done),
        Command::Certificate(command) => command.run().map(done),
        Command::Token(command) => command.run().map(done),
        Command::Plans(command) => command.run().map(done),
    }
}

impl Command {
    /// Whether keys, images or weights of somebody are in its memory.
    const fn has_secrets(&self) -> bool {
        !matches!(self, Command::Bench(_))
    }
}
