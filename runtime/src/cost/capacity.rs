//! How many servers so many inferences a second take.
//!
//! All of it is arithmetic with predictions, which are within a few per cent for plans of a second and more: cores are what one
//! inference keeps busy times their rate, sessions at once are how long one lasts times their rate (Little's law). Memory is an
//! estimate.

use super::machine::Machine;
use super::prediction::{Prediction, Seconds};
use super::profile::Entry;
use crate::channel::Link;
use crate::ot::Role;
use crate::plan::{Cost, UnitCosts, ValidPlan, Work, codec};
use crate::protocol::shared::online_messages::{communication, kept_bytes};
use serde::Serialize;
use std::fmt;

/// Memory of a server that serves nobody, beside its plan.
const PROGRAM_BYTES: u64 = 32 << 20;
/// Tables and pools of a session.
const SESSION_BYTES: u64 = 24 << 20;
/// What a session works on, for each byte that an inference exchanges, and at most. (Two plans of 1.4 and 12 MB took 25 and 60 MB a
/// session.)
const WORK_PER_BYTE: u64 = 3;
const MOST_WORK: u64 = 512 << 20;
/// Bytes in memory for each byte of a plan's file: weights of a byte or two are numbers of four.
const UNPACKED: u64 = 4;

/// What is asked of servers.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Inferences a second, above 0.
    pub rate: f64,
    /// Inferences in each session, 1 and more.
    pub per_session: u32,
    /// Share of the time in which cores may be busy, above 0, 1 at most: the rest is for bursts.
    pub utilisation: f64,
}

/// What servers it takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Capacity {
    /// Inferences a second.
    pub rate: f64,
    /// Inferences in each session.
    pub per_session: u32,
    /// Share of the time in which cores are busy.
    pub utilisation: f64,
    /// Seconds that a core works for one inference, with its part of the session's beginning.
    pub core_seconds: f64,
    /// Cores in all.
    pub cores: f64,
    /// Cores of a server: those of the machine that was measured.
    pub cores_each: usize,
    /// Servers.
    pub replicas: u64,
    /// Sessions at once at each server: its `--max-clients` should be more.
    pub sessions_each: u64,
    /// Bytes of memory of each server, roughly.
    pub memory_each: u64,
    /// Bits a second from the servers to clients.
    pub egress: f64,
    /// Bits a second from clients to the servers.
    pub ingress: f64,
}

impl Capacity {
    /// Of servers of `plan` on machines like `machine`, on which `entry` was measured, with clients like it over `link`.
    pub fn new(plan: &ValidPlan, machine: &Machine, entry: &Entry, link: Option<Link>, load: Load) -> Self {
        let Load { rate, per_session, utilisation } = load;
        let (inner, each) = (plan.plan(), f64::from(per_session));
        let unit = entry.unit(inner.suite);
        let prediction = Prediction::new(plan, entry, link);
        let begin = prediction.tables.server + of_server(prediction.session, &inner.setup, &unit);
        let image = of_server(prediction.image(), &inner.total_cost(), &unit);
        let core_seconds = (image + begin / each) * machine.threads as f64;
        let cores = rate * core_seconds / utilisation;
        let replicas = (cores / machine.cores.max(1) as f64).ceil().max(1.0);
        let lasting =
            prediction.tables.server + prediction.session.total() + each * prediction.image().total();
        let sessions = rate / each * lasting;
        let sessions_each = (sessions / replicas).ceil().max(1.0) as u64;
        let [up, down] = bytes(plan, each);
        Self {
            rate,
            per_session,
            utilisation,
            core_seconds,
            cores,
            cores_each: machine.cores.max(1),
            replicas: replicas as u64,
            sessions_each,
            memory_each: memory(plan, sessions_each, per_session),
            egress: 8.0 * rate * down,
            ingress: 8.0 * rate * up,
        }
    }
}

/// Of what is predicted for a server, and of what both parties do for these costs together, half.
fn of_server(seconds: Seconds, cost: &Cost, unit: &UnitCosts) -> f64 {
    let bytes = cost.bytes_up + cost.bytes_down;
    seconds.server + (cost.ots as f64 * unit.ot + bytes as f64 * unit.byte) / 2.0
}

/// Bytes to and from a server for an inference, with its part of a session of `each`.
fn bytes(plan: &ValidPlan, each: f64) -> [f64; 2] {
    let (image, setup) = (plan.plan().total_cost(), &plan.plan().setup);
    let key = plan.plan().key_bits.public_key_bytes() as u64;
    let view = codec::encode_view(plan.client_view()).len() as u64;
    let with = |image: u64, once: u64| image as f64 + once as f64 / each;
    [with(image.bytes_up, setup.bytes_up + key), with(image.bytes_down, setup.bytes_down + view)]
}

/// Of a server with so many sessions, in which all inferences are prepared before the first is asked about.
fn memory(plan: &ValidPlan, sessions: u64, per_session: u32) -> u64 {
    let prepared = match &plan.client_view().work {
        Work::Exchanges(_) => 0,
        Work::Schedule(schedule) => kept_bytes(schedule, &communication(schedule), Role::Server),
    };
    let cost = plan.plan().total_cost();
    let work = WORK_PER_BYTE.saturating_mul(cost.bytes_up.saturating_add(cost.bytes_down)).min(MOST_WORK);
    let session = (SESSION_BYTES + work).saturating_add(prepared.saturating_mul(per_session.into()));
    let plan = UNPACKED * codec::encode(plan).len() as u64;
    (PROGRAM_BYTES + plan).saturating_add(sessions.saturating_mul(session))
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, per_session, utilisation, core_seconds, cores, cores_each, replicas, .. } = self;
        let mega = |number: f64| number / 1e6;
        let busy = 100.0 * utilisation;
        writeln!(
            f,
            "for {rate} inferences a second, {per_session} in a session, with cores busy {busy:.0} % of the time:"
        )?;
        writeln!(f, "replicas  {replicas} with {cores_each} cores each")?;
        writeln!(f, "cores     {cores:.1} in all; an inference takes {core_seconds:.3} core-seconds")?;
        writeln!(f, "sessions  {} at once for each (--max-clients should be more)", self.sessions_each)?;
        writeln!(f, "memory    about {:.0} MB for each", mega(self.memory_each as f64))?;
        writeln!(
            f,
            "network   {:.1} Mbit/s from the servers (egress), {:.1} Mbit/s to them",
            mega(self.egress),
            mega(self.ingress)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::prediction::testing::entry;

    fn plan() -> ValidPlan {
        codec::decode(include_bytes!("../../../testdata/mnist-mlp.plan")).unwrap()
    }

    fn capacity(rate: f64, per_session: u32, utilisation: f64) -> Capacity {
        let machine = Machine { cores: 4, threads: 2, ..Machine::this(2) };
        let load = Load { rate, per_session, utilisation };
        Capacity::new(&plan(), &machine, &entry(3072), None, load)
    }

    #[test]
    fn cores_grow_with_the_rate_and_shrink_with_what_they_may_be_busy() {
        let one = capacity(1.0, 1, 1.0);
        assert_eq!(one.cores, one.core_seconds);
        assert_eq!(capacity(3.0, 1, 0.5).cores, 6.0 * one.core_seconds);
        assert_eq!(one.replicas, (one.cores / 4.0).ceil() as u64);
        let idle = capacity(1e-9, 1, 1.0);
        assert_eq!((idle.replicas, idle.sessions_each), (1, 1));
        assert!(capacity(100.0, 1, 1.0).memory_each > 0 && idle.memory_each > PROGRAM_BYTES + SESSION_BYTES);
    }

    /// Half of what both parties do is the server's; what a session begins with is shared by its inferences.
    #[test]
    fn an_inference_takes_its_part_of_a_session() {
        let (plan, entry) = (plan(), entry(3072));
        let (image, setup, unit) =
            (plan.plan().total_cost(), plan.plan().setup, entry.unit(plan.plan().suite));
        let prediction = Prediction::new(&plan, &entry, None);
        let half = |cost: &Cost| {
            (cost.ots as f64 * unit.ot + (cost.bytes_up + cost.bytes_down) as f64 * unit.byte) / 2.0
        };
        let session = prediction.tables.server + prediction.session.server + half(&setup);
        let inference = prediction.image().server + half(&image);
        for each in [1, 8] {
            let expected = 2.0 * (inference + session / f64::from(each));
            assert_eq!(capacity(1.0, each, 1.0).core_seconds, expected);
        }
        let [up, down] = bytes(&plan, 8.0);
        assert_eq!(capacity(5.0, 8, 1.0).egress, 40.0 * down);
        assert!(up > image.bytes_up as f64 && down > image.bytes_down as f64);
    }

    #[test]
    fn it_is_told_in_lines() {
        let capacity = Capacity {
            rate: 10.0,
            per_session: 1,
            utilisation: 0.7,
            core_seconds: 0.5,
            cores: 50.0 / 7.0,
            cores_each: 2,
            replicas: 4,
            sessions_each: 3,
            memory_each: 310_000_000,
            egress: 98.44e6,
            ingress: 43e6,
        };
        assert_eq!(
            capacity.to_string(),
            "for 10 inferences a second, 1 in a session, with cores busy 70 % of the time:\n\
             replicas  4 with 2 cores each\n\
             cores     7.1 in all; an inference takes 0.500 core-seconds\n\
             sessions  3 at once for each (--max-clients should be more)\n\
             memory    about 310 MB for each\n\
             network   98.4 Mbit/s from the servers (egress), 43.0 Mbit/s to them\n"
        );
    }
}
