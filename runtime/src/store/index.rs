//! What a store holds, in memory.

use super::header::Header;
use super::key::{ClientTag, FileId};
use super::label::StoreId;
use super::quota::Quota;
use crate::plan::PlanId;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// A half on disk.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) header: Header,
    /// Bytes of its file.
    pub(super) bytes: u64,
    /// Whether all of it is on disk.
    pub(super) is_whole: bool,
}

/// What a store holds of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The plan.
    pub plan: PlanId,
    /// Halves, of all clients.
    pub halves: usize,
    /// Bytes of their files.
    pub bytes: u64,
    /// When the oldest was kept.
    pub oldest: SystemTime,
}

/// All of them, by the names of their files.
#[derive(Default)]
pub(super) struct Index {
    pub(super) entries: BTreeMap<FileId, Entry>,
    /// The plans whose halves stay where there is no room for others; all of them, if it is not known.
    pub(super) offered: Option<Vec<PlanId>>,
}

impl Entry {
    /// Whether it is too old at `now`, in seconds since 1970.
    pub(super) fn is_over(&self, quota: &Quota, now: u64) -> bool {
        self.header.created.saturating_add(quota.age.as_secs()) <= now
    }
}

impl Index {
    /// For how many more files of so many bytes of a client's a quota has room, once what gives way has been removed.
    pub(super) fn room(&self, quota: &Quota, client: ClientTag, bytes: u64) -> usize {
        self.room_beside(quota, client, bytes, |entry| !self.gives_way(entry))
    }

    /// The same, where the entries that `stay` take room.
    fn room_beside(
        &self,
        quota: &Quota,
        client: ClientTag,
        bytes: u64,
        stays: impl Fn(&Entry) -> bool,
    ) -> usize {
        let staying = || self.entries.values().filter(|entry| stays(entry));
        let own = staying().filter(|entry| entry.header.client == client);
        let in_all = room_in(quota.halves, quota.bytes, staying(), bytes);
        in_all.min(room_in(quota.client_halves, quota.client_bytes, own, bytes))
    }

    /// Whether others are more welcome: nobody can ask for it now, since its plan is not offered.
    fn gives_way(&self, entry: &Entry) -> bool {
        entry.is_whole && self.offered.as_ref().is_some_and(|offered| !offered.contains(&entry.header.plan))
    }

    /// Takes out what gives way, oldest first, until there is room for such a file; of this client's, if its own quota is used up.
    pub(super) fn take_giving_way(&mut self, quota: &Quota, client: ClientTag, bytes: u64) -> Vec<FileId> {
        let mut taken = Vec::new();
        while self.room_beside(quota, client, bytes, |_| true) == 0 {
            let all_have_room = room_in(quota.halves, quota.bytes, self.entries.values(), bytes) > 0;
            let candidates = self.entries.iter().filter(|(_, entry)| {
                self.gives_way(entry) && (!all_have_room || entry.header.client == client)
            });
            let Some(id) = candidates.min_by_key(|(_, entry)| entry.header.created).map(|(id, _)| *id) else {
                break;
            };
            self.entries.remove(&id);
            taken.push(id);
        }
        taken
    }

    /// The whole ones of a client and a plan.
    pub(super) fn of(&self, plan: PlanId, client: ClientTag) -> impl Iterator<Item = (&FileId, &Entry)> {
        self.entries.iter().filter(move |(_, entry)| {
            entry.is_whole && entry.header.plan == plan && entry.header.client == client
        })
    }

    /// The oldest of those whose other halves are in the store `server`.
    pub(super) fn oldest(&self, plan: PlanId, client: ClientTag, server: StoreId) -> Option<FileId> {
        let there = self.of(plan, client).filter(|(_, entry)| entry.header.server == server);
        there.min_by_key(|(_, entry)| entry.header.created).map(|(id, _)| *id)
    }

    /// Takes out what is there and whole.
    pub(super) fn take(&mut self, id: &FileId) -> Option<Entry> {
        self.entries.get(id).filter(|entry| entry.is_whole)?;
        self.entries.remove(id)
    }

    /// Takes out the whole ones that are too old.
    pub(super) fn take_over(&mut self, quota: &Quota, now: u64) -> Vec<FileId> {
        let is_over = |_: &FileId, entry: &mut Entry| entry.is_whole && entry.is_over(quota, now);
        self.entries.extract_if(.., is_over).map(|(id, _)| id).collect()
    }

    /// The whole ones, plan by plan.
    pub(super) fn holdings(&self) -> Vec<Holding> {
        let mut holdings: Vec<Holding> = Vec::new();
        for entry in self.entries.values().filter(|entry| entry.is_whole) {
            let Header { plan, created, .. } = entry.header;
            let kept = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(created));
            let kept = kept.unwrap_or_else(SystemTime::now);
            match holdings.iter_mut().find(|holding| holding.plan == plan) {
                Some(holding) => {
                    holding.halves += 1;
                    holding.bytes += entry.bytes;
                    holding.oldest = holding.oldest.min(kept);
                }
                None => holdings.push(Holding { plan, halves: 1, bytes: entry.bytes, oldest: kept }),
            }
        }
        holdings
    }
}

/// For how many more files of so many bytes there is room beside `entries`.
fn room_in<'e>(halves: usize, bytes: u64, entries: impl Iterator<Item = &'e Entry>, each: u64) -> usize {
    let (count, sum) =
        entries.fold((0, 0u64), |(count, sum), entry| (count + 1, entry.bytes.saturating_add(sum)));
    let fitting = bytes.saturating_sub(sum) / each.max(1);
    halves.saturating_sub(count).min(fitting.try_into().unwrap_or(usize::MAX))
}
