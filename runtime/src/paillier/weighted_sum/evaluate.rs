//! The layer's results, from the plans for its blocks.

use rayon::prelude::*;

use super::block::{Block, RowPlan, Tree};
use super::layer::{Layer, Strategy, Unit};
use super::power_product::{Levels, PowerProduct};
use super::recoding::Planner;
use crate::paillier::ciphertext::{CiphertextRef, Ciphertexts};
use crate::paillier::limbs::Limb;
use crate::paillier::modular::{Scratch, SquareModulus};
use crate::paillier::ops::{add_plain_assign, invert_all};
use crate::paillier::public_key::PublicKey;

/// What weights are for: inputs, then their inverses if the strategy wants them.
pub(super) struct Columns<'a> {
    pub(super) plain: &'a [CiphertextRef<'a>],
    pub(super) inverses: &'a [CiphertextRef<'a>],
}

/// One result per row of the layer.
pub(super) fn evaluate(
    key: &PublicKey,
    layer: &Layer<'_>,
    strategy: Strategy,
    columns: &Columns<'_>,
) -> Ciphertexts {
    let mut sums = Ciphertexts::ones(key, layer.rows.len());
    let stride = sums.stride();
    for wave in layer.waves(strategy.block) {
        let mut sides: Vec<Sides> = wave
            .into_par_iter()
            .flat_map(|unit| evaluate_unit(key, layer, strategy, columns, unit))
            .flatten()
            .collect();
        divide(key, &mut sides);
        sides
            .par_iter_mut()
            .for_each_init(|| key.scratch(), |scratch, sides| sides.finish(key, layer, scratch));
        for Sides { row, positive, .. } in sides {
            if let Some(limbs) = positive {
                sums.limbs_mut()[row * stride..][..stride].copy_from_slice(&limbs);
            }
        }
    }
    sums
}

/// The rows of a unit, bundle by bundle.
fn evaluate_unit<'a>(
    key: &'a PublicKey,
    layer: &'a Layer<'_>,
    strategy: Strategy,
    columns: &'a Columns<'_>,
    unit: Unit<'a>,
) -> impl ParallelIterator<Item = Vec<Sides>> + 'a {
    let block = layer.plan(unit, strategy.negatives, &mut Planner::default());
    unit.bundles.par_iter().map_init(
        || Worker::new(key.ring()),
        move |worker, &bundle| {
            let mut inputs = Vec::new();
            layer.rows.inputs(bundle, &mut inputs);
            worker.run(&block, &inputs, columns);
            let rows = layer.rows.bundle(bundle);
            let sides = worker.sides.drain(..).enumerate();
            let sides = sides.map(|(position, [positive, negative])| Sides {
                row: rows.row(unit.first + position),
                positive,
                negative,
            });
            sides.collect()
        },
    )
}

/// An element of the ring, unless there are no factors.
type Side = Option<Box<[Limb]>>;

/// One row, before the division.
struct Sides {
    row: usize,
    positive: Side,
    /// What the row is to be divided by, later its inverse.
    negative: Side,
}

impl Sides {
    /// The result, with the bias, as the positive side.
    fn finish(&mut self, key: &PublicKey, layer: &Layer<'_>, scratch: &mut Scratch) {
        let ring = key.ring();
        self.positive = match (self.positive.take(), self.negative.take()) {
            (Some(mut sum), Some(inverse)) => {
                ring.mul_assign(&mut sum, &inverse, scratch);
                Some(sum)
            }
            (sum, inverse) => sum.or(inverse),
        };
        let bias = layer.rows.bias(self.row);
        if bias.is_zero() {
            return;
        }
        match &mut self.positive {
            Some(sum) => add_plain_assign(key, sum, &bias, scratch),
            none => {
                let mut limbs = vec![0; ring.element_limbs()].into_boxed_slice();
                ring.encode_one_plus_multiple(&mut limbs, &bias, scratch);
                *none = Some(limbs);
            }
        }
    }
}

/// Inverts all negative sides.
fn divide(key: &PublicKey, sides: &mut [Sides]) {
    let mut divisors: Vec<&mut Box<[Limb]>> =
        sides.iter_mut().filter_map(|row| row.negative.as_mut()).collect();
    let mut inverses =
        Ciphertexts::gather(key, divisors.iter().map(|limbs| CiphertextRef::from_limbs(limbs)));
    invert_all(key, &mut inverses);
    for (divisor, inverse) in divisors.iter_mut().zip(inverses.iter()) {
        divisor.copy_from_slice(inverse.limbs());
    }
}

/// Computes bundles, one after another, on one thread.
struct Worker<'r> {
    ring: &'r SquareModulus,
    product: PowerProduct<'r>,
    /// The factors on the way from the root to the current row, by depth.
    factors: Vec<Vec<Limb>>,
    positive: Levels,
    negative: Levels,
    sides: Vec<[Side; 2]>,
}

impl<'r> Worker<'r> {
    fn new(ring: &'r SquareModulus) -> Self {
        Self {
            ring,
            product: PowerProduct::new(ring),
            factors: Vec::new(),
            positive: Levels::default(),
            negative: Levels::default(),
            sides: Vec::new(),
        }
    }

    /// Both sides of every row of a block.
    fn run(&mut self, block: &Block, inputs: &[usize], columns: &Columns<'_>) {
        let plain = inputs.iter().map(|&index| columns.plain[index].limbs());
        let inverses = inputs.iter().filter_map(|&index| Some(columns.inverses.get(index)?.limbs()));
        let all = block.columns.iter().copied().zip(plain.chain(inverses));
        self.reach(0);
        multiply(self.ring, self.product.scratch(), &mut self.factors[0], all);
        self.descend(&block.tree, 0);
    }

    /// Makes room for factors at a depth.
    fn reach(&mut self, depth: usize) {
        if self.factors.len() <= depth {
            self.factors.push(Vec::new());
        }
    }

    fn descend(&mut self, tree: &Tree, depth: usize) {
        match tree {
            Tree::Row(row) => {
                let sides = self.row(row, depth);
                self.sides.push(sides);
            }
            Tree::Split { factors, halves } => {
                self.reach(depth + 1);
                for (half, tree) in halves.iter().enumerate() {
                    let (above, below) = self.factors.split_at_mut(depth + 1);
                    let elements = above[depth].chunks_exact(self.ring.element_limbs());
                    let terms = factors.iter().map(|factor| factor[half]).zip(elements);
                    multiply(self.ring, self.product.scratch(), &mut below[0], terms);
                    self.descend(tree, depth + 1);
                }
            }
        }
    }

    fn row(&mut self, row: &RowPlan, depth: usize) -> [Side; 2] {
        let Some(choice) = row.choice else { return [None, None] };
        self.positive.clear();
        self.negative.clear();
        for (factor, &weight) in row.weights.iter().enumerate() {
            choice.recoding.digits(weight, |level, digit| {
                let side = if digit > 0 { &mut self.positive } else { &mut self.negative };
                side.push(level, (factor, digit.unsigned_abs() as usize));
            });
        }
        [&self.positive, &self.negative].map(|levels| {
            (!levels.is_empty()).then(|| {
                let mut limbs = vec![0; self.ring.element_limbs()].into_boxed_slice();
                self.product.compute(&mut limbs, &self.factors[depth], levels, choice.recoding);
                limbs
            })
        })
    }
}

/// Multiplies elements with the same number together, into `factors`. Numbers count from 1 in the order
/// of their first occurrence; elements with the number 0 are left out.
fn multiply<'e>(
    ring: &SquareModulus,
    scratch: &mut Scratch,
    factors: &mut Vec<Limb>,
    terms: impl Iterator<Item = (u32, &'e [Limb])>,
) {
    factors.clear();
    for (number, element) in terms.filter(|(number, _)| *number != 0) {
        let start = (number as usize - 1) * element.len();
        if start == factors.len() {
            factors.extend_from_slice(element);
        } else {
            ring.mul_assign(&mut factors[start..][..element.len()], element, scratch);
        }
    }
}
