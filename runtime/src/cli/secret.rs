//! Keys from files and passphrases from terminals: flags of `popcorn keygen`, `infer` and `run`.

use clap::Args;
use runtime::console;
use runtime::error::InvalidInput;
use runtime::plan::KeyBits;
use runtime::{ClientKey, Error, Passphrase, Result};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Which key to use.
#[derive(Args)]
pub(crate) struct KeyFile {
    /// A key file from `popcorn keygen`, which nobody but its owner may read; without it a fresh key is made and forgotten, or
    /// with --store the one used that lies in that folder. Where the file is encrypted, its passphrase is asked for on the terminal
    #[arg(long, value_name = "KEY")]
    key: Option<PathBuf>,
    /// Take the key file's passphrase from the first line of this file, which nobody but its owner may read
    #[arg(long, value_name = "FILE", requires = "key")]
    passphrase_file: Option<PathBuf>,
}

impl KeyFile {
    /// The key in the file, if one is named. It may wait for somebody to type.
    ///
    /// # Errors
    /// As [`ClientKey::read_sealed`], or nobody can be asked.
    pub(crate) fn read(&self) -> Result<Option<ClientKey>> {
        let passphrase = |path: &Path| match &self.passphrase_file {
            Some(file) => Passphrase::read(file),
            None => ask(&format!("passphrase of {}: ", path.display())),
        };
        self.key.as_deref().map(|path| ClientKey::read_sealed(path, || passphrase(path))).transpose()
    }
}

/// A passphrase for a new file, which is typed twice.
///
/// # Errors
/// Nobody can be asked, it is empty or too long, or the two differ.
pub(crate) fn choose(path: &Path) -> Result<Passphrase> {
    let first = ask(&format!("passphrase for {}: ", path.display()))?;
    if ask("the same again: ")?.is_same_as(&first) {
        Ok(first)
    } else {
        Err(InvalidInput::PassphrasesDiffer.into())
    }
}

/// What is typed on the terminal, which does not show it.
fn ask(prompt: &str) -> Result<Passphrase> {
    let typed = rpassword::prompt_password(prompt);
    let typed =
        typed.map_err(|error| Error::io("cannot ask for a passphrase (give --passphrase-file)", error))?;
    Passphrase::new(Zeroizing::new(typed))
}

/// A new key.
///
/// # Errors
/// As [`ClientKey::generate`].
pub(crate) fn generate(bits: KeyBits) -> Result<ClientKey> {
    console::busy(&format!("making a key of {bits} bits"), || ClientKey::generate(bits))
}
