//! The client in suite `shared`.
//!
//! ```text
//! client                                             server
//! prepare, before the image is known
//!   Prepare                                     ──▶
//!   once: oblivious transfer's setup (ot/setup)  ◀─▶
//!   random OTs for all activations               ◀─▶
//!   masks and products of linear steps (products)  ◀─▶
//! infer
//!   Infer, then roles/online                     ◀─▶
//! ```

use super::super::online::{self, Numbers, Side};
use super::Holder;
use crate::error::{Error, Result};
use crate::observe::Observer;
use crate::ot::{Extensions, Role, Supply, setup};
use crate::plan::{Ring, Schedule, StepId};
use crate::protocol::message::{self, Message};
use crate::protocol::shared::online_messages::{self, batches, received, width};
use crate::protocol::shared::party::Party;
use crate::roles::stopwatch::Named;
use std::collections::{HashMap, VecDeque};
use zeroize::Zeroizing;

/// What a session has done ahead.
#[derive(Default)]
pub(super) struct Ahead {
    extensions: Option<Extensions>,
    ready: VecDeque<Prepared>,
}

impl Ahead {
    pub(super) fn len(&self) -> usize {
        self.ready.len()
    }
}

/// Everything that one inference uses up. Moved, never copied.
struct Prepared {
    supply: Supply,
    /// Bytes that the server will send online.
    to_receive: u64,
    /// The masks of values that linear steps read.
    masks: HashMap<StepId, Numbers>,
    /// Shares of the linear steps' results.
    products: HashMap<StepId, Numbers>,
}

/// One preparation or inference of a session.
pub(super) struct Session<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) holder: &'a mut Holder,
    pub(super) ahead: &'a mut Ahead,
}

impl Session<'_> {
    /// Everything that one more inference uses up.
    pub(super) fn prepare(self, observer: &mut dyn Observer) -> Result<()> {
        let Self { schedule, holder, ahead } = self;
        let first = StepId::new(0);
        observer.begin(schedule.linear().count() + 2);
        message::send(&mut holder.connection, Message::Prepare, &[])?;
        let extensions = match &mut ahead.extensions {
            Some(extensions) => extensions,
            none => {
                let transfers = schedule.parameters.transfers;
                none.insert(holder.step(Named::offline(first, "setup"), observer, |holder| {
                    let Holder { connection, key, rng, faults } = holder;
                    setup::client(connection, key, transfers, faults, rng)
                })?)
            }
        };
        let costs = online_messages::communication(schedule);
        let supply = holder.step(Named::offline(first, "transfers"), observer, |holder| {
            Supply::prepare(&mut holder.connection, Role::Client, extensions, &batches(&costs))
        })?;
        let masks = holder.draw_masks(schedule);
        let products = holder.prepare_linear(schedule, &masks, observer)?;
        let to_receive = received(&costs, Role::Client);
        ahead.ready.push_back(Prepared { supply, to_receive, masks, products });
        Ok(())
    }

    /// The revealed integers for those of an image.
    pub(super) fn infer(self, input: &[i64], observer: &mut dyn Observer) -> Result<Vec<i128>> {
        let Self { schedule, holder, ahead } = self;
        let prepared = ahead.ready.pop_front().ok_or_else(|| Error::Bug("nothing is prepared".into()))?;
        observer.begin(schedule.steps.len());
        message::send(&mut holder.connection, Message::Infer, &[])?;
        let outcome = holder.online(schedule, prepared, input, observer);
        let shares = outcome.map_err(|error| message::refused_or(&mut holder.connection, error))?;
        let ring = schedule.steps.last().map_or(Ring::new(64), |step| Some(step.ring()));
        let ring = ring.ok_or_else(|| Error::Bug("no ring has more than 64 bits".into()))?;
        Ok(shares.into_iter().map(|share| ring.signed(share).into()).collect())
    }
}

impl Holder {
    /// A mask for every value that linear steps read.
    fn draw_masks(&mut self, schedule: &Schedule) -> HashMap<StepId, Numbers> {
        let mut masks = HashMap::new();
        for (_, step, ..) in schedule.linear() {
            let source = schedule.source(step);
            let (ring, count) = (source.ring(), source.shape.elements());
            masks
                .entry(step.inputs[0])
                .or_insert_with(|| Zeroizing::new((0..count).map(|_| ring.reduce(self.rng.u64())).collect()));
        }
        masks
    }

    fn online(
        &mut self,
        schedule: &Schedule,
        prepared: Prepared,
        input: &[i64],
        observer: &mut dyn Observer,
    ) -> Result<Vec<u64>> {
        let Prepared { supply, to_receive, masks, products } = prepared;
        let ring = schedule.steps[0].ring();
        let image = input.iter().map(|&x| ring.embed(x)).collect();
        let party = Party::new(&mut self.connection, supply, &mut self.rng, to_receive);
        online::run(schedule, party, &mut Shares { schedule, masks, products }, image, observer)
    }
}

/// The client's shares for one inference.
struct Shares<'a> {
    schedule: &'a Schedule,
    masks: HashMap<StepId, Numbers>,
    products: HashMap<StepId, Numbers>,
}

impl Side for Shares<'_> {
    fn linear(&mut self, party: &mut Party<'_>, id: StepId, input: &[u64]) -> Result<Vec<u64>> {
        let source = self.schedule.step(id).inputs[0];
        if let Some(mask) = self.masks.remove(&source) {
            let ring = self.schedule.step(source).ring();
            let masked: Vec<u64> =
                input.iter().zip(&*mask).map(|(x, r)| ring.reduce(x.wrapping_sub(*r))).collect();
            party.send_numbers(width(ring), &masked);
        }
        let product = self.products.remove(&id);
        let mut product = product.ok_or_else(|| Error::Bug(format!("{id} is not prepared")))?;
        Ok(std::mem::take(&mut *product))
    }

    fn constants(&self, _id: StepId) -> &[i128] {
        &[]
    }

    fn reveal(&mut self, party: &mut Party<'_>, ring: Ring, shares: Vec<u64>) -> Result<Vec<u64>> {
        let theirs = party.receive_numbers(width(ring), shares.len())?;
        Ok(shares.iter().zip(theirs).map(|(ours, theirs)| ring.reduce(ours.wrapping_add(theirs))).collect())
    }
}
