//! What is made of a program's own description of its commands: completions for shells, and manual pages.

use clap::{Args, Command};
use clap_complete::Shell;
use std::io;
use std::path::PathBuf;

/// Print completions for a shell
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Write manual pages
#[derive(Args, Debug)]
pub struct Manual {
    /// The folder to write one page to for each command, made where there is none
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

impl Completions {
    /// The completions of `program`, which is what its shell calls it by.
    pub fn text(&self, mut program: Command) -> Vec<u8> {
        let (name, mut text) = (program.get_name().to_owned(), Vec::new());
        clap_complete::generate(self.shell, &mut program, name, &mut text);
        text
    }
}

impl Manual {
    /// Writes `program`'s pages: NAME.1, and NAME-COMMAND.1 for each command that is not hidden.
    ///
    /// # Errors
    /// The folder or a file cannot be written.
    pub fn write(&self, program: Command) -> io::Result<()> {
        std::fs::create_dir_all(&self.output)?;
        clap_mangen::generate_to(program, &self.output)
    }

    /// Where they go.
    pub const fn folder(&self) -> &PathBuf {
        &self.output
    }
}
