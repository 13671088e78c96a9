//! Where time and bytes go, as bars.

use super::amount::Amount;
use super::figures::share;
use super::markup::{Element, classed, element};
use super::measured::Measured;
use crate::cost::forecast::Forecast;
use crate::cost::prediction::Seconds;
use crate::plan::{Cost, Plan, StepId};

/// Bars by step, at most; the dearest steps.
const MAX_BARS: usize = 200;

/// Amounts that make a whole together, by who spends them.
#[derive(Clone, Copy)]
enum Parts {
    Seconds(Seconds),
    /// From client to server, and from server to client.
    Bytes([u64; 2]),
    /// Seconds by the clock, which are nobody's alone.
    Clock(f64),
}

impl Parts {
    fn seconds(seconds: &[Seconds]) -> Self {
        Parts::Seconds(seconds.iter().copied().sum())
    }

    const fn bytes(cost: &Cost) -> Self {
        Parts::Bytes([cost.bytes_up, cost.bytes_down])
    }

    fn total(self) -> Amount {
        match self {
            Parts::Seconds(seconds) => Amount::Seconds(seconds.total()),
            Parts::Bytes([up, down]) => Amount::Bytes(up + down),
            Parts::Clock(seconds) => Amount::Seconds(seconds),
        }
    }

    fn size(self) -> f64 {
        match self {
            Parts::Seconds(seconds) => seconds.total(),
            Parts::Bytes([up, down]) => up as f64 + down as f64,
            Parts::Clock(seconds) => seconds,
        }
    }

    /// Classes of colours, what they are, and how much.
    fn parts(self) -> Vec<(&'static str, &'static str, Amount, f64)> {
        let second = |class, name, seconds| (class, name, Amount::Seconds(seconds), seconds);
        let byte = |class, name, count: u64| (class, name, Amount::Bytes(count), count as f64);
        match self {
            Parts::Seconds(Seconds { server, client, network }) => vec![
                second("server", "server", server),
                second("client", "client", client),
                second("network", "network", network),
            ],
            Parts::Bytes([up, down]) => {
                vec![byte("client", "client to server", up), byte("server", "server to client", down)]
            }
            Parts::Clock(seconds) => vec![second("clock", "by the clock", seconds)],
        }
    }
}

/// Bars of the whole, before the image and online, by party; and of what was measured.
pub(super) fn totals(plan: &Plan, forecast: &Forecast, measured: Option<&Measured>) -> Element {
    let prediction = forecast.prediction();
    let once = prediction.session + Seconds { client: 0.0, ..prediction.tables };
    let seconds = [
        ("once in a session", Parts::Seconds(once)),
        ("before the image", Parts::seconds(&prediction.offline)),
        ("online", Parts::seconds(&prediction.online)),
    ];
    let bytes = [
        ("once in a session", Parts::bytes(&plan.setup)),
        ("before the image", Parts::bytes(&plan.offline_cost())),
        ("online", Parts::bytes(&plan.online_cost())),
    ];
    let clocks = measured.into_iter().flat_map(|measured| {
        [
            ("measured before the image", Parts::Clock(measured.spent.offline.elapsed.as_secs_f64())),
            ("measured online", Parts::Clock(measured.spent.online.elapsed.as_secs_f64())),
        ]
    });
    let traffic = measured.into_iter().flat_map(|measured| {
        let spent = [measured.spent.offline, measured.spent.online]
            .map(|spent| [spent.traffic.sent, spent.traffic.received]);
        ["measured before the image", "measured online"].into_iter().zip(spent.map(Parts::Bytes))
    });
    classed("div", "columns")
        .child(chart("Seconds", &seconds.into_iter().chain(clocks).collect::<Vec<_>>()))
        .child(chart("Bytes", &bytes.into_iter().chain(traffic).collect::<Vec<_>>()))
}

/// One bar for each that is not empty, all to one measure.
fn chart(heading: &str, bars: &[(&str, Parts)]) -> Element {
    let longest = bars.iter().map(|(_, parts)| parts.size()).fold(0.0, f64::max);
    let rows = bars.iter().filter(|(_, parts)| parts.size() > 0.0).map(|(name, parts)| {
        element("tr").child(element("th").with("scope", "row").text(name)).children(cells(*parts, longest))
    });
    element("div")
        .child(element("h3").text(heading))
        .child(classed("table", "bars").child(element("tbody").children(rows)))
}

/// The bar and its total.
fn cells(parts: Parts, longest: f64) -> [Element; 2] {
    let piece = |(class, name, amount, size): (&str, &str, Amount, f64)| {
        let width = 100.0 * share(size, longest);
        let title = format!("{name}: {}", amount.rounded());
        element("i")
            .with("class", class)
            .with("style", format_args!("width:{width:.2}%"))
            .with("title", title)
    };
    let pieces = parts.parts().into_iter().filter(|&(.., size)| size > 0.0).map(piece);
    let bar = classed("td", "bar").child(element("span").children(pieces));
    [bar, parts.total().cell()]
}

/// Bars of every step, or of the dearest: seconds and bytes, before the image and online.
pub(super) fn by_step(plan: &Plan, forecast: &Forecast) -> Element {
    let prediction = forecast.prediction();
    let seconds =
        |id: StepId| [prediction.offline[id.index()], prediction.online[id.index()]].map(Parts::Seconds);
    let bytes = |id: StepId| [plan.step(id).offline, plan.step(id).cost].map(|cost| Parts::bytes(&cost));
    classed("div", "columns").child(steps("Seconds by step", plan, seconds)).child(steps(
        "Bytes by step",
        plan,
        bytes,
    ))
}

fn steps(heading: &str, plan: &Plan, of: impl Fn(StepId) -> [Parts; 2]) -> Element {
    let all = plan.steps().map(|(id, step)| (id, step.op.name(), of(id)));
    let mut dear: Vec<_> =
        all.filter(|(_, _, [offline, online])| offline.size() + online.size() > 0.0).collect();
    let size = |parts: &[Parts; 2]| parts[0].size() + parts[1].size();
    dear.sort_by(|(.., a), (.., b)| size(b).total_cmp(&size(a)));
    let left_out = dear.len().saturating_sub(MAX_BARS);
    dear.truncate(MAX_BARS);
    dear.sort_by_key(|&(id, ..)| id);
    let longest = [0, 1].map(|phase| dear.iter().map(|(.., parts)| parts[phase].size()).fold(0.0, f64::max));
    let phases: Vec<usize> = (0..2).filter(|&phase| longest[phase] > 0.0).collect();
    let names = ["before the image", "online"];
    let heads =
        phases.iter().map(|&phase| element("th").with("scope", "col").with("colspan", 2).text(names[phase]));
    let head = element("thead")
        .child(element("tr").child(element("th").with("scope", "col").text("step")).children(heads));
    let row = |(id, op, parts): &(StepId, &str, [Parts; 2])| {
        let link = element("a").with("href", format_args!("#{id}")).text(id);
        let name = element("th").with("scope", "row").child(link).text(" ").text(op);
        element("tr")
            .child(name)
            .children(phases.iter().flat_map(|&phase| cells(parts[phase], longest[phase])))
    };
    let table = classed("table", "bars").child(head).child(element("tbody").children(dear.iter().map(row)));
    let rest = (left_out > 0)
        .then(|| element("p").text(format_args!("and {left_out} cheaper steps, which the table lists")));
    element("div")
        .child(element("h3").text(heading))
        .child(classed("div", "pane low").child(table))
        .children(rest)
}
