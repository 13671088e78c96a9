//! The client's key pair, in memory and in a file.

use crate::error::{Error, InvalidInput, Result};
use crate::files::write_private;
use crate::paillier::{HolderKey, SecretKey, SecureRng};
use crate::plan::{ClientPlan, KeyBits};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

/// Longest key file, in bytes: the primes, their orders and hs of a key of 4096 bits are far below.
const MAX_KEY_FILE: u64 = 4096;

/// A Paillier key pair of 2048, 3072 or 4096 bits. Whoever has it can decrypt what was sent under it, so it stays with the
/// client. Copies share one key, which is overwritten when the last one is dropped. One key serves any number of sessions,
/// one after the other or at once.
#[derive(Clone)]
pub struct ClientKey {
    secret: Arc<SecretKey>,
    /// With tables for encrypting, from the first session on.
    holder: Arc<OnceLock<Arc<HolderKey>>>,
}

impl ClientKey {
    /// A new key pair, from the operating system's randomness. Takes about half a second at 3072 bits.
    ///
    /// # Errors
    /// [`InvalidInput::InsecureKey`] for fewer than 2048 bits; the system gives no randomness.
    pub fn generate(bits: KeyBits) -> Result<Self> {
        require_secure(bits)?;
        Ok(Self::new(SecretKey::generate(bits, &mut SecureRng::from_os()?)))
    }

    /// The key in a file that [`write`](Self::write) made.
    ///
    /// # Errors
    /// The file cannot be read, or is no key of a length that protects anything.
    pub fn read(path: &Path) -> Result<Self> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE as usize));
        let opened = File::open(path).and_then(|file| file.take(MAX_KEY_FILE).read_to_end(&mut bytes));
        opened.map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?;
        let secret = SecretKey::from_bytes(&bytes)
            .map_err(|error| InvalidInput::File { path: path.into(), what: error.to_string() })?;
        require_secure(secret.public().bits())?;
        Ok(Self::new(secret))
    }

    /// Writes a new file that only its owner can read; leaves nothing behind where that fails.
    ///
    /// # Errors
    /// The file exists already, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_private(path, &self.secret.to_bytes())
    }

    /// Length of the modulus N in bits.
    pub fn bits(&self) -> KeyBits {
        self.secret.public().bits()
    }

    /// The same with tables that suit the inferences of `plan`, which take some tenths of a second the first time.
    ///
    /// # Errors
    /// [`InvalidInput::KeyBits`] where the plan wants another length; the system gives no randomness.
    pub fn holder(&self, plan: &ClientPlan) -> Result<Arc<HolderKey>> {
        let (needed, has) = (plan.key_bits, self.bits());
        if needed != has {
            return Err(InvalidInput::KeyBits { needed, has }.into());
        }
        match self.holder.get() {
            Some(holder) => Ok(holder.clone()),
            None => {
                let holder = Arc::new(HolderKey::new(self.secret.clone(), plan.encryptions())?);
                Ok(self.holder.get_or_init(|| holder).clone())
            }
        }
    }

    fn new(secret: SecretKey) -> Self {
        Self { secret: Arc::new(secret), holder: Arc::default() }
    }
}

/// Refuses key lengths that only tests may use, however this library was built.
pub(super) fn require_secure(bits: KeyBits) -> Result<()> {
    if bits.is_secure() { Ok(()) } else { Err(InvalidInput::InsecureKey(bits).into()) }
}
