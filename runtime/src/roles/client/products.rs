//! The client's shares of linear layers applied to its masks, before the image is known.
//!
//! Masks go in groups of steps ([`Group`]), of which the server computes nothing before a test of the group's ciphertexts has
//! passed ([`crate::paillier::Prover`]):
//!
//! ```text
//! client                                             server
//! for each group g:
//!   Mask of every step, Commitment               ──▶  while it computes the first step of group g − 1
//!                                               ◀──  Challenge, before the first product of group g − 1
//!   Proof                                        ──▶
//!   for each step:                              ◀──  Product
//! ```
//!
//! So the masks of a group are on their way while the server computes, and products are decrypted while it computes the next.

use super::super::online::{ByStep, Numbers, keep};
use super::super::stopwatch::Named;
use super::Holder;
use crate::channel::Limit;
use crate::error::{Error, Result};
use crate::observe::Observer;
use crate::paillier::{Challenge, Exponents, Prover, wipe_integer};
use crate::plan::{Schedule, StepId};
use crate::protocol::message::{self, Message};
use crate::protocol::shared::groups::Group;
use crate::protocol::shared::linear::Packed;
use crate::protocol::stream::{self, Receiving, Sending};
use rayon::prelude::*;
use rug::Integer;
use zeroize::Zeroizing;

/// Plaintexts that are one unit of work for a thread.
const ENCRYPTIONS: usize = 16;
const DECRYPTIONS: usize = 4;

/// The masks of the values that steps read, of each inference.
struct Masks<'a> {
    schedule: &'a Schedule,
    masks: &'a [ByStep],
}

impl Masks<'_> {
    fn of(&self, id: StepId) -> Vec<&[u64]> {
        let source = self.schedule.step(id).inputs[0];
        self.masks.iter().map(|masks| masks.get(&source).map_or(&[][..], |mask| mask)).collect()
    }
}

impl Holder {
    /// The shares of all linear steps' results, of each inference whose masks are given: as many as `schedule` prepares
    /// together.
    pub(super) fn prepare_linear(
        &mut self,
        schedule: &Schedule,
        masks: &[ByStep],
        observer: &mut dyn Observer,
    ) -> Result<Vec<ByStep>> {
        let (groups, masks) = (Group::all(schedule), Masks { schedule, masks });
        let mut products = vec![ByStep::new(); schedule.inferences()];
        for (index, group) in groups.iter().enumerate() {
            for (id, packed) in group.steps() {
                let shares = self.step(Named::offline(id, "linear"), observer, |holder| {
                    if index == 0 && id == group.first() {
                        holder.send_group(group, &masks)?;
                    }
                    if let Some(next) = groups.get(index + 1).filter(|_| id == group.first()) {
                        holder.send_group(next, &masks)?;
                    }
                    holder.receive_product(packed)
                })?;
                keep(&mut products, id, shares);
            }
        }
        Ok(products)
    }

    /// The masks of a group, and the proof that they are encryptions.
    fn send_group(&mut self, group: &Group, masks: &Masks<'_>) -> Result<()> {
        let mut exponents = Exponents::default();
        for (id, packed) in group.steps() {
            exponents.append(self.send_masks(packed, &masks.of(id))?);
        }
        let (prover, commitment) = Prover::commit(&self.key, exponents, &mut self.rng);
        message::send(&mut self.connection, Message::Commitment, &commitment.to_bytes())?;
        let limit = Limit::Exactly(Challenge::BYTES as u64);
        let challenge = message::receive(&mut self.connection, Message::Challenge, limit)?;
        let challenge =
            challenge.try_into().map_err(|_| Error::Bug("a challenge of another length".into()))?;
        let proof = prover.answer(Challenge::from_bytes(challenge));
        message::send(&mut self.connection, Message::Proof, proof.to_bytes(self.key.public().bits()))
    }

    fn send_masks(&mut self, packed: &Packed, masks: &[&[u64]]) -> Result<Exponents> {
        let (key, count) = (self.key.public(), packed.masks());
        let mut message = Sending::begin(&mut self.connection, Message::Mask, key, count)?;
        let mut exponents = Exponents::default();
        let part = stream::part(ENCRYPTIONS);
        for start in (0..count).step_by(part) {
            let range = start..count.min(start + part);
            let mut plaintexts: Vec<Integer> =
                range.into_par_iter().map(|index| packed.pack(masks, index)).collect();
            let encrypted = self.key.encrypt_provably(&plaintexts, &mut self.rng);
            plaintexts.iter_mut().for_each(wipe_integer);
            let encrypted = encrypted.map_err(|error| Error::Bug(error.to_string()))?;
            message.push(&mut self.connection, key, &encrypted.ciphertexts)?;
            exponents.append(encrypted.exponents);
        }
        Ok(exponents)
    }

    fn receive_product(&mut self, packed: &Packed) -> Result<Vec<Numbers>> {
        let key = self.key.public();
        let mut message = Receiving::begin(&mut self.connection, Message::Product, key, packed.products())?;
        let mut plaintexts = Vec::with_capacity(packed.products());
        while let Some(part) = message.pull(&mut self.connection, key, stream::part(DECRYPTIONS))? {
            plaintexts.append(&mut self.faults.decrypt(&self.key, Message::Product, &part));
        }
        Ok(packed.open(&plaintexts).into_iter().map(Zeroizing::new).collect())
    }
}
