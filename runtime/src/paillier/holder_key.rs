//! Everything that the holder of a key needs to encrypt and decrypt quickly.

use super::ciphertext::Ciphertexts;
use super::decrypt::Decrypted;
use super::encrypt::{PlaintextTooLarge, encrypt};
use super::pool::Pool;
use super::public_key::PublicKey;
use super::randomiser::{HolderRandomisers, Randomisers};
use super::randomness::{RandomnessError, SecureRng};
use super::secret_key::SecretKey;
use rug::Integer;
use std::sync::Arc;

/// A secret key with tables for its own encryptions; one serves any number of sessions.
pub struct HolderKey {
    secret: Arc<SecretKey>,
    randomisers: Box<dyn Randomisers + Send>,
}

impl HolderKey {
    /// Computes tables that suit about `encryptions` encryptions, some tenths of a second for thousands; then
    /// randomisers for as many in the background ([`Pool`]).
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn new(secret: impl Into<Arc<SecretKey>>, encryptions: usize) -> Result<Self, RandomnessError> {
        let secret = secret.into();
        let mut rng = SecureRng::from_os()?;
        let randomisers = HolderRandomisers::for_uses(&secret, encryptions);
        Ok(Self { secret, randomisers: Box::new(Pool::new(randomisers, encryptions, &mut rng)) })
    }

    /// As [`new`](Self::new), but all work is done on demand: to measure what an encryption takes.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn without_pool(
        secret: impl Into<Arc<SecretKey>>,
        encryptions: usize,
    ) -> Result<Self, RandomnessError> {
        let secret = secret.into();
        let randomisers = HolderRandomisers::for_uses(&secret, encryptions);
        Ok(Self { secret, randomisers: Box::new(randomisers) })
    }

    /// What the other party is given.
    pub fn public(&self) -> &PublicKey {
        self.secret.public()
    }

    /// Encrypts signed integers, |m| < N/2, in parallel.
    ///
    /// # Errors
    /// A plaintext is too large.
    pub fn encrypt(
        &self,
        plaintexts: &[Integer],
        rng: &mut SecureRng,
    ) -> Result<Ciphertexts, PlaintextTooLarge> {
        encrypt(&*self.randomisers, plaintexts, rng)
    }

    /// What the ciphertexts say, in parallel.
    pub fn decrypt(&self, ciphertexts: &Ciphertexts) -> Decrypted {
        self.secret.decrypt(ciphertexts)
    }
}
