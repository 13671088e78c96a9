//! The server: holds the plan, serves clients.

use crate::channel::{Connection, Limit, Transport};
use crate::error::{Error, PeerFault, Result};
use crate::observe::{Observer, StepReport};
use crate::paillier::{Ciphertexts, PublicKey, PublicRandomisers, SecureRng, weighted_sums};
use crate::plan::{Exchange, Op, Plan, Step, StepId, ValidPlan, Window, codec};
use crate::protocol::blinded::max_pool::Tournament;
use crate::protocol::blinded::question::Secrets;
use crate::protocol::blinded::{ServerContext, linear, question, relu, rescale, reveal, sign};
use crate::protocol::hello::{HELLO_BYTES, Hello};
use crate::protocol::message::{self, Message};
use std::sync::Arc;
use std::time::Instant;

/// A plan, ready to be served to any number of clients.
#[derive(Clone)]
pub struct Server {
    plan: Arc<ValidPlan>,
}

impl Server {
    /// Serves `plan`.
    pub fn new(plan: ValidPlan) -> Self {
        Self { plan: Arc::new(plan) }
    }

    /// The plan.
    pub fn plan(&self) -> &ValidPlan {
        &self.plan
    }

    /// Serves one client until it closes the connection; returns the number of images answered.
    ///
    /// A client that misbehaves is told why before its connection is dropped.
    ///
    /// # Errors
    /// The client misbehaved or vanished, or the system failed. Other clients are not affected.
    pub fn serve<T: Transport>(
        &self,
        mut connection: Connection<T>,
        observer: &mut dyn Observer,
    ) -> Result<u64> {
        let outcome = self.session(&mut connection, observer);
        if let Err(error) = &outcome {
            // The client may be gone; the error that counts is the first one.
            let _ = message::refuse(&mut connection, &self.reason(error));
        }
        connection.close();
        outcome
    }

    fn session<T: Transport>(
        &self,
        connection: &mut Connection<T>,
        observer: &mut dyn Observer,
    ) -> Result<u64> {
        self.greet(connection)?;
        let mut rng = SecureRng::from_os()?;
        let key = self.receive_key(connection)?;
        let uses = self.plan.plan().total_cost().rerandomisations as usize;
        let randomisers = PublicRandomisers::for_uses(&key, uses, &mut rng);
        let context = ServerContext { key, randomisers, parameters: self.plan.client_view().blinded() };
        let mut answered = 0;
        let mut session = Session { plan: self.plan.plan(), connection, context, rng };
        while session.infer(observer)? {
            answered += 1;
        }
        Ok(answered)
    }

    /// What a client is told of an error; nothing of what happened inside the server.
    fn reason(&self, error: &Error) -> String {
        match error {
            Error::PeerMisbehaved(PeerFault::OtherPlan(_)) => format!("it runs plan {}", self.plan.id()),
            Error::PeerMisbehaved(fault) => format!("the client misbehaved: {fault}"),
            _ => "it failed".into(),
        }
    }

    fn greet<T: Transport>(&self, connection: &mut Connection<T>) -> Result<()> {
        let body = message::receive(connection, Message::Hello, Limit::Exactly(HELLO_BYTES as u64))?;
        let hello = Hello::from_bytes(&body)?;
        match hello.plan {
            Some(plan) if plan != self.plan.id() => Err(PeerFault::OtherPlan(plan).into()),
            _ => message::send(connection, Message::Welcome, &codec::encode_view(self.plan.client_view())),
        }
    }

    fn receive_key<T: Transport>(&self, connection: &mut Connection<T>) -> Result<PublicKey> {
        let bits = self.plan.plan().key_bits;
        let body = message::receive(connection, Message::Key, Limit::Exactly(bits.modulus_bytes() as u64))?;
        let key = PublicKey::from_modulus_bytes(&body, bits);
        key.map_err(|error| PeerFault::PublicKey(error.to_string()).into())
    }
}

/// One client's session after the handshake.
struct Session<'a, T> {
    plan: &'a Plan,
    connection: &'a mut Connection<T>,
    context: ServerContext,
    rng: SecureRng,
}

impl<T: Transport> Session<'_, T> {
    /// Answers one image; `false` if the client closed the connection instead of sending one.
    fn infer(&mut self, observer: &mut dyn Observer) -> Result<bool> {
        let Some(input) = self.receive_input()? else { return Ok(false) };
        let mut values = Values::new(self.plan, input);
        observer.begin(self.plan.steps.len());
        for (id, step) in self.plan.steps().skip(1) {
            let (start, before) = (Instant::now(), self.connection.traffic());
            let value = self.execute(id, step, &values)?;
            values.define(id, step, value);
            let traffic = self.connection.traffic() - before;
            observer.step(StepReport {
                step: id,
                op: step.op.name(),
                elapsed: start.elapsed(),
                traffic,
                rounds: traffic.frames_sent,
            });
        }
        Ok(true)
    }

    fn receive_input(&mut self) -> Result<Option<Ciphertexts>> {
        let count = self.plan.input.shape.elements();
        let limit = self.ciphertexts(count);
        let body = message::receive_or_end(self.connection, Message::Input, limit)?;
        body.map(|body| self.check(Message::Input, &body, count)).transpose()
    }

    fn execute(&mut self, id: StepId, step: &Step, values: &Values) -> Result<Ciphertexts> {
        let inputs: Vec<&Ciphertexts> =
            step.inputs.iter().map(|&input| values.get(input)).collect::<Result<_>>()?;
        if let Some(rows) = linear::rows(self.plan, id) {
            return Ok(weighted_sums(&self.context.key, &inputs, &*rows));
        }
        match &step.op {
            Op::Concat => Ok(self.concat(&inputs)),
            Op::Relu => self.relu(&self.exchange(id)?, inputs[0]),
            Op::Sign => self.sign(&self.exchange(id)?, inputs[0]),
            Op::Rescale { bits } => self.rescale(&self.exchange(id)?, *bits, inputs[0]),
            Op::MaxPool(window) => self.max_pool(id, window, inputs[0]),
            Op::Reveal => self.reveal(inputs[0]),
            Op::Input | Op::Conv2d(_) | Op::Dense(_) | Op::SumPool(_) | Op::Add { .. } => {
                Err(Error::Bug(format!("{id}: {} is no operation of its own", step.op.name())))
            }
        }
    }

    fn concat(&self, inputs: &[&Ciphertexts]) -> Ciphertexts {
        Ciphertexts::gather(&self.context.key, inputs.iter().flat_map(|input| input.iter()))
    }

    fn relu(&mut self, exchange: &Exchange, values: &Ciphertexts) -> Result<Ciphertexts> {
        let (secrets, answer) = self.ask(exchange, values)?;
        Ok(relu::finish(&self.context, exchange, &secrets, &answer))
    }

    fn sign(&mut self, exchange: &Exchange, values: &Ciphertexts) -> Result<Ciphertexts> {
        let odd = sign::odd(&self.context, values);
        let (secrets, answer) = self.ask(exchange, &odd)?;
        Ok(sign::finish(&self.context, &secrets, &answer))
    }

    fn rescale(&mut self, exchange: &Exchange, bits: u32, values: &Ciphertexts) -> Result<Ciphertexts> {
        let (secrets, answer) = self.ask(exchange, values)?;
        Ok(rescale::finish(&self.context, bits, &secrets, &answer))
    }

    fn max_pool(&mut self, id: StepId, window: &Window, values: &Ciphertexts) -> Result<Ciphertexts> {
        let step = self.plan.step(id);
        let image = self.plan.step(step.inputs[0]).shape;
        let mut tournament = Tournament::new(values.clone(), window, image, step.shape);
        for exchange in self.plan.exchanges(id) {
            let differences = tournament.differences(&self.context);
            let winners = self.relu(&exchange, &differences)?;
            tournament.advance(&self.context, &winners);
        }
        Ok(tournament.into_maxima())
    }

    fn reveal(&mut self, values: &Ciphertexts) -> Result<Ciphertexts> {
        let packed = reveal::pack(&self.context, &self.plan.reveal(), values, &mut self.rng);
        message::send(self.connection, Message::Logits, &packed.to_bytes(&self.context.key))?;
        Ok(packed)
    }

    /// The one exchange of an activation.
    fn exchange(&self, id: StepId) -> Result<Exchange> {
        let exchange = self.plan.exchanges(id).first().copied();
        exchange.ok_or_else(|| Error::Bug(format!("{id} has no exchange")))
    }

    /// One round: the question about `values`, what finishing needs, and the client's answer.
    fn ask(&mut self, exchange: &Exchange, values: &Ciphertexts) -> Result<(Secrets, Ciphertexts)> {
        let (question, secrets) = question::ask(&self.context, exchange, values, &mut self.rng);
        message::send(self.connection, Message::Question, &question.to_bytes(&self.context.key))?;
        let count = exchange.reply_ciphertexts();
        let limit = self.ciphertexts(count);
        let body = message::receive(self.connection, Message::Answer, limit)?;
        Ok((secrets, self.check(Message::Answer, &body, count)?))
    }

    fn ciphertexts(&self, count: usize) -> Limit {
        Limit::Exactly((count * self.plan.key_bits.ciphertext_bytes()) as u64)
    }

    fn check(&self, message: Message, body: &[u8], count: usize) -> Result<Ciphertexts> {
        let checked = Ciphertexts::receive(&self.context.key, body, count);
        checked.map_err(|error| {
            PeerFault::Ciphertext { message: message.name(), what: error.to_string() }.into()
        })
    }
}

/// The values that later steps still read.
struct Values {
    values: Vec<Option<Ciphertexts>>,
    last_use: Vec<StepId>,
}

impl Values {
    fn new(plan: &Plan, input: Ciphertexts) -> Self {
        let mut last_use: Vec<StepId> = plan.steps().map(|(id, _)| id).collect();
        for (id, step) in plan.steps() {
            step.inputs.iter().for_each(|input| last_use[input.index()] = id);
        }
        Self { values: vec![Some(input)], last_use }
    }

    fn get(&self, id: StepId) -> Result<&Ciphertexts> {
        let value = self.values.get(id.index()).and_then(Option::as_ref);
        value.ok_or_else(|| Error::Bug(format!("{id} was dropped before its last use")))
    }

    /// Keeps the value of `id`; drops those that it was the last to read.
    fn define(&mut self, id: StepId, step: &Step, value: Ciphertexts) {
        self.values.push(Some(value));
        for input in &step.inputs {
            if self.last_use[input.index()] == id {
                self.values[input.index()] = None;
            }
        }
    }
}
