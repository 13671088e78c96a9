//! The public part of a plan of suite `shared`: what both parties do, without weights.
//!
//! The client receives it, and the server derives it from its plan, so that both execute the same list. It tells the
//! architecture (operations, their order, shapes and windows), the number of bits of every ring, of every slot and of
//! every truncation, the tiles that are cheapest, and the multipliers of sums.

use super::Plan;
use super::geometry::{Shape, Window};
use super::ids::StepId;
use super::knowledge::Public;
use super::layout::Layout;
use super::ops::{Fractions, Op};
use super::ring::Ring;
use super::suite::SharedParameters;
use super::tiling::Tiling;
use super::wire;
use serde::{Deserialize, Serialize};

/// The steps that both parties do, in the same order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Parameters of masks and of oblivious transfer.
    pub parameters: SharedParameters,
    /// The plan's steps without weights, in order of execution.
    pub steps: Vec<PublicStep>,
}

/// A step without its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "wire::Step", into = "wire::Step")]
pub struct PublicStep {
    /// The operation, without its weights.
    pub op: Op<Public>,
    /// The steps whose values are read.
    pub inputs: Vec<StepId>,
    /// Shape of the value that the step defines.
    pub shape: Shape,
    /// The value is taken modulo 2^(bits+1).
    pub bits: u32,
    /// How a step with weights is evaluated under encryption.
    pub layout: Option<Layout>,
}

/// A linear layer without its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Of a convolution; `None` for a dense layer, which reads all elements.
    pub window: Option<Window>,
    /// How it is evaluated under encryption.
    pub layout: Layout,
}

impl Linear {
    /// The tiles over an image of `from`; `None` where window or tile do not fit.
    pub fn tiling(&self, from: Shape) -> Option<Tiling> {
        match self.window {
            Some(window) => Tiling::new(window, from, self.layout.tile),
            None => Tiling::new(Window::dense([1, 1]), from.flattened(), self.layout.tile),
        }
    }
}

impl PublicStep {
    /// The linear layer that it is, if it is one: of a valid schedule, those alone have layouts.
    pub fn linear(&self) -> Option<Linear> {
        let window = if let Op::Conv2d(conv) = &self.op { Some(conv.window) } else { None };
        self.layout.map(|layout| Linear { window, layout })
    }

    /// The ring of the value.
    ///
    /// # Panics
    /// If `bits` is more than 63; a valid plan's are fewer.
    pub const fn ring(&self) -> Ring {
        Ring::new(self.bits + 1).expect("a valid plan's rings have at most 64 bits")
    }
}

impl Schedule {
    /// The public part of `plan`, whose steps with weights have layouts.
    pub fn from_plan(plan: &Plan, parameters: SharedParameters) -> Self {
        let steps = plan.steps.iter().map(|step| PublicStep {
            op: step.op.public(),
            inputs: step.inputs.clone(),
            shape: step.shape,
            bits: step.bits,
            layout: step.layout,
        });
        Self { parameters, steps: steps.collect() }
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

    /// Fraction bits of the shares of a value: 1 where they are shares of 2·x or 2·x + 1.
    pub fn fraction(&self, id: StepId) -> u32 {
        let mut step = self.step(id);
        while step.op.reads_fractions() == Fractions::Kept {
            step = self.source(step);
        }
        step.layout.map_or(0, |layout| layout.masks.fraction())
    }

    /// The ring in which the shares of a value live.
    ///
    /// # Panics
    /// As [`PublicStep::ring`].
    pub fn share_ring(&self, id: StepId) -> Ring {
        Ring::new(self.step(id).bits + 1 + self.fraction(id))
            .expect("a valid plan's shares have at most 64 bits")
    }

    /// Ciphertexts of masks that the client makes for one image.
    pub fn encryptions(&self) -> usize {
        self.linear().map(|(_, step, linear, tiling)| linear.masks(self.source(step).shape, &tiling)).sum()
    }
}

impl Linear {
    /// Planes of an image of `from`, or elements.
    pub fn inputs(&self, from: Shape, tiling: &Tiling) -> usize {
        let channels = if self.window.is_some() { from.channels } else { from.elements() };
        channels * tiling.planes()
    }

    /// Ciphertexts of the mask of an image of `from`.
    pub fn masks(&self, from: Shape, tiling: &Tiling) -> usize {
        self.inputs(from, tiling).div_ceil(self.layout.stacked)
    }

    /// Ciphertexts that come back for `channels` channels of results.
    pub fn products(&self, channels: usize, tiling: &Tiling) -> usize {
        (channels * tiling.results()).div_ceil(self.layout.results)
    }
}
