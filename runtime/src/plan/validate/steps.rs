//! A plan's steps, one after another.

use super::shapes::{fits, inferred_shape};
use super::view::check_input;
use super::{Findings, MAX_BITS, MAX_MULTIPLIER_BITS, MAX_NAME, MAX_STEPS, MAX_TOTAL_ELEMENTS};
use crate::plan::interval::{self, Interval};
use crate::plan::{Check, Cost, Layout, Op, Plan, Reach, Shape, Step, StepId, Suite};

pub(super) fn check_plan(plan: &Plan, found: &mut Findings) {
    found.require(1, None, (2..=MAX_STEPS).contains(&plan.steps.len()), || {
        format!("{} steps", plan.steps.len())
    });
    found.require(1, None, plan.name.len() <= MAX_NAME, || "the plan's name is too long".into());
    found.require(9, None, is_sane(&plan.setup), || "the setup's cost is absurd".into());
    let is_sound = plan.check.as_ref().is_none_or(is_sound);
    found.require(8, None, is_sound, || {
        "what its check found is not finite, or its names are too long".into()
    });
    check_input(&plan.input, found);
    let elements = plan.steps.iter().map(|step| step.shape).filter(|&shape| fits(shape)).map(Shape::elements);
    let total: usize = elements.sum();
    found.require(1, None, total <= MAX_TOTAL_ELEMENTS, || format!("{total} elements in all are too many"));
    if !found.violations.is_empty() {
        return;
    }
    let mut ranges = Vec::with_capacity(plan.steps.len());
    for (id, step) in plan.steps() {
        check_step(plan, id, step, found);
        check_weights(step, id, found);
        check_slots(plan, step, id, found);
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
    let last = id.index() + 1 == plan.steps.len();
    found.require(1, at, step.name.len() <= MAX_NAME, || "its name is too long".into());
    found.require(1, at, fits(step.shape), || format!("{} elements are too many or none", step.shape));
    found.require(2, at, (step.op == Op::Input) == (id.index() == 0), || {
        "`input` is the first step and no other".into()
    });
    found.require(2, at, (step.op == Op::Reveal) == last, || "`reveal` is the last step and no other".into());
    found.require(2, at, step.inputs.iter().all(|&input| input < id), || {
        "it reads a step that has not run".into()
    });
    found.require(3, at, arity_fits(step), || {
        format!("{} cannot read {} inputs", step.op.name(), step.inputs.len())
    });
    found.require(9, at, [step.offline, step.cost].iter().all(is_sane), || "its cost is absurd".into());
    found.require(10, at, is_of_suite(plan.suite, step), || {
        format!("suite {} has no such {}", plan.suite, step.op.name())
    });
    found.require(6, at, step.bits <= MAX_BITS, || format!("{} bits are more than {MAX_BITS}", step.bits));
    if !found.violations.is_empty() {
        return;
    }
    let inputs: Vec<&Step> = step.inputs.iter().map(|&input| plan.step(input)).collect();
    match inferred_shape(plan, step, &inputs) {
        Ok(shape) => {
            found.require(4, at, shape == step.shape, || {
                format!("{} gives {shape}, the plan says {}", step.op.name(), step.shape)
            });
        }
        Err(what) => {
            found.require(4, at, false, || what);
        }
    }
}

fn is_sound(check: &Check) -> bool {
    let headroom = check.headroom.as_ref();
    let of_headroom = headroom.map_or([0.0; 2], |headroom| [headroom.taken, headroom.overflow]);
    let numbers = [check.agreement, check.error].into_iter().chain(of_headroom);
    let names = [Some(&check.worst), headroom.map(|headroom| &headroom.node)];
    numbers.into_iter().all(f64::is_finite) && names.into_iter().flatten().all(|name| name.len() <= MAX_NAME)
}

fn is_sane(cost: &Cost) -> bool {
    cost.counts().iter().all(|count| count >> 47 == 0)
}

fn is_of_suite(suite: Suite, step: &Step) -> bool {
    match suite {
        Suite::Blinded(_) => step.layout.is_none() && !matches!(step.op, Op::ReluRescale { .. } | Op::ArgMax),
        Suite::Shared(_) => step.layout.is_some() == step.op.weights().is_some(),
    }
}

fn check_weights(step: &Step, id: StepId, found: &mut Findings) {
    let at = Some(id);
    let small = |multiplier: &i64| *multiplier != 0 && multiplier.unsigned_abs() >> MAX_MULTIPLIER_BITS == 0;
    let biases = |bias: &[i128], outputs: usize| bias.is_empty() || bias.len() == outputs;
    let (holds, what) = match &step.op {
        Op::Add(sum) if !sum.multipliers.iter().all(small) => (false, "a multiplier is zero or too large"),
        Op::Add(sum) => (biases(&sum.bias, step.shape.channels), "it has not one bias per channel"),
        Op::Conv2d(conv) => {
            (biases(&conv.bias, step.shape.channels), "it has not one bias per output channel")
        }
        Op::Dense(dense) => (biases(&dense.bias, step.shape.channels), "it has not one bias per output"),
        _ => return,
    };
    found.require(5, at, holds, || what.into());
}

/// What a step computes under encryption stays in its slots.
fn check_slots(plan: &Plan, step: &Step, id: StepId, found: &mut Findings) {
    let (Some(layout), Some(weights)) = (step.layout, step.op.weights()) else { return };
    let row = weights.len() / step.shape.channels.max(1);
    let needed = Layout::slot_bits(step.bits, layout.masks, Reach::of(weights, row));
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

fn arity_fits(step: &Step) -> bool {
    match &step.op {
        Op::Input => step.inputs.is_empty(),
        Op::Add(sum) => !step.inputs.is_empty() && step.inputs.len() == sum.multipliers.len(),
        Op::Concat => step.inputs.len() >= 2,
        _ => step.inputs.len() == 1,
    }
}
