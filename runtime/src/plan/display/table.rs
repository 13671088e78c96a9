//! Text in columns.

use std::fmt;

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
