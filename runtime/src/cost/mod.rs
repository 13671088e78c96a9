//! What plans cost before anything runs: all that the compiler weighs its choices by.
//!
//! A [`Cost`] counts what a step takes, exactly; [`UnitCosts`] are the seconds of one of each. The protocols of each suite
//! know their counts; here they are asked:
//!
//! * [`predict`]: every step of a plan;
//! * [`exchange`]: one round of suite `blinded`;
//! * [`layer`]: a linear layer of suite `shared`, from the shapes and the layout of a [`Packed`];
//! * [`batch`]: inferences of suite `shared` that are prepared together;
//! * [`comparison`](fn@comparison): one value of an interactive step of suite `shared`;
//! * [`preparation`]: what preparing an inference of suite `shared` leaves to chance, and its memory.

#[cfg(feature = "bench")]
pub mod capacity;
mod comparison;
#[cfg(feature = "bench")]
pub mod forecast;
#[cfg(feature = "bench")]
mod machine;
#[cfg(feature = "bench")]
pub mod prediction;
pub mod preparation;
#[cfg(feature = "bench")]
pub mod profile;

#[cfg(feature = "bench")]
pub use machine::Machine;

pub use crate::paillier::Count;
pub use crate::plan::{Cost, UnitCosts};
pub use crate::protocol::blinded::cost::exchange;
pub use crate::protocol::shared::cost::{batch, layer, oblivious_transfers};
pub use crate::protocol::shared::linear::Packed;
pub use comparison::{Comparison, comparison};

use crate::plan::{Plan, Suite};
use crate::protocol::{blinded, shared};

/// `plan` with the cost of every step, counted by the suite that will run it. Its shapes, bits, weights and layouts must be
/// right.
pub fn predict(mut plan: Plan) -> Plan {
    match plan.suite {
        Suite::Blinded(parameters) => {
            let costs: Vec<Cost> =
                plan.steps().map(|(id, _)| blinded::cost::step(&plan, parameters, id)).collect();
            plan.steps.iter_mut().zip(costs).for_each(|(step, cost)| step.cost = cost);
        }
        Suite::Shared(parameters) => shared::cost::price(&mut plan, parameters),
    }
    plan
}
