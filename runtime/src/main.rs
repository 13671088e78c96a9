//! `popcorn`: keys, serving, asking, and both at once.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
