//! Weighted sums of many ciphertexts: the kernel under every linear layer.
//!
//! A row is Enc(Σ w·x + bias) = Π c^w · Enc(bias). No ciphertext is ever raised to its weight: the
//! weights are cut into digits of a few bits, ciphertexts with equal digits are multiplied together
//! into *buckets*, and Π bucket_d^d takes one running product over the buckets, whose gaps are
//! bridged by short powers. The levels of digits are joined by Horner's rule, with `width` squarings
//! per level for the whole row. The width, and whether digits are balanced, are chosen for each row
//! by counting the products exactly.
//!
//! Negative weights: see [`Negatives`]; the cheaper way is chosen for the batch.
//!
//! Time depends on the weights, which the server owns, never on plaintexts.

mod power_product;
mod recoding;

use std::collections::HashMap;

use rayon::prelude::*;
use rug::Integer;

use self::power_product::{Levels, PowerProduct};
pub use self::recoding::Negatives;
use self::recoding::{Planner, Recoding};
use super::ciphertext::{Ciphertext, CiphertextRef, Ciphertexts};
use super::count::Count;
use super::limbs::Limb;
use super::ops::{add_plain_assign, invert_all, invert_count};
use super::public_key::PublicKey;

/// Rows whose negative parts are kept until they are inverted together.
const BLOCK: usize = 1024;

/// A sparse integer matrix with a bias per row, given row by row.
pub trait Rows: Sync {
    /// The number of rows: of results.
    fn len(&self) -> usize;

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the terms of a row: index of an input, weight. Zero weights may be left out.
    fn terms(&self, row: usize, out: &mut Vec<(usize, i64)>);

    /// The first row that has the same weights, in the same order, and a bias where this one has: it
    /// costs the same. By default the row itself.
    fn first_alike(&self, row: usize) -> usize {
        row
    }

    /// What is added to the row's weighted sum.
    fn bias(&self, row: usize) -> Integer;
}

/// One ciphertext Enc(Σ weight·input + bias) per row, in parallel. Input indices run over the
/// concatenation of `inputs`.
///
/// The results carry the inputs' randomness, and a row without terms none at all: re-randomise
/// whatever leaves the machine.
///
/// # Panics
/// If an index is out of range or an input belongs to a key of another size.
pub fn weighted_sums(key: &PublicKey, inputs: &[&Ciphertexts], rows: &dyn Rows) -> Ciphertexts {
    let elements: Vec<_> = inputs.iter().flat_map(|batch| batch.iter()).collect();
    match plan(elements.len(), rows).0 {
        Negatives::Apart => evaluate(key, &elements, None, rows),
        Negatives::InvertedInputs => {
            let mut inverses = Ciphertexts::with_capacity(key, elements.len());
            inputs.iter().for_each(|batch| inverses.append(batch));
            invert_all(key, &mut inverses);
            let inverses: Vec<_> = inverses.iter().collect();
            evaluate(key, &elements, Some(&inverses), rows)
        }
    }
}

/// The exact cost of [`weighted_sums`] over `inputs` ciphertexts.
pub fn weighted_sums_count(inputs: usize, rows: &dyn Rows) -> Count {
    plan(inputs, rows).1
}

/// The exact cost of one row with these weights, without the bias and without the inversions that
/// all rows share.
pub fn products_for_row(weights: &[i64], negatives: Negatives) -> Count {
    if weights.iter().all(|weight| *weight == 0) {
        return Count::default();
    }
    Planner::default().choose(weights, negatives).cost
}

/// The cheaper way for all rows, and its cost.
fn plan(inputs: usize, rows: &dyn Rows) -> (Negatives, Count) {
    let costs = row_costs(rows);
    let (mut apart, mut inverted) = (Count::default(), invert_count(inputs));
    for start in (0..rows.len()).step_by(BLOCK) {
        let block = (start..rows.len().min(start + BLOCK)).map(|row| &costs[&rows.first_alike(row)]);
        let mut negative_rows = 0;
        for cost in block {
            apart += cost.apart;
            inverted += cost.inverted;
            negative_rows += usize::from(cost.negative_side);
        }
        apart += invert_count(negative_rows);
    }
    if inverted.hundredths() < apart.hundredths() {
        (Negatives::InvertedInputs, inverted)
    } else {
        (Negatives::Apart, apart)
    }
}

/// Costs of a row, without inversions.
struct RowCost {
    apart: Count,
    inverted: Count,
    /// Whether there is a negative side when sides are apart.
    negative_side: bool,
}

/// The costs of those rows that are the first of their kind.
fn row_costs(rows: &dyn Rows) -> HashMap<usize, RowCost> {
    (0..rows.len())
        .into_par_iter()
        .filter(|&row| rows.first_alike(row) == row)
        .map_init(Default::default, |(apart, inverted, terms), row| {
            (row, row_cost(rows, row, apart, inverted, terms))
        })
        .collect()
}

fn row_cost(
    rows: &dyn Rows,
    row: usize,
    apart: &mut Planner,
    inverted: &mut Planner,
    terms: &mut Vec<(usize, i64)>,
) -> RowCost {
    terms.clear();
    rows.terms(row, terms);
    let weights: Vec<i64> = nonzero(terms).map(|(_, weight)| weight).collect();
    let has_bias = !rows.bias(row).is_zero();
    if weights.is_empty() {
        let cost = Count { products: u64::from(has_bias), ..Count::default() };
        return RowCost { apart: cost, inverted: cost, negative_side: false };
    }
    let bias = Count { products: 2 * u64::from(has_bias), ..Count::default() };
    let apart = apart.choose(&weights, Negatives::Apart);
    let inverted = inverted.choose(&weights, Negatives::InvertedInputs);
    RowCost { apart: apart.cost + bias, inverted: inverted.cost + bias, negative_side: apart.negative_side }
}

fn nonzero(terms: &[(usize, i64)]) -> impl Iterator<Item = (usize, i64)> {
    terms.iter().copied().filter(|(_, weight)| *weight != 0)
}

fn evaluate(
    key: &PublicKey,
    inputs: &[CiphertextRef<'_>],
    inverses: Option<&[CiphertextRef<'_>]>,
    rows: &dyn Rows,
) -> Ciphertexts {
    let mut sums = Ciphertexts::ones(key, rows.len());
    let stride = sums.stride();
    for (block, limbs) in sums.limbs_mut().chunks_mut(BLOCK * stride).enumerate() {
        let negatives: Vec<Option<NegativePart>> = limbs
            .par_chunks_exact_mut(stride)
            .enumerate()
            .map_init(
                || RowWorker::new(key, inputs, inverses),
                |worker, (index, out)| worker.run(rows, block * BLOCK + index, out),
            )
            .collect();
        join(key, limbs, negatives);
    }
    sums
}

/// The product that a row is to be divided by.
struct NegativePart {
    limbs: Box<[Limb]>,
    /// Whether the row has nothing else, so that the inverse is the result.
    alone: bool,
}

/// Divides every row by its negative part.
fn join(key: &PublicKey, sums: &mut [Limb], negatives: Vec<Option<NegativePart>>) {
    let stride = key.ring().element_limbs();
    let mut inverses = Ciphertexts::with_capacity(key, negatives.iter().flatten().count());
    let mut divided = Vec::with_capacity(inverses.len());
    for (sum, part) in sums.chunks_exact_mut(stride).zip(negatives) {
        if let Some(NegativePart { limbs, alone }) = part {
            inverses.push(Ciphertext::from_limbs(limbs).as_ref());
            divided.push((sum, alone));
        }
    }
    invert_all(key, &mut inverses);
    divided.into_par_iter().zip(inverses.limbs().par_chunks_exact(stride)).for_each_init(
        || key.scratch(),
        |scratch, ((sum, alone), inverse)| {
            if alone {
                sum.copy_from_slice(inverse);
            } else {
                key.ring().mul_assign(sum, inverse, scratch);
            }
        },
    );
}

/// Computes rows, one after another, on one thread.
struct RowWorker<'a> {
    key: &'a PublicKey,
    inputs: &'a [CiphertextRef<'a>],
    inverses: Option<&'a [CiphertextRef<'a>]>,
    planner: Planner,
    product: PowerProduct<'a>,
    terms: Vec<(usize, i64)>,
    weights: Vec<i64>,
    positive: Levels<'a>,
    negative: Levels<'a>,
}

impl<'a> RowWorker<'a> {
    fn new(
        key: &'a PublicKey,
        inputs: &'a [CiphertextRef<'a>],
        inverses: Option<&'a [CiphertextRef<'a>]>,
    ) -> Self {
        Self {
            key,
            inputs,
            inverses,
            planner: Planner::default(),
            product: PowerProduct::new(key.ring()),
            terms: Vec::new(),
            weights: Vec::new(),
            positive: Levels::default(),
            negative: Levels::default(),
        }
    }

    /// Computes a row into `out`, which holds the number 1, up to the division by the part returned.
    fn run(&mut self, rows: &dyn Rows, row: usize, out: &mut [Limb]) -> Option<NegativePart> {
        self.terms.clear();
        rows.terms(row, &mut self.terms);
        self.weights.clear();
        self.weights.extend(nonzero(&self.terms).map(|(_, weight)| weight));
        let negative = if self.weights.is_empty() { None } else { self.sum(out) };

        let bias = rows.bias(row);
        let nothing_yet = self.weights.is_empty() || self.positive.is_empty();
        if !bias.is_zero() && nothing_yet {
            self.key.ring().encode_one_plus_multiple(out, &bias, self.product.scratch());
        } else if !bias.is_zero() {
            add_plain_assign(self.key, out, &bias, self.product.scratch());
        }
        negative.map(|limbs| NegativePart { limbs, alone: nothing_yet && bias.is_zero() })
    }

    /// The positive side into `out`, if there is one; the negative side is returned.
    fn sum(&mut self, out: &mut [Limb]) -> Option<Box<[Limb]>> {
        let negatives = if self.inverses.is_some() { Negatives::InvertedInputs } else { Negatives::Apart };
        let recoding = self.planner.choose(&self.weights, negatives).recoding;
        self.distribute(recoding);
        if !self.positive.is_empty() {
            self.product.compute(out, &self.positive, recoding);
        }
        (!self.negative.is_empty()).then(|| {
            let mut limbs = vec![0; out.len()].into_boxed_slice();
            self.product.compute(&mut limbs, &self.negative, recoding);
            limbs
        })
    }

    /// Puts the digits of the row's weights into the levels of their side.
    fn distribute(&mut self, recoding: Recoding) {
        self.positive.clear();
        self.negative.clear();
        for (index, weight) in nonzero(&self.terms) {
            recoding.digits(weight, |level, digit| {
                let magnitude = digit.unsigned_abs() as usize;
                let plain = self.inputs[index].limbs();
                match self.inverses {
                    _ if digit > 0 => self.positive.push(level, (plain, magnitude)),
                    Some(inverses) => self.positive.push(level, (inverses[index].limbs(), magnitude)),
                    None => self.negative.push(level, (plain, magnitude)),
                }
            });
        }
    }
}

#[cfg(test)]
mod tests;
