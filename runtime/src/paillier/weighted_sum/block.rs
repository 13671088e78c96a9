//! How a block of rows over the same inputs is summed: shared work first, then each row alone.
//!
//! Inputs whose weights are equal in every row of the block are multiplied together, once for all rows.
//! The products, one for each pattern of weights that occurs, are the inputs of both halves of the block,
//! which do the same, until each row has one factor for every value that its weights have. A merge never
//! costs more than it saves: two inputs become one for every row in which they count.
//!
//! For r ternary rows there are 3^r − 1 patterns, so of 1024 inputs most are multiplied once instead of once
//! for every row: this is the method of subset products (four Russians) turned round, products of
//! subsets of *inputs* shared between outputs. Binary and narrow weights gain alike; rows of wide
//! weights have few patterns in common, and nothing is lost.

use super::numbering::number;
use super::recoding::{Choice, Planner};
use crate::paillier::count::Count;

/// The plan for one block.
pub(super) struct Block {
    /// For every column its factor at the root, counted from 1; 0 where all rows have weight 0.
    pub(super) columns: Vec<u32>,
    pub(super) tree: Tree,
}

/// What becomes of the factors of a block of rows.
pub(super) enum Tree {
    /// A single row.
    Row(RowPlan),
    /// Several rows.
    Split {
        /// For every factor the ones that it belongs to in either half, counted from 1; 0 for none.
        factors: Vec<[u32; 2]>,
        /// The first half of the rows, then the second.
        halves: Box<[Tree; 2]>,
    },
}

/// A row over factors with different weights.
pub(super) struct RowPlan {
    /// The weight of every factor.
    pub(super) weights: Vec<i64>,
    /// How the powers are multiplied; `None` if there are no factors.
    pub(super) choice: Option<Choice>,
}

impl Block {
    /// The plan for at least one row of weights, one for each column.
    pub(super) fn plan(rows: &[Vec<i64>], planner: &mut Planner) -> Self {
        let (columns, tree) = Tree::plan(rows, planner);
        Self { columns, tree }
    }

    /// Products and squarings, without biases and without dividing by negative sides.
    pub(super) fn cost(&self) -> Count {
        merging(self.columns.iter().copied(), self.tree.factors()) + self.tree.cost()
    }

    /// The cost in hundredths of a product, with shares of inversions.
    pub(super) fn hundredths(&self) -> u64 {
        let shares =
            self.rows().into_iter().flat_map(|row| row.choice).map(|choice| choice.inversion_share());
        self.cost().hundredths() + shares.sum::<u64>()
    }

    /// The rows in order.
    pub(super) fn rows(&self) -> Vec<&RowPlan> {
        let mut rows = Vec::new();
        self.tree.visit(&mut |row| rows.push(row));
        rows
    }
}

impl Tree {
    fn plan(rows: &[Vec<i64>], planner: &mut Planner) -> (Vec<u32>, Self) {
        if let [row] = rows {
            return Self::plan_row(row, planner);
        }
        let (first, second) = rows.split_at(rows.len() / 2);
        let (first_columns, first) = Self::plan(first, planner);
        let (second_columns, second) = Self::plan(second, planner);
        let seconds = second.factors() as u64 + 1;
        let pairs = first_columns.into_iter().zip(second_columns);
        let keys = pairs.map(|(first, second)| u64::from(first) * seconds + u64::from(second));
        let largest = (first.factors() as u64 + 1) * seconds - 1;
        let (columns, keys) = number(keys.map(|key| (key != 0).then_some(key)), largest);
        let factors = keys.into_iter().map(|key| [key / seconds, key % seconds].map(|factor| factor as u32));
        (columns, Self::Split { factors: factors.collect(), halves: Box::new([first, second]) })
    }

    fn plan_row(row: &[i64], planner: &mut Planner) -> (Vec<u32>, Self) {
        let (least, most) =
            row.iter().fold((0, 0), |(least, most), &weight| (weight.min(least), weight.max(most)));
        let keys = row.iter().map(|&weight| (weight != 0).then_some(weight.abs_diff(least)));
        let (columns, keys) = number(keys, most.abs_diff(least));
        let weights: Vec<i64> = keys.into_iter().map(|key| least.wrapping_add_unsigned(key)).collect();
        let choice = (!weights.is_empty()).then(|| planner.choose(&weights));
        (columns, Self::Row(RowPlan { weights, choice }))
    }

    /// How many factors there are.
    pub(super) fn factors(&self) -> usize {
        match self {
            Self::Row(row) => row.weights.len(),
            Self::Split { factors, .. } => factors.len(),
        }
    }

    fn cost(&self) -> Count {
        match self {
            Self::Row(row) => row.choice.map_or_else(Count::default, |choice| choice.cost),
            Self::Split { factors, halves } => (0..2)
                .map(|half| {
                    let merging = merging(factors.iter().map(|factor| factor[half]), halves[half].factors());
                    merging + halves[half].cost()
                })
                .sum(),
        }
    }

    fn visit<'t>(&'t self, action: &mut impl FnMut(&'t RowPlan)) {
        match self {
            Self::Row(row) => action(row),
            Self::Split { halves, .. } => halves.iter().for_each(|half| half.visit(action)),
        }
    }
}

/// What it takes to multiply inputs into so many factors.
fn merging(numbers: impl Iterator<Item = u32>, factors: usize) -> Count {
    let merged = numbers.filter(|number| *number != 0).count() - factors;
    Count { products: merged as u64, ..Count::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(rows: &[Vec<i64>]) -> Count {
        Block::plan(rows, &mut Planner::default()).cost()
    }

    #[test]
    fn equal_columns_are_merged_once_for_all_rows() {
        let rows = [vec![1, 1, 0, -1, 1], vec![1, 1, 0, 1, 1], vec![0, 0, 0, 1, 0]];
        let block = Block::plan(&rows, &mut Planner::default());
        assert_eq!(block.columns, [1, 1, 0, 2, 1]);
        // Three inputs into one factor; in the second row that and the other are multiplied.
        assert_eq!(block.cost().products, 2 + 1 + 1);
    }

    #[test]
    fn rows_of_zeros_cost_nothing() {
        assert_eq!(cost(&[vec![0; 9], vec![0; 9]]), Count::default());
        assert_eq!(cost(&[vec![]]), Count::default());
    }

    #[test]
    fn rows_with_nothing_in_common_cost_what_they_cost_alone() {
        let rows: Vec<Vec<i64>> = (0..3)
            .map(|row| (0..30).map(|column| 7 * column + 1 + row * column * column).collect())
            .collect();
        let alone: Count = rows.iter().map(|row| cost(std::slice::from_ref(row))).sum();
        assert_eq!(cost(&rows), alone);
    }
}
