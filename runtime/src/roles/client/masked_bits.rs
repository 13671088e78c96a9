//! What the client tells ahead, once it has its shares of the linear steps' results: its masked bits for what activations
//! behind them open first.
//!
//! ```text
//! client                                             server
//! 1  its shares of linear steps' results, and of
//!    sums, pools of sums, concatenations and gathers
//!    of these
//! 2  its bits of these, masked, as activations
//!    open them first (ot/masked, ot/bit_product)  ──▶  keeps them for the image
//! ```
//!
//! # Who learns what
//!
//! The server: masked bits, as it would online; masks are used once.

use crate::error::{Error, Result};
use crate::ot::Supply;
use crate::plan::{Schedule, StepId};
use crate::protocol::shared::activation::Part;
use crate::protocol::shared::message_schedule::Communication;
use crate::protocol::shared::online_messages::{batches_ahead, told_ahead};
use crate::roles::online::{Added, ByStep, share_by_share};
use crate::roles::values::Values;

/// The message, from the client's shares of the linear steps' results; `supply` has begun these evaluations then.
pub(super) fn open(
    schedule: &Schedule,
    online: &[Communication],
    products: &ByStep,
    supply: &mut Supply,
) -> Result<Vec<u8>> {
    let mut message = Vec::new();
    let mut shares = Values::new(schedule.steps.iter().map(|step| &*step.inputs));
    for ((id, step), batches) in schedule.steps().zip(batches_ahead(online)) {
        let mut share = Vec::new(); // None that the client has.
        match Part::from_step(schedule, id) {
            Some(Part::Linear) => share = product(products, id)?,
            Some(Part::Alone(alone)) if schedule.client_has_ahead(id) => {
                share = share_by_share(schedule, id, &alone, &shares.inputs(&step.inputs)?, Added::default());
            }
            Some(Part::Activation(activation) | Part::Reveal(Some(activation))) if !batches.is_empty() => {
                let inputs = activation.first_inputs(shares.inputs(&step.inputs)?[0]);
                message.append(&mut supply.open_ahead(batches.start, &inputs)?);
            }
            _ => {}
        }
        shares.define(id, &step.inputs, share);
    }
    if message.len() as u64 != told_ahead(online) {
        return Err(Error::Bug("activations open something else ahead than their schedule says".into()));
    }
    Ok(message)
}

fn product(products: &ByStep, id: StepId) -> Result<Vec<u64>> {
    let product = products.get(&id).ok_or_else(|| Error::Bug(format!("{id} is not prepared")))?;
    Ok(product.to_vec())
}
