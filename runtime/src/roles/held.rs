//! Which inferences sessions of this process have at the moment, by their names: a client that comes again before its last session has
//! noticed that it is lost asks for what that one has not put away yet.

use crate::store::Name;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The names that sessions of servers have. They are random, so that no two clients have the same.
static NAMES: Mutex<Option<HashSet<[u8; Name::BYTES]>>> = Mutex::new(None);

/// A name, while a session has the inference, or puts it away.
pub(super) struct Held {
    name: Name,
    is_listed: bool,
}

impl Held {
    /// By a server: others are told until this is dropped.
    pub(super) fn by_server(name: Name) -> Self {
        names().get_or_insert_default().insert(*name.as_bytes());
        Self { name, is_listed: true }
    }

    /// By a client, which asks nobody.
    pub(super) const fn by_client(name: Name) -> Self {
        Self { name, is_listed: false }
    }

    /// The name.
    pub(super) const fn name(&self) -> Name {
        self.name
    }
}

/// Whether a session of a server has an inference of this name.
pub(super) fn is_held(name: Name) -> bool {
    names().as_ref().is_some_and(|names| names.contains(name.as_bytes()))
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_listed
            && let Some(names) = &mut *names()
        {
            names.remove(self.name.as_bytes());
        }
    }
}

/// Nothing panics while it holds the lock.
fn names() -> MutexGuard<'static, Option<HashSet<[u8; Name::BYTES]>>> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_held_as_long_as_a_server_has_them() {
        let [name, other] = [171, 172].map(|byte| Name::from_bytes([byte; 32]));
        let held = Held::by_server(name);
        let _ours = Held::by_client(other);
        assert!(is_held(name) && !is_held(other));
        drop(held);
        assert!(!is_held(name));
    }
}
