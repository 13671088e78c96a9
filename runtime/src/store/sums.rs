//! How much a store holds, of each client and in all, without a walk over its entries.

use super::key::ClientTag;
use super::quota::Quota;
use std::collections::HashMap;

/// Whom a half gives way to, where there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum YieldsTo {
    All,
    ItsClient,
    Nobody,
}

/// Halves, and bytes of their files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) halves: usize,
    pub(super) bytes: u128,
}

/// Sums by what gives way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    to_all: Sum,
    to_its_client: Sum,
    to_nobody: Sum,
}

/// What is held of each client and in all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    total: Tally,
    clients: HashMap<ClientTag, Tally>,
}

impl Sums {
    pub(super) fn add(&mut self, client: ClientTag, yields: YieldsTo, bytes: u64) {
        self.total.of(yields).add(bytes);
        self.clients.entry(client).or_default().of(yields).add(bytes);
    }

    /// Takes back what was added.
    pub(super) fn subtract(&mut self, client: ClientTag, yields: YieldsTo, bytes: u64) {
        self.total.of(yields).subtract(bytes);
        let tally = self.clients.entry(client).or_default();
        tally.of(yields).subtract(bytes);
        if *tally == Tally::default() {
            self.clients.remove(&client);
        }
    }

    /// For how many more files of so many bytes of a client's there is room, once what gives way to them is gone.
    pub(super) fn room(&self, quota: &Quota, client: ClientTag, bytes: u64) -> usize {
        let own = self.client(client);
        let others_left = self.total.to_its_client.without(own.to_its_client);
        let in_all = room_in(quota.halves, quota.bytes, self.total.to_nobody.with(others_left), bytes);
        in_all.min(room_in(quota.client_halves, quota.client_bytes, own.to_nobody, bytes))
    }

    /// Whether a client's quota has room for such a file beside all that it holds.
    pub(super) fn client_has_room(&self, quota: &Quota, client: ClientTag, bytes: u64) -> bool {
        room_in(quota.client_halves, quota.client_bytes, self.client(client).all(), bytes) > 0
    }

    /// Whether there is room for such a file beside all that is held.
    pub(super) fn has_room(&self, quota: &Quota, bytes: u64) -> bool {
        room_in(quota.halves, quota.bytes, self.total.all(), bytes) > 0
    }

    fn client(&self, client: ClientTag) -> Tally {
        self.clients.get(&client).copied().unwrap_or_default()
    }
}

impl Tally {
    fn of(&mut self, yields: YieldsTo) -> &mut Sum {
        match yields {
            YieldsTo::All => &mut self.to_all,
            YieldsTo::ItsClient => &mut self.to_its_client,
            YieldsTo::Nobody => &mut self.to_nobody,
        }
    }

    fn all(self) -> Sum {
        self.to_all.with(self.to_its_client).with(self.to_nobody)
    }
}

impl Sum {
    fn add(&mut self, bytes: u64) {
        *self = self.with(Self { halves: 1, bytes: bytes.into() });
    }

    fn subtract(&mut self, bytes: u64) {
        *self = self.without(Self { halves: 1, bytes: bytes.into() });
    }

    fn with(self, other: Self) -> Self {
        Self { halves: self.halves + other.halves, bytes: self.bytes + other.bytes }
    }

    /// Of what was summed with others before.
    fn without(self, other: Self) -> Self {
        Self { halves: self.halves - other.halves, bytes: self.bytes - other.bytes }
    }
}

/// For how many more files of `each` bytes there is room beside what is held.
fn room_in(halves: usize, bytes: u64, held: Sum, each: u64) -> usize {
    let fitting = u128::from(bytes).saturating_sub(held.bytes) / u128::from(each.max(1));
    halves.saturating_sub(held.halves).min(fitting.try_into().unwrap_or(usize::MAX))
}
