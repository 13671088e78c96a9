//! The page: sections from top to bottom.

use super::Report;
use super::amount::Amount;
use super::bars;
use super::columns;
use super::comparison::comparison;
use super::facts::facts;
use super::figures::{grouped, percent};
use super::learns::{Learns, notation};
use super::markup::{Element, classed, element, prose};
use super::network::Drawing;
use super::table::table;
use crate::cost::prediction::Seconds;
use crate::plan::{Cost, Plan, ValidPlan};

/// What browsers may load for the page: nothing, and no script runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole document.
pub(super) fn page(report: &Report<'_>) -> String {
    let name = name(report.plan);
    let meta = |attribute, value: &str| element("meta").with(attribute, value);
    let head = element("head")
        .child(meta("charset", "utf-8"))
        .child(meta("http-equiv", "Content-Security-Policy").with("content", POLICY))
        .child(meta("name", "viewport").with("content", "width=device-width, initial-scale=1"))
        .child(meta("name", "color-scheme").with("content", "light dark"))
        .child(element("title").text(format_args!("{name}: a plan of Popcorn")))
        .child(element("style").verbatim(include_str!("style.css")));
    let html = element("html").with("xmlns", "http://www.w3.org/1999/xhtml").with("lang", "en");
    format!("<!DOCTYPE html>\n{}\n", html.child(head).child(body(report, &name)))
}

/// What the plan is called.
pub(super) fn name(plan: &ValidPlan) -> String {
    match plan.plan().name.trim() {
        "" => format!("plan {}", plan.id().short()),
        name => name.into(),
    }
}

fn body(report: &Report<'_>, name: &str) -> Element {
    let Report { plan, forecast, measured } = *report;
    let inner = plan.plan();
    let shares = report.shares();
    let summary =
        format!("suite {}, key of {} bits, plan {}", inner.suite, inner.key_bits, plan.id().short());
    let header =
        element("header").child(element("h1").text(name)).child(classed("p", "summary").text(summary));
    let measured = measured.map(|measured| {
        section("measured", "Predicted and measured").child(comparison(inner, forecast, measured))
    });
    let drawing = Drawing::new(inner, &shares);
    let main = element("main")
        .child(tiles(report))
        .child(section("plan", "The plan").child(facts(plan)))
        .child(section("learns", "Who learns what").child(learns(plan)))
        .child(costs(report))
        .children(measured)
        .child(section("network", "The network").children(network(drawing.as_ref())))
        .child(steps(report, &shares, drawing.is_some()))
        .children(batches(inner));
    element("body").child(header).child(main).child(element("footer").child(prose(OWNER)))
}

fn costs(report: &Report<'_>) -> Element {
    let Report { plan, forecast, measured } = *report;
    let advice =
        "`popcorn bench --profile this.json`, then `--profile this.json`, predicts for your machine.";
    let advice = if forecast.is_by_profile() { "" } else { advice };
    section("costs", "Where time and bytes go")
        .child(prose(&format!("Seconds are predicted for {}. {SUM} {advice}", forecast.place())))
        .child(legend(measured.is_some()))
        .child(bars::totals(plan.plan(), forecast, measured))
        .child(bars::by_step(plan.plan(), forecast))
}

fn steps(report: &Report<'_>, shares: &[f64], is_drawn: bool) -> Element {
    let Report { plan, forecast, measured } = *report;
    let groups = columns::groups(plan.plan(), forecast, measured);
    let notation = notation(plan.plan().suite).into_iter().map(|line| element("li").text(line));
    section("steps", "The steps")
        .child(prose(FLIGHTS))
        .child(scrolled("pane", "The steps", table(plan, &groups, shares, is_drawn)))
        .child(element("h3").text("Notation"))
        .child(element("ul").children(notation))
}

const SUM: &str = "Times are added up as if nothing happened at once.";
const FLIGHTS: &str = "Messages carry what the next step begins with, so that bytes of a step may be counted with the one before. Figures \
                       have all their digits in their titles.";
const ASSUMPTIONS: &str = "Both parties follow the protocol (semi-honest). How long the server works tells the client roughly how many \
                           weights are not zero. SECURITY.md has the bounds and the assumptions.";
const OWNER: &str = "This page is for the owner of the model: it names nodes and says how many weights are zero, which clients are not \
                     told. `popcornc inspect --client` prints what they are told.";

fn section(id: &str, heading: &str) -> Element {
    element("section").with("id", id).child(element("h2").text(heading))
}

/// Something that scrolls by itself, also by the keyboard.
fn scrolled(class: &str, name: &str, content: Element) -> Element {
    classed("div", class).with("tabindex", 0).with("role", "region").with("aria-label", name).child(content)
}

/// The figures that are looked for first.
fn tiles(report: &Report<'_>) -> Element {
    let (inner, prediction) = (report.plan.plan(), report.forecast.prediction());
    let seconds = |seconds: &[Seconds]| Amount::Seconds(seconds.iter().map(|seconds| seconds.total()).sum());
    let (offline, online) = (inner.offline_cost(), inner.online_cost());
    let bytes = |cost: &Cost| Amount::Bytes(cost.bytes_up + cost.bytes_down);
    let tile = |name: &str, value: String| {
        classed("div", "tile").child(element("b").text(value)).child(element("span").text(name))
    };
    let offline_tiles = (offline != Cost::default()).then(|| {
        [
            tile("predicted before the image", seconds(&prediction.offline).rounded()),
            tile("sent before the image", bytes(&offline).rounded()),
        ]
    });
    let agreement = inner.check.as_ref().and_then(|check| check.agreement);
    let agreement = agreement.map(|agreement| tile("of the labels are the model's", percent(agreement)));
    let measured = report.measured.map(|measured| {
        let online = measured.spent.online.elapsed.as_secs_f64();
        tile("measured online", Amount::Seconds(online).rounded())
    });
    classed("div", "tiles")
        .children(offline_tiles.into_iter().flatten())
        .child(tile("predicted online", seconds(&prediction.online).rounded()))
        .children(measured)
        .child(tile("sent online", bytes(&online).rounded()))
        .child(tile("rounds online", grouped(online.rounds)))
        .children(agreement)
}

fn learns(plan: &ValidPlan) -> Element {
    let Learns { server, client, hidden } = Learns::of_plan(plan.client_view());
    let row =
        |term: &str, text: &str| [element("dt").text(term), element("dd").child(element("p").text(text))];
    let list = classed("dl", "facts")
        .children(row("server learns", server))
        .children(row("client learns", &client))
        .children(row("client does not learn", hidden));
    element("div").child(list).child(prose(ASSUMPTIONS))
}

/// What the colours of bars mean.
fn legend(is_measured: bool) -> Element {
    let key = |class: &str, name: &str| element("span").child(element("i").with("class", class)).text(name);
    classed("p", "legend")
        .child(key("server", "server, and what it sends"))
        .child(key("client", "client, and what it sends"))
        .child(key("network", "network"))
        .children(is_measured.then(|| key("clock", "measured by the clock")))
}

fn network(drawing: Option<&Drawing<'_>>) -> Vec<Element> {
    let Some(drawing) = drawing else {
        return vec![prose(
            "It has too many steps, or they read too many values, to be drawn. The table lists them.",
        )];
    };
    let key = |(class, end): (usize, String)| {
        element("span").child(element("i").with("class", format_args!("heat{class}"))).text(end)
    };
    let legend = classed("p", "legend")
        .child(element("span").text("Share of the predicted seconds, up to"))
        .children(drawing.classes().into_iter().enumerate().map(key))
        .child(element("span").text("Each box leads to its row below."));
    vec![legend, scrolled("pane network", "The network", drawing.linked())]
}

/// Inferences that are prepared together.
fn batches(plan: &Plan) -> Option<Element> {
    if plan.batches.is_empty() {
        return None;
    }
    let heads = [
        "inferences",
        "sent ↑",
        "sent ↓",
        "of one: ↑",
        "of one: ↓",
        "encryptions",
        "decryptions",
        "products",
    ];
    let head = heads.map(|name| element("th").with("scope", "col").with("class", "number").text(name));
    let rows = plan.batches.iter().map(|batch| {
        let (cost, count) = (&batch.offline, batch.batch.inferences.max(1) as u64);
        let bytes = [cost.bytes_up, cost.bytes_down, cost.bytes_up / count, cost.bytes_down / count];
        let counts = [cost.encryptions, cost.decryptions, cost.products];
        element("tr")
            .child(Amount::Count(count).cell())
            .children(bytes.map(|bytes| Amount::Bytes(bytes).cell()))
            .children(counts.map(|count| Amount::Count(count).cell()))
    });
    let table = classed("table", "plain").child(element("thead").child(element("tr").children(head)));
    let table = table.child(element("tbody").children(rows));
    let text = "Inferences of one client that are prepared together share ciphertexts; before the image they take this together.";
    Some(
        section("batches", "Prepared together")
            .child(element("p").text(text))
            .child(classed("div", "pane").child(table)),
    )
}
