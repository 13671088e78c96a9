//! The public part of a plan of suite `shared`.

use super::operation::{Operation, Source};
use super::shapes::fits;
use super::{
    Findings, MAX_BLINDING_BITS, MAX_POOL_TERMS, MAX_RING_BITS, MAX_SHARED_ELEMENTS, MAX_STEPS, MAX_TERMS,
    MAX_TILE_READS,
};
use crate::plan::layout::REPLY_BITS;
use crate::plan::{
    InferenceBatch, InputSpec, KeyBits, Layout, Linear, MaxPool, Op, PublicStep, Schedule, Shape,
    SharedParameters, StepId, SumPool,
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
    check_work(schedule, found);
    for (id, step) in schedule.steps() {
        if !found.violations.is_empty() {
            return; // later steps rely on earlier ones
        }
        let context = Context { schedule, input, key, id, step };
        context.check(found);
    }
    if found.violations.is_empty() {
        check_replies(schedule, found);
        check_batches(schedule, input, key, found);
    }
}

/// What an executor does before anything is sent is bounded over all steps, not for each: whoever wrote the schedule may be
/// hostile.
fn check_work(schedule: &Schedule, found: &mut Findings) {
    let pools = schedule.steps.iter().map(|step| {
        let (Op::MaxPool(MaxPool { window, .. }) | Op::SumPool(SumPool { window, .. })) = &step.op else {
            return 0;
        };
        let Shape { channels, height, width } = step.shape;
        let sizes = [channels, height, width, window.kernel[0], window.kernel[1]];
        sizes.into_iter().fold(1, usize::saturating_mul)
    });
    let pools = pools.fold(0, usize::saturating_add);
    found
        .require(1, None, pools <= MAX_POOL_TERMS, || format!("windows of pools with {pools} pixels in all"));
    let single = schedule.steps.iter().filter_map(PublicStep::linear);
    let batches = schedule.batches.iter().flat_map(|batch| {
        let linear = schedule.steps.iter().filter_map(PublicStep::linear);
        linear.zip(&batch.layouts).map(|(linear, &layout)| Linear { layout, ..linear })
    });
    let reads = single.chain(batches).map(|Linear { window, layout }| {
        let kernel = window.map_or([1, 1], |window| window.kernel);
        let along = |axis: usize| layout.tile[axis].saturating_mul(kernel[axis]);
        along(0).saturating_add(along(1))
    });
    let reads = reads.fold(0, usize::saturating_add);
    found.require(1, None, reads <= MAX_TILE_READS, || {
        format!("tiles that read {reads} pixels along their axes")
    });
}

/// All replies of a preparation, of which none may exceed N with the probability stated.
fn check_replies(schedule: &Schedule, found: &mut Findings) {
    let replies = schedule.linear().map(|(_, step, linear, tiling)| {
        let passes = linear.layout.passes(schedule.inferences());
        linear.products(step.shape.channels, &tiling) * passes
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
        let together = schedule.with_layouts(batch);
        for (id, step) in together.steps() {
            let context = Context { schedule: &together, input, key, id, step };
            if let Some(linear) = step.linear() {
                context.check_layout(&linear, found);
            }
        }
        if !found.violations.is_empty() {
            return;
        }
        check_replies(&together, found);
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
        found.require(1, at, operation.terms().is_some_and(|terms| terms <= MAX_TERMS), || {
            "its windows or sums have too many terms".into()
        });
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
            self.check_layout(&linear, found);
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

    fn check_layout(&self, linear: &Linear, found: &mut Findings) {
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
        let inferences = self.schedule.inferences();
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
