//! What the client is given: shapes at the borders and the schedule of exchanges, nothing of the weights.

use super::bounded;
use super::exchange::{Exchange, ExchangeKind, tournament_levels};
use super::ids::{PlanId, StepId};
use super::input::InputSpec;
use super::ops::{MaxPool, Op};
use super::output::OutputSpec;
use super::schedule::Schedule;
use super::suite::{BlindedParameters, KeyBits, Suite};
use super::{Plan, Step, Window};
use serde::{Deserialize, Serialize};

/// The client's view of a plan.
///
/// In suite `blinded` it tells the client the input's and the output's form, how many values each interactive step
/// handles, and a bound of their size in bits, which depends on the weights' magnitudes. In suite `shared` it tells
/// the network's architecture: see [`Schedule`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientPlan {
    /// Digest of the server's plan.
    pub id: PlanId,
    /// The protocols used where both parties are needed, with their parameters.
    pub suite: Suite,
    /// Length of the key that the client needs.
    pub key_bits: KeyBits,
    /// How a raw image becomes integers.
    pub input: InputSpec,
    /// What the client has to do.
    pub work: Work,
    /// How the revealed integers become logits.
    pub output: OutputSpec,
}

/// The client's part, by suite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// Suite `blinded`.
    Exchanges(Exchanges),
    /// Suite `shared`.
    Schedule(Schedule),
}

/// The client's part in suite `blinded`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchanges {
    /// How strongly values are hidden.
    pub parameters: BlindedParameters,
    /// The interactive rounds in order; which steps they belong to is not told.
    #[serde(deserialize_with = "bounded::list::<{ bounded::MAX_EXCHANGES }, _, _>")]
    pub rounds: Vec<Exchange>,
    /// How many logits come at the end, and in which slots.
    pub reveal: Reveal,
}

/// The packed values that the client decrypts at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reveal {
    /// Number of values.
    pub count: usize,
    /// Every value x is in −2^bits < x < 2^bits.
    pub bits: u32,
}

impl Reveal {
    /// Bits of a slot, which holds x + 2^bits.
    pub const fn slot_bits(&self) -> u32 {
        self.bits + 1
    }

    /// Values per ciphertext.
    pub const fn per_ciphertext(&self, key: KeyBits) -> usize {
        (key.plaintext_bits() / self.slot_bits()) as usize
    }

    /// Ciphertexts from server to client.
    pub const fn ciphertexts(&self, key: KeyBits) -> usize {
        self.count.div_ceil(self.per_ciphertext(key))
    }
}

impl Plan {
    /// What the client is given of this plan. `id` is [`super::frame::plan_id`] of the plan.
    pub(super) fn client_view(&self, id: PlanId) -> ClientPlan {
        let work = match self.suite {
            Suite::Blinded(parameters) => {
                let rounds = self.steps().flat_map(|(step, _)| self.exchanges(step)).collect();
                Work::Exchanges(Exchanges { parameters, rounds, reveal: self.reveal() })
            }
            Suite::Shared(parameters) => Work::Schedule(Schedule::from_plan(self, parameters)),
        };
        let (input, output) = (self.input.clone(), self.output.clone());
        ClientPlan { id, suite: self.suite, key_bits: self.key_bits, input, work, output }
    }

    /// The rounds of one step; none where the server works alone.
    pub fn exchanges(&self, id: StepId) -> Vec<Exchange> {
        let step = self.step(id);
        let round = |kind, count, bits| Exchange { kind, count, bits };
        match &step.op {
            Op::Relu | Op::ReluRescale { .. } => {
                vec![round(ExchangeKind::Relu, step.shape.elements(), self.input_bits(step))]
            }
            Op::Sign => vec![round(ExchangeKind::Sign, step.shape.elements(), self.input_bits(step) + 1)],
            Op::MaxPool(MaxPool { window, .. }) => {
                let bits = self.input_bits(step) + 1;
                let levels = tournament_levels(self.candidates(step, window));
                levels.into_iter().map(|count| round(ExchangeKind::Relu, count, bits)).collect()
            }
            Op::Rescale { bits } => {
                vec![round(
                    ExchangeKind::Rescale { bits: *bits },
                    step.shape.elements(),
                    self.input_bits(step),
                )]
            }
            Op::Input
            | Op::Conv2d(_)
            | Op::Dense(_)
            | Op::SumPool(_)
            | Op::Add(_)
            | Op::Concat
            | Op::Mul
            | Op::Gather(_)
            | Op::ArgMax(_)
            | Op::Reveal => Vec::new(),
        }
    }

    /// The packed values of the last step.
    pub fn reveal(&self) -> Reveal {
        let last = self.step(StepId::new(self.steps.len() - 1));
        Reveal { count: last.shape.elements(), bits: last.bits }
    }

    fn input_bits(&self, step: &Step) -> u32 {
        step.inputs.iter().map(|&input| self.step(input).bits).max().unwrap_or(0)
    }

    /// How many pixels each window of a max-pooling step holds.
    fn candidates(&self, step: &Step, window: &Window) -> Vec<usize> {
        let (image, output) = (self.step(step.inputs[0]).shape, step.shape);
        let rows = window.tap_counts(0, image.height, output.height);
        let columns = window.tap_counts(1, image.width, output.width);
        let plane: Vec<usize> =
            rows.iter().flat_map(|&rows| columns.iter().map(move |&columns| rows * columns)).collect();
        plane.repeat(output.channels)
    }
}

impl ClientPlan {
    /// Ciphertexts that the client makes for one image.
    pub fn encryptions(&self) -> usize {
        match &self.work {
            Work::Exchanges(work) => {
                let replies: usize = work.rounds.iter().map(Exchange::reply_ciphertexts).sum();
                self.input.shape.elements() + replies
            }
            Work::Schedule(schedule) => schedule.encryptions(),
        }
    }
}
