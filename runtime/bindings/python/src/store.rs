//! Folders of prepared inferences.

use runtime::store::{Quota, Store};
use std::path::PathBuf;
use std::sync::Arc;

/// The store in a folder, sealed under the key in another file where one is named.
///
/// # Errors
/// As [`Store::open`].
pub(crate) fn open(folder: PathBuf, key: Option<PathBuf>, quota: Quota) -> runtime::Result<Arc<Store>> {
    Store::open(&folder, key.as_deref(), quota).map(Arc::new)
}
