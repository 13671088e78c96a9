//! Where prepared inferences are kept between sessions: flags of `popcorn serve`, `popcorn prepare` and `popcorn infer`.

use super::{memory, secret};
use clap::Args;
use runtime::plan::KeyBits;
use runtime::store::{Quota, Store};
use runtime::{ClientKey, Result};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// A client's store.
#[derive(Args, Clone)]
pub(crate) struct ClientStore {
    /// The folder in which this client keeps inferences that `popcorn prepare` prepares, each for one image. Never copy it, and never
    /// bring it back from a backup: an inference that is used twice gives both images away
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The file of the 32 bytes under which the folder is sealed, made where there is none. By default it lies in the folder
    #[arg(long, value_name = "FILE", requires = "store")]
    store_key: Option<PathBuf>,
}

/// A server's store.
#[derive(Args, Clone)]
pub(crate) struct ServerStore {
    /// Keep inferences in this folder that clients prepare for later connections, each for one image. Never copy it, and never bring
    /// it back from a backup: an inference that is used twice may give weights away
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The file of the 32 bytes under which the folder is sealed, made where there is none. By default it lies in the folder
    #[arg(long, value_name = "FILE", requires = "store")]
    store_key: Option<PathBuf>,
    /// Keep no more than this in the folder, such as 500MB or 20GB, and a quarter of it for one client; who finds no room prepares for
    /// its connection alone
    #[arg(long, default_value = "4GiB", value_name = "SIZE", requires = "store", value_parser = memory::parse_size)]
    store_bytes: u64,
    /// Remove what nobody has asked for after so many days
    #[arg(long, default_value_t = Quota::DEFAULT.age.as_secs() / DAY, value_name = "DAYS", requires = "store", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    store_days: u64,
}

impl ClientStore {
    /// The store in the folder that is named.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub(crate) fn open(&self) -> Result<Option<Arc<Store>>> {
        open(&self.store, &self.store_key, Quota::DEFAULT.for_one_client())
    }

    /// The folder that is named, if one is.
    pub(crate) fn folder(&self) -> PathBuf {
        self.store.clone().unwrap_or_default()
    }

    /// The client's key that lies in the folder for plans with keys of this length, a new one the first time; one that lies nowhere
    /// if no folder is named.
    ///
    /// # Errors
    /// As [`ClientKey::read`], [`ClientKey::generate`] and [`ClientKey::write`].
    pub(crate) fn key(&self, bits: KeyBits) -> Result<ClientKey> {
        let Some(folder) = &self.store else { return secret::generate(bits) };
        let path = folder.join(format!("client-{bits}.key"));
        if path.exists() {
            return ClientKey::read(&path);
        }
        let key = secret::generate(bits)?;
        key.write(&path)?;
        Ok(key)
    }
}

impl ServerStore {
    /// The store in the folder that is named.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub(crate) fn open(&self) -> Result<Option<Arc<Store>>> {
        let age = Duration::from_secs(self.store_days * DAY);
        open(&self.store, &self.store_key, Quota { age, ..Quota::of_bytes(self.store_bytes) })
    }
}

fn open(folder: &Option<PathBuf>, key: &Option<PathBuf>, quota: Quota) -> Result<Option<Arc<Store>>> {
    let open = |folder: &PathBuf| Store::open(folder, key.as_deref(), quota).map(Arc::new);
    folder.as_ref().map(open).transpose()
}

/// How many inferences came from the store, in words.
pub(crate) fn used(recalled: usize) -> String {
    match recalled {
        0 => "nothing that was prepared earlier was used; see `popcorn prepare`".into(),
        1 => "1 inference had been prepared earlier".into(),
        count => format!("{count} inferences had been prepared earlier"),
    }
}
