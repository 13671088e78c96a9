//! All that happened so far, for browsers that ask what is new.

use crate::event::Event;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries that are kept; older ones are forgotten.
const KEPT: usize = 4096;

/// Where something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Party {
    /// In this process.
    Client,
    /// In the server's.
    Server,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// Counts all entries, from 1 on.
    number: u64,
    at: Party,
    #[serde(flatten)]
    event: Event,
}

/// All that happened so far.
#[derive(Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    entries: VecDeque<Entry>,
    count: u64,
}

impl Journal {
    /// Adds an entry.
    pub(crate) fn add(&self, at: Party, event: Event) {
        let mut journal = self.lock();
        journal.count += 1;
        let number = journal.count;
        journal.entries.push_back(Entry { number, at, event });
        if journal.entries.len() > KEPT {
            journal.entries.pop_front();
        }
    }

    /// What has been added after so many entries.
    pub(crate) fn after(&self, number: u64) -> Vec<Entry> {
        let journal = self.lock();
        let first = journal.entries.partition_point(|entry| entry.number <= number);
        journal.entries.iter().skip(first).cloned().collect()
    }

    /// Nothing panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_told_what_is_new_and_still_known() {
        let journal = Journal::default();
        let happen = |why: usize| journal.add(Party::Client, Event::Failed { why: why.to_string() });
        (1..=3).for_each(happen);
        let numbers = |after| journal.after(after).iter().map(|entry| entry.number).collect::<Vec<_>>();
        assert_eq!(
            (numbers(0), numbers(2), numbers(3), numbers(9)),
            (vec![1, 2, 3], vec![3], vec![], vec![])
        );
        (0..KEPT).for_each(happen);
        assert_eq!(numbers(0).first(), Some(&4));
        let entry = serde_json::to_string(&journal.after(KEPT as u64 + 2)).unwrap();
        assert_eq!(
            entry,
            format!(r#"[{{"number":{},"at":"client","kind":"failed","why":"4095"}}]"#, KEPT + 3)
        );
    }
}
