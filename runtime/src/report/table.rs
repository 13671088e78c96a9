//! All steps, a row each.

use super::amount::{Amount, Column, Group};
use super::figures::{grouped, percent};
use super::learns::{Said, said};
use super::markup::{Element, beginning, classed, element};
use super::network::MAX_NAME;
use crate::plan::{Step, StepId, ValidPlan, Work, describe_layout};

/// Rows of the table, at most; steps beyond are counted.
pub(super) const MAX_ROWS: usize = 4096;
/// Values that a step is said to read, at most; others are counted.
const MAX_INPUTS: usize = 6;
/// Characters of an operation's parameters, at most: a sum has a multiplier for each of its inputs.
const MAX_PARAMETERS: usize = 120;

/// What a row needs beside its step.
struct Rows<'a> {
    plan: &'a ValidPlan,
    groups: &'a [Group],
    /// By step: its share of the predicted seconds.
    shares: &'a [f64],
    said: Vec<Said>,
    /// Whether there are boxes to lead to.
    is_drawn: bool,
}

/// The table of `plan` with these columns; `shares`: of each step, of all predicted seconds; `is_drawn`: whether its steps have boxes, too.
pub(super) fn table(plan: &ValidPlan, groups: &[Group], shares: &[f64], is_drawn: bool) -> Element {
    let rows = Rows { plan, groups, shares, said: said(plan), is_drawn };
    let steps = plan.plan().steps().take(MAX_ROWS).map(|(id, step)| rows.row(id, step));
    let table = classed("table", "steps").child(rows.head());
    table.child(element("tbody").children(steps)).child(rows.foot())
}

/// A column before or after those of amounts.
struct Heading {
    name: &'static str,
    /// What it says, in a sentence.
    meaning: &'static str,
    /// Empty, or that its cells are numbers.
    class: &'static str,
}

const fn words(name: &'static str, meaning: &'static str) -> Heading {
    Heading { name, meaning, class: "" }
}

const fn numbers(name: &'static str, meaning: &'static str) -> Heading {
    Heading { name, meaning, class: "number" }
}

const BEFORE: [Heading; 6] = [
    words("step", "The step, with its box in the picture"),
    words("operation", "What is computed, from which steps, and the node of the model that it comes from"),
    numbers("shape", "Channels, height and width of the value"),
    numbers(
        "bits",
        "Bits of a value, without its sign; of its ring, with fraction bits and a sign, in suite shared",
    ),
    numbers("zeros", "Share of the weights that are zero and cost nothing"),
    numbers("share", "Of the predicted seconds of an image, both phases"),
];
const AFTER: [Heading; 3] = [
    words("before the image", "What is told before the image is known; see the notation below"),
    words("online", "What is told once the image is known; see the notation below"),
    words("layout", "Tiles of a convolution that share ciphertexts, and the slots in these"),
];

impl Rows<'_> {
    fn head(&self) -> Element {
        let heading = |Heading { name, meaning, class }: &Heading| {
            element("th").with("scope", "col").with("class", class).with("title", meaning).text(name)
        };
        let group = |heading: &str, columns: usize| {
            let cell = classed("th", "group").with("scope", "colgroup").with("colspan", columns);
            cell.text(heading)
        };
        let above = element("tr")
            .child(group("", BEFORE.len()))
            .children(self.groups.iter().map(|columns| group(columns.heading, columns.columns.len())))
            .child(group("Told to the other party", 2))
            .child(group("", 1));
        let columns = self.groups.iter().flat_map(|group| &group.columns);
        let below = element("tr")
            .children(BEFORE.iter().map(heading))
            .children(columns.map(|column| heading(&numbers(column.heading, column.meaning))))
            .children(AFTER.iter().map(heading));
        element("thead").child(above).child(below)
    }

    fn row(&self, id: StepId, step: &Step) -> Element {
        let link = element("a");
        let link = if self.is_drawn { link.with("href", format_args!("#box-{id}")) } else { link };
        let Said { ahead, online } = self.said[id.index()];
        let layout = step.layout.map(describe_layout).unwrap_or_default();
        let told =
            [ahead, online, layout.trim_start_matches(", ")].map(|text| classed("td", "told").text(text));
        element("tr")
            .with("id", id)
            .child(element("th").with("scope", "row").child(link.text(id)))
            .child(operation(step))
            .child(classed("td", "number").text(step.shape))
            .child(self.bits(id, step))
            .child(zeros(step))
            .child(classed("td", "number").text(percent(self.shares[id.index()])))
            .children(self.amounts(|column| column.steps[id.index()]))
            .children(told)
    }

    /// `19 of 23`: of a value, and of the ring of its shares.
    fn bits(&self, id: StepId, step: &Step) -> Element {
        let cell = classed("td", "number").text(step.bits);
        match &self.plan.client_view().work {
            Work::Schedule(schedule) => cell.text(format_args!(" of {}", schedule.share_ring(id).bits())),
            Work::Exchanges(_) => cell,
        }
    }

    fn amounts<'s>(&'s self, of: impl Fn(&Column) -> Amount + 's) -> impl Iterator<Item = Element> + 's {
        self.groups.iter().flat_map(|group| &group.columns).map(move |column| of(column).cell())
    }

    /// Sums, and how many rows there are not.
    fn foot(&self) -> Element {
        let name = |text: &str| element("th").with("scope", "row").with("colspan", BEFORE.len()).text(text);
        let line = |class: &str, text: &str, amounts: Vec<Element>| {
            classed("tr", class)
                .child(name(text))
                .children(amounts)
                .child(element("td").with("colspan", AFTER.len()))
        };
        let left_out = self.plan.plan().steps.len().saturating_sub(MAX_ROWS);
        let rest = (left_out > 0).then(|| {
            element("tr").child(name(&format!(
                "{} more steps, which popcornc inspect lists",
                grouped(left_out as u64)
            )))
        });
        let mut columns = self.groups.iter().flat_map(|group| &group.columns);
        let session = columns.any(|column| !column.session.is_zero()).then(|| {
            let amounts = self.amounts(|column| column.session).collect();
            line("once", "once in a session: handshake and base transfers", amounts)
        });
        let image = self.amounts(|column| column.image).collect();
        element("tfoot").children(rest).child(line("sum", "an image, all steps", image)).children(session)
    }
}

/// `conv2d s3 5x5, 6286 of 6400 weights`, then the node of the model.
fn operation(step: &Step) -> Element {
    let reads = step.inputs.iter().take(MAX_INPUTS).flat_map(|input| {
        [element("a").with("href", format_args!("#{input}")).text(input), element("span").text(" ")]
    });
    let more = step.inputs.len().saturating_sub(MAX_INPUTS);
    let more = (more > 0).then(|| element("span").text(format_args!("and {more} more")));
    let parameters = step.op.to_string();
    element("td")
        .child(element("b").text(step.op.name()))
        .text(" ")
        .children(reads)
        .children(more)
        .text(beginning(parameters.trim_start_matches([',', ' ']), MAX_PARAMETERS))
        .child(classed("div", "node").text(beginning(&step.name, MAX_NAME)))
}

/// `1.8 %`, with the counts in its title; empty without weights.
fn zeros(step: &Step) -> Element {
    let cell = classed("td", "number");
    let Some(weights) = step.op.weights().filter(|weights| !weights.is_empty()) else { return cell };
    let zeros = weights.iter().filter(|&&weight| weight == 0).count();
    let title = format!("{} of {} weights", grouped(zeros as u64), grouped(weights.len() as u64));
    cell.with("title", title).text(percent(zeros as f64 / weights.len() as f64))
}
