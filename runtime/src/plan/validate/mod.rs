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
//! * P6 bounds. Suite `blinded`: `bits` is at least what interval arithmetic over the step needs, and at most
//!   [`MAX_BITS`]. Suite `shared`: at most [`MAX_RING_BITS`]; what is computed share by share reads values of as many
//!   bits at least.
//! * P7 capacity: every exchanged value fits a plaintext of the plan's key.
//! * P8 borders: preprocessing and output are finite, positive where they divide, one per channel; parameters are
//!   in their ranges.
//! * P9 costs: each count is below 2^47, so that sums do not overflow.
//! * P10 suites: operations and layouts are those of the plan's suite.
//! * P11 shares: they have at most 64 bits, carries stay below 2^f, and linear steps read shares without a fraction
//!   ([`super::Fraction`]).
//! * P12 batches: each has more inferences than the one before, at most [`InferenceBatch::MAX`](super::InferenceBatch), and
//!   every linear step a layout with slots as wide as when an inference is prepared alone; its transfers are the plan's, or
//!   silent OT that follows on them.
//! * P13 work: what checking, pricing and preparing do for all steps together, counted from their shapes, is at most
//!   [`MAX_WORK`]; of a schedule's pools [`MAX_POOL_TERMS`], of its tiles [`MAX_TILE_READS`].

mod operation;
mod schedule;
mod shapes;
mod steps;
mod view;
mod work;

pub(super) use view::view_violations;

use super::Plan;
use super::ids::{PlanId, StepId};
use super::view::ClientPlan;
use std::fmt;
use steps::check_plan;

pub use super::bounded::{MAX_EXCHANGES, MAX_PIECES, MAX_STEPS};

/// Elements of a value, at most.
pub const MAX_ELEMENTS: usize = 1 << 24;
/// Axes of the output, at most.
pub const MAX_AXES: usize = 8;
/// Most outputs that are revealed together.
pub const MAX_OUTPUTS: usize = 16;
/// Elements of all values together, at most.
pub const MAX_TOTAL_ELEMENTS: usize = 1 << 28;
/// Work of all steps together, in units of some nanoseconds (`work.rs`), at most.
pub const MAX_WORK: usize = 1 << 28;
/// Pixels under the windows of all max-poolings and sum-poolings of a schedule together, which are listed, at most.
pub const MAX_POOL_TERMS: usize = 1 << 25;
/// What the tiles of all linear steps and batches read along their axes, together, at most.
pub const MAX_TILE_READS: usize = 1 << 23;
/// Elements of all values together in suite `shared`, times the inferences that are prepared together, at most.
pub const MAX_SHARED_ELEMENTS: usize = 1 << 26;
/// Taps, stride, dilation and padding of a window along one axis, at most.
pub const MAX_WINDOW: usize = 1 << 12;
/// Bytes of a name, at most.
pub const MAX_NAME: usize = 1 << 10;
/// Magnitude bits of a value, at most: the interpreter's integers have 128 bits.
pub const MAX_BITS: u32 = 120;
/// `bits` of a value of suite `shared`, at most: its shares and a bit below them have 64.
pub const MAX_RING_BITS: u32 = 62;
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
    /// What is wrong, in words.
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
            let view = plan.client_view(plan.id());
            found.violations = view_violations(&view);
            if found.violations.is_empty() {
                return Ok(Self { plan, view });
            }
        }
        Err(found.violations)
    }

    /// The plan that was checked.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The same, to be changed.
    pub fn into_plan(self) -> Plan {
        self.plan
    }

    /// What the client is given.
    pub fn client_view(&self) -> &ClientPlan {
        &self.view
    }

    /// The digest that names the plan.
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
