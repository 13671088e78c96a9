//! `popcornc`: compiles a trained model to a plan for private inference.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
