//! How the oblivious transfers of a plan of suite `shared` are made: whatever takes the fewest bytes for one inference.
//!
//! Silent OT begins with a quarter of a megabyte for a direction and then takes a tenth of the bytes or less, so plans of
//! small networks keep SoftSpokenOT. Silent OT takes less time too, at all depths about the same, so that bytes decide.

use crate::options::CompileOptions;
use runtime::cost::oblivious_transfers;
use runtime::plan::{Extension, Plan, SharedParameters, Suite, Transfers, TreeDepth};

/// `plan`, with the cheapest extension of each direction that the options allow.
pub(super) fn choose(plan: Plan, options: &CompileOptions) -> Plan {
    let Suite::Shared(parameters) = plan.suite else { return plan };
    let bytes = |transfers| {
        let cost = oblivious_transfers(&plan, SharedParameters { transfers, ..parameters }, 1);
        cost.bytes_up + cost.bytes_down
    };
    // The directions do not depend on each other.
    let cheapest = |with: &dyn Fn(Extension) -> Transfers| {
        let silent = TreeDepth::all().map(Extension::Silent).filter(|_| options.silent_transfers);
        let all = [Extension::default()].into_iter().chain(silent);
        all.min_by_key(|&extension| bytes(with(extension))).unwrap_or_default()
    };
    let transfers = Transfers {
        client_chooses: cheapest(&|client_chooses| Transfers { client_chooses, ..Transfers::default() }),
        server_chooses: cheapest(&|server_chooses| Transfers { server_chooses, ..Transfers::default() }),
    };
    Plan { suite: Suite::Shared(SharedParameters { transfers, ..parameters }), ..plan }
}
