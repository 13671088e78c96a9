//! How each step of a schedule is done, and which protocol each interactive one is, between which rings.

use super::arg_max::ArgMax;
use super::max_pool::MaxPool;
use super::message_schedule::MessageSchedule;
use super::multiply::Multiply;
use super::party::Party;
use super::relu::Relu;
use super::sign::Sign;
use super::truncate::Truncate;
use crate::error::Result;
use crate::ot::Inputs;
use crate::plan::{IndexMap, Op, Ring, Schedule, Shape, StepId, SumPool, Window, Windows};

/// An interactive step: its protocol, and between which rings it works.
pub struct Activation {
    /// What drops the fraction bits first, where the protocol reads values alone.
    whole: Option<Truncate>,
    protocol: Protocol,
    /// What the server adds to each of its shares before.
    constant: u64,
    /// Ring of the shares that are read.
    from: Ring,
    /// Number of shares that are read.
    count: usize,
    /// Whether the client has its shares ahead.
    ahead: bool,
}

enum Protocol {
    Relu(Relu),
    Sign(Sign),
    Truncate(Truncate),
    MaxPool(MaxPool),
    ArgMax(ArgMax),
}

/// How both parties do a step.
pub enum Part<'a> {
    /// The value is the client's image: nothing is to be done.
    Image,
    /// A linear step, done under encryption and ahead ([`super::linear`]).
    Linear,
    /// Each party computes on its own shares.
    Alone(Alone<'a>),
    /// Products of two values.
    Multiply(Multiply),
    /// Both parties run a protocol.
    Activation(Activation),
    /// The server sends its shares, after their fraction bits are dropped, where they have some: a carry would tell of the
    /// weights.
    Reveal(Option<Activation>),
}

/// What needs no word of the other party.
pub enum Alone<'a> {
    /// Sums over windows.
    SumPool(&'a SumPool),
    /// A sum with these multipliers, one per input; the server adds constants.
    Add(&'a [i64]),
    /// Channels one after the other.
    Concat,
    /// Elements at other places, and zeros.
    Gather(&'a IndexMap),
}

impl<'a> Part<'a> {
    /// What is to be done for step `id`; `None` if no valid schedule has such a step.
    pub fn from_step(schedule: &'a Schedule, id: StepId) -> Option<Self> {
        let step = schedule.step(id);
        let Some(&source) = step.inputs.first() else { return Some(Self::Image) };
        let (from, fraction) = (schedule.share_ring(source), schedule.fraction(source).bits);
        let (value, image) = (schedule.step(source).ring(), schedule.step(source).shape);
        let to = schedule.share_ring(id);
        // Half a unit of what is left, so that it is rounded to nearest.
        let half = |dropped: u32| if dropped > 0 { 1 << (dropped + fraction - 1) } else { 0 };
        // `Some(None)` where there is no fraction to drop, `None` where that is impossible.
        let whole = |ring: Ring| match fraction {
            0 => Some(None),
            _ => Truncate::new(from, fraction, ring).map(Some),
        };
        let activation = |protocol, constant| Activation {
            whole: None,
            protocol,
            constant,
            from,
            count: image.elements(),
            ahead: schedule.client_has_ahead(source),
        };
        let (protocol, constant) = match &step.op {
            Op::Input => return Some(Self::Image),
            Op::Conv2d(_) | Op::Dense(_) => return Some(Self::Linear),
            Op::SumPool(pool) => return Some(Self::Alone(Alone::SumPool(pool))),
            Op::Add(sum) => return Some(Self::Alone(Alone::Add(&sum.multipliers))),
            Op::Concat => return Some(Self::Alone(Alone::Concat)),
            Op::Mul => {
                let second = schedule.step(*step.inputs.get(1)?).shape;
                return Multiply::new(to, image, second).map(Self::Multiply);
            }
            Op::Gather(gather) => return Some(Self::Alone(Alone::Gather(&gather.map))),
            Op::Relu => (Protocol::Relu(Relu::new(from, fraction, to)?), 0),
            Op::ReluRescale { bits } => (Protocol::Relu(Relu::new(from, bits + fraction, to)?), half(*bits)),
            Op::Rescale { bits } => {
                (Protocol::Truncate(Truncate::new(from, bits + fraction, to)?), half(*bits))
            }
            Op::Sign => {
                (Protocol::Sign(Sign::new(from, to)?), from.reduce((1u64 << fraction).wrapping_neg()))
            }
            Op::MaxPool(pool) => {
                let compared = Ring::new(pool.compared + 1 + fraction)?;
                let windows = windows(&pool.window, image, step.shape);
                (Protocol::MaxPool(MaxPool::new(from, compared, windows)?), 0)
            }
            Op::ArgMax(scores) => {
                let protocol = Protocol::ArgMax(ArgMax::new(value, *scores, step.shape.elements(), to)?);
                let whole = whole(value)?;
                return Some(Self::Activation(Activation { whole, ..activation(protocol, 0) }));
            }
            Op::Reveal => {
                let truncate = whole(step.ring())?.map(Protocol::Truncate);
                return Some(Self::Reveal(truncate.map(|protocol| activation(protocol, 0))));
            }
        };
        Some(Self::Activation(activation(protocol, constant)))
    }
}

impl Activation {
    /// What [`run`](Self::run) says, and which OTs it uses.
    pub fn schedule(&self, messages: &mut MessageSchedule) {
        messages.begin(self.ahead);
        self.whole.iter().for_each(|truncate| truncate.schedule(messages, self.count));
        match &self.protocol {
            Protocol::Relu(relu) => relu.schedule(messages, self.count),
            Protocol::Sign(sign) => sign.schedule(messages, self.count),
            Protocol::Truncate(truncate) => truncate.schedule(messages, self.count),
            Protocol::MaxPool(pool) => pool.schedule(messages),
            Protocol::ArgMax(arg_max) => arg_max.schedule(messages),
        }
        messages.begin(false); // Where nothing was opened.
    }

    /// What [`run`](Self::run) opens first at the client.
    pub(crate) fn first_inputs(&self, shares: &[u64]) -> Inputs {
        if let Some(truncate) = &self.whole {
            return truncate.first_inputs(shares);
        }
        match &self.protocol {
            Protocol::Relu(relu) => relu.first_inputs(shares),
            Protocol::Sign(sign) => sign.first_inputs(shares),
            Protocol::Truncate(truncate) => truncate.first_inputs(shares),
            Protocol::MaxPool(pool) => pool.first_inputs(shares),
            Protocol::ArgMax(arg_max) => arg_max.first_inputs(shares),
        }
    }

    /// This party's shares of the results from its shares of the values.
    ///
    /// # Errors
    /// The peer sends something else or hung up, or there are too few OTs.
    pub fn run(&self, party: &mut Party<'_>, mut shares: Vec<u64>) -> Result<Vec<u64>> {
        if party.adds_constants() && self.constant != 0 {
            shares.iter_mut().for_each(|share| *share = self.from.reduce(share.wrapping_add(self.constant)));
        }
        if let Some(truncate) = &self.whole {
            shares = truncate.run(party, &shares)?;
        }
        match &self.protocol {
            Protocol::Relu(relu) => relu.run(party, &shares),
            Protocol::Sign(sign) => sign.run(party, &shares),
            Protocol::Truncate(truncate) => truncate.run(party, &shares),
            Protocol::MaxPool(pool) => pool.run(party, &shares),
            Protocol::ArgMax(arg_max) => arg_max.run(party, &shares),
        }
    }
}

/// The elements of an image under each window, channel by channel.
fn windows(window: &Window, image: Shape, output: Shape) -> Windows {
    window.pixels(image, output).repeated((0..output.channels).map(|channel| channel * image.plane()))
}
