//! `popcorn keygen`: a key pair in a file.

use clap::Args;
use runtime::plan::KeyBits;
use runtime::{ClientKey, Result};
use std::path::PathBuf;

/// Make a key pair and write it to a file that only you can read
#[derive(Args)]
#[command(after_help = "Example:\n  popcorn keygen -o me.key --key-bits 3072")]
pub(crate) struct Keygen {
    /// Where to write the key; an existing file is never overwritten
    #[arg(short, long, value_name = "KEY")]
    output: PathBuf,
    /// Length of the modulus: 2048, 3072 or 4096
    #[arg(long, default_value_t = KeyBits::default(), value_name = "BITS")]
    key_bits: KeyBits,
}

impl Keygen {
    pub(crate) fn run(self) -> Result<()> {
        ClientKey::generate(self.key_bits)?.write(&self.output)?;
        eprintln!("wrote a {} bit key to {}; keep it secret", self.key_bits, self.output.display());
        Ok(())
    }
}
