//! The online part of suite `shared`: a schedule executed on shares, the same way by both parties.
//!
//! ```text
//! client (x)                                         server
//! shares of the image: x                             0
//! for each step, in order:
//!   linear, first to read a value with shares (a, b):
//!     a − r, r the value's mask                 ──▶  x − r = (a − r) + b
//!     its share of W·r                               W·(x − r) + bias, and its share of W·r
//!   sums, pools of sums, concatenations, gathers: each party on its own shares; the server adds constants
//!   activations, products of two values: protocol/shared     ◀─▶
//!   reveal                                      ◀──  its share of the result
//! ```
//!
//! # Who learns what
//!
//! The server sees x − r for masks r that are uniform in the value's ring and used once. The client sees the result.

use super::plain;
use super::stopwatch::{Named, Stopwatch};
use super::values::Values;
use crate::channel::Traffic;
use crate::error::{Error, Result};
use crate::observe::{Observer, Phase};
use crate::plan::{PublicStep, Ring, Schedule, Shape, StepId};
use crate::protocol::shared::activation::{Alone, Part};
use crate::protocol::shared::party::Party;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// A party's numbers of a ring, overwritten on drop.
pub(super) type Numbers = Zeroizing<Vec<u64>>;

/// What a party holds of some values of one inference.
pub(super) type ByStep = HashMap<StepId, Numbers>;

/// Keeps the shares of step `id`, one for each of the inferences that are prepared together.
pub(super) fn keep(inferences: &mut [ByStep], id: StepId, shares: Vec<Numbers>) {
    for (inference, share) in inferences.iter_mut().zip(shares) {
        inference.insert(id, share);
    }
}

/// What one party does in the steps in which the two differ.
pub(super) trait Side {
    /// Its shares of a linear step's results, in the ring of their shares.
    fn linear(&mut self, party: &mut Party<'_>, id: StepId, input: &[u64]) -> Result<Vec<u64>>;

    /// The constants that it adds in step `id`, one per channel, or none.
    fn constants(&self, id: StepId) -> &[i128];

    /// The last step: what it holds of the result afterwards.
    fn reveal(&mut self, party: &mut Party<'_>, ring: Ring, shares: Vec<u64>) -> Result<Vec<u64>>;
}

/// Executes all steps from this party's shares of the image; what it holds of the result.
/// Steps are reported each from the end of the one before.
pub(super) fn run(
    schedule: &Schedule,
    mut party: Party<'_>,
    side: &mut impl Side,
    image: Vec<u64>,
    observer: &mut dyn Observer,
) -> Result<Vec<u64>> {
    let mut values = Values::new(schedule.steps.iter().map(|step| &*step.inputs));
    values.define(StepId::new(0), &[], image);
    let role = party.role();
    let mut watch = Stopwatch::start(party.traffic());
    let mut report = |id: StepId, step: &PublicStep, traffic: Traffic| {
        let named = Named { phase: Phase::Online, step: id, op: step.op.name() };
        watch.report(role, named, traffic, observer);
        watch = Stopwatch::start(traffic);
    };
    report(StepId::new(0), &schedule.steps[0], party.traffic());
    let last = StepId::new(schedule.steps.len() - 1);
    for (id, step) in schedule.steps().skip(1).take_while(|&(id, _)| id < last) {
        let value = execute(schedule, &mut party, side, id, &mut values)?;
        values.define(id, &step.inputs, value);
        report(id, step, party.traffic());
    }
    let reveal = schedule.step(last);
    let mut shares = values.take(last, &reveal.inputs)?;
    if let Some(Part::Reveal(Some(truncation))) = Part::from_step(schedule, last) {
        shares = truncation.run(&mut party, shares)?;
    }
    let shares = reduced(reveal.ring(), shares);
    let result = side.reveal(&mut party, reveal.ring(), shares)?;
    let traffic = party.finish()?;
    report(last, reveal, traffic);
    Ok(result)
}

fn execute(
    schedule: &Schedule,
    party: &mut Party<'_>,
    side: &mut impl Side,
    id: StepId,
    values: &mut Values<Vec<u64>>,
) -> Result<Vec<u64>> {
    let step = schedule.step(id);
    let impossible = || Error::Bug(format!("{id} cannot be executed on shares"));
    match Part::from_step(schedule, id).ok_or_else(impossible)? {
        Part::Activation(activation) => activation.run(party, values.take(id, &step.inputs)?),
        Part::Multiply(multiply) => {
            let inputs = values.inputs(&step.inputs)?;
            multiply.run(party, inputs[0], inputs[1])
        }
        Part::Linear => side.linear(party, id, values.inputs(&step.inputs)?[0]),
        Part::Alone(alone) => {
            let carry = if party.adds_constants() { schedule.missing_carry(id) } else { 0 };
            let added = Added { constants: side.constants(id), carry };
            Ok(share_by_share(schedule, id, &alone, &values.inputs(&step.inputs)?, added))
        }
        Part::Image | Part::Reveal(_) => Err(impossible()),
    }
}

/// What a party adds to each share of a sum; the client nothing.
#[derive(Default)]
pub(super) struct Added<'a> {
    /// One per channel, or none.
    constants: &'a [i128],
    /// See [`Schedule::missing_carry`].
    carry: u64,
}

/// What a party computes on its shares alone.
pub(super) fn share_by_share(
    schedule: &Schedule,
    id: StepId,
    alone: &Alone<'_>,
    inputs: &[&Vec<u64>],
    added: Added<'_>,
) -> Vec<u64> {
    let (step, ring) = (schedule.step(id), schedule.share_ring(id));
    let from = schedule.source(step).shape;
    // Brings the shares of an input to the fraction bits of the result.
    let fraction = schedule.fraction(id).bits;
    let unit = |index: usize| 1u64 << (fraction - schedule.fraction(step.inputs[index]).bits);
    let shares = match alone {
        Alone::SumPool(pool) => plain::window_sums(pool, inputs[0], from, step.shape),
        Alone::Add(multipliers) => {
            let multipliers = multipliers.iter().enumerate();
            let multipliers: Vec<u64> =
                multipliers.map(|(index, &m)| (m as u64).wrapping_mul(unit(index))).collect();
            sum(step.shape, &multipliers, inputs, &added, fraction)
        }
        Alone::Concat => {
            let aligned = inputs.iter().enumerate().flat_map(|(index, input)| {
                let unit = unit(index);
                input.iter().map(move |share| share.wrapping_mul(unit))
            });
            aligned.collect()
        }
        Alone::Gather(map) => map.gather(inputs[0], &0),
    };
    reduced(ring, shares)
}

fn sum(
    shape: Shape,
    multipliers: &[u64],
    inputs: &[&Vec<u64>],
    added: &Added<'_>,
    fraction: u32,
) -> Vec<u64> {
    let constant = |element: usize| {
        let constant = added.constants.get(element / shape.plane()).map_or(0, |&constant| constant as u64);
        (constant << fraction).wrapping_add(added.carry)
    };
    let mut sums: Vec<u64> = (0..shape.elements()).map(constant).collect();
    for (multiplier, input) in multipliers.iter().zip(inputs) {
        let add = |(sum, &x): (&mut u64, &u64)| *sum = sum.wrapping_add(x.wrapping_mul(*multiplier));
        sums.iter_mut().zip(*input).for_each(add);
    }
    sums
}

fn reduced(ring: Ring, mut shares: Vec<u64>) -> Vec<u64> {
    shares.iter_mut().for_each(|share| *share = ring.reduce(*share));
    shares
}
