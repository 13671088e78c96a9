//! The key that all sessions of a command have in common.

use super::secret::KeyFile;
use super::stored::ClientStore;
use runtime::paillier::HolderKey;
use runtime::plan::ClientPlan;
use runtime::{ClientKey, Result};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// From a file, from the store's folder, or made for these sessions and forgotten after them.
pub(crate) struct SessionKey {
    file: Option<ClientKey>,
    store: ClientStore,
    /// With its tables, and how long it took to have these, once the first session has asked for it.
    ready: OnceLock<(Arc<HolderKey>, Duration)>,
}

impl SessionKey {
    /// Reads the file, if one is named: that may wait for somebody to type a passphrase, which no server should.
    ///
    /// # Errors
    /// As [`KeyFile::read`].
    pub(crate) fn new(file: &KeyFile, store: &ClientStore) -> Result<Self> {
        Ok(Self { file: file.read()?, store: store.clone(), ready: OnceLock::new() })
    }

    /// The key for sessions of `plan`.
    ///
    /// # Errors
    /// As [`ClientStore::key`] and [`ClientKey::holder`].
    pub(crate) fn holder(&self, plan: &ClientPlan) -> Result<Arc<HolderKey>> {
        if let Some((key, _)) = self.ready.get() {
            return Ok(Arc::clone(key));
        }
        let start = Instant::now();
        let key = self.file.clone().map_or_else(|| self.store.key(plan.key_bits), Ok)?.holder(plan)?;
        let (key, _) = self.ready.get_or_init(|| (key, start.elapsed()));
        Ok(Arc::clone(key))
    }

    /// How long it took to make or read the key, with its tables; zero before it was asked for.
    pub(crate) fn took(&self) -> Duration {
        self.ready.get().map_or(Duration::ZERO, |&(_, took)| took)
    }
}
