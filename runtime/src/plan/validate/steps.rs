//! A plan's steps, one after another.

use super::operation::Operation;
use super::shapes::fits;
use super::view::check_input;
use super::{Findings, MAX_BITS, MAX_NAME, MAX_STEPS, MAX_TOTAL_ELEMENTS, work};
use crate::plan::interval::{self, Interval};
use crate::plan::{Check, Cost, Layout, Op, Plan, Reach, Shape, Step, StepId, Suite};

pub(super) fn check_plan(plan: &Plan, found: &mut Findings) {
    found.require(1, None, (2..=MAX_STEPS).contains(&plan.steps.len()), || {
        format!("{} steps", plan.steps.len())
    });
    found.require(1, None, plan.name.len() <= MAX_NAME, || "the plan's name is too long".into());
    let costs = plan.batches.iter().map(|priced| &priced.offline).chain([&plan.setup]);
    found.require(9, None, costs.into_iter().all(is_sane), || {
        "the setup's cost, or a batch's, is absurd".into()
    });
    let batches = matches!(plan.suite, Suite::Shared(_)) || plan.batches.is_empty();
    found.require(10, None, batches, || format!("suite {} has no batches", plan.suite));
    let is_sound = plan.check.as_ref().is_none_or(is_sound);
    found.require(8, None, is_sound, || {
        "what its check found is not finite, or its names are too long".into()
    });
    check_input(&plan.input, found);
    let elements = plan.steps.iter().map(|step| step.shape).filter(|&shape| fits(shape)).map(Shape::elements);
    let total: usize = elements.sum();
    found.require(1, None, total <= MAX_TOTAL_ELEMENTS, || format!("{total} elements in all are too many"));
    let sizes = plan.steps.iter().map(|step| (&step.op, step.inputs.len(), step.shape));
    work::check_steps(sizes, found);
    if let Suite::Blinded(_) = plan.suite {
        work::check_intervals(plan.steps.iter().map(|step| (step.inputs.len(), step.shape)), found);
    }
    if !found.violations.is_empty() {
        return;
    }
    let mut ranges = Vec::with_capacity(plan.steps.len());
    for (id, step) in plan.steps() {
        check_step(plan, id, step, found);
        if found.violations.is_empty() {
            check_slots(plan, step, id, found);
        }
        if !found.violations.is_empty() {
            return; // later steps may read what this one says of itself
        }
        if let Suite::Shared(_) = plan.suite {
            continue; // values wrap around
        }
        match check_range(plan, id, step, &ranges, found) {
            Some(range) => ranges.push(range),
            None => return,
        }
    }
}

fn check_step(plan: &Plan, id: StepId, step: &Step, found: &mut Findings) {
    let at = Some(id);
    let operation = Operation { id, op: &step.op, inputs: &step.inputs, shape: step.shape, bits: step.bits };
    found.require(1, at, step.name.len() <= MAX_NAME, || "its name is too long".into());
    operation.check_place(plan.steps.len(), found);
    found.require(9, at, [step.offline, step.cost].iter().all(is_sane), || "its cost is absurd".into());
    found.require(10, at, is_of_suite(plan.suite, step), || {
        format!("suite {} has no such {}", plan.suite, step.op.name())
    });
    found.require(6, at, step.bits <= MAX_BITS, || format!("{} bits are more than {MAX_BITS}", step.bits));
    if !found.violations.is_empty() {
        return;
    }
    let inputs: Vec<Shape> = step.inputs.iter().map(|&input| plan.step(input).shape).collect();
    operation.check_shape(plan.input.shape, &inputs, found);
    let bias = step.op.bias();
    found.require(5, at, bias.is_empty() || bias.len() == step.shape.channels, || {
        "it has not one bias per output".into()
    });
}

fn is_sound(check: &Check) -> bool {
    let headroom = check.headroom.as_ref();
    let of_headroom = headroom.map_or([0.0; 2], |headroom| [headroom.taken, headroom.overflow]);
    let numbers = [check.agreement.unwrap_or(0.0), check.error].into_iter().chain(of_headroom);
    let names = [Some(&check.worst), headroom.map(|headroom| &headroom.node)];
    numbers.into_iter().all(f64::is_finite) && names.into_iter().flatten().all(|name| name.len() <= MAX_NAME)
}

fn is_sane(cost: &Cost) -> bool {
    cost.counts().iter().all(|count| count >> 47 == 0)
}

fn is_of_suite(suite: Suite, step: &Step) -> bool {
    match suite {
        Suite::Blinded(_) => {
            step.layout.is_none()
                && !matches!(
                    step.op,
                    Op::ReluRescale { .. } | Op::ArgMax(_) | Op::Mul | Op::Rescale { bits: 0 }
                )
        }
        Suite::Shared(_) => step.layout.is_some() == step.op.weights().is_some(),
    }
}

/// What a step computes under encryption stays in its slots.
fn check_slots(plan: &Plan, step: &Step, id: StepId, found: &mut Findings) {
    let (Some(layout), Some(weights)) = (step.layout, step.op.weights()) else { return };
    let row = weights.len() / step.shape.channels.max(1);
    let needed = Layout::slot_bits(step.bits, layout.fraction, Reach::from_weights(weights, row));
    let shared = matches!(plan.suite, Suite::Shared(_));
    found.require(7, Some(id), !shared || needed <= layout.slot_bits, || {
        format!("it needs slots of {needed} bits, the plan says {}", layout.slot_bits)
    });
}

/// The bounds of the step's value, if they agree with what the plan states.
fn check_range(
    plan: &Plan,
    id: StepId,
    step: &Step,
    ranges: &[Vec<Interval>],
    found: &mut Findings,
) -> Option<Vec<Interval>> {
    let inputs: Vec<&[Interval]> = step.inputs.iter().map(|input| ranges[input.index()].as_slice()).collect();
    let range = interval::step(plan, step, &inputs).map_err(|overflow| overflow.to_string());
    let bits = range.as_ref().map(|range| range.iter().map(|x| x.bits()).max().unwrap_or(0));
    let what = match bits {
        Ok(bits) if bits <= step.bits => return range.ok(),
        Ok(bits) => format!("its values need {bits} bits, the plan says {}", step.bits),
        Err(overflow) => overflow.clone(),
    };
    found.require(6, Some(id), false, || what);
    None
}
