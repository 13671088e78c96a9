//! What preparing inferences of suite `shared` leaves to chance, and how much memory it takes; counted from a plan.

use crate::ot::Role;
use crate::plan::{Schedule, ValidPlan, Work};
use crate::protocol::shared::errors::StatisticalErrors;
use crate::protocol::shared::online_messages::{communication, kept_bytes, stored_bytes};
use serde::Serialize;
use std::fmt;

/// Statistical errors of a preparation of so many inferences.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PreparationErrors {
    /// Inferences that are prepared together.
    pub inferences: usize,
    /// What is left of errors when every assumption holds.
    #[serde(flatten)]
    pub errors: StatisticalErrors,
}

impl PreparationErrors {
    /// Of an inference that is prepared alone, and of each batch that the plan offers; none in suite `blinded`.
    pub fn of_plan(plan: &ValidPlan) -> Vec<Self> {
        let Work::Schedule(schedule) = &plan.client_view().work else { return Vec::new() };
        let sizes = [1].into_iter().chain(schedule.batches.iter().map(|batch| batch.inferences));
        let schedules = sizes.filter_map(|inferences| schedule.for_batch(inferences));
        let errors = |schedule: Schedule| Self {
            inferences: schedule.inferences(),
            errors: StatisticalErrors::new(&schedule, plan.plan().key_bits),
        };
        schedules.map(errors).collect()
    }
}

/// `statistical errors of an inference, at most: the image 2^-58.0, …`
impl fmt::Display for PreparationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inferences, errors } = self;
        match inferences {
            1 => write!(f, "statistical errors of an inference, at most: {errors}"),
            _ => write!(f, "of {inferences} that are prepared together: {errors}"),
        }
    }
}

/// Bytes of memory that an inference takes from its preparation until its image is asked about, and of files if it is kept longer than
/// a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PreparedMemory {
    /// Bytes of memory at the client.
    pub client: u64,
    /// Bytes of memory at the server.
    pub server: u64,
    /// Bytes of a file of the client's store.
    pub client_file: u64,
    /// Bytes of a file of the server's store.
    pub server_file: u64,
}

impl PreparedMemory {
    /// Of an inference by `plan`; `None` in suite `blinded`, which prepares nothing.
    pub fn of_plan(plan: &ValidPlan) -> Option<Self> {
        let Work::Schedule(schedule) = &plan.client_view().work else { return None };
        let costs = communication(schedule);
        let [client, server] = [Role::Client, Role::Server].map(|role| kept_bytes(schedule, &costs, role));
        let [client_file, server_file] =
            [Role::Client, Role::Server].map(|role| stored_bytes(schedule, &costs, role));
        Some(Self { client, server, client_file, server_file })
    }
}

/// `memory of a prepared inference: 0.5 MB at the client, …`
impl fmt::Display for PreparedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, server, client_file, server_file } = self;
        let [client, server, client_file, server_file] =
            [client, server, client_file, server_file].map(|&bytes| bytes as f64 / 1e6);
        write!(
            f,
            "memory of a prepared inference: {client:.1} MB at the client, {server:.1} MB at the server; \
             in a store: {client_file:.2} and {server_file:.2} MB"
        )
    }
}
