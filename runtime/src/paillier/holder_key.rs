//! Everything that the holder of a key needs to encrypt and decrypt quickly.

use super::ciphertext::Ciphertexts;
use super::decrypt::Decrypted;
use super::encrypt::{PlaintextTooLarge, Provable, encrypt, encrypt_provably};
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
    /// Its tables.
    table: Arc<HolderRandomisers>,
    /// They, with or without a pool.
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
        let table = Arc::new(HolderRandomisers::for_uses(&secret, encryptions));
        let pool = Pool::new(Arc::clone(&table), encryptions, &mut rng);
        Ok(Self { secret, table, randomisers: Box::new(pool) })
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
        let table = Arc::new(HolderRandomisers::for_uses(&secret, encryptions));
        Ok(Self { secret, randomisers: Box::new(Arc::clone(&table)), table })
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

    /// As [`encrypt`](Self::encrypt), for ciphertexts whose form is to be proved.
    ///
    /// # Errors
    /// A plaintext is too large.
    pub fn encrypt_provably(
        &self,
        plaintexts: &[Integer],
        rng: &mut SecureRng,
    ) -> Result<Provable, PlaintextTooLarge> {
        encrypt_provably(&*self.randomisers, plaintexts, rng)
    }

    /// The holder's powers of hs.
    pub(super) fn table(&self) -> &HolderRandomisers {
        &self.table
    }

    /// What the ciphertexts say, in parallel.
    pub fn decrypt(&self, ciphertexts: &Ciphertexts) -> Decrypted {
        self.secret.decrypt(ciphertexts)
    }
}
