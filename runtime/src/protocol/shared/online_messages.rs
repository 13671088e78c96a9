//! Everything that the parties send online, or in its stead ahead, step by step: what plans are priced by, and what a party may receive.

use super::activation::Part;
use super::message_schedule::{Communication, MessageSchedule};
use crate::ot::{Batch, Role, Width};
use crate::plan::{InferenceBatch, PublicStep, Ring, Schedule, StepId};
use std::ops::Range;

/// The online part of every step of a valid schedule, in order.
pub fn communication(schedule: &Schedule) -> Vec<Communication> {
    let mut messages = MessageSchedule::new();
    let mut costs = Vec::with_capacity(schedule.steps.len());
    for (id, _) in schedule.steps() {
        step(schedule, id, &mut messages);
        costs.push(messages.mark());
    }
    let rest = messages.finish();
    if let Some(last) = costs.last_mut() {
        *last += rest;
    }
    costs
}

fn step(schedule: &Schedule, id: StepId, messages: &mut MessageSchedule) {
    let step = schedule.step(id);
    let Some(part) = Part::from_step(schedule, id) else { return };
    match part {
        Part::Linear if schedule.opens(id) => {
            let source = schedule.source(step);
            messages.sends_numbers(Role::Client, width(source.ring()), source.shape.elements());
        }
        Part::Reveal(truncation) => {
            truncation.iter().for_each(|truncation| truncation.schedule(messages));
            messages.sends_numbers(Role::Server, width(step.ring()), step.shape.elements());
        }
        Part::Activation(activation) => activation.schedule(messages),
        Part::Multiply(multiply) => multiply.schedule(messages),
        Part::Linear | Part::Image | Part::Alone(_) => {}
    }
}

/// The OTs that all steps use, in order.
pub fn batches(costs: &[Communication]) -> Vec<Batch> {
    costs.iter().flat_map(|cost| cost.batches.iter().copied()).collect()
}

/// The bytes that a party receives online, headers left out.
pub fn received(costs: &[Communication], role: Role) -> u64 {
    costs.iter().map(|cost| cost.received_by(role)).sum()
}

/// The bytes that the client tells ahead, in a frame of its own, if there are any.
pub fn told_ahead(costs: &[Communication]) -> u64 {
    costs.iter().map(Communication::ahead_bytes).sum()
}

/// Of each step the numbers, among all batches, of those that the client tells ahead.
pub fn batches_ahead(costs: &[Communication]) -> impl Iterator<Item = Range<usize>> {
    costs.iter().scan(0, |next, cost| {
        let first = *next;
        *next += cost.batches.len();
        Some(first..first + cost.ahead)
    })
}

/// Bytes of memory that `role` keeps of an inference between its preparation and its image.
pub fn kept_bytes(schedule: &Schedule, costs: &[Communication], role: Role) -> u64 {
    let correlations: u64 = batches(costs).iter().map(|batch| batch.kept_bytes(role)).sum();
    let numbers = |(id, step): (StepId, &PublicStep)| {
        let masks = role == Role::Client && schedule.opens(id);
        let mask = if masks { schedule.source(step).shape.elements() } else { 0 };
        if step.op.is_linear() { step.shape.elements() + mask } else { 0 }
    };
    let numbers: usize = schedule.steps().map(numbers).sum();
    correlations + told_ahead(costs) + size_of::<u64>() as u64 * numbers as u64
}

/// Bytes before what a half holds: its versions, whose it is, and the digest of the plan's view.
pub const HALF_HEADER: u64 = 2 + 4 + 1 + 32;

/// Bytes in a file of `role`'s half of a prepared inference, before they are sealed.
pub fn stored_bytes(schedule: &Schedule, costs: &[Communication], role: Role) -> u64 {
    let correlations: u64 = batches(costs).iter().map(|batch| batch.stored_bytes(role)).sum();
    let told = if role == Role::Server { told_ahead(costs) } else { 0 };
    let numbers = |(id, step): (StepId, &PublicStep)| {
        let source = || schedule.source(step);
        let masks = role == Role::Client && schedule.opens(id);
        let mask = if masks { width(source().ring()).bytes(source().shape.elements()) } else { 0 };
        width(schedule.share_ring(id)).bytes(step.shape.elements()) + mask
    };
    let linear = schedule.steps().filter(|(_, step)| step.op.is_linear());
    HALF_HEADER + correlations + told + linear.map(numbers).sum::<u64>()
}

/// How many prepared inferences take at most `bytes` of memory at `role`, but one at least.
pub fn fitting(schedule: &Schedule, costs: &[Communication], role: Role, bytes: u64) -> usize {
    let count = bytes / kept_bytes(schedule, costs, role).max(1);
    usize::try_from(count).unwrap_or(usize::MAX).max(1)
}

/// Bytes of the flights of inferences that are answered together at most, both ways, unless one alone has more.
const MOST_BYTES: u64 = 64 << 20;

/// How many inferences may be answered together: what a session then holds of flights is bounded.
pub fn most_together(costs: &[Communication]) -> usize {
    let bytes: u64 = costs.iter().map(Communication::bytes).sum();
    (MOST_BYTES / bytes.max(1)).clamp(1, InferenceBatch::MAX as u64) as usize
}

/// The width of a ring's elements on the wire.
pub fn width(ring: Ring) -> Width {
    Width::new(ring.bits()).expect("rings have 1 to 64 bits, and so have widths")
}
