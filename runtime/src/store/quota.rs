//! How much a store holds.

use std::time::Duration;

/// Bounds of what a [`Store`](super::Store) holds. Whoever finds no room is refused; nobody's halves make room for another's, but
/// those that are too old, or of plans that are not offered any more. What a client's sessions left
/// ([`Origin::Left`](super::Origin::Left)) makes room for its own new halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of files in all.
    pub bytes: u64,
    /// Halves in all.
    pub halves: usize,
    /// Bytes of files of a client.
    pub client_bytes: u64,
    /// Halves of a client.
    pub client_halves: usize,
    /// How long a half is kept since it was put there; one that is taken out and put back begins anew.
    pub age: Duration,
}

impl Quota {
    /// 4 GiB and 65,536 halves in all, 1 GiB and 1,024 halves of a client, for 30 days.
    pub const DEFAULT: Self = Self {
        bytes: 4 << 30,
        halves: 1 << 16,
        client_bytes: 1 << 30,
        client_halves: 1024,
        age: Duration::from_secs(30 * 86_400),
    };

    /// So many bytes in all, of which a client may have a quarter.
    pub const fn of_bytes(bytes: u64) -> Self {
        Self { bytes, client_bytes: bytes / 4, ..Self::DEFAULT }
    }

    /// The same for the store of one client, which may have all of it.
    #[must_use]
    pub const fn for_one_client(self) -> Self {
        Self { client_bytes: self.bytes, client_halves: self.halves, ..self }
    }
}
