//! The public part of a plan of suite `shared`.

use super::shapes::{concat_shape, fits, pool_shape, same_shape, sum_pool_shape, windowed};
use super::{
    Findings, MAX_BLINDING_BITS, MAX_MULTIPLIER_BITS, MAX_RING_BITS, MAX_SHARED_ELEMENTS, MAX_STEPS,
    MAX_TERMS,
};
use crate::plan::{
    InputSpec, KeyBits, Linear, PublicOp, PublicStep, Schedule, Shape, SharedParameters, StepId, SumPool,
};

/// Ciphertexts of a step, at most.
const MAX_CIPHERTEXTS: usize = 1 << 22;
/// Bits of the small field of the extension, at most.
const MAX_FIELD_BITS: u32 = 8;

/// Checks everything that an executor relies on.
pub(super) fn check_schedule(schedule: &Schedule, input: &InputSpec, key: KeyBits, found: &mut Findings) {
    let SharedParameters { mask_bits, field_bits } = schedule.parameters;
    found.require(8, None, (1..=MAX_BLINDING_BITS).contains(&mask_bits), || {
        format!("masks of {mask_bits} more bits")
    });
    found.require(8, None, (1..=MAX_FIELD_BITS).contains(&field_bits), || {
        format!("a field of {field_bits} bits")
    });
    let steps = schedule.steps.len();
    found.require(1, None, (2..=MAX_STEPS).contains(&steps), || format!("{steps} steps"));
    let elements = schedule.steps.iter().map(|step| step.shape).filter(|&shape| fits(shape));
    let total: usize = elements.map(Shape::elements).sum();
    found.require(1, None, total <= MAX_SHARED_ELEMENTS, || format!("{total} elements in all are too many"));
    for (id, step) in schedule.steps() {
        if !found.violations.is_empty() {
            return; // later steps rely on earlier ones
        }
        let context = Context { schedule, input, key, id, step };
        context.check(found);
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
        let Self { step, id, .. } = self;
        let (at, last) = (Some(*id), id.index() + 1 == self.schedule.steps.len());
        found.require(1, at, fits(step.shape), || format!("{} elements are too many or none", step.shape));
        found.require(2, at, (step.op == PublicOp::Input) == (id.index() == 0), || {
            "`input` is the first step and no other".into()
        });
        found.require(2, at, (step.op == PublicOp::Reveal) == last, || {
            "`reveal` is the last step and no other".into()
        });
        found.require(2, at, step.inputs.iter().all(|input| input < id), || {
            "it reads a step that has not run".into()
        });
        found.require(3, at, self.arity_fits(), || format!("it cannot read {} inputs", step.inputs.len()));
        found.require(6, at, (1..=MAX_RING_BITS).contains(&step.bits), || {
            format!("rings of {} bits", u64::from(step.bits) + 1)
        });
        if !found.violations.is_empty() {
            return;
        }
        let outcome = self.shape().and_then(|shape| match shape == step.shape {
            true => Ok(()),
            false => Err(format!("it gives {shape}, the plan says {}", step.shape)),
        });
        found.require(4, at, outcome.is_ok(), || outcome.err().unwrap_or_default());
        found.require(1, at, self.terms().is_some_and(|terms| terms <= MAX_TERMS), || {
            "its windows or sums have too many terms".into()
        });
        if found.violations.is_empty() {
            self.check_numbers(found);
        }
    }

    /// What it reads in all, elements that are read several times counted so.
    fn terms(&self) -> Option<usize> {
        let each = match &self.step.op {
            PublicOp::MaxPool(window) | PublicOp::SumPool(SumPool { window, .. }) => {
                window.kernel[0].checked_mul(window.kernel[1])?
            }
            _ => self.step.inputs.len(),
        };
        self.step.shape.elements().checked_mul(each)
    }

    fn sources(&self) -> impl Iterator<Item = &PublicStep> {
        self.step.inputs.iter().map(|&input| self.schedule.step(input))
    }

    fn arity_fits(&self) -> bool {
        let inputs = self.step.inputs.len();
        match &self.step.op {
            PublicOp::Input => inputs == 0,
            PublicOp::Add { multipliers } => inputs >= 1 && inputs == multipliers.len(),
            PublicOp::Concat => inputs >= 2,
            _ => inputs == 1,
        }
    }

    /// The shape that the operation gives; the number of a linear layer's channels is the plan's.
    fn shape(&self) -> Result<Shape, String> {
        let inputs: Vec<Shape> = self.sources().map(|source| source.shape).collect();
        let first = inputs.first().copied().unwrap_or(self.input.shape);
        match &self.step.op {
            PublicOp::Input => Ok(first),
            PublicOp::Linear(Linear { window: Some(window), .. }) => {
                let [height, width] = windowed(window, first)?;
                Ok(Shape::new(self.step.shape.channels, height, width))
            }
            PublicOp::Linear(Linear { window: None, .. }) => Ok(Shape::vector(self.step.shape.channels)),
            PublicOp::SumPool(pool) => sum_pool_shape(pool, first),
            PublicOp::MaxPool(window) => pool_shape(window, first),
            PublicOp::Add { .. } => same_shape(&inputs),
            PublicOp::Concat => concat_shape(&inputs),
            PublicOp::Reveal => Ok(first.flattened()),
            PublicOp::ArgMax => Ok(Shape::vector(1)),
            PublicOp::Relu { .. } | PublicOp::Sign | PublicOp::Rescale { .. } => Ok(first),
        }
    }

    fn check_numbers(&self, found: &mut Findings) {
        let Self { step, schedule, .. } = self;
        let at = Some(self.id);
        let narrowest = self.sources().map(|source| source.bits).min();
        let wide = |bits: u32| narrowest.is_none_or(|narrowest| bits <= narrowest);
        let exact = step.inputs.iter().all(|&input| schedule.fraction(input) == 0);
        let (holds, reads_halves) = match &step.op {
            PublicOp::Input => (self.input.bits() <= step.bits, true),
            PublicOp::Linear(_) | PublicOp::SumPool(_) | PublicOp::Concat | PublicOp::Reveal => {
                (wide(step.bits), false)
            }
            PublicOp::Add { multipliers } => {
                (wide(step.bits) && multipliers.iter().all(is_multiplier), false)
            }
            PublicOp::MaxPool(_) => (narrowest == Some(step.bits), true),
            PublicOp::Relu { dropped } => (wide(*dropped), true),
            PublicOp::Rescale { bits } => (*bits > 0 && wide(*bits), true),
            PublicOp::Sign => (true, true),
            PublicOp::ArgMax => (self.index_fits(), false),
        };
        found.require(6, at, holds, || "its values have too few bits for what it does".into());
        found.require(11, at, exact || reads_halves, || {
            "it reads shares that have a bit below the point".into()
        });
        if let PublicOp::Linear(linear) = &step.op {
            self.check_layout(linear, found);
        }
    }

    /// Numbers and positions fit one ring, and the position fits its own.
    fn index_fits(&self) -> bool {
        let source = self.schedule.source(self.step);
        let index = usize::BITS - (source.shape.elements() - 1).leading_zeros();
        index <= self.step.bits && source.bits + self.step.bits <= MAX_RING_BITS
    }

    fn check_layout(&self, linear: &Linear, found: &mut Findings) {
        let (at, layout) = (Some(self.id), &linear.layout);
        let from = self.schedule.source(self.step).shape;
        // Products with a mask have more bits than the mask itself.
        let least = self.step.bits + 1 + layout.masks.fraction();
        let sane = (least..1 << 10).contains(&layout.slot_bits);
        if !found.require(7, at, sane, || format!("slots of {} bits", layout.slot_bits)) {
            return;
        }
        let Some(tiling) = linear.tiling(from) else {
            found.require(4, at, false, || format!("tiles of {:?} do not fit", layout.tile));
            return;
        };
        let room = layout.capacity(self.schedule.parameters, self.key);
        let width = layout.width(tiling.slots());
        let fit = layout.results > 0
            && layout.stacked > 0
            && width.checked_mul(layout.results).is_some_and(|slots| slots <= room);
        let few = linear.inputs(from, &tiling) <= MAX_CIPHERTEXTS
            && self.step.shape.channels.saturating_mul(tiling.results()) <= MAX_CIPHERTEXTS;
        found.require(1, at, few, || "it takes too many ciphertexts".into());
        found.require(7, at, fit, || {
            format!("{} results of {width} slots do not fit a plaintext", layout.results)
        });
    }
}

fn is_multiplier(multiplier: &i64) -> bool {
    *multiplier != 0 && multiplier.unsigned_abs() >> MAX_MULTIPLIER_BITS == 0
}
