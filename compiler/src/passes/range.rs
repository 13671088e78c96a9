//! Sound bounds for every value, and the refusal of numbers that are too wide.
//!
//! # What it does
//! Interval arithmetic, channel by channel, with the integer weights themselves and the arithmetic by
//! which plans are validated ([`runtime::plan::interval`]). The input's bounds are those of its raw
//! pixels.
//!
//! # Requires
//! An integer graph.
//!
//! # Guarantees
//! No image within the raw range makes any value leave its range. Every value has at most
//! [`MAX_BITS`] bits, every value that the parties exchange fits a plaintext of the key, and so do
//! the logits.
//!
//! # Example
//! See the test `a_layer_reaches_its_bounds`.

use crate::error::{Diagnostic, Error, Result};
use crate::graph::sum_pool;
use crate::graph::{Graph, Integer, IntegerFact, NodeId, Op, Range, Rescale, Shape};
use crate::options::CompileOptions;
use runtime::plan::interval::{self, Interval, LayerWeights, Overflow};
use runtime::plan::validate::MAX_BITS;
use runtime::plan::{Exchange, ExchangeKind, InputSpec, Reveal, Suite};

/// Enters the range of every value.
///
/// # Errors
/// [`Error::Unsupported`] with the nodes whose numbers are too wide, and how wide they are.
pub fn range(
    mut graph: Graph<Integer>,
    input: &InputSpec,
    options: &CompileOptions,
) -> Result<Graph<Integer>> {
    let mut diagnostics = Vec::new();
    for id in graph.ids_in_order() {
        let bounds = bounds(&graph, id, input).ok().filter(|bounds| bits(bounds) <= MAX_BITS);
        let Some(bounds) = bounds else {
            // Nothing can be said of what reads this value.
            diagnostics.push(too_wide(&graph, id, options));
            break;
        };
        graph.node_mut(id).fact.range =
            bounds.into_iter().map(|x| Range { low: x.low, high: x.high }).collect();
        diagnostics.extend(too_wide_for_key(&graph, id, options));
    }
    if diagnostics.is_empty() { Ok(graph) } else { Err(Error::Unsupported(diagnostics)) }
}

fn bits(bounds: &[Interval]) -> u32 {
    bounds.iter().map(|x| x.bits()).max().unwrap_or(0)
}

pub(super) fn bounds(
    graph: &Graph<Integer>,
    id: NodeId,
    input: &InputSpec,
) -> std::result::Result<Vec<Interval>, Overflow> {
    let inputs: Vec<Vec<Interval>> =
        graph.inputs(id).into_iter().map(|producer| intervals(&graph.node(producer).fact)).collect();
    match graph.op(id) {
        Op::Input => Ok(of_image(input)),
        op => of_operation(op, &graph.input_shapes(id), graph.shape(id), &inputs),
    }
}

/// Bounds of the image's integers, per channel.
pub(super) fn of_image(input: &InputSpec) -> Vec<Interval> {
    let bounds = (0..input.shape.channels).map(|channel| input.bounds(channel));
    bounds.map(|(low, high)| Interval::new(low.into(), high.into())).collect()
}

/// Bounds of the value of `op`, which has shape `to` and reads `inputs`, per channel.
pub(super) fn of_operation(
    op: &Op<Integer>,
    from: &[Shape],
    to: Shape,
    inputs: &[Vec<Interval>],
) -> std::result::Result<Vec<Interval>, Overflow> {
    let sole = &inputs[0];
    let plane = from[0].plane();
    match op {
        Op::Conv(conv) => {
            let layer = LayerWeights { weights: &conv.weights, bias: &conv.bias };
            interval::conv2d(&conv.window, conv.groups, layer, sole)
        }
        Op::Dense(dense) => {
            interval::dense(LayerWeights { weights: &dense.weights, bias: &dense.bias }, sole, plane)
        }
        Op::AveragePool(pool) => {
            let sum = sum_pool(pool, from[0], to).map_err(|_| Overflow)?;
            interval::sum_pool(&sum.sum, sole)
        }
        Op::Add(add) => sums(&add.multipliers, inputs),
        Op::Mul => sole.iter().zip(&inputs[1]).map(|(x, y)| x.product(*y)).collect(),
        Op::Concat => Ok(inputs.concat()),
        Op::Flatten => Ok(sole.iter().flat_map(|&x| std::iter::repeat_n(x, plane)).collect()),
        Op::Gather(gather) => Ok(interval::gather(&gather.map, sole, [plane, to.plane()])),
        Op::Relu => Ok(sole.iter().map(|x| Interval::new(x.low.max(0), x.high.max(0))).collect()),
        Op::Sign => Ok(vec![Interval::new(0, 1); to.channels]),
        Op::Rescale(rescale) => Ok(sole.iter().map(|x| x.rescaled(rescale.bits)).collect()),
        Op::Input | Op::MaxPool(_) | Op::Affine(_) | Op::Activation(_) | Op::Clip(_) => Ok(sole.clone()),
    }
}

fn intervals(fact: &IntegerFact) -> Vec<Interval> {
    fact.range.iter().map(|range| Interval::new(range.low, range.high)).collect()
}

fn sums(multipliers: &[i64], inputs: &[Vec<Interval>]) -> std::result::Result<Vec<Interval>, Overflow> {
    let sum = |channel: usize| {
        inputs
            .iter()
            .zip(multipliers)
            .try_fold(Interval::ZERO, |sum, (input, &by)| sum.plus(input[channel].times(by.into())?))
    };
    (0..inputs.first().map_or(0, Vec::len)).map(sum).collect()
}

fn too_wide(graph: &Graph<Integer>, id: NodeId, options: &CompileOptions) -> Diagnostic {
    let before = graph.inputs(id).into_iter().map(|input| graph.node(input).fact.bits()).max().unwrap_or(0);
    let what = format!("its integers need more than {MAX_BITS} bits (its inputs have {before})");
    diagnostic(graph, id, what, options)
}

/// Where values of `id`'s input, or the logits, do not fit a plaintext.
fn too_wide_for_key(graph: &Graph<Integer>, id: NodeId, options: &CompileOptions) -> Option<Diagnostic> {
    let Suite::Blinded(parameters) = options.suite else { return None };
    let exchanged = match graph.op(id) {
        Op::Relu => Some((ExchangeKind::Relu, 0)),
        Op::MaxPool(_) => Some((ExchangeKind::Relu, 1)),
        Op::Sign => Some((ExchangeKind::Sign, 1)),
        Op::Rescale(Rescale { bits }) => Some((ExchangeKind::Rescale { bits: *bits }, 0)),
        _ => None,
    };
    if let Some((kind, more)) = exchanged {
        let bits = graph.node(graph.sole_input(id)).fact.bits() + more;
        let exchange = Exchange { kind, count: 1, bits };
        if exchange.per_ciphertext(parameters, options.key_bits) == 0 {
            let what = format!(
                "its inputs have {bits} bits, which do not fit a key of {} bits when blinded",
                options.key_bits
            );
            return Some(diagnostic(graph, id, what, options));
        }
    }
    let reveal = Reveal { count: 1, bits: graph.node(id).fact.bits() };
    let fits = id != graph.output() || reveal.per_ciphertext(options.key_bits) > 0;
    (!fits).then(|| {
        diagnostic(
            graph,
            id,
            format!("its {} bits do not fit a key of {} bits", reveal.bits, options.key_bits),
            options,
        )
    })
}

pub(super) fn diagnostic(
    graph: &Graph<Integer>,
    id: NodeId,
    what: String,
    options: &CompileOptions,
) -> Diagnostic {
    let node = graph.node(id);
    let hint = format!("use narrower weights than {} bits (--weight-bits)", options.weight_bits);
    Diagnostic { node: node.name.clone(), op: node.op.name().into(), what, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Dense, Scale, Shape};
    use crate::options::InputOptions;
    use crate::reference::integer;

    /// Two inputs of −100 to 155, then 3a − 2b + 5.
    fn layer() -> (Graph<Integer>, InputSpec) {
        let options = InputOptions { mean: vec![100.0], ..InputOptions::default() };
        let input = options.spec(Shape::vector(2)).unwrap();
        let fact = |channels| IntegerFact {
            shape: Shape::vector(channels),
            scale: Scale::PerTensor(1.0),
            range: vec![Range { low: i128::MIN, high: i128::MAX }; channels],
            ring: None,
            compared: None,
            room: None,
        };
        let mut graph = Graph::new("x", fact(2));
        let dense = Dense { weights: vec![3, -2], bias: vec![5] };
        let output = graph.add("y", Op::Dense(dense), &[graph.input()], fact(1));
        graph.set_output(output);
        (graph, input)
    }

    #[test]
    fn a_layer_reaches_its_bounds() {
        let (graph, input) = layer();
        let graph = range(graph, &input, &CompileOptions::blinded()).unwrap();
        insta::assert_snapshot!(graph, @r"
        integer graph, output n1
        n0 = input : 2 scale 1 range [-100, 155] bits 8
        n1 = dense n0 weights 1x2 (2 of 2, #8d4dfdf7) bias 1 (1 of 1, #639f8dc0) : 1 scale 1 range [-605, 670] bits 10
        ");
        assert_eq!(integer::run(&graph, &[-100, 155]), [-605]);
        assert_eq!(integer::run(&graph, &[155, -100]), [670]);
    }

    #[test]
    fn a_constant_that_is_too_large_is_refused() {
        let (mut graph, input) = layer();
        let output = graph.output();
        graph.node_mut(output).op = Op::Dense(Dense { weights: vec![3, -2], bias: vec![i128::MAX] });
        let error = range(graph, &input, &CompileOptions::blinded()).unwrap_err().to_string();
        assert!(
            error.contains("node 'y' (dense): its integers need more than 120 bits (its inputs have 8)"),
            "{error}"
        );
    }
}
