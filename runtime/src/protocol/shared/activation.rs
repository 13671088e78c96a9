//! The interactive steps of a schedule: which protocol each one is, between which rings.

use super::arg_max::ArgMax;
use super::max_pool::MaxPool;
use super::party::Party;
use super::relu::Relu;
use super::sign::Sign;
use super::transcript::Transcript;
use super::truncate::Truncate;
use crate::error::Result;
use crate::plan::{PublicOp, Ring, Schedule, Shape, StepId, Window};

/// An interactive step.
pub struct Activation {
    protocol: Protocol,
    /// What the server adds to its shares before.
    constant: u64,
    /// In which the shares that are read live.
    from: Ring,
    /// Shares that are read.
    count: usize,
}

enum Protocol {
    Relu(Relu),
    Sign(Sign),
    Truncate(Truncate),
    MaxPool(MaxPool),
    ArgMax(ArgMax),
}

impl Activation {
    /// The protocol of step `id` of a valid schedule; `None` if it takes none.
    pub fn of(schedule: &Schedule, id: StepId) -> Option<Self> {
        let step = schedule.step(id);
        let source = *step.inputs.first()?;
        let (from, fraction) = (schedule.share_ring(source), schedule.fraction(source));
        let (image, to) = (schedule.step(source).shape, schedule.share_ring(id));
        let half = |dropped: u32| if dropped == 0 { 0 } else { 1 << (dropped + fraction - 1) };
        let (protocol, constant) = match &step.op {
            PublicOp::Relu { dropped } => {
                (Protocol::Relu(Relu::new(from, dropped + fraction, to)?), half(*dropped))
            }
            PublicOp::Rescale { bits } => {
                (Protocol::Truncate(Truncate::new(from, bits + fraction, to)?), half(*bits))
            }
            PublicOp::Sign => {
                (Protocol::Sign(Sign::new(from, to)?), from.reduce((1u64 << fraction).wrapping_neg()))
            }
            PublicOp::MaxPool(window) => {
                (Protocol::MaxPool(MaxPool::new(from, windows(window, image, step.shape))?), 0)
            }
            PublicOp::ArgMax => (Protocol::ArgMax(ArgMax::new(from, image.elements(), to)?), 0),
            PublicOp::Input
            | PublicOp::Linear(_)
            | PublicOp::SumPool(_)
            | PublicOp::Add { .. }
            | PublicOp::Concat
            | PublicOp::Reveal => return None,
        };
        Some(Self { protocol, constant, from, count: image.elements() })
    }

    /// What [`run`](Self::run) says, and which OTs it uses.
    pub fn script(&self, transcript: &mut Transcript) {
        match &self.protocol {
            Protocol::Relu(relu) => relu.script(transcript, self.count),
            Protocol::Sign(sign) => sign.script(transcript, self.count),
            Protocol::Truncate(truncate) => truncate.script(transcript, self.count),
            Protocol::MaxPool(pool) => pool.script(transcript),
            Protocol::ArgMax(arg_max) => arg_max.script(transcript),
        }
    }

    /// This party's shares of the results from its shares of the values.
    ///
    /// # Errors
    /// The peer says something else or hung up, or there are too few OTs.
    pub fn run(&self, party: &mut Party<'_>, mut shares: Vec<u64>) -> Result<Vec<u64>> {
        if party.adds_constants() && self.constant != 0 {
            shares.iter_mut().for_each(|share| *share = self.from.reduce(share.wrapping_add(self.constant)));
        }
        match &self.protocol {
            Protocol::Relu(relu) => relu.run(party, &shares),
            Protocol::Sign(sign) => sign.run(party, &shares),
            Protocol::Truncate(truncate) => truncate.run(party, &shares),
            Protocol::MaxPool(pool) => pool.run(party, &shares),
            Protocol::ArgMax(arg_max) => Ok(vec![arg_max.run(party, &shares)?]),
        }
    }
}

/// The elements of an image under each window, channel by channel.
fn windows(window: &Window, image: Shape, output: Shape) -> Vec<Vec<usize>> {
    let pixels = window.pixels(image, output);
    let of_channel = |channel: usize| {
        let first = channel * image.plane();
        pixels.iter().map(move |pixels| pixels.iter().map(|pixel| first + pixel).collect())
    };
    (0..output.channels).flat_map(of_channel).collect()
}
