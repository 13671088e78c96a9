//! `popcorn keygen`: a key pair in a file.

use super::secret;
use clap::Args;
use runtime::console;
use runtime::plan::KeyBits;
use runtime::{Passphrase, Result};
use std::path::PathBuf;

/// Make a key pair and write it to a file that only you can read
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn keygen -o me.key --passphrase
  popcorn keygen -o me.key --passphrase-file secret.txt --key-bits 3072
  popcorn keygen -o me.key                                  # whoever reads the file has the key")]
pub(crate) struct Keygen {
    /// Where to write the key; an existing file is never overwritten
    #[arg(short, long, value_name = "KEY")]
    output: PathBuf,
    /// Length of the modulus: 2048, 3072 or 4096
    #[arg(long, default_value_t = KeyBits::default(), value_name = "BITS")]
    key_bits: KeyBits,
    /// Encrypt the file with a passphrase, which is asked for twice on the terminal
    #[arg(long, conflicts_with = "passphrase_file")]
    passphrase: bool,
    /// Encrypt the file with the passphrase in the first line of this file, which nobody but its owner may read
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Keygen {
    pub(crate) fn run(self) -> Result<()> {
        let Self { output, key_bits, .. } = &self;
        let passphrase = self.passphrase()?;
        let key = secret::generate(*key_bits)?;
        let how = match &passphrase {
            Some(passphrase) => {
                key.write_sealed(output, passphrase).map(|()| "encrypted with the passphrase")
            }
            None => key.write(output).map(|()| "keep it secret"),
        };
        console::note(&format!("wrote a {key_bits} bit key to {}; {}", output.display(), how?));
        Ok(())
    }

    /// What encrypts the file, if anything does.
    fn passphrase(&self) -> Result<Option<Passphrase>> {
        match &self.passphrase_file {
            Some(path) => Passphrase::read(path).map(Some),
            None => self.passphrase.then(|| secret::choose(&self.output)).transpose(),
        }
    }
}
