//! The stable text form of plans, for people and for snapshots.

mod table;
mod view;

pub(crate) use table::Table;

use super::input::{Colours, InputSpec};
use super::output::{OutputPart, OutputSpec, Revealed, spelled};
use super::{Cost, Knowledge, Layout, Op, Plan, PricedBatch, Step, StepId, Suite, ValidPlan};
use std::fmt;

/// The server's view: every step with its bounds and its cost.
impl fmt::Display for ValidPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan();
        writeln!(f, "plan    {} {}", self.id().short(), plan.name)?;
        write_borders(f, &self.client_view().input, &self.client_view().output)?;
        writeln!(f, "suite   {}, {} bit key", describe_suite(plan.suite), plan.key_bits)?;
        if let Some(check) = &plan.check {
            writeln!(f, "check   {check}")?;
        }
        writeln!(f)?;
        let mut table = Table::new(&["step", "computes", "shape", "bits", "from"]);
        table.align_right(3);
        for (id, step) in plan.steps() {
            let shape = step.shape.to_string();
            let computes = describe(&step.op, &step.inputs, step.layout);
            table.row([id.to_string(), computes, shape, step.bits.to_string(), step.name.clone()]);
        }
        writeln!(f, "{table}")?;
        if plan.offline_cost() == Cost::default() {
            return write!(f, "{}", CostTable::new("cost", plan, |step| step.cost));
        }
        writeln!(f, "{}", CostTable::new("offline", plan, |step| step.offline).after("setup", plan.setup))?;
        if !plan.batches.is_empty() {
            writeln!(f, "{}", batches(plan))?;
        }
        write!(f, "{}", CostTable::new("online", plan, |step| step.cost))
    }
}

fn write_borders(f: &mut fmt::Formatter<'_>, input: &InputSpec, output: &OutputSpec) -> fmt::Result {
    let preprocessing = &input.preprocessing;
    let (low, high) = preprocessing.raw_range;
    writeln!(
        f,
        "input   {}{}, raw {low} to {high}, (raw * {} - mean) / std",
        input.shape,
        match preprocessing.colours {
            Colours::Rgb => "",
            Colours::Bgr => " (BGR)",
        },
        preprocessing.scale
    )?;
    writeln!(f, "        mean {:?}, std {:?}, step {:?}", preprocessing.mean, preprocessing.std, input.step)?;
    for part in &output.parts {
        let name =
            if output.parts.len() > 1 { format!(" '{}'", part.name.escape_debug()) } else { String::new() };
        let (elements, revealed) = (describe_elements(part), describe_revealed(part, output.revealed));
        writeln!(
            f,
            "output {name} {elements} of {:e}, then {}{revealed}",
            part.scale,
            part.postprocessing.name()
        )?;
        if !part.names.is_empty() {
            writeln!(f, "        classes {}", describe_names(&part.names))?;
        }
    }
    Ok(())
}

/// `tench, goldfish, great white shark, and 997 more`
pub(crate) fn describe_names(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, and {more} more"),
    }
}

/// `10 logits`, `2x32x32 values`, `2x32x32 scores of 2 classes`.
pub(crate) fn describe_elements(part: &OutputPart) -> String {
    match part.scores() {
        _ if !part.is_map() => format!("{} logits", part.elements()),
        Some(scores) => format!("{} scores of {} classes", spelled(&part.axes), scores.classes),
        None => format!("{} values", spelled(&part.axes)),
    }
}

/// `; only the label is revealed`, or nothing where all logits are.
pub(crate) fn describe_revealed(part: &OutputPart, revealed: Revealed) -> String {
    match (revealed, part.positions()) {
        (Revealed::Logits, _) => String::new(),
        (Revealed::Label, 1) => "; only the label is revealed".into(),
        (Revealed::Label, positions) => format!("; only {positions} labels are revealed"),
    }
}

/// The suite with its parameters: `shared (masks 40 bits longer, ..)`.
pub(crate) fn describe_suite(suite: Suite) -> String {
    match suite {
        Suite::Blinded(parameters) => format!(
            "{suite} (scale {} octaves, grain {} bits, mask {} bits)",
            parameters.scale_bits, parameters.grain_bits, parameters.mask_bits
        ),
        Suite::Shared(parameters) => {
            format!("{suite} (masks {} bits longer, {})", parameters.mask_bits, parameters.transfers)
        }
    }
}

/// `conv2d s1 5x5, 6400 of 6400 weights`
fn describe<K: Knowledge>(op: &Op<K>, inputs: &[StepId], layout: Option<Layout>) -> String {
    let inputs = inputs.iter().map(StepId::to_string);
    let words: Vec<String> = [op.name().to_owned()].into_iter().chain(inputs).collect();
    words.join(" ") + &op.to_string() + &layout.map_or_else(String::new, describe_layout)
}

/// `, tiles 4x3, slots of 41 bits`; `, tiles 1x1, slots of 37 bits, 4 inputs in one, 11 results`
pub(crate) fn describe_layout(layout: Layout) -> String {
    let Layout { fraction, slot_bits, .. } = layout;
    let fraction = if fraction > 1 { format!(", {fraction} of them a fraction") } else { String::new() };
    format!(", {}, slots of {slot_bits} bits{fraction}{}", describe_tiles(layout), describe_packing(layout))
}

/// `tiles 4x3`
fn describe_tiles(layout: Layout) -> String {
    let [height, width] = layout.tile;
    format!("tiles {height}x{width}")
}

/// `, 64 images in one, 4 inputs in one, 11 results`
fn describe_packing(layout: Layout) -> String {
    let shared =
        [(layout.images, "images in one"), (layout.stacked, "inputs in one"), (layout.results, "results")];
    let shared = shared.into_iter().filter(|&(count, _)| count > 1);
    shared.map(|(count, what)| format!(", {count} {what}")).collect()
}

/// What several inferences cost that are prepared together, and how.
fn batches(plan: &Plan) -> Table {
    let mut table = CostTable::empty("together");
    for PricedBatch { batch, offline } in &plan.batches {
        table.row(cost_row(batch.inferences.to_string(), offline));
    }
    table
}

/// Costs of what costs something, and their sum.
struct CostTable {
    title: &'static str,
    rows: Vec<(String, Cost)>,
}

impl CostTable {
    fn new(title: &'static str, plan: &Plan, cost: impl Fn(&Step) -> Cost) -> Self {
        Self { title, rows: plan.steps().map(|(id, step)| (id.to_string(), cost(step))).collect() }
    }

    /// The headings alone.
    fn empty(title: &'static str) -> Table {
        let headings = [
            title,
            "products",
            "squarings",
            "inversions",
            "rerandom.",
            "encrypt.",
            "decrypt.",
            "OTs",
            "bytes up",
            "bytes down",
            "rounds",
        ];
        let mut table = Table::new(&headings);
        (1..headings.len()).for_each(|column| table.align_right(column));
        table
    }

    /// With something that comes before all steps.
    fn after(mut self, name: &str, cost: Cost) -> Self {
        self.rows.insert(0, (name.into(), cost));
        self
    }
}

impl fmt::Display for CostTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Self::empty(self.title);
        for (name, cost) in self.rows.iter().filter(|(_, cost)| *cost != Cost::default()) {
            table.row(cost_row(name.clone(), cost));
        }
        table.row(cost_row("total".into(), &self.rows.iter().map(|(_, cost)| *cost).sum()));
        write!(f, "{table}")
    }
}

fn cost_row(name: String, cost: &Cost) -> [String; 11] {
    let counts = cost.counts();
    std::array::from_fn(|column| match column {
        0 => name.clone(),
        column => counts[column - 1].to_string(),
    })
}
