//! Key files.

use runtime::error::InvalidInput;
use runtime::paillier::{HolderKey, SecretKey, SecureRng};
use runtime::plan::{ClientPlan, KeyBits};
use runtime::{Error, Result};
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// Longest key file, in bytes: two primes of 2048 bits and a header are far below.
const MAX_KEY_FILE: u64 = 4096;

/// Refuses key lengths that only tests may use, however this program was built.
pub(crate) fn require_secure(bits: KeyBits) -> Result<()> {
    if bits.is_secure() { Ok(()) } else { Err(InvalidInput::InsecureKey(bits).into()) }
}

/// A new key pair.
pub(crate) fn generate(bits: KeyBits) -> Result<SecretKey> {
    require_secure(bits)?;
    Ok(SecretKey::generate(bits, &mut SecureRng::from_os()?))
}

/// The key in `path`, or a new one that lives as long as the process, ready for one image of `plan`.
pub(crate) fn load_or_generate(path: Option<&Path>, plan: &ClientPlan) -> Result<HolderKey> {
    let bits = plan.key_bits;
    require_secure(bits)?;
    let key = match path {
        Some(path) => read(path)?,
        None => generate(bits)?,
    };
    let has = key.public().bits();
    if has != bits {
        return Err(InvalidInput::KeyBits { needed: bits, has }.into());
    }
    Ok(HolderKey::new(key, plan.encryptions())?)
}

/// Writes a new file that only its owner can read; leaves nothing behind where that fails.
pub(crate) fn write(key: &SecretKey, path: &Path) -> Result<()> {
    let failed = |error| Error::io(format!("cannot write {}", path.display()), error);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    let written = file.write_all(&key.to_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a key is of no use; the error that counts is the first one.
        let _ = std::fs::remove_file(path);
        failed(error)
    })
}

fn read(path: &Path) -> Result<SecretKey> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE as usize));
    let opened = std::fs::File::open(path).and_then(|file| read_all(file, &mut bytes));
    opened.map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?;
    SecretKey::from_bytes(&bytes)
        .map_err(|error| InvalidInput::File { path: path.into(), what: error.to_string() }.into())
}

fn read_all(file: std::fs::File, bytes: &mut Vec<u8>) -> io::Result<()> {
    file.take(MAX_KEY_FILE).read_to_end(bytes).map(|_| ())
}
