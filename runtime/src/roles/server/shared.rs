//! The server in suite `shared`; the messages stand in [`super::super::client`]'s part of this suite.
//!
//! # Memory
//!
//! For every inference that a client has prepared and not yet asked: the shares of the linear steps' results,
//! the correlations of the activations and what the client has told of them ([`Server::bytes_of_prepared`](super::Server::bytes_of_prepared));
//! [`Server::with_prepared_bytes`](super::Server::with_prepared_bytes) bounds them per session. While a linear step is prepared, its
//! products as ciphertexts, and the masks of its group of steps and of the next, of 6 MiB each unless a step has more
//! ([`crate::protocol::shared::groups`]). Per session where a plan names silent OT, up to 14 MB for each direction.

use super::super::half::Half;
use super::super::held::Held;
use super::super::online::{self, ByStep, Side};
use super::super::plain;
use super::super::stopwatch::{Named, Stopwatch};
use super::super::watch::Done;
use super::request::Request;
use super::visit::Visit;
use crate::channel::{Connection, Limit};
use crate::error::{Error, PeerFault, Result};
use crate::observe::{Observer, Silent};
use crate::ot::{Extensions, Role, Supply, setup};
use crate::paillier::{PublicKey, SecureRng};
use crate::plan::{Plan, PlanId, Ring, Schedule, StepId};
use crate::protocol::message::{self, Message};
use crate::protocol::shared::keeping::Preparation;
use crate::protocol::shared::message_schedule::Communication;
use crate::protocol::shared::online_messages::{
    batches, batches_ahead, most_together, received, told_ahead, width,
};
use crate::protocol::shared::party::Party;
use crate::protocol::shared::randomisers::{Lengths, ReplyRandomisers};
use crate::protocol::shared::together::{Seat, Together};
use crate::store::{Name, Shelf};
use std::collections::{HashMap, VecDeque};

/// Inferences that a client may prepare ahead at most.
pub const MAX_PREPARED: usize = 1024;

/// One client's session after the handshake.
pub(super) struct Session<'a> {
    pub(super) plan: &'a Plan,
    pub(super) id: PlanId,
    pub(super) schedule: &'a Schedule,
    /// What is sent online, step by step.
    pub(super) online: Vec<Communication>,
    /// Digest of what the client is shown.
    pub(super) view: &'a [u8; 32],
    pub(super) max_prepared: usize,
    /// Where prepared inferences are kept beyond the session, if they are.
    pub(super) shelf: Option<&'a dyn Shelf>,
    pub(super) connection: &'a mut Connection,
    pub(super) key: PublicKey,
    pub(super) randomisers: ReplyRandomisers,
    pub(super) rng: SecureRng,
    pub(super) ahead: Ahead,
    pub(super) visit: &'a mut Visit,
}

/// What a session has done ahead.
#[derive(Default)]
pub(super) struct Ahead {
    extensions: Option<Extensions>,
    pub(super) ready: VecDeque<Half>,
}

impl Session<'_> {
    /// Prepares and answers until the client closes the connection; how many images it answered. What is prepared and not used then is
    /// put away, unless the client misbehaved.
    pub(super) fn serve(mut self, observer: &mut dyn Observer) -> Result<u64> {
        let outcome = self.answer_requests(observer);
        if outcome.as_ref().err().is_none_or(Error::is_loss) {
            self.put_away();
        }
        outcome
    }

    fn answer_requests(&mut self, observer: &mut dyn Observer) -> Result<u64> {
        let mut answered = 0;
        loop {
            self.visit.wait(self.connection)?;
            let request = Request::receive(self.connection);
            let done = match self.visit.heard(request)? {
                None => return Ok(answered),
                Some(Request::Prepare(Preparation { inferences, names })) => {
                    if !self.grant(inferences.into())? {
                        continue;
                    }
                    self.prepare(inferences.into(), &names, observer)?;
                    Done::Prepared(inferences.into())
                }
                Some(Request::Infer(images)) => {
                    self.begin(Done::Answered(images as u64))?;
                    self.infer(images, observer)?;
                    answered += images as u64;
                    Done::Answered(images as u64)
                }
                Some(Request::Keep(count)) => {
                    self.begin(Done::Kept(0))?;
                    Done::Kept(self.keep(count)?)
                }
                Some(Request::Take(names)) => {
                    let now = self.begin_taking(names.len())?;
                    Done::Taken(self.take(&names, now)?)
                }
            };
            self.visit.did(self.connection, done);
        }
    }

    fn prepare(&mut self, inferences: usize, names: &[Name], observer: &mut dyn Observer) -> Result<()> {
        let batch = self.schedule.for_batch(inferences);
        let batch = batch.ok_or_else(|| Error::Bug(format!("no batch of {inferences} inferences")))?;
        let mut names = names.iter().copied().map(Held::by_server).collect::<Vec<_>>().into_iter();
        let first = StepId::new(0);
        let extensions = match self.ahead.extensions.take() {
            Some(extensions) => extensions,
            None => self.step(observer, first, "setup", |session| {
                let transfers = session.schedule.parameters.transfers;
                setup::server(session.connection, session.randomisers.short(), transfers, &mut session.rng)
            })?,
        };
        self.ahead.extensions = Some(extensions.become_silent(Role::Server, batch.parameters.transfers));
        let supplies = self.step(observer, first, "transfers", |session| {
            let extensions =
                session.ahead.extensions.as_mut().ok_or_else(|| Error::Bug("no setup".into()))?;
            let each = batches(&session.online);
            let prepare = |_| Supply::prepare(session.connection, Role::Server, extensions, &each);
            (0..inferences).map(prepare).collect::<Result<Vec<_>>>()
        })?;
        self.randomisers.reach(&self.key, Lengths::new(&batch, self.key.bits(), 0));
        let products = self.prepare_linear(&batch, observer)?;
        self.step(observer, first, "masked bits", |session| {
            for (mut supply, products) in supplies.into_iter().zip(products) {
                session.keep_told(&mut supply)?;
                let half =
                    Half { name: names.next(), is_flawed: false, supply, masks: ByStep::new(), products };
                session.ahead.ready.push_back(half);
            }
            Ok(())
        })
    }

    /// What the client tells ahead of an inference.
    fn keep_told(&mut self, supply: &mut Supply) -> Result<()> {
        let length = told_ahead(&self.online);
        if length == 0 {
            return Ok(());
        }
        let told = message::receive(self.connection, Message::MaskedBits, Limit::Exactly(length))?;
        supply.keep_told(batches_ahead(&self.online).flatten(), &told)
    }

    fn infer(&mut self, inferences: usize, observer: &mut dyn Observer) -> Result<()> {
        let (plan, schedule) = (self.plan, self.schedule);
        if !(1..=most_together(&self.online)).contains(&inferences) {
            return Err(PeerFault::Protocol(format!("it asks about {inferences} images at once")).into());
        }
        if inferences > self.ahead.ready.len() {
            return Err(PeerFault::Protocol("it asks before it has prepared".into()).into());
        }
        observer.begin(plan.steps.len());
        let mut observer = Some(observer); // of the first
        let to_receive = received(&self.online, Role::Server);
        let answer = |Half { supply, products, .. }| {
            let observer = observer.take();
            move |seat: Seat<'_, '_>| {
                let mut side = Weights { plan, schedule, products, opened: HashMap::new() };
                let image = vec![0; schedule.steps[0].shape.elements()];
                let party = Party::new(seat, supply, to_receive);
                online::run(schedule, party, &mut side, image, observer.unwrap_or(&mut Silent)).map(drop)
            }
        };
        let answers = self.ahead.ready.drain(..inferences).map(answer).collect();
        Together::new(self.connection, inferences).run(answers).map(drop)
    }

    /// Runs and reports one step before the image is known.
    pub(super) fn step<R>(
        &mut self,
        observer: &mut dyn Observer,
        step: StepId,
        op: &'static str,
        run: impl FnOnce(&mut Self) -> Result<R>,
    ) -> Result<R> {
        let watch = Stopwatch::start(self.connection.traffic());
        let result = run(self)?;
        watch.report(Role::Server, Named::offline(step, op), self.connection.traffic(), observer);
        Ok(result)
    }
}

/// The server's weights, and its shares for one inference.
struct Weights<'a> {
    plan: &'a Plan,
    schedule: &'a Schedule,
    products: ByStep,
    /// Masked values that it was told.
    opened: HashMap<StepId, Vec<u64>>,
}

impl Side for Weights<'_> {
    fn linear(&mut self, party: &mut Party<'_>, id: StepId, input: &[u64]) -> Result<Vec<u64>> {
        let (step, shares) = (self.schedule.step(id), self.schedule.share_ring(id));
        let source = step.inputs[0];
        if self.schedule.opens(id) {
            let theirs = party.receive_numbers(width(self.schedule.step(source).ring()), input.len())?;
            let masked = input.iter().zip(theirs).map(|(ours, theirs)| ours.wrapping_add(theirs)).collect();
            self.opened.insert(source, masked);
        }
        let masked = self.opened.get(&source).ok_or_else(|| Error::Bug(format!("{source} is not opened")))?;
        let masked = masked.iter().map(|&x| step.ring().signed(step.ring().reduce(x))).collect();
        let from = self.schedule.step(source).shape;
        let sums = plain::weighted_sums(&self.plan.step(id).op, masked, from, step.shape);
        let product = self.products.remove(&id).ok_or_else(|| Error::Bug(format!("{id} is not prepared")))?;
        let fraction = self.schedule.fraction(id).bits;
        let add = |(sum, &share): (i64, &u64)| shares.reduce(((sum as u64) << fraction).wrapping_add(share));
        Ok(sums.into_iter().zip(&*product).map(add).collect())
    }

    fn constants(&self, id: StepId) -> &[i128] {
        self.plan.step(id).op.bias()
    }

    fn reveal(&mut self, party: &mut Party<'_>, ring: Ring, shares: Vec<u64>) -> Result<Vec<u64>> {
        party.send_numbers(width(ring), &shares);
        Ok(Vec::new())
    }
}
