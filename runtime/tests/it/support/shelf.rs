//! A store in memory.

use runtime::error::Result;
use runtime::store::{HalfBytes, Label, Origin, Owner, Shelf, StoreId};
use std::sync::{Arc, Mutex};

/// Keeps halves in memory, where tests can change them.
pub(crate) struct Memory {
    id: u8,
    most: usize,
    /// The oldest half gives way to a new one, as if it were too old.
    forgets: bool,
    halves: Mutex<Vec<(Label, Vec<u8>)>>,
}

impl Memory {
    pub(crate) fn new(id: u8) -> Arc<Self> {
        Self::of(id, 1000)
    }

    /// With room for so many.
    pub(crate) fn of(id: u8, most: usize) -> Arc<Self> {
        Arc::new(Self { id, most, forgets: false, halves: Mutex::default() })
    }

    /// Which forgets the oldest beyond so many.
    pub(crate) fn forgetful(id: u8, most: usize) -> Arc<Self> {
        Arc::new(Self { id, most, forgets: true, halves: Mutex::default() })
    }

    /// Halves in it.
    pub(crate) fn len(&self) -> usize {
        self.halves.lock().expect("no panic").len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn remove(&self, wanted: impl Fn(&Label) -> bool) -> Option<(Label, HalfBytes)> {
        let mut halves = self.halves.lock().expect("no panic");
        let place = halves.iter().position(|(label, _)| wanted(label))?;
        let (label, half) = halves.remove(place);
        Some((label, half.into()))
    }

    /// Lets tests do to the halves what they like.
    pub(crate) fn change(&self, change: impl Fn(usize, &mut Vec<u8>)) {
        let mut halves = self.halves.lock().expect("no panic");
        halves.iter_mut().enumerate().for_each(|(index, (_, half))| change(index, half));
    }
}

impl Shelf for Memory {
    fn id(&self) -> StoreId {
        StoreId::from_bytes([self.id; 16])
    }

    fn put(&self, label: &Label, half: &[u8], _: Origin) -> Result<bool> {
        let mut halves = self.halves.lock().expect("no panic");
        if self.forgets && halves.len() == self.most {
            halves.remove(0);
        }
        let has_room = halves.len() < self.most;
        if has_room {
            halves.push((*label, half.to_vec()));
        }
        Ok(has_room)
    }

    fn take(&self, label: &Label) -> Result<Option<HalfBytes>> {
        Ok(self.remove(|other| other == label).map(|(_, half)| half))
    }

    fn next(&self, owner: &Owner, server: StoreId) -> Result<Option<(Label, HalfBytes)>> {
        Ok(self.remove(|label| label.owner == *owner && label.server == server))
    }

    fn count(&self, owner: &Owner, server: StoreId) -> usize {
        let halves = self.halves.lock().expect("no panic");
        halves.iter().filter(|(label, _)| label.owner == *owner && label.server == server).count()
    }

    fn room(&self, _: &Owner, _: u64) -> usize {
        if self.forgets { self.most } else { self.most - self.len() }
    }
}
