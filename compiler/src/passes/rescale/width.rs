//! Upper bounds for the widths of values, also where they exceed what a plan can hold.

use crate::error::{Error, Result};
use crate::graph::{Conv, Dense, Graph, Integer, NodeId, Op};
use crate::passes::range;
use runtime::plan::InputSpec;
use runtime::plan::interval::Interval;

/// Bounds are held with about this many bits.
const HELD: u32 = 56;

/// Bounds of a value's channels: intervals times 2^exponent.
struct Scaled {
    bounds: Vec<Interval>,
    exponent: u32,
}

impl Scaled {
    fn new(bounds: Vec<Interval>, exponent: u32) -> Self {
        let bits = width(&bounds);
        if bits <= HELD {
            return Self { bounds, exponent };
        }
        let held = Self { bounds, exponent };
        held.at(exponent + bits - HELD)
    }

    /// The same bounds, slightly wider, at a larger exponent.
    fn at(&self, exponent: u32) -> Self {
        let drop = (exponent - self.exponent).min(i128::BITS - 1);
        let bounds = self.bounds.iter().map(|x| if drop == 0 { *x } else { x.rescaled(drop) }).collect();
        Self { bounds, exponent }
    }
}

fn width(bounds: &[Interval]) -> u32 {
    bounds.iter().map(|x| x.bits()).max().unwrap_or(0)
}

/// The bits of every value of `graph`, by node, where nothing is rescaled: at most two too many.
///
/// # Errors
/// [`Error::Bug`] for averages without a common divisor.
pub(super) fn widths(graph: &Graph<Integer>, input: &InputSpec) -> Result<Vec<u32>> {
    let mut values: Vec<Option<Scaled>> = (0..graph.id_bound()).map(|_| None).collect();
    let mut widths = vec![0; graph.id_bound()];
    for id in graph.ids_in_order() {
        let value = match graph.op(id) {
            Op::Input => Scaled::new(range::of_image(input), 0),
            _ => evaluate(graph, id, &values)?,
        };
        widths[id.index()] = width(&value.bounds) + value.exponent;
        values[id.index()] = Some(value);
    }
    Ok(widths)
}

fn evaluate(graph: &Graph<Integer>, id: NodeId, values: &[Option<Scaled>]) -> Result<Scaled> {
    let inputs: Vec<&Scaled> =
        graph.inputs(id).iter().filter_map(|input| values[input.index()].as_ref()).collect();
    let exponent = inputs.iter().map(|input| input.exponent).max().unwrap_or(0);
    let bounds: Vec<Vec<Interval>> = inputs.iter().map(|input| input.at(exponent).bounds).collect();
    let op = at_exponent(graph.op(id), exponent);
    let op = op.as_ref().unwrap_or(graph.op(id));
    let result = range::of_operation(op, &graph.input_shapes(id), graph.shape(id), &bounds);
    let result = result.map_err(|overflow| Error::Bug(format!("{id}: {overflow}")))?;
    Ok(if matches!(op, Op::Sign) { Scaled::new(result, 0) } else { Scaled::new(result, exponent) })
}

/// `op` with its biases divided by 2^`exponent`; `None` where it stays as it is.
fn at_exponent(op: &Op<Integer>, exponent: u32) -> Option<Op<Integer>> {
    let drop = |bias: &[i128]| bias.iter().map(|b| b >> exponent.min(i128::BITS - 1)).collect();
    match op {
        _ if exponent == 0 => None,
        Op::Conv(conv) => Some(Op::Conv(Conv { bias: drop(&conv.bias), ..conv.clone() })),
        Op::Dense(dense) => Some(Op::Dense(Dense { bias: drop(&dense.bias), ..dense.clone() })),
        _ => None,
    }
}
