//! What a step takes, as columns of the table: predicted, and measured where there is a measurement.

use super::amount::{Amount, Column, Group};
use super::measured::{Measured, Took};
use crate::cost::forecast::Forecast;
use crate::cost::prediction::Seconds;
use crate::plan::{Cost, Plan, Step};

/// Predicted seconds and bytes of each phase, then what was measured.
pub(super) fn groups(plan: &Plan, forecast: &Forecast, measured: Option<&Measured>) -> Vec<Group> {
    let prediction = forecast.prediction();
    let offline = Phase {
        seconds: &prediction.offline,
        session: prediction.session,
        setup: plan.setup,
        cost: |step| step.offline,
    };
    let online = Phase {
        seconds: &prediction.online,
        session: Seconds::default(),
        setup: Cost::default(),
        cost: |step| step.cost,
    };
    let predicted = [("Before the image", offline), ("Online", online)]
        .map(|(heading, phase)| Group::new(heading, phase.columns(plan)));
    let took = measured.into_iter().flat_map(|measured| {
        [
            Group::new("Measured before the image", took(&measured.offline)),
            Group::new("Measured online", took(&measured.online)),
        ]
    });
    predicted.into_iter().chain(took).filter(|group| !group.columns.is_empty()).collect()
}

/// What is predicted for one phase.
struct Phase<'a> {
    /// By step.
    seconds: &'a [Seconds],
    /// Of the session.
    session: Seconds,
    setup: Cost,
    cost: fn(&Step) -> Cost,
}

impl Phase<'_> {
    fn columns(&self, plan: &Plan) -> Vec<Column> {
        let seconds = |heading, meaning, of: fn(&Seconds) -> f64| Column {
            heading,
            meaning,
            steps: self.seconds.iter().map(|seconds| Amount::Seconds(of(seconds))).collect(),
            session: Amount::Seconds(of(&self.session)),
            image: Amount::Seconds(self.seconds.iter().map(of).sum()),
        };
        let counts = |heading, meaning, amount: fn(u64) -> Amount, of: fn(&Cost) -> u64| Column {
            heading,
            meaning,
            steps: plan.steps.iter().map(|step| amount(of(&(self.cost)(step)))).collect(),
            session: amount(of(&self.setup)),
            image: amount(plan.steps.iter().map(|step| of(&(self.cost)(step))).sum()),
        };
        vec![
            seconds("server", "Predicted time in which the server computes", |seconds| seconds.server),
            seconds("client", "Predicted time in which the client computes", |seconds| seconds.client),
            seconds("network", "Predicted time of messages and round trips", |seconds| seconds.network),
            counts("sent ↑", "Bytes from client to server", Amount::Bytes, |cost| cost.bytes_up),
            counts("sent ↓", "Bytes from server to client", Amount::Bytes, |cost| cost.bytes_down),
            counts("rounds", "Times that the client waits for the server", Amount::Count, |cost| cost.rounds),
        ]
    }
}

/// What was measured in one phase.
fn took(steps: &[Took]) -> Vec<Column> {
    let column = |heading, meaning, of: &dyn Fn(&Took) -> Amount, image: Amount| Column {
        heading,
        meaning,
        steps: steps.iter().map(of).collect(),
        session: Amount::Count(0),
        image,
    };
    let seconds = |heading, meaning, of: fn(&Took) -> f64| {
        column(
            heading,
            meaning,
            &|took| Amount::Seconds(of(took)),
            Amount::Seconds(steps.iter().map(of).sum()),
        )
    };
    let bytes = |heading, meaning, of: fn(&Took) -> u64| {
        column(heading, meaning, &|took| Amount::Bytes(of(took)), Amount::Bytes(steps.iter().map(of).sum()))
    };
    vec![
        seconds(
            "clock",
            "Time from the step's beginning to its end at the client, waiting included",
            |took| took.clock.as_secs_f64(),
        ),
        seconds("server", "Time in which the server worked", |took| took.server.as_secs_f64()),
        seconds("client", "Time in which the client worked", |took| took.client.as_secs_f64()),
        bytes("sent ↑", "Bytes from client to server, counted", |took| took.up),
        bytes("sent ↓", "Bytes from server to client, counted", |took| took.down),
    ]
}
