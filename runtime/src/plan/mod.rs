//! The compiled program: a list of tensor-level steps over Paillier ciphertexts.
//!
//! A [`Plan`] is what the compiler writes and the server keeps. [`ValidPlan::client_view`] is the
//! [`ClientPlan`], the part that a client needs and may see; its type has no field that could hold
//! a weight. Both carry the same [`PlanId`]. Bytes become a plan only through [`codec`], which
//! bounds what it reads, and [`validate`], which yields a [`ValidPlan`]; executors take nothing else.
//!
//! This module imports no other module of the crate.

mod batch;
mod bounded;
mod check;
mod class_names;
pub mod codec;
mod cost;
mod display;
mod exchange;
mod extension;
mod fraction;
mod frame;
mod geometry;
mod hexadecimal;
mod ids;
mod index_map;
mod input;
pub mod interval;
mod knowledge;
mod layout;
mod ops;
mod output;
mod public_step;
mod reach;
mod ring;
mod schedule;
mod scores;
mod suite;
mod tiling;
pub mod validate;
mod view;
mod windows;

pub use batch::{InferenceBatch, PricedBatch};
pub use check::{Check, CheckImages, Headroom};
pub use class_names::is_deceptive;
pub use codec::DecodeError;
pub use cost::{Cost, Processor, UnitCosts};
#[cfg(feature = "bench")]
pub(crate) use display::Table;
#[cfg(feature = "report")]
pub(crate) use display::{
    describe_elements, describe_layout, describe_names, describe_revealed, describe_suite,
};
pub use exchange::{Exchange, ExchangeKind, PairSlots};
pub use extension::{Extension, FieldBits, Transfers, TreeDepth};
pub use fraction::Fraction;
pub use frame::FORMAT_VERSION;
pub use geometry::{Shape, Window};
pub use hexadecimal::{Hexadecimal, from_hexadecimal};
pub use ids::{PlanId, PlanName, Salt, StepId};
pub use index_map::IndexMap;
pub use input::{Colours, InputError, InputSpec, Preprocessing};
pub use knowledge::{Knowledge, Private, Public};
pub use layout::Layout;
pub use ops::{Add, Conv2d, Dense, Gather, MaxPool, Op, SumPool};
pub use output::{ClassAxes, OutputPart, OutputSpec, Postprocessing, Revealed, are_of_map, spelled};
pub use public_step::{Linear, PublicStep};
pub use reach::Reach;
pub use ring::{Ring, index_bits};
pub use schedule::Schedule;
pub use scores::Scores;
pub use suite::{BlindedParameters, KeyBits, SharedParameters, Suite, UnsupportedKeyBits};
pub use tiling::Tiling;
pub use validate::{ValidPlan, Violation};
pub use view::{ClientPlan, Exchanges, Reveal, Work};
pub use windows::{Windows, in_windows};

use serde::{Deserialize, Serialize};

/// A compiled network, which the server executes and the client never sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the model is called; free text of at most [`validate::MAX_NAME`] bytes, never sent to the client.
    pub name: String,
    /// The protocols used where both parties are needed, with their parameters.
    pub suite: Suite,
    /// Length of the client's Paillier modulus.
    pub key_bits: KeyBits,
    /// How a raw image becomes the integers of step `s0`.
    pub input: InputSpec,
    /// The steps in order of execution; step `s0` is the only [`Op::Input`], the last the only [`Op::Reveal`].
    #[serde(deserialize_with = "bounded::list::<{ bounded::MAX_STEPS }, _, _>")]
    pub steps: Vec<Step>,
    /// How the revealed integers become logits.
    pub output: OutputSpec,
    /// What a session costs before its first inference, beside the handshake.
    pub setup: Cost,
    /// Inferences that can be prepared together, fewest first; suite `shared`.
    pub batches: Vec<PricedBatch>,
    /// How close the plan is to its model, where the compiler has looked; never sent to the client.
    pub check: Option<Check>,
    /// What makes its digest unlike that of any guess; never sent to the client.
    pub salt: Salt,
}

/// One operation on tensors; it defines one value, named by the step's own id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The node of the model that the step comes from; for people, never sent to the client.
    pub name: String,
    /// The operation, with its weights.
    pub op: Op,
    /// The steps whose values are read.
    pub inputs: Vec<StepId>,
    /// Shape of the value that the step defines.
    pub shape: Shape,
    /// Suite `blinded`: every element x of the value is in −2^bits < x < 2^bits, whatever the input. Suite
    /// `shared`: elements are taken modulo 2^(bits+1), in −2^bits ≤ x < 2^bits.
    pub bits: u32,
    /// How a step with weights is evaluated under encryption, in suite `shared`.
    pub layout: Option<Layout>,
    /// What the step will cost before the image is known, in a session's first inference: later ones use the oblivious
    /// transfers that are left first.
    pub offline: Cost,
    /// What the step will cost once the image is known.
    pub cost: Cost,
}

impl Plan {
    /// The step `id`. Panics if the plan has no such step; a [`ValidPlan`] refers to none.
    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[id.index()]
    }

    /// The digest that names it.
    pub fn id(&self) -> PlanId {
        frame::plan_id(self)
    }

    /// A session with one inference: the sum over all steps, and the setup.
    pub fn total_cost(&self) -> Cost {
        [self.setup, self.offline_cost(), self.online_cost()].into_iter().sum()
    }

    /// Of a session's first inference, before the image is known.
    pub fn offline_cost(&self) -> Cost {
        self.steps.iter().map(|step| step.offline).sum()
    }

    /// Of one inference, once the image is known.
    pub fn online_cost(&self) -> Cost {
        self.steps.iter().map(|step| step.cost).sum()
    }

    /// All steps with their ids, in order of execution.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, &Step)> {
        self.steps.iter().enumerate().map(|(i, step)| (StepId::new(i), step))
    }
}
