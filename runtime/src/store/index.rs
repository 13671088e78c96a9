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
}

impl Entry {
    /// Whether it is too old at `now`, in seconds since 1970.
    pub(super) fn is_over(&self, quota: &Quota, now: u64) -> bool {
        self.header.created.saturating_add(quota.age.as_secs()) <= now
    }
}

impl Index {
    /// Whether a quota has room for a file of so many bytes of a client's.
    pub(super) fn has_room(&self, quota: &Quota, client: ClientTag, bytes: u64) -> bool {
        let sum = |entries: &mut dyn Iterator<Item = &Entry>| {
            entries.fold((1, bytes), |(count, sum), entry| (count + 1, entry.bytes.saturating_add(sum)))
        };
        let (halves, all) = sum(&mut self.entries.values());
        let (client_halves, of_client) =
            sum(&mut self.entries.values().filter(|entry| entry.header.client == client));
        halves <= quota.halves
            && all <= quota.bytes
            && client_halves <= quota.client_halves
            && of_client <= quota.client_bytes
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
