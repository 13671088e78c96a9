//! Keys for tests, made once per process. Anybody can factor the small ones.

use std::sync::{LazyLock, OnceLock};

use super::holder_key::HolderKey;
use super::randomness::SecureRng;
use super::secret_key::SecretKey;
use crate::plan::KeyBits;

/// The process's key of `bits` bits; 512 unless a test needs more room.
///
/// # Panics
/// If the size is not one that [`KeyBits`] accepts, or there is no randomness.
pub fn shared(bits: u32) -> &'static SecretKey {
    static KEYS: LazyLock<[OnceLock<SecretKey>; 6]> = LazyLock::new(Default::default);
    let sizes = [512, 768, 1024, 2048, 3072, 4096];
    let index = sizes.iter().position(|size| *size == bits).expect("an accepted key size");
    KEYS[index].get_or_init(|| {
        let mut rng = SecureRng::from_os().expect("randomness from the operating system");
        SecretKey::generate(KeyBits::try_from(bits).expect("an accepted key size"), &mut rng)
    })
}

/// A new key of `bits` bits with its tables.
///
/// # Panics
/// If the size is not one that [`KeyBits`] accepts, or there is no randomness.
pub fn holder(bits: u32) -> HolderKey {
    let mut rng = SecureRng::from_os().expect("randomness from the operating system");
    let key = SecretKey::generate(KeyBits::try_from(bits).expect("an accepted key size"), &mut rng);
    HolderKey::new(key, 1000).expect("randomness from the operating system")
}
