//! An arrangement as SVG.

use super::super::figures::percent;
use super::super::markup::{Element, beginning, classed, element};
use super::arrange::{Arrangement, Edge};
use super::heat::Heat;
use super::label::fitted;
use crate::plan::{Plan, Step, StepId};

/// Steps of a network that is drawn, at most.
const MAX_BOXES: usize = 4096;
/// Values that its steps read together, at most.
const MAX_EDGES: usize = 1 << 14;

/// Characters of a name in a title or a table, at most.
pub(in crate::report) const MAX_NAME: usize = 200;

const BOX: [usize; 2] = [212, 42];
const GAP: [usize; 2] = [26, 30];
const CHANNEL: usize = 14;
const MARGIN: usize = 12;
/// Columns of text in a box.
const COLUMNS: usize = 29;

/// A network that can be drawn.
pub(in crate::report) struct Drawing<'a> {
    plan: &'a Plan,
    /// By step: its share of the cost, 0 to 1.
    shares: &'a [f64],
    pub(super) heat: Heat,
    arrangement: Arrangement,
}

impl<'a> Drawing<'a> {
    /// Of `plan`, whose steps have these shares of the cost; `None` where it has too many steps.
    pub(in crate::report) fn new(plan: &'a Plan, shares: &'a [f64]) -> Option<Self> {
        let edges: usize = plan.steps.iter().map(|step| step.inputs.len()).sum();
        if plan.steps.len() > MAX_BOXES || edges > MAX_EDGES {
            return None;
        }
        let arrangement = Arrangement::new(&plan.steps.iter().map(inputs).collect::<Vec<_>>());
        Some(Self { plan, shares, heat: Heat::of(shares), arrangement })
    }

    /// What one box of each class stands for.
    pub(in crate::report) fn classes(&self) -> [String; 5] {
        self.heat.ends().map(percent)
    }

    /// Width and height of the picture, in pixels.
    pub(super) fn size(&self) -> [usize; 2] {
        let Arrangement { rows, lanes, .. } = self.arrangement;
        [self.left(lanes) - GAP[0] + MARGIN, self.top(rows) - GAP[1] + MARGIN]
    }

    /// The picture, whose boxes are links to the steps' rows.
    pub(in crate::report) fn linked(&self) -> Element {
        let [width, height] = self.size();
        let link = |(id, step)| {
            let link = element("a").with("id", format_args!("box-{id}")).with("href", format_args!("#{id}"));
            link.child(self.step(id, step))
        };
        classed("svg", "network")
            .with("xmlns", "http://www.w3.org/2000/svg")
            .with("role", "group")
            .with("aria-label", "The steps of the network from top to bottom")
            .with("width", width)
            .with("height", height)
            .with("viewBox", format_args!("0 0 {width} {height}"))
            .child(self.lines())
            .children(self.plan.steps().map(link))
    }

    /// All lines.
    pub(super) fn lines(&self) -> Element {
        classed("path", "line")
            .with("d", self.arrangement.edges.iter().map(|edge| self.way(edge)).collect::<String>())
    }

    /// All boxes.
    pub(super) fn boxes(&self) -> impl Iterator<Item = Element> {
        self.plan.steps().map(|(id, step)| self.step(id, step))
    }

    fn step(&self, id: StepId, step: &Step) -> Element {
        let place = self.arrangement.places[id.index()];
        let [x, y] = [self.left(place.lane), self.top(place.row)];
        let share = self.shares[id.index()];
        let shape = step.shape.to_string();
        let op = fitted(&format!("{id} {}", step.op.name()), COLUMNS - 8);
        let name = fitted(&step.name, (COLUMNS - 1).saturating_sub(shape.len()));
        let text = |class: &str, x: usize, y: usize| classed("text", class).with("x", x).with("y", y);
        let right = x + BOX[0] - 10;
        let rectangle =
            element("rect").with("x", x).with("y", y).with("width", BOX[0]).with("height", BOX[1]);
        classed("g", format_args!("box heat{}", self.heat.class(share)))
            .child(element("title").text(format_args!(
                "{id} {}: {}",
                step.op.name(),
                beginning(&step.name, MAX_NAME)
            )))
            .child(rectangle.with("rx", 6))
            .child(text("op", x + 10, y + 17).text(op))
            .child(text("share", right, y + 17).text(percent(share)))
            .child(text("name", x + 10, y + 33).text(name))
            .child(text("shape", right, y + 33).text(shape))
    }

    /// From the bottom of a box to the top of another.
    fn way(&self, edge: &Edge) -> String {
        let [from, to] = [edge.from, edge.to].map(|step| self.arrangement.places[step]);
        let [above, below] = [self.top(from.row) + BOX[1], self.top(to.row)];
        let is_near = to.row == from.row + 1;
        let via = match edge.channel {
            Some(channel) => self.channel(channel),
            None if is_near => self.middle(to.lane),
            None => self.middle(from.lane),
        };
        let start = attached(self.middle(from.lane), via);
        let end = attached(self.middle(to.lane), if is_near { self.middle(from.lane) } else { via });
        let begin = format!("M{start} {above}");
        if is_near {
            return begin + &curve([start, above], [end, below]);
        }
        let [first, last] = [above + GAP[1], below - GAP[1]];
        begin + &curve([start, above], [via, first]) + &format!("V{last}") + &curve([via, last], [end, below])
    }

    /// The left edge of a lane.
    fn left(&self, lane: usize) -> usize {
        MARGIN + self.arrangement.channels * CHANNEL + lane * (BOX[0] + GAP[0])
    }

    fn middle(&self, lane: usize) -> usize {
        self.left(lane) + BOX[0] / 2
    }

    /// The upper edge of a row.
    fn top(&self, row: usize) -> usize {
        MARGIN + row * (BOX[1] + GAP[1])
    }

    /// The first channel is next to the boxes.
    fn channel(&self, channel: usize) -> usize {
        MARGIN + (self.arrangement.channels - 1 - channel) * CHANNEL + CHANNEL / 2
    }
}

/// What a step reads, each once.
fn inputs(step: &Step) -> Vec<usize> {
    let mut inputs: Vec<usize> = step.inputs.iter().map(|input| input.index()).collect();
    inputs.sort_unstable();
    inputs.dedup();
    inputs
}

/// Where a line to or from the side of `other` touches a box with this middle.
fn attached(middle: usize, other: usize) -> usize {
    match other.cmp(&middle) {
        std::cmp::Ordering::Less => middle - BOX[0] / 4,
        std::cmp::Ordering::Equal => middle,
        std::cmp::Ordering::Greater => middle + BOX[0] / 4,
    }
}

/// From one point to another, upright at both.
fn curve([x, y]: [usize; 2], [to_x, to_y]: [usize; 2]) -> String {
    let half = usize::midpoint(y, to_y);
    format!("C{x} {half} {to_x} {half} {to_x} {to_y}")
}
