//! What a store holds, in memory.

use super::header::Header;
use super::key::{ClientTag, FileId};
use super::label::{Origin, StoreId};
use super::quota::Quota;
use super::sums::{Sums, YieldsTo};
use crate::plan::PlanId;
use std::collections::{BTreeMap, BTreeSet, HashSet};
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
    entries: BTreeMap<FileId, Entry>,
    /// The same, oldest first.
    by_age: BTreeSet<(u64, FileId)>,
    sums: Sums,
    /// The plans whose halves stay where there is no room for others; all of them, if it is not known.
    offered: Option<HashSet<PlanId>>,
}

impl Entry {
    /// Whether it is too old at `now`, in seconds since 1970.
    pub(super) fn is_over(&self, quota: &Quota, now: u64) -> bool {
        self.header.created.saturating_add(quota.age.as_secs()) <= now
    }
}

impl Index {
    pub(super) fn contains(&self, id: &FileId) -> bool {
        self.entries.contains_key(id)
    }

    /// Puts an entry in, or in the place of another.
    pub(super) fn insert(&mut self, id: FileId, entry: Entry) {
        self.remove(&id);
        self.sums.add(entry.header.client, self.yields_to(&entry), entry.bytes);
        self.by_age.insert((entry.header.created, id));
        self.entries.insert(id, entry);
    }

    pub(super) fn remove(&mut self, id: &FileId) -> Option<Entry> {
        let entry = self.entries.remove(id)?;
        self.sums.subtract(entry.header.client, self.yields_to(&entry), entry.bytes);
        self.by_age.remove(&(entry.header.created, *id));
        Some(entry)
    }

    /// Halves of these plans stay where there is no room for others, from now on.
    pub(super) fn set_offered(&mut self, plans: Vec<PlanId>) {
        self.offered = Some(plans.into_iter().collect());
        let mut sums = Sums::default();
        for entry in self.entries.values() {
            sums.add(entry.header.client, self.yields_to(entry), entry.bytes);
        }
        self.sums = sums;
    }

    /// For how many more files of so many bytes of a client's a quota has room, once what gives way has been removed.
    pub(super) fn room(&self, quota: &Quota, client: ClientTag, bytes: u64) -> usize {
        self.sums.room(quota, client, bytes)
    }

    /// What nobody can ask for now, since its plan is not offered, gives way to all.
    fn yields_to(&self, entry: &Entry) -> YieldsTo {
        let is_offered = self.offered.as_ref().is_none_or(|offered| offered.contains(&entry.header.plan));
        match (entry.is_whole, is_offered, entry.header.origin) {
            (true, false, _) => YieldsTo::All,
            (true, true, Origin::Left) => YieldsTo::ItsClient,
            (false, ..) | (true, true, Origin::Kept) => YieldsTo::Nobody,
        }
    }

    /// Takes out what gives way until there is room for such a file: of this client's, as long as its own quota is used up. What gives
    /// way to all goes first, and the oldest of it.
    pub(super) fn take_giving_way(&mut self, quota: &Quota, client: ClientTag, bytes: u64) -> Vec<FileId> {
        let mut taken = Vec::new();
        if !self.sums.client_has_room(quota, client, bytes) {
            let own = self.giving_way(client, |entry| entry.header.client == client);
            self.take_until(own, |sums| sums.client_has_room(quota, client, bytes), &mut taken);
        }
        if !self.sums.has_room(quota, bytes) {
            let all = self.giving_way(client, |_| true);
            self.take_until(all, |sums| sums.has_room(quota, bytes), &mut taken);
        }
        taken
    }

    /// What gives way to a client and is `eligible`, in the order in which it does.
    fn giving_way(&self, client: ClientTag, eligible: impl Fn(&Entry) -> bool) -> Vec<FileId> {
        let gives_way = |(_, id): &(u64, FileId)| {
            let entry = self.entries.get(id).filter(|entry| eligible(entry))?;
            match self.yields_to(entry) {
                YieldsTo::Nobody => None,
                YieldsTo::ItsClient if entry.header.client != client => None,
                yields => Some((yields, *id)),
            }
        };
        let mut found: Vec<(YieldsTo, FileId)> = self.by_age.iter().filter_map(gives_way).collect();
        found.sort_by_key(|(yields, _)| *yields); // a stable sort: of each kind the oldest first
        found.into_iter().map(|(_, id)| id).collect()
    }

    fn take_until(&mut self, ids: Vec<FileId>, is_done: impl Fn(&Sums) -> bool, taken: &mut Vec<FileId>) {
        for id in ids {
            if is_done(&self.sums) {
                break;
            }
            self.remove(&id);
            taken.push(id);
        }
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
        self.remove(id)
    }

    /// Takes out the whole ones that are too old.
    pub(super) fn take_over(&mut self, quota: &Quota, now: u64) -> Vec<FileId> {
        let old = self.by_age.iter().map_while(|(_, id)| Some((id, self.entries.get(id)?)));
        let over = old.take_while(|(_, entry)| entry.is_over(quota, now)).filter(|(_, entry)| entry.is_whole);
        let over: Vec<FileId> = over.map(|(id, _)| *id).collect();
        over.into_iter().filter(|id| self.remove(id).is_some()).collect()
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
                    holding.bytes = holding.bytes.saturating_add(entry.bytes);
                    holding.oldest = holding.oldest.min(kept);
                }
                None => holdings.push(Holding { plan, halves: 1, bytes: entry.bytes, oldest: kept }),
            }
        }
        holdings
    }
}

#[cfg(test)]
mod tests;
