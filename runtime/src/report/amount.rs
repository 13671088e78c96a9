//! Amounts in columns of a table.

use super::figures;
use super::markup::{Element, classed};

/// Something that is counted or measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    /// Of time.
    Seconds(f64),
    /// Of messages.
    Bytes(u64),
    /// Of anything.
    Count(u64),
}

impl Amount {
    /// Whether there is nothing to show.
    pub(super) fn is_zero(self) -> bool {
        match self {
            Amount::Seconds(seconds) => seconds <= 0.0,
            Amount::Bytes(count) | Amount::Count(count) => count == 0,
        }
    }

    /// Rounded, with its unit.
    pub(super) fn rounded(self) -> String {
        match self {
            Amount::Seconds(seconds) => figures::seconds(seconds),
            Amount::Bytes(count) => figures::bytes(count),
            Amount::Count(count) => figures::grouped(count),
        }
    }

    /// All its digits, with its unit.
    fn exact(self) -> String {
        match self {
            Amount::Seconds(seconds) => format!("{seconds} s"),
            Amount::Bytes(count) => format!("{} bytes", figures::grouped(count)),
            Amount::Count(count) => figures::grouped(count),
        }
    }

    /// A cell of a table, empty for nothing; its title has all digits.
    pub(super) fn cell(self) -> Element {
        let cell = classed("td", "number");
        if self.is_zero() { cell } else { cell.with("title", self.exact()).text(self.rounded()) }
    }
}

/// Amounts of all steps, with a heading.
pub(super) struct Column {
    pub(super) heading: &'static str,
    /// What it says, in a sentence.
    pub(super) meaning: &'static str,
    /// By step.
    pub(super) steps: Vec<Amount>,
    /// Of what comes before all steps, once in a session.
    pub(super) session: Amount,
    /// Of an image, all steps together.
    pub(super) image: Amount,
}

/// Columns with a heading in common.
pub(super) struct Group {
    pub(super) heading: &'static str,
    pub(super) columns: Vec<Column>,
}

impl Group {
    /// Of these columns, without those in which no step has anything to show.
    pub(super) fn new(heading: &'static str, mut columns: Vec<Column>) -> Self {
        columns.retain(|column| column.steps.iter().any(|amount| !amount.is_zero()));
        Self { heading, columns }
    }
}
