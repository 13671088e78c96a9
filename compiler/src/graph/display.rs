//! The printed form of graphs: one line per node, equal graphs equal text.
//!
//! ```text
//! real graph, output n3
//! n0 = input : 1x28x28
//! n1 = conv n0 5x5 pad 2,2,2,2 weights 8x1x5x5 (200 of 200, #1f4e88a0) bias 8 (3 of 8, #90aa7c11) : 8x28x28
//! n2 = relu n1 : 8x28x28
//! n3 = max_pool n2 2x2 stride 2 : 8x14x14
//! ```
//!
//! Weights are shown as their shape, how many are not zero, and a digest of their values. The
//! alternate form `{:#}` adds what the model calls each node.

use super::{Conv, Dense, Domain, Element, Graph, NodeId, Op, PoolDivisor};
use std::fmt;

impl<D: Domain> fmt::Display for Graph<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} graph, output {}", D::NAME, self.output())?;
        for id in self.ids_in_order() {
            writeln!(f)?;
            write_node(f, self, id)?;
        }
        Ok(())
    }
}

fn write_node<D: Domain>(f: &mut fmt::Formatter<'_>, graph: &Graph<D>, id: NodeId) -> fmt::Result {
    let node = graph.node(id);
    write!(f, "{id} = {}", node.op.name())?;
    for input in graph.inputs(id) {
        write!(f, " {input}")?;
    }
    write_parameters(f, &node.op, graph.input_shapes(id).first().map_or(0, |shape| shape.channels))?;
    write!(f, " : {}", node.fact)?;
    if f.alternate() { write!(f, "  # {}", node.name) } else { Ok(()) }
}

fn write_parameters<D: Domain>(f: &mut fmt::Formatter<'_>, op: &Op<D>, input_channels: usize) -> fmt::Result {
    match op {
        Op::Conv(conv) => write_conv(f, conv, input_channels),
        Op::Dense(dense) => write_dense(f, dense),
        Op::Affine(affine) => {
            write_tensor(f, "scale", &[affine.scale.len()], &affine.scale)?;
            write_tensor(f, "shift", &[affine.shift.len()], &affine.shift)
        }
        Op::Clip(clip) => write_tensor(f, "high", &[clip.high.len()], &clip.high),
        Op::AveragePool(pool) => write!(
            f,
            " {}{}",
            pool.window,
            match pool.divisor {
                PoolDivisor::Kernel => "",
                PoolDivisor::Inside => " inside",
            }
        ),
        Op::MaxPool(window) => write!(f, " {window}"),
        Op::Activation(curve) => write!(f, " {curve}"),
        Op::Add(add) => write_multipliers(f, &add.multipliers),
        Op::Gather(gather) => {
            let positions =
                gather.map.positions().map(|position| position.map_or(-1, |position| position as i64));
            let digest = digest(&positions.collect::<Vec<_>>());
            write!(f, " {} pieces (#{digest:08x})", gather.map.pieces())
        }
        Op::Rescale(rescale) => write!(f, " by {} bits", rescale.bits),
        Op::Input | Op::Relu | Op::Sign | Op::Mul | Op::Concat | Op::Flatten => Ok(()),
    }
}

fn write_conv<D: Domain>(f: &mut fmt::Formatter<'_>, conv: &Conv<D>, input_channels: usize) -> fmt::Result {
    write!(f, " {}", conv.window)?;
    if conv.groups != 1 {
        write!(f, " groups {}", conv.groups)?;
    }
    let [height, width] = conv.window.kernel;
    write_tensor(
        f,
        "weights",
        &[conv.bias.len(), input_channels / conv.groups.max(1), height, width],
        &conv.weights,
    )?;
    write_tensor(f, "bias", &[conv.bias.len()], &conv.bias)
}

fn write_dense<D: Domain>(f: &mut fmt::Formatter<'_>, dense: &Dense<D>) -> fmt::Result {
    let outputs = dense.bias.len();
    write_tensor(f, "weights", &[outputs, dense.weights.len() / outputs.max(1)], &dense.weights)?;
    write_tensor(f, "bias", &[outputs], &dense.bias)
}

/// Nothing where all are 1.
fn write_multipliers<M: Element>(f: &mut fmt::Formatter<'_>, multipliers: &[M]) -> fmt::Result {
    let words: Vec<String> = multipliers.iter().map(ToString::to_string).collect();
    if words.iter().all(|word| word == "1") { Ok(()) } else { write!(f, " times {}", words.join(",")) }
}

/// `weights 8x1x5x5 (200 of 200, #1f4e88a0)`; only `bias 0` where all are zero.
fn write_tensor<E: Element>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    shape: &[usize],
    values: &[E],
) -> fmt::Result {
    let nonzero = values.iter().filter(|&&value| value != E::default()).count();
    if nonzero == 0 {
        return write!(f, " {what} 0");
    }
    let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
    write!(f, " {what} {} ({nonzero} of {}, #{:08x})", shape.join("x"), values.len(), digest(values))
}

/// FNV-1a over the values' patterns: tells changed weights from equal ones, is no commitment.
fn digest<E: Element>(values: &[E]) -> u32 {
    let bytes = values.iter().flat_map(|value| value.bits().to_le_bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Add, Integer, IntegerFact, Range, RealFact, Scale, Shape, Window};

    #[test]
    fn float_graphs_print() {
        let mut graph = Graph::new("image", RealFact { shape: Shape::new(1, 4, 4) });
        let window = Window { stride: [2, 2], ..Window::dense([2, 2]) };
        let conv = Conv {
            window,
            groups: 1,
            weights: vec![0.0, 1.0, -1.0, 0.5, 0.0, 0.0, 0.0, 0.0],
            bias: vec![0.0, 0.0],
        };
        let conv = graph.append("c1", Op::Conv(conv), &[graph.input()]).unwrap();
        let relu = graph.append("r1", Op::Relu, &[conv]).unwrap();
        graph.append("s1", Op::Add(Add { multipliers: vec![1.0, -1.0] }), &[relu, conv]).unwrap();
        insta::assert_snapshot!(graph, @"
        real graph, output n3
        n0 = input : 1x4x4
        n1 = conv n0 2x2 stride 2 weights 2x1x2x2 (3 of 8, #b753ce98) bias 0 : 2x2x2
        n2 = relu n1 : 2x2x2
        n3 = add n2 n1 times 1,-1 : 2x2x2
        ");
        insta::assert_snapshot!(format!("{graph:#}"), @"
        real graph, output n3
        n0 = input : 1x4x4  # image
        n1 = conv n0 2x2 stride 2 weights 2x1x2x2 (3 of 8, #b753ce98) bias 0 : 2x2x2  # c1
        n2 = relu n1 : 2x2x2  # r1
        n3 = add n2 n1 times 1,-1 : 2x2x2  # s1
        ");
    }

    #[test]
    fn integer_facts_print_scale_and_range() {
        let fact = |channels, scale| IntegerFact {
            shape: Shape::new(channels, 2, 2),
            scale,
            range: (0..channels as i128).map(|c| Range { low: -3 - c, high: 12 }).collect(),
            ring: None,
            compared: None,
            room: None,
        };
        let mut graph: Graph<Integer> = Graph::new("image", fact(1, Scale::PerTensor(0.5)));
        let both = graph.add(
            "c",
            Op::Concat,
            &[graph.input(), graph.input()],
            fact(2, Scale::PerChannel(vec![0.125, 0.5])),
        );
        graph.set_output(both);
        insta::assert_snapshot!(graph, @"
        integer graph, output n1
        n0 = input : 1x2x2 scale 0.5 range [-3, 12] bits 4
        n1 = concat n0 n0 : 2x2x2 scale 0.125..0.5 per channel range [-4, 12] bits 4
        ");
    }
}
