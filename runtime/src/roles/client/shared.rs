//! The client in suite `shared`.
//!
//! ```text
//! client                                             server
//! prepare, before the image is known
//!   Prepare                                     ──▶
//!                                               ◀──  Grant, or why not now
//!   once: oblivious transfer's setup (ot/setup)  ◀─▶
//!   random OTs for all activations               ◀─▶
//!   masks and products of linear steps (products)  ◀─▶
//!   masked bits that are known then (masked_bits)  ──▶
//! infer
//!   Infer, then roles/online                     ◀─▶
//! ```

use super::super::half::Half;
use super::super::held::Held;
use super::super::online::{self, ByStep, Side};
use super::{Holder, masked_bits};
use crate::channel::Limit;
use crate::error::{Error, Result};
use crate::observe::{Observer, Silent};
use crate::ot::{Extensions, Role, Supply, setup};
use crate::plan::{Ring, Schedule, StepId};
use crate::protocol::message::{self, Message};
use crate::protocol::shared::grant::{self, Grant};
use crate::protocol::shared::keeping::Preparation;
use crate::protocol::shared::message_schedule::Communication;
#[cfg(doc)]
use crate::protocol::shared::online_messages::most_together;
use crate::protocol::shared::online_messages::{batches, received, width};
use crate::protocol::shared::party::Party;
use crate::protocol::shared::together::{Seat, Together};
use crate::roles::stopwatch::Named;
use crate::store::Name;
use std::collections::VecDeque;
use zeroize::Zeroizing;

/// What a session has done ahead.
#[derive(Default)]
pub(super) struct Ahead {
    extensions: Option<Extensions>,
    pub(super) ready: VecDeque<Half>,
}

impl Ahead {
    pub(super) fn len(&self) -> usize {
        self.ready.len()
    }
}

/// One preparation or inference of a session.
pub(super) struct Session<'a> {
    pub(super) schedule: &'a Schedule,
    /// What is sent online, step by step.
    pub(super) online: &'a [Communication],
    pub(super) holder: &'a mut Holder,
    pub(super) ahead: &'a mut Ahead,
}

impl Session<'_> {
    /// Everything that `inferences` more inferences use up, prepared together: one, or a batch that the plan offers; with names if they
    /// may outlive the session. Nothing is done where the server declines.
    pub(super) fn prepare(
        self,
        inferences: usize,
        names: Vec<Name>,
        observer: &mut dyn Observer,
    ) -> Result<Grant> {
        let Self { schedule, online, holder, ahead } = self;
        let first = StepId::new(0);
        let batch = schedule.for_batch(inferences);
        let batch = batch.ok_or_else(|| Error::Bug(format!("no batch of {inferences} inferences")))?;
        let answer = (Message::Grant, Limit::AtMost(grant::MOST_BYTES));
        let [count] = message::count(inferences)?;
        let wanted = Preparation { inferences: count, names: names.clone() };
        let grant = message::ask(&mut holder.connection, Message::Prepare, wanted.to_bytes(), answer)?;
        let grant = Grant::from_bytes(&grant)?;
        if grant != Grant::Given {
            return Ok(grant);
        }
        observer.begin(schedule.linear().count() + 3);
        let extensions = match ahead.extensions.take() {
            Some(extensions) => extensions,
            None => holder.step(Named::offline(first, "setup"), observer, |holder| {
                let Holder { connection, key, rng, faults } = holder;
                setup::client(connection, key, schedule.parameters.transfers, faults, rng)
            })?,
        };
        let extensions = extensions.become_silent(Role::Client, batch.parameters.transfers);
        let extensions = ahead.extensions.insert(extensions);
        let supplies = holder.step(Named::offline(first, "transfers"), observer, |holder| {
            let each = batches(online);
            let prepare = |_| Supply::prepare(&mut holder.connection, Role::Client, extensions, &each);
            (0..inferences).map(prepare).collect::<Result<Vec<_>>>()
        })?;
        let masks: Vec<ByStep> = (0..inferences).map(|_| holder.draw_masks(schedule)).collect();
        let products = holder.prepare_linear(&batch, &masks, observer)?;
        holder.step(Named::offline(first, "masked bits"), observer, |holder| {
            let mut names = names.into_iter();
            for ((mut supply, masks), products) in supplies.into_iter().zip(masks).zip(products) {
                let told = masked_bits::open(schedule, online, &products, &mut supply)?;
                if !told.is_empty() {
                    message::send(&mut holder.connection, Message::MaskedBits, told)?;
                }
                let name = names.next().map(Held::by_client);
                ahead.ready.push_back(Half { name, is_flawed: false, supply, masks, products });
            }
            Ok(())
        })?;
        Ok(grant)
    }

    /// The revealed integers for those of some images, as many as are prepared and as [`most_together`] allows at most.
    pub(super) fn infer(self, inputs: &[Vec<i64>], observer: &mut dyn Observer) -> Result<Vec<Vec<i128>>> {
        let Self { schedule, online, holder, ahead } = self;
        if inputs.is_empty() || inputs.len() > ahead.ready.len() {
            return Err(Error::Bug(format!("{} images for {} inferences", inputs.len(), ahead.ready.len())));
        }
        observer.begin(schedule.steps.len());
        message::send_count(&mut holder.connection, Message::Infer, inputs.len())?;
        let prepared = ahead.ready.drain(..inputs.len()).collect();
        let outcome = holder.online((schedule, received(online, Role::Client)), prepared, inputs, observer);
        let results = outcome.map_err(|error| message::refused_or(&mut holder.connection, error))?;
        let ring = schedule.steps.last().map_or(Ring::new(64), |step| Some(step.ring()));
        let ring = ring.ok_or_else(|| Error::Bug("no ring has more than 64 bits".into()))?;
        let signed = |shares: Vec<u64>| shares.into_iter().map(|share| ring.signed(share).into()).collect();
        Ok(results.into_iter().map(signed).collect())
    }
}

impl Holder {
    /// A mask for every value that linear steps read.
    fn draw_masks(&mut self, schedule: &Schedule) -> ByStep {
        let mut masks = ByStep::new();
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
        (schedule, to_receive): (&Schedule, u64),
        prepared: Vec<Half>,
        inputs: &[Vec<i64>],
        observer: &mut dyn Observer,
    ) -> Result<Vec<Vec<u64>>> {
        let mut observer = Some(observer); // of the first
        let ring = schedule.steps[0].ring();
        let ask = |(prepared, input): (Half, &Vec<i64>)| {
            let Half { supply, masks, products, .. } = prepared;
            let image = input.iter().map(|&x| ring.embed(x)).collect();
            let observer = observer.take();
            move |seat: Seat<'_, '_>| {
                let party = Party::new(seat, supply, to_receive);
                let mut shares = Shares { schedule, masks, products };
                online::run(schedule, party, &mut shares, image, observer.unwrap_or(&mut Silent))
            }
        };
        let asked = prepared.into_iter().zip(inputs).map(ask).collect();
        Together::new(&mut self.connection, inputs.len()).run(asked)
    }
}

/// The client's shares for one inference.
struct Shares<'a> {
    schedule: &'a Schedule,
    masks: ByStep,
    products: ByStep,
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
