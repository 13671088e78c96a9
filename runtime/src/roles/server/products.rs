//! The server's shares of linear layers applied to the client's masks, before the image is known. The messages stand in
//! the client's part.
//!
//! Whoever could send what is no encryption would read weights from the products ([`crate::paillier::Verifier`]). So masks
//! are kept in types that give them out once they have passed: [`Offered`], with a commitment; a `Verifier`, after the
//! challenge; then the ciphertexts.

use super::super::online::{ByStep, Numbers, keep};
use super::CHECKS;
use super::shared::Session;
use crate::channel::{Connection, Limit};
use crate::error::{Error, PeerFault, Result};
use crate::observe::Observer;
use crate::paillier::{Answer, Ciphertexts, Commitment, PublicKey, SecretInteger, Verifier};
use crate::plan::{Schedule, StepId};
use crate::protocol::message::{self, Message};
use crate::protocol::shared::groups::Group;
use crate::protocol::shared::linear::Packed;
use crate::protocol::stream::{self, Receiving, Sending};
use std::thread;
use zeroize::Zeroizing;

/// The masks of a group, and the client's commitment.
struct Offered {
    masks: Vec<Ciphertexts>,
    commitment: Commitment,
}

/// What a step's first pass gives.
struct Evaluated {
    product: Ciphertexts,
    hiding: Vec<SecretInteger>,
    /// What arrived meanwhile.
    next: Option<Offered>,
}

impl Session<'_> {
    /// The shares of all linear steps' results, of each inference that `schedule` prepares.
    pub(super) fn prepare_linear(
        &mut self,
        schedule: &Schedule,
        observer: &mut dyn Observer,
    ) -> Result<Vec<ByStep>> {
        let groups = Group::all(schedule);
        let mut products = vec![ByStep::new(); schedule.inferences()];
        let mut challenged = None;
        let mut masks = Vec::new().into_iter();
        for (index, group) in groups.iter().enumerate() {
            for (id, packed) in group.steps() {
                let following = groups.get(index + 1).filter(|_| id == group.first());
                let shares = self.step(observer, id, "linear", |session| {
                    if id == group.first() {
                        let verifier = match challenged.take() {
                            Some(verifier) => verifier,
                            None => session.receive_group(group)?,
                        };
                        masks = session.passed(verifier)?.into_iter();
                    }
                    let mask = masks.next().ok_or_else(|| Error::Bug(format!("{id} has no mask")))?;
                    let Evaluated { product, hiding, next } =
                        session.evaluate(id, packed, &mask, following)?;
                    if let Some(offered) = next {
                        challenged = Some(session.challenge(offered)?);
                    }
                    session.send_products(id, packed, &mask, (product, hiding))
                })?;
                keep(&mut products, id, shares);
            }
        }
        Ok(products)
    }

    /// The masks of the first group, challenged.
    fn receive_group(&mut self, group: &Group) -> Result<Verifier> {
        let offered = receive_group(self.connection, &self.key, group)?;
        self.challenge(offered)
    }

    fn challenge(&mut self, Offered { masks, commitment }: Offered) -> Result<Verifier> {
        let (verifier, challenge) = Verifier::challenge(masks, commitment, &mut self.rng);
        message::send(self.connection, Message::Challenge, &challenge.to_bytes())?;
        Ok(verifier)
    }

    /// The masks of a group, when the client has proved what they are.
    fn passed(&mut self, verifier: Verifier) -> Result<Vec<Ciphertexts>> {
        let bits = self.key.bits();
        let limit = Limit::Exactly(Answer::bytes(bits) as u64);
        let proof = message::receive(self.connection, Message::Proof, limit)?;
        let answer = Answer::from_bytes(&proof, bits).map_err(|error| Error::Bug(error.to_string()))?;
        Ok(verifier.verify(self.randomisers.table(), &answer).map_err(PeerFault::from)?)
    }

    /// The products of a step's first pass; the masks of a group that follows arrive meanwhile.
    fn evaluate(
        &mut self,
        id: StepId,
        packed: &Packed,
        mask: &Ciphertexts,
        following: Option<&Group>,
    ) -> Result<Evaluated> {
        let Self { plan, connection, key, randomisers, rng, .. } = self;
        let (connection, key): (&mut Connection, &PublicKey) = (connection, key);
        let randomisers = randomisers.with_exponents(packed.exponent_bits(key.bits()))?;
        thread::scope(|scope| {
            let receive = |group| {
                let receiving = move || receive_group(connection, key, group);
                thread::Builder::new().spawn_scoped(scope, receiving)
            };
            let receiving = following.map(receive).transpose();
            let receiving = receiving.map_err(|error| Error::io("cannot start a thread", error))?;
            let op = &plan.step(id).op;
            let (product, hiding) = packed.evaluate(op, key, randomisers, (mask, 0), rng);
            let next = receiving.map(|thread| {
                thread.join().map_err(|_| Error::Bug("the receiving thread panicked".into()))?
            });
            Ok(Evaluated { product, hiding, next: next.transpose()? })
        })
    }

    /// Sends the products of the first pass, and those of the others as they are made; the shares of each inference.
    fn send_products(
        &mut self,
        id: StepId,
        packed: &Packed,
        mask: &Ciphertexts,
        (product, mut hiding): (Ciphertexts, Vec<SecretInteger>),
    ) -> Result<Vec<Numbers>> {
        let Self { plan, connection, key, randomisers, rng, .. } = self;
        let randomisers = randomisers.with_exponents(packed.exponent_bits(key.bits()))?;
        let mut message = Sending::begin(connection, Message::Product, key, packed.products())?;
        message.push(connection, key, &product)?;
        for pass in 1..packed.passes() {
            let op = &plan.step(id).op;
            let (product, mut more) = packed.evaluate(op, key, randomisers, (mask, pass), rng);
            message.push(connection, key, &product)?;
            hiding.append(&mut more);
        }
        Ok(packed.server_shares(&hiding).into_iter().map(Zeroizing::new).collect())
    }
}

fn receive_group(connection: &mut Connection, key: &PublicKey, group: &Group) -> Result<Offered> {
    let masks = group.steps().map(|(_, packed)| receive_mask(connection, key, packed));
    let masks = masks.collect::<Result<_>>()?;
    let limit = Limit::Exactly(Commitment::BYTES as u64);
    let commitment = message::receive(connection, Message::Commitment, limit)?;
    let commitment =
        commitment.try_into().map_err(|_| Error::Bug("a commitment of another length".into()))?;
    Ok(Offered { masks, commitment: Commitment::from_bytes(commitment) })
}

fn receive_mask(connection: &mut Connection, key: &PublicKey, packed: &Packed) -> Result<Ciphertexts> {
    let mut message = Receiving::begin_meanwhile(connection, Message::Mask, key, packed.masks())?;
    let mut mask = Ciphertexts::with_capacity(key, packed.masks());
    while let Some(part) = message.pull(connection, key, stream::part(CHECKS))? {
        mask.append(&part);
    }
    Ok(mask)
}
