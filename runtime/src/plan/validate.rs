//! From a plan that somebody wrote to one that executors may trust.
//!
//! The checks are numbered; a violation prints its number.
//!
//! * P1 sizes: at most [`MAX_STEPS`] steps, [`MAX_ELEMENTS`] elements a value and
//!   [`MAX_TOTAL_ELEMENTS`] in all, [`MAX_NAME`] bytes a name, [`MAX_EXCHANGES`] exchanges.
//! * P2 order: `input` first and only there, `reveal` last and only there, every step reads earlier ones.
//! * P3 arity: as many inputs as the operation reads.
//! * P4 shapes: the value has the shape that the operation gives.
//! * P5 weights: as many as the geometry needs; no multiplier is zero.
//! * P6 bounds: `bits` is at least what interval arithmetic over the step needs, and at most [`MAX_BITS`].
//! * P7 capacity: every exchanged value fits a plaintext of the plan's key.
//! * P8 borders: preprocessing and output are finite, positive where they divide, one per channel.
//! * P9 costs: each count is below 2^47, so that sums do not overflow.

use super::codec::plan_id;
use super::exchange::Exchange;
use super::geometry::{Shape, Window};
use super::ids::{PlanId, StepId};
use super::input::{InputSpec, OutputSpec};
use super::interval::{self, Interval};
use super::ops::{Conv2d, Op, SumPool};
use super::suite::{BlindedParameters, KeyBits, Suite};
use super::view::{ClientPlan, Reveal};
use super::{Plan, Step};
use std::collections::BTreeSet;
use std::fmt;

/// Steps of a plan, at most.
pub const MAX_STEPS: usize = 1 << 16;
/// Elements of a value, at most.
pub const MAX_ELEMENTS: usize = 1 << 24;
/// Elements of all values together, at most.
pub const MAX_TOTAL_ELEMENTS: usize = 1 << 28;
/// Exchanges of a view, at most.
pub const MAX_EXCHANGES: usize = 1 << 12;
/// Taps, dilation and padding of a window along one axis, at most.
pub const MAX_WINDOW: usize = 1 << 12;
/// Bytes of a name, at most.
pub const MAX_NAME: usize = 1 << 10;
/// Magnitude bits of a value, at most: the interpreter's integers have 128 bits.
pub const MAX_BITS: u32 = 120;
/// Magnitude bits of an input, at most.
pub const MAX_INPUT_BITS: u32 = 32;
/// Magnitude bits of a multiplier of `add` or `sum_pool`, at most.
pub const MAX_MULTIPLIER_BITS: u32 = 60;
/// Blinding parameters, at most (and at least 1).
const MAX_BLINDING_BITS: u32 = 40;

/// A check that a plan fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Number of the check in the module's list.
    pub check: u8,
    /// The step, where there is one.
    pub step: Option<StepId>,
    /// What is wrong.
    pub what: String,
}

/// `P4 s3: conv2d gives 16x24x24, the plan says 16x23x24`
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}", self.check)?;
        if let Some(step) = self.step {
            write!(f, " {step}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// A plan that passed every check, with its digest and its client's view. Executors take nothing else.
#[derive(Clone, Debug)]
pub struct ValidPlan {
    plan: Plan,
    view: ClientPlan,
}

impl ValidPlan {
    /// Checks a plan.
    ///
    /// # Errors
    /// All violations.
    pub fn new(plan: Plan) -> Result<Self, Vec<Violation>> {
        let mut found = Findings::default();
        check_plan(&plan, &mut found);
        if found.violations.is_empty() {
            let view = plan.client_view(plan_id(&plan));
            found.violations = view_violations(&view);
            if found.violations.is_empty() {
                return Ok(Self { plan, view });
            }
        }
        Err(found.violations)
    }

    /// The server's program.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the client is given.
    pub fn client_view(&self) -> &ClientPlan {
        &self.view
    }

    /// The digest.
    pub fn id(&self) -> PlanId {
        self.view.id
    }
}

#[derive(Default)]
struct Findings {
    violations: Vec<Violation>,
}

impl Findings {
    fn require(
        &mut self,
        check: u8,
        step: Option<StepId>,
        holds: bool,
        what: impl FnOnce() -> String,
    ) -> bool {
        if !holds {
            self.violations.push(Violation { check, step, what: what() });
        }
        holds
    }
}

fn check_plan(plan: &Plan, found: &mut Findings) {
    found.require(1, None, (2..=MAX_STEPS).contains(&plan.steps.len()), || {
        format!("{} steps", plan.steps.len())
    });
    found.require(1, None, plan.name.len() <= MAX_NAME, || "the plan's name is too long".into());
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
        if !found.violations.is_empty() {
            return; // later steps may read what this one says of itself
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
    let counts = step.cost.counts();
    found.require(9, at, counts.iter().all(|count| count >> 47 == 0), || "its cost is absurd".into());
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

fn check_weights(step: &Step, id: StepId, found: &mut Findings) {
    let at = Some(id);
    let small = |multiplier: &i64| *multiplier != 0 && multiplier.unsigned_abs() >> MAX_MULTIPLIER_BITS == 0;
    let biases = |bias: &[i128], outputs: usize| bias.is_empty() || bias.len() == outputs;
    let (holds, what) = match &step.op {
        Op::Add { multipliers } => (multipliers.iter().all(small), "a multiplier is zero or too large"),
        Op::Conv2d(conv) => {
            (biases(&conv.bias, step.shape.channels), "it has not one bias per output channel")
        }
        Op::Dense(dense) => (biases(&dense.bias, step.shape.channels), "it has not one bias per output"),
        _ => return,
    };
    found.require(5, at, holds, || what.into());
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

fn fits(shape: Shape) -> bool {
    let elements = shape.channels.checked_mul(shape.height).and_then(|n| n.checked_mul(shape.width));
    elements.is_some_and(|n| (1..=MAX_ELEMENTS).contains(&n))
}

fn arity_fits(step: &Step) -> bool {
    match &step.op {
        Op::Input => step.inputs.is_empty(),
        Op::Add { multipliers } => step.inputs.len() >= 2 && step.inputs.len() == multipliers.len(),
        Op::Concat => step.inputs.len() >= 2,
        _ => step.inputs.len() == 1,
    }
}

/// The shape that the operation gives, or why it gives none.
fn inferred_shape(plan: &Plan, step: &Step, inputs: &[&Step]) -> Result<Shape, String> {
    let first = inputs.first().map_or(plan.input.shape, |input| input.shape);
    match &step.op {
        Op::Input => Ok(plan.input.shape),
        Op::Conv2d(conv) => conv_shape(conv, first),
        Op::Dense(dense) => dense_shape(dense.weights.len(), first),
        Op::MaxPool(window) => pool_shape(window, first),
        Op::SumPool(pool) => sum_pool_shape(pool, first),
        Op::Add { .. } if inputs.iter().any(|input| input.shape != first) => {
            Err("its inputs differ in shape".into())
        }
        Op::Concat => concat_shape(inputs, first),
        Op::Reveal => Ok(first.flattened()),
        Op::Rescale { bits } if !(1..=MAX_BITS).contains(bits) => Err(format!("it drops {bits} bits")),
        Op::Add { .. } | Op::Relu | Op::Sign | Op::Rescale { .. } => Ok(first),
    }
}

fn windowed(window: &Window, image: Shape) -> Result<[usize; 2], String> {
    let sane = (0..2).all(|axis| {
        let sizes =
            [window.kernel[axis], window.dilation[axis], window.pad_before[axis], window.pad_after[axis]];
        sizes.iter().all(|&size| size <= MAX_WINDOW)
    });
    let output = window.output([image.height, image.width]).filter(|_| sane);
    let [height, width] =
        output.ok_or_else(|| format!("the window {window} does not fit an image of {image}"))?;
    if fits(Shape::new(image.channels, height, width)) {
        Ok([height, width])
    } else {
        Err("its output is too large".into())
    }
}

/// A pool needs at least one pixel in every window.
fn pool_shape(window: &Window, image: Shape) -> Result<Shape, String> {
    let output = windowed(window, image)?;
    if !window.always_inside([image.height, image.width], output) {
        return Err(format!("the window {window} leaves an image of {image} altogether"));
    }
    Ok(Shape::new(image.channels, output[0], output[1]))
}

fn sum_pool_shape(pool: &SumPool, image: Shape) -> Result<Shape, String> {
    let shape = pool_shape(&pool.window, image)?;
    let Some(common) = pool.balance else { return Ok(shape) };
    let (image, output) = ([image.height, image.width], [shape.height, shape.width]);
    let counts = |axis| pool.window.tap_counts(axis, image[axis], output[axis]).into_iter().collect();
    let divides = |n: usize| i64::try_from(n).is_ok_and(|n| common % n == 0);
    let (rows, columns): (BTreeSet<_>, BTreeSet<_>) = (counts(0), counts(1));
    let balanced = rows.iter().all(|rows| columns.iter().all(|columns| divides(rows * columns)));
    if balanced && common > 0 && common >> MAX_MULTIPLIER_BITS == 0 {
        Ok(shape)
    } else {
        Err(format!("its balance {common} is not a multiple of every window's size"))
    }
}

fn conv_shape(conv: &Conv2d, image: Shape) -> Result<Shape, String> {
    let [height, width] = windowed(&conv.window, image)?;
    if conv.groups == 0 || !image.channels.is_multiple_of(conv.groups) {
        return Err(format!("{} channels do not fall into {} groups", image.channels, conv.groups));
    }
    let taps = conv.window.kernel[0]
        .checked_mul(conv.window.kernel[1])
        .and_then(|n| n.checked_mul(image.channels / conv.groups));
    let per_output = taps.filter(|&n| n > 0).ok_or("its kernel is empty or too large")?;
    let channels = conv.weights.len() / per_output;
    if channels == 0 || channels * per_output != conv.weights.len() || !channels.is_multiple_of(conv.groups) {
        return Err(format!(
            "{} weights do not fit {per_output} taps in {} groups",
            conv.weights.len(),
            conv.groups
        ));
    }
    Ok(Shape::new(channels, height, width))
}

fn dense_shape(weights: usize, input: Shape) -> Result<Shape, String> {
    let outputs = weights / input.elements();
    if outputs == 0 || outputs * input.elements() != weights {
        return Err(format!("{weights} weights do not fit {} inputs", input.elements()));
    }
    Ok(Shape::vector(outputs))
}

fn concat_shape(inputs: &[&Step], first: Shape) -> Result<Shape, String> {
    if inputs.iter().any(|input| (input.shape.height, input.shape.width) != (first.height, first.width)) {
        return Err("its inputs differ in height or width".into());
    }
    Ok(Shape::new(inputs.iter().map(|input| input.shape.channels).sum(), first.height, first.width))
}

fn check_input(input: &InputSpec, found: &mut Findings) {
    let channels = input.shape.channels;
    if !found
        .require(1, None, fits(input.shape), || format!("an input of {} is too large or empty", input.shape))
    {
        return;
    }
    let preprocessing = &input.preprocessing;
    let lengths = [preprocessing.mean.len(), preprocessing.std.len(), input.step.len()];
    let one_each = lengths.iter().all(|&length| length == channels);
    if !found.require(8, None, one_each, || {
        format!("mean, std and step have {lengths:?} entries for {channels} channels")
    }) {
        return;
    }
    let (low, high) = preprocessing.raw_range;
    let finite = low.is_finite() && high.is_finite() && preprocessing.scale.is_finite() && low <= high;
    let positive = |x: &f64| x.is_finite() && *x > 0.0;
    let numbers = finite
        && preprocessing.mean.iter().all(|x| x.is_finite())
        && preprocessing.std.iter().chain(&input.step).all(positive);
    if found.require(8, None, numbers, || "the preprocessing is not finite, or divides by zero".into()) {
        found.require(6, None, input.bits() <= MAX_INPUT_BITS, || {
            format!("inputs of {} bits are too wide", input.bits())
        });
    }
}

/// What a client checks of a view that it was sent; a part of what [`ValidPlan`] checks.
pub(super) fn view_violations(view: &ClientPlan) -> Vec<Violation> {
    let mut found = Findings::default();
    check_input(&view.input, &mut found);
    check_output(&view.output, &view.reveal, &mut found);
    let exchanges = view.exchanges.len();
    let few =
        found.require(1, None, exchanges <= MAX_EXCHANGES, || format!("{exchanges} exchanges are too many"));
    let Suite::Blinded(parameters) = view.suite;
    let BlindedParameters { scale_bits, grain_bits, mask_bits } = parameters;
    let sane = [scale_bits, grain_bits, mask_bits].iter().all(|bits| (1..=MAX_BLINDING_BITS).contains(bits));
    if few && found.require(8, None, sane, || "the blinding parameters are out of range".into()) {
        for (round, exchange) in (1..).zip(&view.exchanges) {
            check_exchange(round, exchange, parameters, view.key_bits, &mut found);
        }
    }
    found.violations
}

fn check_exchange(
    round: usize,
    exchange: &Exchange,
    parameters: BlindedParameters,
    key: KeyBits,
    found: &mut Findings,
) {
    let Exchange { count, bits, .. } = *exchange;
    let handled = found.require(1, None, (1..=MAX_ELEMENTS).contains(&count), || {
        format!("round {round} exchanges {count} values")
    });
    // A pool compares differences, which have one bit more than values, and a sign's question another.
    let narrow =
        found.require(6, None, bits <= MAX_BITS + 1, || format!("round {round} has values of {bits} bits"));
    if handled && narrow {
        found.require(7, None, exchange.per_ciphertext(parameters, key) > 0, || {
            format!(
                "round {round} has values of {bits} bits, which do not fit a key of {key} bits when blinded"
            )
        });
    }
}

fn check_output(output: &OutputSpec, reveal: &Reveal, found: &mut Findings) {
    let sane = (1..=MAX_ELEMENTS).contains(&reveal.count) && reveal.bits <= MAX_BITS;
    found.require(1, None, sane, || "the output is empty or too large".into());
    found.require(8, None, output.classes == reveal.count, || {
        format!("{} logits are stated, {} revealed", output.classes, reveal.count)
    });
    found.require(8, None, output.scale.is_finite() && output.scale > 0.0, || {
        "the output's scale is not positive".into()
    });
}
