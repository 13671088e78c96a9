//! Files that hold secrets: their owner alone may read them, and a passphrase may encrypt them. And files that one process has,
//! paths that name one file, and folders whose changes can be waited for.

mod folder;
mod lock;
#[cfg(feature = "passphrase")]
mod passphrase;
mod private;
mod same;
#[cfg(feature = "passphrase")]
mod sealed;

pub use folder::SyncedFolder;
pub use lock::lock;
#[cfg(feature = "passphrase")]
pub use passphrase::Passphrase;
pub use private::{create_private, read_private, replace_private, write_private};
pub use same::is_same;
#[cfg(feature = "passphrase")]
pub use sealed::{Hardness, SealError, seal, unseal};

/// First bytes of a file that is encrypted with a passphrase.
const SEALED_MAGIC: &[u8; 8] = b"popcseal";

/// Whether these are the bytes of a file that is encrypted with a passphrase.
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(SEALED_MAGIC)
}
