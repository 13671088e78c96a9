//! What a step, or a part of a session, takes: time and traffic from a beginning to an end, written once for all roles.

use crate::channel::Traffic;
use crate::observe::{Observer, Phase, Spent, StepReport};
use crate::ot::Role;
use crate::plan::StepId;
use std::time::Instant;

/// A step as reports name it.
#[derive(Clone, Copy)]
pub(super) struct Named {
    pub(super) phase: Phase,
    pub(super) step: StepId,
    pub(super) op: &'static str,
}

impl Named {
    /// Something that is done for a step before the image is known.
    pub(super) const fn offline(step: StepId, op: &'static str) -> Self {
        Self { phase: Phase::Offline, step, op }
    }
}

/// Measures time and traffic from [`start`](Self::start) on.
pub(super) struct Stopwatch {
    start: Instant,
    before: Traffic,
}

impl Stopwatch {
    /// `traffic`: the connection's until now.
    pub(super) fn start(traffic: Traffic) -> Self {
        Self { start: Instant::now(), before: traffic }
    }

    /// Until now; `traffic` is the connection's.
    pub(super) fn spent(&self, traffic: Traffic) -> Spent {
        Spent { elapsed: self.start.elapsed(), traffic: traffic - self.before }
    }

    /// Reports a step of `role`'s that has ended. Rounds are messages from server to client.
    pub(super) fn report(&self, role: Role, named: Named, traffic: Traffic, observer: &mut dyn Observer) {
        let Named { phase, step, op } = named;
        let Spent { elapsed, traffic } = self.spent(traffic);
        let rounds = match role {
            Role::Client => traffic.frames_received,
            Role::Server => traffic.frames_sent,
        };
        observer.step(StepReport { phase, step, op, elapsed, traffic, rounds });
    }
}
