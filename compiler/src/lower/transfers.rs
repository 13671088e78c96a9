//! How the oblivious transfers of a plan of suite `shared` are made: whatever takes the fewest bytes for one inference, and in a
//! batch for all that are prepared together.
//!
//! Silent OT begins with a quarter of a megabyte for a direction and then takes a tenth of the bytes or less, so plans of
//! small networks keep SoftSpokenOT for single inferences. Silent OT takes less time too, at all depths about the same, so that bytes decide.

use crate::options::CompileOptions;
use runtime::cost::oblivious_transfers;
use runtime::plan::{Extension, Plan, SharedParameters, Suite, Transfers, TreeDepth};

/// `plan`, with the cheapest extension of each direction that the options allow.
pub(super) fn choose(plan: Plan, options: &CompileOptions) -> Plan {
    let Suite::Shared(parameters) = plan.suite else { return plan };
    let transfers = cheapest(&plan, parameters, 1, options.silent_transfers);
    Plan { suite: Suite::Shared(SharedParameters { transfers, ..parameters }), ..plan }
}

/// The cheapest extension of each direction for so many inferences; silent OT only if `silent`.
pub(super) fn cheapest(
    plan: &Plan,
    parameters: SharedParameters,
    inferences: usize,
    silent: bool,
) -> Transfers {
    let bytes = |transfers| {
        let cost = oblivious_transfers(plan, SharedParameters { transfers, ..parameters }, inferences);
        cost.bytes_up + cost.bytes_down
    };
    // The directions do not depend on each other.
    let cheapest = |with: &dyn Fn(Extension) -> Transfers| {
        let silent = TreeDepth::all().map(Extension::Silent).filter(|_| silent);
        let all = [Extension::default()].into_iter().chain(silent);
        all.min_by_key(|&extension| bytes(with(extension))).unwrap_or_default()
    };
    Transfers {
        client_chooses: cheapest(&|client_chooses| Transfers { client_chooses, ..Transfers::default() }),
        server_chooses: cheapest(&|server_chooses| Transfers { server_chooses, ..Transfers::default() }),
    }
}
