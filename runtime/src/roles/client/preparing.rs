//! What a session does ahead, in suite `shared`: as much as is wanted, as both parties have room for, and as the server does now.

use super::super::stopwatch::Stopwatch;
use super::{Session, shared};
use crate::error::{Error, Result};
use crate::observe::Observer;
use crate::plan::Work;
use crate::protocol::shared::grant::Grant;
use crate::protocol::shared::online_messages::most_together;
use crate::store::Name;

impl Session {
    /// Does ahead what does not depend on images, until `count` inferences are prepared, or as many as the server allows;
    /// in batches as large as the plan offers, which takes less than one after the other. What lies in a store comes first
    /// ([`with_shelf`](Self::with_shelf)). In suite `blinded` there is nothing to do. Where the server has too much to do, or the
    /// client's budget is spent, fewer are prepared, and [`declined`](Self::declined) says why.
    ///
    /// # Errors
    /// The server refuses, misbehaves or vanishes; [`Error::Refused`] where it prepares nothing, and nothing is prepared.
    pub fn prepare(&mut self, count: usize, observer: &mut dyn Observer) -> Result<()> {
        self.check_open()?;
        let outcome = self.recall_and_prepare(count, observer);
        if self.rescued(outcome)? { Ok(()) } else { Err(self.refusal()) }
    }

    /// Whether anything is prepared then, or the server declined to.
    pub(super) fn recall_and_prepare(&mut self, count: usize, observer: &mut dyn Observer) -> Result<bool> {
        self.declined = None;
        let count = self.attainable(count);
        self.recall(count)?;
        while self.prepares_ahead() && self.prepared() < count {
            if !self.prepare_some(count - self.prepared(), observer)? {
                break;
            }
        }
        Ok(self.declined.is_none() || self.prepared() > 0)
    }

    /// That the server declined to prepare: the session goes on.
    pub(super) fn refusal(&self) -> Error {
        Error::Refused(self.declined.clone().unwrap_or_default())
    }

    /// To how many inferences, `count` at most, it is prepared: no more than the server lets be prepared, nor than it answers.
    fn attainable(&self, count: usize) -> usize {
        count.min(self.max_prepared).min(still(self.terms.inferences))
    }

    /// Prepares as many inferences, `most` at most, as the server does together at the moment; whether it does any.
    pub(super) fn prepare_some(&mut self, most: usize, observer: &mut dyn Observer) -> Result<bool> {
        let mut batch = self.largest_batch(most.min(still(self.terms.preparations)));
        while !self.prepare_batch(batch, observer)? {
            if batch == 1 {
                return Ok(false);
            }
            batch = self.largest_batch(batch / 2);
        }
        Ok(true)
    }

    /// Whether so many inferences were prepared, or the server declined that.
    fn prepare_batch(&mut self, inferences: usize, observer: &mut dyn Observer) -> Result<bool> {
        let Self { holder, plan, online, ahead, stored, spending, .. } = self;
        let Work::Schedule(schedule) = &plan.work else { return Ok(true) };
        let watch = Stopwatch::start(holder.connection.traffic());
        let named = if stored.is_some() { inferences } else { 0 };
        let names = (0..named).map(|_| Name::random(&mut holder.rng)).collect();
        let outcome =
            shared::Session { schedule, online, holder, ahead }.prepare(inferences, names, observer);
        spending.offline += watch.spent(holder.connection.traffic());
        self.declined = match outcome? {
            Grant::Given => None,
            Grant::Declined(reason) => Some(reason),
        };
        if self.declined.is_none() {
            count_off(&mut self.terms.preparations, inferences);
        }
        Ok(self.declined.is_none())
    }

    /// Why the server prepared fewer inferences than it was last asked to, in its words.
    pub fn declined(&self) -> Option<&str> {
        self.declined.as_deref()
    }

    /// The largest number of inferences, `wanted` at most, that are prepared together; 1 where the plan offers no batch.
    pub fn largest_batch(&self, wanted: usize) -> usize {
        let Work::Schedule(schedule) = &self.plan.work else { return 1 };
        let offered = schedule.batches.iter().map(|batch| batch.inferences);
        offered.filter(|&inferences| inferences <= wanted).max().unwrap_or(1)
    }

    /// How many images, `wanted` at most and one at least, are best asked about together: a batch, or as many as share their
    /// flights; no more than the server still answers, as far as is known, since what it does not answer costs the answers to the others.
    pub fn largest_group(&self, wanted: usize) -> usize {
        if !self.prepares_ahead() {
            return 1;
        }
        let more = if self.declined.is_some() { 0 } else { self.terms.preparations };
        let there = (self.prepared() + self.stored()) as u64;
        let answered = self.terms.inferences.min(more.saturating_add(there));
        let wanted = wanted.min(answered.try_into().unwrap_or(usize::MAX));
        let shared = most_together(&self.online).min(self.max_prepared);
        shared.max(self.largest_batch(wanted.min(self.max_prepared))).min(wanted).max(1)
    }

    /// Whether so many of `count` inferences are still to be prepared that it pays to begin: half of a batch. Not where the server has
    /// declined to, until it has answered another image.
    pub fn is_worth_preparing(&self, count: usize) -> bool {
        if self.declined.is_some() {
            return false;
        }
        let count = self.attainable(count);
        let missing = count.saturating_sub(self.prepared());
        self.prepares_ahead() && missing > 0 && 2 * missing >= self.largest_batch(count)
    }

    /// Whether there is anything to do ahead.
    pub const fn prepares_ahead(&self) -> bool {
        matches!(self.plan.work, Work::Schedule(_))
    }

    /// Inferences that can be prepared ahead: as many as the server allows, and as take half a gigabyte here.
    pub const fn max_prepared(&self) -> usize {
        self.max_prepared
    }

    /// Number of inferences that are prepared and not yet used.
    pub fn prepared(&self) -> usize {
        self.ahead.len()
    }
}

/// How many are worth asking for of what is `left`: one where nothing is, so that the server says why, or that it is another day.
pub(super) fn still(left: u64) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).max(1)
}

/// Takes what was asked for off what is left; nothing off what is unbounded.
pub(super) fn count_off(left: &mut u64, asked: usize) {
    if *left < u64::MAX {
        *left = left.saturating_sub(asked as u64);
    }
}
