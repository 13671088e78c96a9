//! What each step of a plan costs, counted before anything runs by the suite that will run it.

use crate::error::Result;
use runtime::plan::{Cost, Plan, Suite};
use runtime::protocol::{blinded, shared};

/// `plan` with the cost of every step.
///
/// # Errors
/// A defect of the compiler.
pub fn price(mut plan: Plan) -> Result<Plan> {
    match plan.suite {
        Suite::Blinded(parameters) => {
            let costs: Vec<Cost> =
                plan.steps().map(|(id, _)| blinded::cost::step(&plan, parameters, id)).collect();
            plan.steps.iter_mut().zip(costs).for_each(|(step, cost)| step.cost = cost);
        }
        Suite::Shared(parameters) => shared::cost::price(&mut plan, parameters)?,
    }
    Ok(plan)
}
