//! Halves of prepared inferences, kept between sessions.
//!
//! [`Shelf`] is what sessions need of such a place; [`Store`] (feature `store`) is one: a folder of sealed files.
//!
//! # Used once
//!
//! A half that is used twice gives the image, or the weights, away. So a store gives a half out by [`Shelf::take`] and
//! [`Shelf::next`] alone, which remove its file and wait until the folder is on disk before; what is too old, or gives way where
//! there is no room, is removed and given to nobody. The half of a party that has none any more is of no use to the other. A
//! half that [`Shelf::put`] fails to keep is either gone for good, and its party may use it, or may come back, and then the party
//! is told not to use it. A crash at any byte loses halves, and brings none back. What does bring them back is a copy of the folder, and only if *both* parties go back to one: never restore a store from a backup.
//!
//! # A file for each
//!
//! Not a database: halves have from 0.1 to hundreds of megabytes, are written once and read once, and need no transaction
//! among each other. What a file needs for that (written beside, synced, renamed, the folder synced) is short, and removing
//! it gives its blocks back to the file system, where a database would keep them, and what stood in them, in its own file.
//!
//! ```text
//! lock              held by the process that has the folder open
//! identity          the store's random id, and a check of the key
//! 4f…09.half        header, in clear: magic, version, plan, tag of the client, id of the server's store, time, length,
//!                   origin, salt
//!                   sealed segments of 64 KiB: the preparation's name, the half
//! 4f…09.new         the same under way; removed when the folder is opened
//! store.key         32 random bytes, unless they are elsewhere
//! ```
//!
//! # Sealed
//!
//! With ChaCha20-Poly1305 (`ring`), under a key of each file's own: BLAKE3 keyed with the store's 32 bytes, of the whole header,
//! whose salt is random. So a file opens only with the plan, client and server that it was written for. A segment's
//! nonce is its number and whether it is the last; what is cut, moved or changed does not open. The file's name is a keyed hash of
//! all that names the half: the folder shows nothing by which a half could be asked for.

#[cfg(feature = "store")]
mod disk;
#[cfg(feature = "store")]
mod folder;
#[cfg(feature = "store")]
mod header;
#[cfg(feature = "store")]
mod identity;
#[cfg(feature = "store")]
mod index;
#[cfg(feature = "store")]
mod key;
mod label;
#[cfg(feature = "store")]
mod names;
#[cfg(feature = "store")]
mod quota;
#[cfg(feature = "store")]
mod seal;
#[cfg(feature = "store")]
mod sums;
#[cfg(all(test, feature = "store"))]
mod tests;

#[cfg(feature = "store")]
pub use folder::Store;
#[cfg(feature = "store")]
pub use index::Holding;
pub use label::{ClientId, Label, Name, Origin, Owner, StoreId};
#[cfg(feature = "store")]
pub use quota::Quota;

use crate::error::Result;
use crate::plan::PlanId;
use zeroize::Zeroizing;

/// Bytes of a half; wiped on drop.
pub type HalfBytes = Zeroizing<Vec<u8>>;

/// Where a party keeps its halves of prepared inferences. Any number of sessions may use it at the same time.
///
/// Errors of [`InvalidInput`](crate::error::InvalidInput) concern one half, which nobody may use any more; others concern
/// the place.
pub trait Shelf: Send + Sync {
    /// Its random identity: which of several servers' it is.
    fn id(&self) -> StoreId;

    /// Keeps a half until it is asked for, however this process ends; false if there is no room for it, or one of this label. What
    /// this owner's client has from sessions that ended ([`Origin::Left`]) gives way to it where there is no room, oldest first.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error::Io): it cannot be written, and nothing of it is there, now or after a restart, so its party
    /// may use it. [`InvalidInput`](crate::error::InvalidInput): it cannot be written either, but may be there after a restart, so its
    /// party must not use it.
    fn put(&self, label: &Label, half: &[u8], origin: Origin) -> Result<bool>;

    /// The half of this label, which is not there any more when it is given out; `None` if there is none.
    ///
    /// # Errors
    /// It is damaged, or cannot be read or removed; it is not asked for again before the place is opened anew.
    fn take(&self, label: &Label) -> Result<Option<HalfBytes>>;

    /// The oldest half of an owner's, prepared with the server whose store has this id; likewise.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    fn next(&self, owner: &Owner, server: StoreId) -> Result<Option<(Label, HalfBytes)>>;

    /// How many halves of this owner's there are, prepared with the server whose store has this id.
    fn count(&self, owner: &Owner, server: StoreId) -> usize;

    /// For how many more halves of this owner's there is room, of so many bytes each.
    fn room(&self, owner: &Owner, bytes: u64) -> usize;

    /// Halves of these plans can be asked for from now on; those of others may make room for them.
    fn set_offered(&self, plans: Vec<PlanId>) {
        let _ = plans;
    }
}
