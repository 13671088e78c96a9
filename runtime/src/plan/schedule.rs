//! The public part of a plan of suite `shared`: what both parties do, without weights.
//!
//! The client receives it, and the server derives it from its plan, so that both execute the same list. It tells the
//! architecture (operations, their order, shapes, windows and what gathers move), the number of bits of every ring, of every
//! slot and of every truncation, the tiles that are cheapest, and the multipliers of sums.

use super::Plan;
use super::batch::InferenceBatch;
use super::bounded;
use super::fraction::{Fraction, missing_carry};
use super::ids::StepId;
use super::ops::Op;
use super::public_step::{Linear, PublicStep};
use super::ring::Ring;
use super::suite::SharedParameters;
use super::tiling::Tiling;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The steps that both parties do, in the same order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Schedule {
    /// Parameters of masks and of oblivious transfer.
    pub parameters: SharedParameters,
    /// The plan's steps without weights, in order of execution.
    pub steps: Vec<PublicStep>,
    /// Inferences that can be prepared together, fewest first.
    pub batches: Vec<InferenceBatch>,
    /// Inferences that these layouts prepare together: 1, but in a schedule [`for_batch`](Self::for_batch).
    inferences: usize,
    /// By step; follows from the steps.
    fractions: Vec<Fraction>,
    /// By step: whether it is the first linear one that reads its value.
    opening: Vec<bool>,
    /// By step: whether the client has its shares before the image is known.
    client_ahead: Vec<bool>,
}

/// A schedule as it is written.
#[derive(Clone, Serialize, Deserialize)]
struct Written {
    parameters: SharedParameters,
    #[serde(deserialize_with = "bounded::list::<{ bounded::MAX_STEPS }, _, _>")]
    steps: Vec<PublicStep>,
    #[serde(deserialize_with = "bounded::list::<{ InferenceBatch::MAX }, _, _>")]
    batches: Vec<InferenceBatch>,
}

impl From<Schedule> for Written {
    fn from(Schedule { parameters, steps, batches, .. }: Schedule) -> Self {
        Self { parameters, steps, batches }
    }
}

impl From<Written> for Schedule {
    fn from(Written { parameters, steps, batches }: Written) -> Self {
        Self { batches, ..Self::new(parameters, steps) }
    }
}

impl Schedule {
    /// These steps. They may be anything: nobody has checked them yet.
    pub fn new(parameters: SharedParameters, steps: Vec<PublicStep>) -> Self {
        let linear = |step: &PublicStep| step.layout.map_or(0, |layout| layout.fraction);
        let fractions = Fraction::of_steps(steps.iter().map(|step| (&step.op, linear(step), &*step.inputs)));
        let mut known = HashSet::new();
        let mut first = |step: &PublicStep| step.op.is_linear() && known.insert(step.inputs.first().copied());
        let opening = steps.iter().map(&mut first).collect();
        let client_ahead = client_ahead(&steps);
        Self { parameters, steps, batches: Vec::new(), inferences: 1, fractions, opening, client_ahead }
    }

    /// The public part of `plan`, whose steps with weights have layouts.
    pub fn from_plan(plan: &Plan, parameters: SharedParameters) -> Self {
        let steps = plan.steps.iter().map(|step| PublicStep {
            op: step.op.public(),
            inputs: step.inputs.clone(),
            shape: step.shape,
            bits: step.bits,
            layout: step.layout,
        });
        let batches = plan.batches.iter().map(|priced| priced.batch.clone()).collect();
        Self { batches, ..Self::new(parameters, steps.collect()) }
    }

    /// The same with the layouts that prepare `inferences` inferences together; `None` where the plan offers no such batch.
    pub fn for_batch(&self, inferences: usize) -> Option<Self> {
        if inferences == 1 {
            return Some(self.clone());
        }
        let batch = self.batches.iter().find(|batch| batch.inferences == inferences)?;
        Some(self.with_layouts(batch))
    }

    /// The linear steps in the layouts of `batch`, as many as it has.
    pub(super) fn linear_of<'s>(
        &'s self,
        batch: &'s InferenceBatch,
    ) -> impl Iterator<Item = (StepId, &'s PublicStep, Linear)> + 's {
        let linear = self.steps().filter_map(|(id, step)| Some((id, step, step.linear()?)));
        linear
            .zip(&batch.layouts)
            .map(|((id, step, linear), &layout)| (id, step, Linear { layout, ..linear }))
    }

    /// The same in the layouts of `batch`, and with its oblivious transfers.
    fn with_layouts(&self, batch: &InferenceBatch) -> Self {
        let parameters = SharedParameters { transfers: batch.transfers, ..self.parameters };
        let mut schedule =
            Self { parameters, inferences: batch.inferences, batches: Vec::new(), ..self.clone() };
        let linear = schedule.steps.iter_mut().filter(|step| step.layout.is_some());
        linear.zip(&batch.layouts).for_each(|(step, &layout)| step.layout = Some(layout));
        schedule
    }

    /// Whether step `id` is the first linear one that reads its value, so that the server must be told it, masked.
    ///
    /// # Panics
    /// If there is no such step.
    pub fn opens(&self, id: StepId) -> bool {
        self.opening[id.index()]
    }

    /// Whether the client has its shares of a value before the image is known: those of linear steps, which are made ahead, and
    /// what it computes from them alone.
    ///
    /// # Panics
    /// If there is no such step.
    pub fn client_has_ahead(&self, id: StepId) -> bool {
        self.client_ahead[id.index()]
    }

    /// How many inferences it prepares together.
    pub const fn inferences(&self) -> usize {
        self.inferences
    }

    /// The step `id`.
    ///
    /// # Panics
    /// If there is no such step.
    pub fn step(&self, id: StepId) -> &PublicStep {
        &self.steps[id.index()]
    }

    /// All steps with their ids, in order of execution.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, &PublicStep)> {
        self.steps.iter().enumerate().map(|(i, step)| (StepId::new(i), step))
    }

    /// The step that `step` reads first.
    ///
    /// # Panics
    /// If it reads none.
    pub fn source(&self, step: &PublicStep) -> &PublicStep {
        self.step(step.inputs[0])
    }

    /// All linear steps, with their tiles.
    pub fn linear(&self) -> impl Iterator<Item = (StepId, &PublicStep, Linear, Tiling)> {
        self.steps().filter_map(|(id, step)| {
            let linear = step.linear()?;
            Some((id, step, linear, linear.tiling(self.source(step).shape)?))
        })
    }

    /// What the shares of a value hold below it.
    ///
    /// # Panics
    /// If there is no such step.
    pub fn fraction(&self, id: StepId) -> Fraction {
        self.fractions[id.index()]
    }

    /// What the server adds to its shares of step `id` beside constants: carries that negative multipliers take away.
    pub fn missing_carry(&self, id: StepId) -> u64 {
        let step = self.step(id);
        let Op::Add(sum) = &step.op else { return 0 };
        let inputs: Vec<Fraction> = step.inputs.iter().map(|&input| self.fraction(input)).collect();
        missing_carry(&sum.multipliers, &inputs, self.fraction(id).bits)
    }

    /// The ring in which the shares of a value live.
    ///
    /// # Panics
    /// As [`PublicStep::ring`].
    pub fn share_ring(&self, id: StepId) -> Ring {
        Ring::new(self.step(id).bits + 1 + self.fraction(id).bits)
            .expect("a valid plan's shares have at most 64 bits")
    }

    /// Ciphertexts of masks that the client makes for one image.
    pub fn encryptions(&self) -> usize {
        self.linear().map(|(_, step, linear, tiling)| linear.masks(self.source(step).shape, &tiling)).sum()
    }
}

/// See [`Schedule::client_has_ahead`]; the steps may be anything.
fn client_ahead(steps: &[PublicStep]) -> Vec<bool> {
    let mut ahead: Vec<bool> = Vec::with_capacity(steps.len());
    for step in steps {
        let has = |input: &StepId| ahead.get(input.index()).copied().unwrap_or(false);
        ahead.push(match step.op {
            Op::Conv2d(_) | Op::Dense(_) => true,
            Op::SumPool(_) | Op::Add(_) | Op::Concat | Op::Gather(_) => step.inputs.iter().all(has),
            Op::Input
            | Op::Relu
            | Op::Sign
            | Op::MaxPool(_)
            | Op::Mul
            | Op::Rescale { .. }
            | Op::ReluRescale { .. }
            | Op::ArgMax(_)
            | Op::Reveal => false,
        });
    }
    ahead
}
