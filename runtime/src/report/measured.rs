//! What an inference took, step by step, beside what was predicted.

use crate::observe::{Phase, Spending, StepReport};
use crate::plan::{Plan, StepId, Suite};
use std::time::Duration;

/// What both parties took for one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Took {
    /// Time in which the client worked.
    pub(super) client: Duration,
    /// Time in which the server worked.
    pub(super) server: Duration,
    /// Time by the client's clock, waiting included.
    pub(super) clock: Duration,
    /// Bytes from client to server.
    pub(super) up: u64,
    /// Bytes from server to client.
    pub(super) down: u64,
}

/// The first inference of a session, as both parties saw it.
#[derive(Clone, Debug)]
pub struct Measured {
    place: String,
    /// By step of the plan.
    pub(super) offline: Vec<Took>,
    /// By step of the plan.
    pub(super) online: Vec<Took>,
    /// What is done before the image is known for all steps together: setup, transfers, masked bits.
    pub(super) together: Vec<(&'static str, Took)>,
    /// Time in which the client made its tables.
    pub(super) tables: Duration,
    /// In all, at the client, without its key and its tables.
    pub(super) spent: Spending,
}

impl Measured {
    /// Of the first inference in the reports of the parties of a session of `plan`. `spent`: what it took at the client, without `tables`,
    /// which making the client's tables took; `place`: where it ran, as [`Forecast::place`](crate::cost::forecast::Forecast::place) says it.
    pub fn first(
        plan: &Plan,
        (client, server): (&[StepReport], &[StepReport]),
        (spent, tables): (Spending, Duration),
        place: String,
    ) -> Self {
        let none = vec![Took::default(); plan.steps.len()];
        let mut measured =
            Self { place, offline: none.clone(), online: none, together: Vec::new(), tables, spent };
        let positions = client_positions(plan);
        for report in first(client) {
            let step =
                positions.as_ref().map_or(Some(report.step), |ids| ids.get(report.step.index()).copied());
            if let Some(took) = step.and_then(|step| measured.of(plan, report, step)) {
                took.client += report.busy();
                took.clock += report.elapsed;
                took.up += report.traffic.sent;
                took.down += report.traffic.received;
            }
        }
        for report in first(server) {
            if let Some(took) = measured.of(plan, report, report.step) {
                took.server += report.busy();
            }
        }
        measured
    }

    /// Where it ran.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// What is counted for a report; `None` for what is no step of the plan.
    fn of(&mut self, plan: &Plan, report: &StepReport, id: StepId) -> Option<&mut Took> {
        let step = plan.steps.get(id.index())?;
        match report.phase {
            Phase::Online => self.online.get_mut(id.index()),
            Phase::Offline if step.op.is_linear() => self.offline.get_mut(id.index()),
            Phase::Offline => {
                let known = self.together.iter().position(|(op, _)| *op == report.op);
                let index = known.unwrap_or_else(|| {
                    self.together.push((report.op, Took::default()));
                    self.together.len() - 1
                });
                self.together.get_mut(index).map(|(_, took)| took)
            }
        }
    }
}

/// The reports of a session's first inference: until the first that ends one.
fn first(reports: &[StepReport]) -> &[StepReport] {
    let is_last = |report: &StepReport| report.phase == Phase::Online && report.op == "reveal";
    let end = reports.iter().position(is_last).map_or(reports.len(), |last| last + 1);
    &reports[..end]
}

/// In suite `blinded`, the step of the plan that each position in the client's list of rounds belongs to; several rounds may belong to one.
fn client_positions(plan: &Plan) -> Option<Vec<StepId>> {
    match plan.suite {
        Suite::Shared(_) => None,
        Suite::Blinded(_) => {
            let rounds = plan.steps().flat_map(|(id, _)| plan.exchanges(id).into_iter().map(move |_| id));
            let (first, last) = (StepId::new(0), StepId::new(plan.steps.len() - 1));
            Some([first].into_iter().chain(rounds).chain([last]).collect())
        }
    }
}
