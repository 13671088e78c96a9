//! The stable text form of plans, for people and for snapshots.

use super::cost::Cost;
use super::exchange::{Exchange, ExchangeKind};
use super::ids::StepId;
use super::input::{Colours, InputSpec, OutputSpec};
use super::ops::Op;
use super::suite::Suite;
use super::validate::ValidPlan;
use super::view::ClientPlan;
use super::{Plan, Step};
use std::fmt;

/// The server's view: every step with its bounds and its cost.
impl fmt::Display for ValidPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan();
        writeln!(f, "plan    {} {}", self.id().short(), plan.name)?;
        write_borders(f, &self.client_view().input, &self.client_view().output)?;
        writeln!(f, "suite   {}, {} bit key", describe_suite(plan.suite), plan.key_bits)?;
        writeln!(f)?;
        let mut table = Table::new(&["step", "computes", "shape", "bits", "from"]);
        table.align_right(3);
        for (id, step) in plan.steps() {
            let shape = step.shape.to_string();
            table.row([id.to_string(), describe(step), shape, step.bits.to_string(), step.name.clone()]);
        }
        writeln!(f, "{table}")?;
        write!(f, "{}", CostTable(plan))
    }
}

/// What the client is given.
impl fmt::Display for ClientPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "view    {}", self.id.short())?;
        write_borders(f, &self.input, &self.output)?;
        writeln!(f, "suite   {}, {} bit key", describe_suite(self.suite), self.key_bits)?;
        writeln!(f)?;
        let mut table = Table::new(&["round", "asks", "values", "bits", "ciphertexts down", "up"]);
        (0..6).filter(|&column| column != 1).for_each(|column| table.align_right(column));
        for (round, exchange) in (1..).zip(&self.exchanges) {
            table.row(self.exchange_row(round, exchange));
        }
        let reveal = &self.reveal;
        let down = reveal.ciphertexts(self.key_bits);
        let numbers = [reveal.count.to_string(), reveal.bits.to_string(), down.to_string(), "0".into()];
        let [count, bits, down, up] = numbers;
        let round = self.exchanges.len() + 1;
        table.row([round.to_string(), "reveal".into(), count, bits, down, up]);
        write!(f, "{table}")
    }
}

impl ClientPlan {
    fn exchange_row(&self, round: usize, exchange: &Exchange) -> [String; 6] {
        let kind = match exchange.kind {
            ExchangeKind::Relu => "relu",
            ExchangeKind::Sign => "sign",
            ExchangeKind::Rescale { .. } => "rescale",
        };
        let down = exchange.packed_ciphertexts(self.blinded(), self.key_bits);
        let numbers = [exchange.count, exchange.bits as usize, down, exchange.reply_ciphertexts()];
        let [count, bits, down, up] = numbers.map(|number| number.to_string());
        [round.to_string(), kind.into(), count, bits, down, up]
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
    writeln!(
        f,
        "output  {} logits of {:e}, then {}",
        output.classes,
        output.scale,
        output.postprocessing.name()
    )
}

fn describe_suite(suite: Suite) -> String {
    let Suite::Blinded(parameters) = suite;
    format!(
        "{suite} (scale {} octaves, grain {} bits, mask {} bits)",
        parameters.scale_bits, parameters.grain_bits, parameters.mask_bits
    )
}

/// `conv2d s1 5x5, 6400 of 6400 weights`
fn describe(step: &Step) -> String {
    let inputs: Vec<String> = step.inputs.iter().map(StepId::to_string).collect();
    let mut text = [vec![step.op.name().to_owned()], inputs].concat().join(" ");
    match &step.op {
        Op::Conv2d(conv) => {
            text += &format!(" {}", conv.window);
            if conv.groups > 1 {
                text += &format!(" groups {}", conv.groups);
            }
            text += &describe_weights(&conv.weights);
        }
        Op::Dense(dense) => text += &describe_weights(&dense.weights),
        Op::SumPool(pool) => {
            text += &format!(" {}", pool.window);
            if let Some(common) = pool.balance {
                text += &format!(" balance {common}");
            }
        }
        Op::MaxPool(window) => text += &format!(" {window}"),
        Op::Add { multipliers } => text += &format!(" times {multipliers:?}"),
        Op::Rescale { bits } => text += &format!(" by 2^{bits}"),
        Op::Input | Op::Concat | Op::Relu | Op::Sign | Op::Reveal => {}
    }
    text
}

fn describe_weights(weights: &[i32]) -> String {
    let nonzero = weights.iter().filter(|&&w| w != 0).count();
    format!(", {nonzero} of {} weights", weights.len())
}

/// Costs of the steps that cost something, and their sum.
struct CostTable<'a>(&'a Plan);

impl fmt::Display for CostTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headings = [
            "cost",
            "products",
            "squarings",
            "inversions",
            "rerandom.",
            "encrypt.",
            "decrypt.",
            "bytes up",
            "bytes down",
            "rounds",
        ];
        let mut table = Table::new(&headings);
        (1..headings.len()).for_each(|column| table.align_right(column));
        for (id, step) in self.0.steps().filter(|(_, step)| step.cost != Cost::default()) {
            table.row(cost_row(id.to_string(), &step.cost));
        }
        table.row(cost_row("total".into(), &self.0.total_cost()));
        write!(f, "{table}")
    }
}

fn cost_row(name: String, cost: &Cost) -> [String; 10] {
    let counts = cost.counts();
    std::array::from_fn(|column| match column {
        0 => name.clone(),
        column => counts[column - 1].to_string(),
    })
}

/// Text in aligned columns.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(ToString::to_string).collect()],
            right: vec![false; headings.len()],
        }
    }

    pub(crate) fn align_right(&mut self, column: usize) {
        self.right[column] = true;
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    fn width(&self, column: usize) -> usize {
        self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.right.len()).map(|column| self.width(column)).collect();
        for row in &self.rows {
            let cells =
                row.iter().zip(&widths).zip(&self.right).map(|((cell, &width), &right)| match right {
                    true => format!("{cell:>width$}"),
                    false => format!("{cell:<width$}"),
                });
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}
