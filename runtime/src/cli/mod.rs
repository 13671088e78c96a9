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
mod session_key;
mod stored;
mod token;
mod transport;

use clap::{CommandFactory, Parser, Subcommand};
use runtime::console::{self, Completions, Manual, Verbosity};
use runtime::{Error, Result, harden_process, wipe_freed_numbers};
use std::process::ExitCode;

/// Private inference: the client's image stays private, and so does the server's model.
#[derive(Parser)]
#[command(name = "popcorn", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    verbosity: Verbosity,
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
    #[command(after_help = "Example:\n  popcorn completions bash > /etc/bash_completion.d/popcorn")]
    Completions(Completions),
    #[command(after_help = "Example:\n  popcorn manual -o /usr/local/share/man/man1")]
    Manual(Manual),
}

/// Runs the command; errors go to standard error, with exit status 1. examples/guide/deploy.md lists what other statuses mean.
pub(crate) fn main() -> ExitCode {
    // SAFETY: no other thread has begun.
    unsafe { wipe_freed_numbers() };
    let Cli { command, verbosity } = Cli::parse();
    verbosity.set();
    run(command).unwrap_or_else(|error| {
        console::error(&error, console::advice(&error));
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
        Command::Completions(command) => output::print_bytes(&command.text(Cli::command())).map(done),
        Command::Manual(command) => {
            let failed = |error| Error::cannot("write to", command.folder(), error);
            command.write(Cli::command()).map(done).map_err(failed)
        }
    }
}

impl Command {
    /// Whether keys, images or weights of somebody are in its memory.
    const fn has_secrets(&self) -> bool {
        !matches!(self, Command::Bench(_) | Command::Completions(_) | Command::Manual(_))
    }
}
