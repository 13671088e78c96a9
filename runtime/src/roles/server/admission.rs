//! Whether what a client of suite `shared` asks for is begun.

use super::super::watch::Done;
use super::declined;
use super::shared::Session;
use super::work::Expected;
use crate::error::{PeerFault, Result};
use crate::protocol::message::{self, Message};
use crate::protocol::shared::grant::Grant;

impl Session<'_> {
    /// Whether a preparation is begun, which the client is told; if not, the session goes on.
    pub(super) fn grant(&mut self, inferences: usize) -> Result<bool> {
        self.check_batch(inferences)?;
        let asked = Done::Prepared(inferences as u64);
        let grant = match self.begin(asked) {
            Ok(()) => Grant::Given,
            Err(error) => match declined::reason(&error) {
                Some(reason) => {
                    self.visit.declined(asked, &error);
                    Grant::Declined(reason)
                }
                None => return Err(error),
            },
        };
        message::send(self.connection, Message::Grant, grant.to_bytes())?;
        Ok(grant == Grant::Given)
    }

    /// Begins what is asked for, as [`Visit::work`](super::Visit::work).
    pub(super) fn begin(&mut self, asked: Done) -> Result<()> {
        self.visit.work(self.connection, asked, self.expected(asked))
    }

    /// Begins to take inferences out of the store, `wanted` at most: for how many there is room now.
    pub(super) fn begin_taking(&mut self, wanted: usize) -> Result<usize> {
        if self.ahead.ready.len() + wanted > self.max_prepared {
            let what = format!("it has more than {} inferences prepared", self.max_prepared);
            return Err(PeerFault::Protocol(what).into());
        }
        let mut count = wanted;
        loop {
            let asked = Done::Taken(count as u64);
            match self.begin(asked) {
                Err(error) if count > 0 && declined::reason(&error).is_some() => {
                    if count == wanted {
                        self.visit.declined(asked, &error);
                    }
                    count /= 2;
                }
                begun => return begun.map(|()| count),
            }
        }
    }

    /// Refuses numbers of inferences that cannot be prepared together, or on top of those that are.
    fn check_batch(&self, inferences: usize) -> Result<()> {
        let what = if self.schedule.for_batch(inferences).is_none() {
            format!("it prepares {inferences} inferences at once")
        } else if self.ahead.ready.len() + inferences > self.max_prepared {
            format!("it prepares more than {} inferences", self.max_prepared)
        } else {
            return Ok(());
        };
        Err(PeerFault::Protocol(what).into())
    }

    /// What is predicted for it; batches take less. What is prepared is always answered: that takes few core-seconds, and refused it
    /// would be prepared in vain.
    fn expected(&self, asked: Done) -> Expected {
        let key_bits = self.plan.key_bits;
        match asked {
            Done::Prepared(count) => Expected::of(&self.plan.offline_cost(), count, key_bits),
            Done::Answered(count) => {
                Expected { core_seconds: 0.0, ..Expected::of(&self.plan.online_cost(), count, key_bits) }
            }
            Done::Kept(_) | Done::Taken(_) => Expected::NOTHING,
        }
    }
}
