//! The public part of a plan of suite `shared`.

use super::operation::{Operation, Source};
use super::shapes::fits;
use super::{Findings, MAX_BLINDING_BITS, MAX_RING_BITS, MAX_SHARED_ELEMENTS, MAX_STEPS, work};
use crate::plan::layout::REPLY_BITS;
use crate::plan::{
    InferenceBatch, InputSpec, KeyBits, Layout, Linear, PublicStep, Schedule, Shape, SharedParameters, StepId,
};

/// Ciphertexts of a step, at most.
const MAX_CIPHERTEXTS: usize = 1 << 22;
/// Fraction bits of a value, at most.
const MAX_FRACTION: u32 = 40;
/// Bits of a share, at most.
const MAX_SHARE_BITS: u32 = 64;

/// Checks everything that an executor relies on.
pub(super) fn check_schedule(schedule: &Schedule, input: &InputSpec, key: KeyBits, found: &mut Findings) {
    let SharedParameters { mask_bits, transfers: _ } = schedule.parameters;
    found.require(8, None, (1..=MAX_BLINDING_BITS).contains(&mask_bits), || {
        format!("masks of {mask_bits} more bits")
    });
    let steps = schedule.steps.len();
    found.require(1, None, (2..=MAX_STEPS).contains(&steps), || format!("{steps} steps"));
    let elements = schedule.steps.iter().map(|step| step.shape).filter(|&shape| fits(shape));
    let total: usize = elements.map(Shape::elements).sum();
    found.require(1, None, total <= MAX_SHARED_ELEMENTS, || format!("{total} elements in all are too many"));
    if found.violations.is_empty() {
        work::check_schedule(schedule, found);
    }
    for (id, step) in schedule.steps() {
        if !found.violations.is_empty() {
            return; // later steps rely on earlier ones
        }
        let context = Context { schedule, input, key, id, step };
        context.check(found);
    }
    if found.violations.is_empty() {
        let linear = schedule.steps().filter_map(|(id, step)| Some((id, step, step.linear()?)));
        check_replies(schedule, linear, 1, found);
        check_batches(schedule, input, key, found);
    }
}

/// All replies of a preparation of so many inferences, of which none may exceed N with the probability stated.
fn check_replies<'s>(
    schedule: &Schedule,
    linear: impl Iterator<Item = (StepId, &'s PublicStep, Linear)>,
    inferences: usize,
    found: &mut Findings,
) {
    let replies = linear.filter_map(|(_, step, linear)| {
        let tiling = linear.tiling(schedule.source(step).shape)?;
        Some(linear.products(step.shape.channels, &tiling) * linear.layout.passes(inferences))
    });
    let replies: usize = replies.sum();
    found.require(7, None, replies < 1 << REPLY_BITS, || format!("{replies} replies in all are too many"));
}

fn check_batches(schedule: &Schedule, input: &InputSpec, key: KeyBits, found: &mut Findings) {
    let linear: Vec<(StepId, Layout)> =
        schedule.steps().filter_map(|(id, step)| Some((id, step.layout?))).collect();
    let elements: usize = schedule.steps.iter().map(|step| step.shape.elements()).sum();
    let mut before = 1;
    for batch in &schedule.batches {
        let InferenceBatch { inferences, layouts, transfers } = batch;
        let sized = (before + 1..=InferenceBatch::MAX).contains(inferences);
        found.require(12, None, sized, || format!("a batch of {inferences} behind one of {before}"));
        found.require(12, None, layouts.len() == linear.len(), || {
            format!("a batch with layouts of {} steps, not {}", layouts.len(), linear.len())
        });
        found.require(12, None, schedule.parameters.transfers.may_become(transfers), || {
            format!("a batch of {inferences} with other oblivious transfers ({transfers})")
        });
        let slots = |layout: &Layout| (layout.slot_bits, layout.fraction);
        for ((id, single), layout) in linear.iter().zip(layouts) {
            found.require(12, Some(*id), slots(single) == slots(layout), || {
                format!("a batch of {inferences} has slots of its own")
            });
        }
        let few = elements.saturating_mul(*inferences) <= MAX_SHARED_ELEMENTS;
        found.require(12, None, few, || format!("a batch of {inferences} with {elements} elements each"));
        if !found.violations.is_empty() {
            return;
        }
        for (id, step, linear) in schedule.linear_of(batch) {
            Context { schedule, input, key, id, step }.check_layout(&linear, *inferences, found);
        }
        if !found.violations.is_empty() {
            return;
        }
        check_replies(schedule, schedule.linear_of(batch), *inferences, found);
        before = *inferences;
    }
}

struct Context<'a> {
    schedule: &'a Schedule,
    input: &'a InputSpec,
    key: KeyBits,
    id: StepId,
    step: &'a PublicStep,
}

impl Context<'_> {
    fn check(&self, found: &mut Findings) {
        let Self { step, id, .. } = *self;
        let at = Some(id);
        let operation =
            Operation { id, op: &step.op, inputs: &step.inputs, shape: step.shape, bits: step.bits };
        operation.check_place(self.schedule.steps.len(), found);
        found.require(6, at, (1..=MAX_RING_BITS).contains(&step.bits), || {
            format!("rings of {} bits", u64::from(step.bits) + 1)
        });
        found.require(10, at, step.layout.is_some() == step.op.is_linear(), || {
            "linear layers and no other steps have a layout".into()
        });
        if !found.violations.is_empty() {
            return;
        }
        let inputs: Vec<Shape> = step.inputs.iter().map(|&input| self.schedule.step(input).shape).collect();
        operation.check_shape(self.input.shape, &inputs, found);
        if !found.violations.is_empty() {
            return;
        }
        operation.check_rings(self.input.bits(), &self.sources(), found);
        let fraction = self.schedule.fraction(id);
        let fits = fraction.bits <= MAX_FRACTION && step.bits + 1 + fraction.bits <= MAX_SHARE_BITS;
        found.require(11, at, fits && fraction.is_exact(), || {
            format!("its shares have {} fraction bits, and carries up to {}", fraction.bits, fraction.carry)
        });
        if let Some(linear) = step.linear() {
            self.check_layout(&linear, 1, found);
        }
    }

    fn sources(&self) -> Vec<Source> {
        let source = |&input: &StepId| {
            let step = self.schedule.step(input);
            let fraction = self.schedule.fraction(input);
            Source { bits: step.bits, fraction }
        };
        self.step.inputs.iter().map(source).collect()
    }

    /// P1, P4 and P7 of a layout for so many inferences.
    fn check_layout(&self, linear: &Linear, inferences: usize, found: &mut Findings) {
        let (at, layout) = (Some(self.id), &linear.layout);
        let from = self.schedule.source(self.step).shape;
        // Products with a mask have more bits than the mask itself.
        let least = self.step.bits.saturating_add(1).saturating_add(layout.fraction);
        let sane = layout.fraction > 0 && (least..1 << 10).contains(&layout.slot_bits);
        if !found.require(7, at, sane, || format!("slots of {} bits", layout.slot_bits)) {
            return;
        }
        let Some(tiling) = linear.tiling(from) else {
            found.require(4, at, false, || format!("tiles of {:?} do not fit", layout.tile));
            return;
        };
        if !found.require(7, at, (1..=inferences).contains(&layout.images), || {
            format!("{} images in a ciphertext, of {inferences}", layout.images)
        }) {
            return;
        }
        let room = layout.capacity(self.schedule.parameters, self.key);
        let width = layout.width(tiling.slots());
        let fit = layout.results > 0
            && layout.stacked > 0
            && width.checked_mul(layout.results).is_some_and(|slots| slots <= room);
        let passes = layout.passes(inferences);
        let most = if inferences > 1 { InferenceBatch::MAX_CIPHERTEXTS } else { MAX_CIPHERTEXTS };
        let sums = [linear.inputs(from, &tiling), self.step.shape.channels.saturating_mul(tiling.results())];
        let few = sums.iter().all(|sums| sums.saturating_mul(passes) <= most);
        found.require(1, at, few, || "it takes too many ciphertexts".into());
        found.require(7, at, fit, || {
            format!("{} results of {width} slots do not fit a plaintext", layout.results)
        });
    }
}
