//! Suite `shared`: which inferences clients can prepare together, and in which layouts.
//!
//! Of some sizes of batches those are offered in which an inference takes clearly less time than in the next smaller one. A
//! network whose linear layers fill their ciphertexts with one image gains nothing, and has none. Oblivious transfers are left
//! out: what is left of one preparation's serves the next, in batches or not.

use super::layout::choose;
use super::transfers::cheapest;
use crate::options::CompileOptions;
use runtime::cost::{batch, oblivious_transfers};
use runtime::plan::validate::MAX_SHARED_ELEMENTS;
use runtime::plan::{
    Cost, Extension, InferenceBatch, Layout, Plan, PricedBatch, SharedParameters, StepId, Suite, Transfers,
    UnitCosts,
};

/// Sizes that are tried.
const SIZES: [usize; 3] = [4, 16, InferenceBatch::MAX];

/// An inference in a batch takes at most this share of its time in the next smaller one.
const WORTH: f64 = 0.9;

/// `plan`, laid out and priced, with the batches that the options allow and that save time. Their prices are left to
/// [`runtime::cost::predict`].
pub fn with_batches(mut plan: Plan, options: &CompileOptions) -> Plan {
    let unit = &options.unit_costs();
    let Suite::Shared(parameters) = plan.suite else { return plan };
    let alone = plan.offline_cost().seconds(unit) + plan.online_cost().seconds(unit);
    let mut least = alone - oblivious_transfers(&plan, parameters, 1).seconds(unit);
    let elements: usize = plan.steps.iter().map(|step| step.shape.elements()).sum();
    let allowed = |size: &usize| *size <= options.max_batch && elements * size <= MAX_SHARED_ELEMENTS;
    for inferences in SIZES.into_iter().filter(allowed) {
        let Some(layouts) = layouts(&plan, inferences, unit) else { continue };
        let cheapest = cheapest(&plan, parameters, inferences, options.silent_transfers);
        let transfers = grown(parameters.transfers, cheapest);
        plan.batches.push(PricedBatch {
            batch: InferenceBatch { inferences, layouts, transfers },
            offline: Cost::default(),
        });
        let seconds = each(&plan, parameters, inferences, unit);
        if seconds <= WORTH * least {
            least = seconds;
        } else {
            plan.batches.pop();
        }
    }
    plan
}

/// For each direction the cheapest extension, if a session may go over to it.
fn grown(single: Transfers, cheapest: Transfers) -> Transfers {
    let grown =
        |single: Extension, cheapest: Extension| if single.may_become(cheapest) { cheapest } else { single };
    Transfers {
        client_chooses: grown(single.client_chooses, cheapest.client_chooses),
        server_chooses: grown(single.server_chooses, cheapest.server_chooses),
    }
}

/// The cheapest layouts of all linear steps; `None` where one takes too many ciphertexts.
fn layouts(plan: &Plan, inferences: usize, unit: &UnitCosts) -> Option<Vec<Layout>> {
    let linear = plan.steps.iter().enumerate().filter_map(|(index, step)| Some((index, step.layout?)));
    linear
        .map(|(index, layout)| choose(plan, StepId::new(index), layout.fraction, inferences, unit))
        .collect()
}

/// Seconds of an inference in a batch that the plan offers, without its oblivious transfers.
fn each(plan: &Plan, parameters: SharedParameters, inferences: usize, unit: &UnitCosts) -> f64 {
    let together = batch(plan, parameters, inferences).seconds(unit);
    let transfers = plan.batches.last().map_or(parameters.transfers, |priced| priced.batch.transfers);
    let parameters = SharedParameters { transfers, ..parameters };
    let transfers = oblivious_transfers(plan, parameters, inferences).seconds(unit);
    (together - transfers) / inferences as f64 + plan.online_cost().seconds(unit)
}
