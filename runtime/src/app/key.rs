//! The client's key pair, in memory and in a file.

use crate::error::{InvalidInput, Result};
#[cfg(feature = "passphrase")]
use crate::files::{Hardness, Passphrase, SealError, seal, unseal};
use crate::files::{is_sealed, read_private, write_private};
use crate::paillier::{HolderKey, SecretKey, SecureRng};
use crate::plan::{ClientPlan, KeyBits};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// Longest key file, in bytes: the primes, their orders and hs of a key of 4096 bits are far below, also encrypted.
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
    /// The file cannot be read, others than its owner may read it ([`InvalidInput::Exposed`], on Unix), it is encrypted
    /// ([`InvalidInput::PassphraseNeeded`]), or is no key of a length that protects anything.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_private(path, MAX_KEY_FILE)?;
        if is_sealed(&bytes) {
            return Err(InvalidInput::PassphraseNeeded(path.into()).into());
        }
        Self::from_bytes(&bytes, path)
    }

    /// The key in a file that [`write`](Self::write) or [`write_sealed`](Self::write_sealed) made; `passphrase` is asked where the
    /// file is encrypted. Trying a passphrase takes some tenths of a second and 64 MiB of memory.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`InvalidInput::WrongPassphrase`].
    #[cfg(feature = "passphrase")]
    pub fn read_sealed(path: &Path, passphrase: impl FnOnce() -> Result<Passphrase>) -> Result<Self> {
        let bytes = read_private(path, MAX_KEY_FILE)?;
        if !is_sealed(&bytes) {
            return Self::from_bytes(&bytes, path);
        }
        let opened = unseal(&bytes, &passphrase()?).map_err(|error| match error {
            SealError::WrongPassphrase => InvalidInput::WrongPassphrase(path.into()),
            other => InvalidInput::file(path, other),
        });
        Self::from_bytes(&opened?, path)
    }

    /// Writes a new file that only its owner can read; leaves nothing behind where that fails.
    ///
    /// # Errors
    /// The file exists already, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_private(path, &self.secret.to_bytes())
    }

    /// The same, encrypted with a passphrase (Argon2id, ChaCha20-Poly1305).
    ///
    /// # Errors
    /// As [`write`](Self::write), or there are no 64 MiB of memory, or no randomness.
    #[cfg(feature = "passphrase")]
    pub fn write_sealed(&self, path: &Path, passphrase: &Passphrase) -> Result<()> {
        let sealed = seal(&self.secret.to_bytes(), passphrase, Hardness::DEFAULT);
        write_private(path, &sealed.map_err(|error| InvalidInput::file(path, error))?)
    }

    fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        let secret = SecretKey::from_bytes(bytes).map_err(|error| InvalidInput::file(path, error))?;
        require_secure(secret.public().bits())?;
        Ok(Self::new(secret))
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
