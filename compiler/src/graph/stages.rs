//! The two stages of a graph, as types.

use super::domain::{Domain, Element};
use super::fact::{IntegerFact, RealFact, Scale};
use super::fault::{Fault, fault};
use super::{Node, Op, Shape};

/// The float graph: weights are `f32`, as imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Real {}

/// Exact integers with scales and bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integer {}

impl Domain for Real {
    type Weight = f32;
    type Bias = f32;
    type Multiplier = f32;
    type Fact = RealFact;
    const NAME: &'static str = "real";

    fn faults(node: &Node<Self>) -> Vec<Fault> {
        real_faults(node)
    }

    fn narrowed(fact: &RealFact, channels: &[usize]) -> RealFact {
        RealFact { shape: Shape { channels: channels.len(), ..fact.shape } }
    }
}

impl Domain for Integer {
    type Weight = i32;
    type Bias = i128;
    type Multiplier = i64;
    type Fact = IntegerFact;
    const NAME: &'static str = "integer";

    fn faults(node: &Node<Self>) -> Vec<Fault> {
        integer_faults(node)
    }

    fn narrowed(fact: &IntegerFact, channels: &[usize]) -> IntegerFact {
        IntegerFact {
            shape: Shape { channels: channels.len(), ..fact.shape },
            scale: fact.scale.narrowed(channels),
            range: channels.iter().map(|&channel| fact.range[channel]).collect(),
            ring: fact.ring,
            compared: fact.compared,
            room: fact.room,
        }
    }
}

impl Element for f32 {
    fn is_finite(self) -> bool {
        self.is_finite()
    }

    fn bits(self) -> u128 {
        self.to_bits().into()
    }
}

macro_rules! integer_element {
    ($($integer:ty),+) => {$(
        impl Element for $integer {
            fn is_finite(self) -> bool {
                true
            }

            fn bits(self) -> u128 {
                self as u128
            }
        }
    )+};
}

integer_element!(i32, i64, i128);

/// I7.
fn real_faults(node: &Node<Real>) -> Vec<Fault> {
    let rescale = matches!(node.op, Op::Rescale(_));
    rescale.then(|| fault(7, "a rescale in the float graph")).into_iter().collect()
}

/// I9 to I12.
fn integer_faults(node: &Node<Integer>) -> Vec<Fault> {
    let channels = node.fact.shape.channels;
    let mut faults = Vec::new();
    match &node.op {
        Op::Affine(_) | Op::Activation(_) | Op::Clip(_) => {
            faults.push(fault(9, "an affine map, an activation or a clip in the integer graph"));
        }
        Op::Add(add) if add.multipliers.contains(&0) => {
            faults.push(fault(12, "a branch is multiplied by zero"))
        }
        _ => {}
    }
    let scales = match &node.fact.scale {
        Scale::PerTensor(scale) => std::slice::from_ref(scale),
        Scale::PerChannel(scales) => scales,
    };
    if matches!(node.fact.scale, Scale::PerChannel(_)) && scales.len() != channels {
        faults.push(fault(10, format!("{} scales for {channels} channels", scales.len())));
    }
    if let Some(scale) = scales.iter().find(|scale| !(scale.is_finite() && **scale > 0.0)) {
        faults.push(fault(10, format!("a scale is {scale}")));
    }
    if node.fact.range.len() != channels {
        faults.push(fault(11, format!("{} ranges for {channels} channels", node.fact.range.len())));
    }
    if let Some(range) = node.fact.range.iter().find(|range| range.low > range.high) {
        faults.push(fault(11, format!("the range {range} is empty")));
    }
    faults
}
