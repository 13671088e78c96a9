//! What was measured, beside what was predicted.

use super::amount::Amount;
use super::markup::{Element, classed, element};
use super::measured::{Measured, Took};
use crate::channel::Traffic;
use crate::cost::forecast::Forecast;
use crate::plan::{Cost, Plan};

/// The phases of an inference, and what is done for all steps together.
pub(super) fn comparison(plan: &Plan, forecast: &Forecast, measured: &Measured) -> Element {
    let phases = classed("table", "plain")
        .child(head(&["", "predicted", "measured", "predicted ↑", "measured ↑", "predicted ↓", "measured ↓"]))
        .child(element("tbody").children(phases(plan, forecast, measured)));
    let section = element("div")
        .child(
            element("p")
                .text(format_args!("The first inference of a session, measured with {}.", measured.place())),
        )
        .child(classed("div", "pane").child(phases));
    if measured.together.is_empty() {
        return section;
    }
    let together = classed("table", "plain")
        .child(head(&[
            "before the image, for all steps together",
            "clock",
            "server works",
            "client works",
            "↑",
            "↓",
        ]))
        .child(element("tbody").children(measured.together.iter().map(|(op, took)| together(op, took))));
    section.child(classed("div", "pane").child(together))
}

fn head(names: &[&str]) -> Element {
    let cell = |(index, name): (usize, &&str)| {
        let cell = element("th").with("scope", "col").text(name);
        if index > 0 { cell.with("class", "number") } else { cell }
    };
    element("thead").child(element("tr").children(names.iter().enumerate().map(cell)))
}

fn phases(plan: &Plan, forecast: &Forecast, measured: &Measured) -> [Element; 3] {
    let prediction = forecast.prediction();
    let offline: f64 = prediction.offline.iter().map(|seconds| seconds.total()).sum();
    let online: f64 = prediction.online.iter().map(|seconds| seconds.total()).sum();
    let before = prediction.tables.server + prediction.session.total() + offline;
    let spent = measured.spent;
    let bytes = |cost: Cost, traffic: Traffic| {
        [cost.bytes_up, traffic.sent, cost.bytes_down, traffic.received].map(Amount::Bytes)
    };
    let ahead = [plan.setup, plan.offline_cost()].into_iter().sum();
    let row = |name: &str, [predicted, measured]: [f64; 2], bytes: [Amount; 4]| {
        element("tr")
            .child(element("th").with("scope", "row").text(name))
            .children([predicted, measured].map(|seconds| Amount::Seconds(seconds).cell()))
            .children(bytes.map(Amount::cell))
    };
    let tables = [prediction.tables.client, measured.tables.as_secs_f64()];
    [
        row("the client's tables, before it connects", tables, [Amount::Bytes(0); 4]),
        row(
            "before the image, handshake included",
            [before, spent.offline.elapsed.as_secs_f64()],
            bytes(ahead, spent.offline.traffic),
        ),
        row(
            "online: from image to prediction",
            [online, spent.online.elapsed.as_secs_f64()],
            bytes(plan.online_cost(), spent.online.traffic),
        ),
    ]
}

fn together(op: &str, took: &Took) -> Element {
    let seconds =
        [took.clock, took.server, took.client].map(|time| Amount::Seconds(time.as_secs_f64()).cell());
    element("tr")
        .child(element("th").with("scope", "row").text(op))
        .children(seconds)
        .children([took.up, took.down].map(|bytes| Amount::Bytes(bytes).cell()))
}
