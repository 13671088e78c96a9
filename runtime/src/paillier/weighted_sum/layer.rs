//! A whole layer: how it is cut into blocks, and what that costs.

use std::collections::HashMap;

use rayon::prelude::*;

use super::block::Block;
use super::recoding::Planner;
use super::rows::Rows;
use crate::paillier::count::Count;
use crate::paillier::ops::invert_count;

/// Rows that are in memory twice, and share inversions, before they are joined: at least so many.
const WAVE_ROWS: usize = 1024;

/// Bundles of a class that one plan serves before it is made again.
const UNIT_BUNDLES: usize = 256;

/// Largest block of rows tried.
const MAX_BLOCK: usize = 8;

/// Rows on which strategies are compared, about.
const SAMPLE_ROWS: usize = 8;

/// A larger block must be cheaper by this part at least, or no larger ones are tried.
const LEAST_GAIN: f64 = 0.005;

/// How a batch gets the negative weights' share into its sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Negatives {
    /// Positive and negative digits of a row accumulate apart; the second product is inverted, many
    /// rows' together.
    Apart,
    /// The inputs are inverted once, all together, and the inverses are columns of their own, so that no
    /// weight is negative.
    InvertedInputs,
}

/// What is chosen for a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strategy {
    pub(super) negatives: Negatives,
    /// Rows per block.
    pub(super) block: usize,
}

impl Strategy {
    /// Each row for itself.
    const ALONE: Self = Self { negatives: Negatives::Apart, block: 1 };
}

/// Rows with what they have in common.
pub(super) struct Layer<'r> {
    pub(super) rows: &'r dyn Rows,
    /// Bundles with the same weights; in each class in order.
    classes: Vec<Vec<usize>>,
}

/// A block of rows in some bundles of one class: what one plan is made for.
#[derive(Clone, Copy)]
pub(super) struct Unit<'l> {
    pub(super) bundles: &'l [usize],
    /// The block's first row, by position in the bundle.
    pub(super) first: usize,
    pub(super) rows: usize,
}

impl<'r> Layer<'r> {
    pub(super) fn new(rows: &'r dyn Rows) -> Self {
        let mut classes: Vec<Vec<usize>> = Vec::new();
        let mut known = HashMap::new();
        for bundle in 0..rows.bundles() {
            let class = *known.entry(rows.first_alike(bundle)).or_insert(classes.len());
            match classes.get_mut(class) {
                Some(class) => class.push(bundle),
                None => classes.push(vec![bundle]),
            }
        }
        Self { rows, classes }
    }

    /// The strategy that is cheapest for `inputs` ciphertexts, judged by some rows of the most frequent
    /// bundle.
    pub(super) fn choose(&self, inputs: usize) -> Strategy {
        let Some(class) = self.classes.iter().max_by_key(|class| class.len()) else { return Strategy::ALONE };
        let rows = self.rows.len() as f64;
        let ((apart, apart_cost), (inverted, inverted_cost)) = rayon::join(
            || self.choose_block(&class[..1], Negatives::Apart),
            || self.choose_block(&class[..1], Negatives::InvertedInputs),
        );
        if invert_count(inputs).hundredths() as f64 + rows * inverted_cost < rows * apart_cost {
            inverted
        } else {
            apart
        }
    }

    /// The best block size, and the cost per row.
    fn choose_block(&self, bundle: &[usize], negatives: Negatives) -> (Strategy, f64) {
        let mut planner = Planner::default();
        let most = self.rows.bundle(bundle[0]).len.min(MAX_BLOCK);
        let mut best = (Strategy::ALONE, f64::INFINITY);
        for block in 1..=most {
            let cost = self.cost_per_row(bundle, block, negatives, &mut planner);
            if cost > best.1 * (1.0 - LEAST_GAIN) {
                break;
            }
            best = (Strategy { negatives, block }, cost);
        }
        best
    }

    /// Hundredths of a product for each of a sample of rows.
    fn cost_per_row(
        &self,
        bundle: &[usize],
        block: usize,
        negatives: Negatives,
        planner: &mut Planner,
    ) -> f64 {
        let rows = self.rows.bundle(bundle[0]).len;
        let blocks = (rows / block).min(SAMPLE_ROWS.div_ceil(block));
        let mut cost = 0;
        for sample in 0..blocks {
            let first = sample * (rows / block) / blocks * block;
            let plan = self.plan(Unit { bundles: bundle, first, rows: block }, negatives, planner);
            cost += plan.hundredths();
        }
        cost as f64 / (blocks * block) as f64
    }

    /// The plan for a unit.
    pub(super) fn plan(&self, unit: Unit<'_>, negatives: Negatives, planner: &mut Planner) -> Block {
        let weights = |position| {
            let mut weights = Vec::new();
            self.rows.weights(unit.bundles[0], unit.first + position, &mut weights);
            match negatives {
                Negatives::Apart => weights,
                Negatives::InvertedInputs => in_two_columns(&weights),
            }
        };
        Block::plan(&(0..unit.rows).map(weights).collect::<Vec<_>>(), planner)
    }

    /// The work of the layer in waves of units.
    pub(super) fn waves(&self, block: usize) -> impl Iterator<Item = Vec<Unit<'_>>> {
        let mut units = self.units(block).peekable();
        std::iter::from_fn(move || {
            units.peek()?;
            let (mut wave, mut rows) = (Vec::new(), 0);
            while rows < WAVE_ROWS
                && let Some(unit) = units.next()
            {
                rows += unit.rows * unit.bundles.len();
                wave.push(unit);
            }
            Some(wave)
        })
    }

    fn units(&self, block: usize) -> impl Iterator<Item = Unit<'_>> {
        self.classes.iter().flat_map(move |class| {
            let rows = self.rows.bundle(class[0]).len;
            (0..rows).step_by(block).flat_map(move |first| {
                let unit = move |bundles| Unit { bundles, first, rows: block.min(rows - first) };
                class.chunks(UNIT_BUNDLES).map(unit)
            })
        })
    }

    /// What everything costs with this strategy, exactly.
    pub(super) fn cost(&self, inputs: usize, strategy: Strategy) -> Count {
        let costs = self.unit_costs(strategy);
        let mut total = match strategy.negatives {
            Negatives::Apart => Count::default(),
            Negatives::InvertedInputs => invert_count(inputs),
        };
        for wave in self.waves(strategy.block) {
            let mut negative_sides = 0;
            for unit in wave {
                let cost = &costs[&(unit.class(self.rows), unit.first)];
                total += cost.each.times(unit.bundles.len() as u64);
                negative_sides += cost.negative_sides * unit.bundles.len();
            }
            total += invert_count(negative_sides);
        }
        total
    }

    /// The costs of blocks in the first bundle of each class, by class and first row.
    fn unit_costs(&self, strategy: Strategy) -> HashMap<(usize, usize), UnitCost> {
        let firsts: Vec<Unit<'_>> =
            self.units(strategy.block).filter(|unit| unit.bundles[0] == unit.class(self.rows)).collect();
        let cost = |planner: &mut Planner, unit: Unit<'_>| {
            let block = self.plan(unit, strategy.negatives, planner);
            ((unit.class(self.rows), unit.first), self.unit_cost(unit, &block))
        };
        firsts.into_par_iter().map_init(Planner::default, cost).collect()
    }

    fn unit_cost(&self, unit: Unit<'_>, block: &Block) -> UnitCost {
        let mut cost = UnitCost { each: block.cost(), negative_sides: 0 };
        let bundle = self.rows.bundle(unit.bundles[0]);
        for (position, row) in block.rows().into_iter().enumerate() {
            let has_bias = !self.rows.bias(bundle.row(unit.first + position)).is_zero();
            // A constant takes two products, but alone it takes one.
            cost.each.products += u64::from(has_bias) * if row.choice.is_some() { 2 } else { 1 };
            cost.negative_sides += usize::from(row.choice.is_some_and(|choice| choice.negative_side));
        }
        cost
    }
}

impl Unit<'_> {
    /// The first bundle of its class.
    fn class(self, rows: &dyn Rows) -> usize {
        rows.first_alike(self.bundles[0])
    }
}

/// Costs of a block in one bundle, without inversions.
struct UnitCost {
    each: Count,
    /// Rows with a product to be inverted.
    negative_sides: usize,
}

/// Weights for the inputs, then for their inverses.
fn in_two_columns(weights: &[i64]) -> Vec<i64> {
    let positive = weights.iter().map(|&weight| weight.max(0));
    let negative = weights.iter().map(|&weight| (-weight).max(0));
    positive.chain(negative).collect()
}
