//! Sums are what a count of all entries gives, whatever happened; and what gives way does so in order.

use super::*;
use proptest::prelude::*;

const QUOTA: Quota =
    Quota { bytes: 200, halves: 8, client_bytes: 120, client_halves: 5, age: Duration::from_secs(10) };

/// Client, plan, time, bytes, origin, whether it is whole.
type Drawn = (u8, u8, u64, u64, Origin, bool);

fn entry((client, plan, created, bytes, origin, is_whole): Drawn) -> Entry {
    let (plan, server) = (PlanId::from_bytes([plan; 32]), StoreId::NONE);
    let header = Header { plan, client: [client; 16], server, created, length: bytes, origin, salt: [0; 32] };
    Entry { header, bytes, is_whole }
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let origins = prop_oneof![Just(Origin::Kept), Just(Origin::Left)];
    (0..3u8, 0..3u8, 0..20u64, 1..60u64, origins, prop::bool::weighted(0.8))
}

#[derive(Clone, Debug)]
enum Change {
    Insert(u8, Drawn),
    Remove(u8),
    Take(u8),
    TakeOver(u64),
    TakeGivingWay(u8, u64),
    Offer(Vec<u8>),
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (0..12u8, drawn()).prop_map(|(id, drawn)| Change::Insert(id, drawn)),
        1 => (0..12u8).prop_map(Change::Remove),
        1 => (0..12u8).prop_map(Change::Take),
        1 => (0..20u64).prop_map(Change::TakeOver),
        3 => (0..3u8, 1..60u64).prop_map(|(client, bytes)| Change::TakeGivingWay(client, bytes)),
        1 => prop::collection::vec(0..3u8, 0..3).prop_map(Change::Offer),
    ]
}

impl Index {
    fn change(&mut self, change: Change) {
        match change {
            Change::Insert(id, drawn) => self.insert([id; 16], entry(drawn)),
            Change::Remove(id) => drop(self.remove(&[id; 16])),
            Change::Take(id) => {
                let is_there = self.entries.get(&[id; 16]).is_some_and(|entry| entry.is_whole);
                assert_eq!(self.take(&[id; 16]).is_some(), is_there);
            }
            Change::TakeOver(now) => {
                self.take_over(&QUOTA, now);
                assert!(!self.entries.values().any(|entry| entry.is_whole && entry.is_over(&QUOTA, now)));
            }
            Change::TakeGivingWay(client, bytes) => {
                let (before, room) = (self.entries.clone(), self.room(&QUOTA, [client; 16], bytes));
                let taken = self.take_giving_way(&QUOTA, [client; 16], bytes);
                assert!(taken.iter().all(|id| self.gives_way(&before[id], client)));
                assert_eq!(self.counted_room(client, bytes, |_| true) > 0, room > 0);
            }
            Change::Offer(plans) => {
                self.set_offered(plans.into_iter().map(|plan| PlanId::from_bytes([plan; 32])).collect());
            }
        }
    }

    fn gives_way(&self, entry: &Entry, client: u8) -> bool {
        let is_offered = self.offered.as_ref().is_none_or(|plans| plans.contains(&entry.header.plan));
        let is_own = entry.header.client == [client; 16];
        entry.is_whole && (!is_offered || is_own && entry.header.origin == Origin::Left)
    }

    /// For how many files there is room beside the entries that stay.
    fn counted_room(&self, client: u8, bytes: u64, stays: impl Fn(&Entry) -> bool) -> usize {
        let staying: Vec<&Entry> = self.entries.values().filter(|entry| stays(entry)).collect();
        let own: Vec<&Entry> =
            staying.iter().copied().filter(|entry| entry.header.client == [client; 16]).collect();
        let fitting = |halves: usize, most: u64, held: &[&Entry]| {
            let sum: u64 = held.iter().map(|entry| entry.bytes).sum();
            halves.saturating_sub(held.len()).min((most.saturating_sub(sum) / bytes) as usize)
        };
        let in_all = fitting(QUOTA.halves, QUOTA.bytes, &staying);
        in_all.min(fitting(QUOTA.client_halves, QUOTA.client_bytes, &own))
    }

    fn check(&self) {
        let mut sums = Sums::default();
        for entry in self.entries.values() {
            sums.add(entry.header.client, self.yields_to(entry), entry.bytes);
        }
        assert_eq!(self.sums, sums);
        let ages = self.entries.iter().map(|(id, entry)| (entry.header.created, *id));
        assert_eq!(self.by_age, ages.collect());
        for client in 0..4 {
            let room = self.room(&QUOTA, [client; 16], 10);
            assert_eq!(room, self.counted_room(client, 10, |entry| !self.gives_way(entry, client)));
        }
    }
}

proptest! {
    #[test]
    fn sums_are_what_a_count_gives(changes in prop::collection::vec(changes(), 0..40)) {
        let mut index = Index::default();
        for change in changes {
            index.change(change);
            index.check();
        }
    }
}

fn of(entries: &[Entry]) -> Index {
    let mut index = Index::default();
    for (id, &entry) in (0..).zip(entries) {
        index.insert([id; 16], entry);
    }
    index
}

/// Which give way to a new half of client 0's.
fn giving_way(halves: usize, client_halves: usize) -> Vec<u8> {
    let mut index = of(&[
        entry((0, 0, 3, 10, Origin::Left, true)),
        entry((0, 0, 1, 10, Origin::Left, true)),
        entry((0, 0, 0, 10, Origin::Kept, true)),
        entry((0, 1, 5, 10, Origin::Kept, true)),
        entry((1, 1, 4, 10, Origin::Kept, true)),
        entry((1, 0, 0, 10, Origin::Left, true)),
        entry((0, 0, 2, 10, Origin::Left, false)),
    ]);
    index.set_offered(vec![PlanId::from_bytes([0; 32])]);
    let quota = Quota { halves, client_halves, ..Quota::DEFAULT };
    index.take_giving_way(&quota, [0; 16], 10).iter().map(|id| id[0]).collect()
}

#[test]
fn what_nobody_can_ask_for_gives_way_first_then_what_sessions_left_and_the_oldest_of_each() {
    assert!(giving_way(8, 6).is_empty());
    let full_quotas = [5, 4, 3].map(|client_halves| giving_way(8, client_halves));
    assert_eq!(full_quotas, [vec![3], vec![3, 1], vec![3, 1, 0]]);
    let full_stores = [7, 6, 5].map(|halves| giving_way(halves, 6));
    assert_eq!(full_stores, [vec![4], vec![4, 3], vec![4, 3, 1]]);
    assert_eq!([giving_way(7, 5), giving_way(6, 5)], [vec![3], vec![3, 4]]);
}
