//! The client: holds the key and the image.
//!
//! A session is a sequence of types: [`greet`] gives a [`Greeting`], which shows the plan;
//! [`Greeting::with_key`] gives a [`Session`], which answers images. [`Opening`] goes all the way, for every session of a client.

mod blinded;
mod greeting;
mod masked_bits;
mod opening;
mod patience;
mod prediction;
mod preparing;
mod products;
mod shared;
mod stored;

pub use greeting::{Greeting, Request, greet, plans};
pub use opening::Opening;
pub use patience::Patience;
pub use prediction::Prediction;

use super::stopwatch::{Named, Stopwatch};
use crate::channel::Connection;
use crate::error::{Error, InvalidInput, Result};
use crate::observe::{Observer, Spending};
use crate::ot::Role;
use crate::paillier::{HolderKey, SecureRng};
use crate::plan::{ClientPlan, Work};
use crate::protocol::hello::Terms;
use crate::protocol::message::{self, Deferred};
use crate::protocol::shared::message_schedule::Communication;
use crate::protocol::shared::online_messages::most_together;
use preparing::{count_off, still};
use shared::Ahead;
use std::sync::Arc;
use stored::Stored;

/// A server that has the client's public key.
pub struct Session {
    holder: Holder,
    plan: ClientPlan,
    /// What is sent online, in suite `shared`.
    online: Vec<Communication>,
    max_prepared: usize,
    /// As the server stated them, less what was asked for since.
    terms: Terms,
    /// Why the server prepared no more when it was last asked.
    declined: Option<String>,
    /// What is prepared ahead, in suite `shared`.
    ahead: Ahead,
    /// What was prepared in other sessions, if it is to be used.
    stored: Option<Stored>,
    /// Something has failed, and nothing else may be asked for.
    is_over: bool,
    spending: Spending,
}

/// What both suites' sessions work with.
struct Holder {
    connection: Connection,
    key: Arc<HolderKey>,
    rng: SecureRng,
    /// Reported with the next result.
    faults: Deferred,
}

impl Session {
    /// What the server showed of its plan.
    pub const fn plan(&self) -> &ClientPlan {
        &self.plan
    }

    /// What the server grants in this session: what is left of it.
    pub const fn terms(&self) -> Terms {
        self.terms
    }

    /// What the session has taken so far.
    pub const fn spending(&self) -> Spending {
        self.spending
    }

    /// The model's answer for raw pixels (channels, height, width).
    ///
    /// # Errors
    /// The image does not fit the plan (nothing is sent then), or the server refuses, misbehaves or vanishes.
    pub fn infer(&mut self, raw: &[f32], observer: &mut dyn Observer) -> Result<Prediction> {
        let mut answer = None;
        self.infer_each(&[raw], &mut |prediction| answer = Some(prediction), observer)?;
        answer.ok_or_else(|| Error::Bug("no prediction".into()))
    }

    /// The model's answers for several images, as [`infer_each`](Self::infer_each) gives them.
    ///
    /// # Errors
    /// As there; answers to images before the one that failed are lost.
    pub fn infer_all(&mut self, raw: &[&[f32]], observer: &mut dyn Observer) -> Result<Vec<Prediction>> {
        let mut predictions = Vec::with_capacity(raw.len());
        self.infer_each(raw, &mut |prediction| predictions.push(prediction), observer)?;
        Ok(predictions)
    }

    /// Hands the model's answers for several images to `take`, in their order and as soon as they are there: in suite `shared` images
    /// are prepared in batches where they are not prepared yet, and as many as possible travel in the same flights.
    ///
    /// # Errors
    /// As [`infer`](Self::infer), for the images that were not answered; where one image does not fit the plan, nothing is sent.
    pub fn infer_each(
        &mut self,
        raw: &[&[f32]],
        take: &mut dyn FnMut(Prediction),
        observer: &mut dyn Observer,
    ) -> Result<()> {
        self.check_open()?;
        let quantized =
            raw.iter().map(|raw| self.plan.input.quantize(raw)).collect::<std::result::Result<Vec<_>, _>>();
        let inputs = quantized.map_err(InvalidInput::from)?;
        let outcome = self.answer_each(inputs, take, observer);
        if self.rescued(outcome)? { Ok(()) } else { Err(self.refusal()) }
    }

    /// Whether all are answered, or the server declined to prepare.
    fn answer_each(
        &mut self,
        mut inputs: Vec<Vec<i64>>,
        take: &mut dyn FnMut(Prediction),
        observer: &mut dyn Observer,
    ) -> Result<bool> {
        while !inputs.is_empty() {
            if self.prepared() == 0 && !self.recall_and_prepare(inputs.len(), observer)? {
                return Ok(false);
            }
            let together = inputs.len().min(self.most_together());
            let rest = inputs.split_off(together);
            self.answer(&inputs, observer)?.into_iter().for_each(&mut *take);
            inputs = rest;
        }
        Ok(true)
    }

    /// How many images can be asked about in the same flights now.
    fn most_together(&self) -> usize {
        match &self.plan.work {
            Work::Exchanges(_) => 1,
            Work::Schedule(_) => {
                self.prepared().min(most_together(&self.online)).min(still(self.terms.inferences))
            }
        }
    }

    fn answer(&mut self, inputs: &[Vec<i64>], observer: &mut dyn Observer) -> Result<Vec<Prediction>> {
        let Self { holder, plan, online, ahead, spending, .. } = self;
        let watch = Stopwatch::start(holder.connection.traffic());
        let integers = match &plan.work {
            Work::Exchanges(work) => {
                let mut ask = |input: &Vec<i64>| {
                    blinded::Session { work, key_bits: plan.key_bits, holder }.infer(input, observer)
                };
                inputs.iter().map(&mut ask).collect()
            }
            Work::Schedule(schedule) => {
                shared::Session { schedule, online, holder, ahead }.infer(inputs, observer)
            }
        };
        spending.online += watch.spent(holder.connection.traffic());
        let integers: Vec<Vec<i128>> = integers?;
        self.declined = None;
        count_off(&mut self.terms.inferences, inputs.len());
        holder.faults.report()?; // not earlier: see message::Deferred
        Ok(integers.into_iter().map(|integers| Prediction::new(&plan.output, integers)).collect())
    }

    /// Ends the session; the server has received all that was sent to it.
    pub fn close(self) {
        self.holder.connection.close();
    }
}

impl Holder {
    /// Runs and reports one step; where it fails, the server's refusal says why, if there is one.
    fn step<R>(
        &mut self,
        named: Named,
        observer: &mut dyn Observer,
        run: impl FnOnce(&mut Self) -> Result<R>,
    ) -> Result<R> {
        let watch = Stopwatch::start(self.connection.traffic());
        let result = run(self).map_err(|error| message::refused_or(&mut self.connection, error))?;
        watch.report(Role::Client, named, self.connection.traffic(), observer);
        Ok(result)
    }
}
