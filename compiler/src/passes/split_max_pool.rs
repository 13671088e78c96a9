//! # What it does
//! Computes a maximum over a window as the maximum over its columns of the maxima over their rows (or the other way
//! round) where that needs fewer comparisons and no more rounds. Windows that overlap share the first step's maxima:
//! 3×3 windows need a quarter fewer comparisons at stride 2, and half as many at stride 1.
//!
//! # Requires
//! Nothing.
//!
//! # Guarantees
//! Every output value stays the same. No pooling needs more comparisons or rounds than before. The new
//! nodes have the name of the one that they are part of; their ranges are those of its input.
//!
//! # Example
//! A 3×3 pooling at stride 2 becomes (snapshot test `example`):
//! ```text
//! n2 = max_pool n0 1x3 stride 1x2 : 2x9x4 scale 1 range [-5, 7] bits 3
//! n1 = max_pool n2 3x1 stride 2x1 : 2x4x4 scale 1 range [-5, 7] bits 3
//! ```

use crate::error::Result;
use crate::graph::{Graph, Integer, IntegerFact, NodeId, Op, Shape, Window};

/// Runs the pass.
///
/// # Errors
/// None; the signature is that of every pass.
pub fn split_max_pool(mut graph: Graph<Integer>) -> Result<Graph<Integer>> {
    for id in graph.ids_in_order() {
        if let Op::MaxPool(window) = *graph.op(id) {
            let first_axis = cheapest_first_axis(&window, graph.input_shapes(id)[0], graph.shape(id));
            if let Some(axis) = first_axis {
                split(&mut graph, id, &window, axis);
            }
        }
    }
    Ok(graph)
}

/// Makes the pooling `id` two: over `axis` and then over the other one.
fn split(graph: &mut Graph<Integer>, id: NodeId, window: &Window, axis: usize) {
    let input = graph.sole_input(id);
    let node = graph.node(id);
    let shape = between(graph.shape(input), node.fact.shape, axis);
    let (name, fact) = (node.name.clone(), IntegerFact { shape, ..graph.node(input).fact.clone() });
    let first = graph.add(name, Op::MaxPool(along(window, axis)), &[input], fact);
    graph.set_inputs(id, &[first]);
    graph.node_mut(id).op = Op::MaxPool(along(window, 1 - axis));
}

/// The window over one axis alone.
fn along(window: &Window, axis: usize) -> Window {
    let mut one = Window::dense([1, 1]);
    one.kernel[axis] = window.kernel[axis];
    one.stride[axis] = window.stride[axis];
    one.dilation[axis] = window.dilation[axis];
    one.pad_before[axis] = window.pad_before[axis];
    one.pad_after[axis] = window.pad_after[axis];
    one
}

/// The shape after pooling over `axis` alone.
fn between(image: Shape, output: Shape, axis: usize) -> Shape {
    match axis {
        0 => Shape { height: output.height, ..image },
        _ => Shape { width: output.width, ..image },
    }
}

/// Comparisons and rounds of a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Work {
    comparisons: usize,
    rounds: u32,
}

/// The axis to begin with, where that takes less than the whole window at once.
fn cheapest_first_axis(window: &Window, image: Shape, output: Shape) -> Option<usize> {
    let whole = work(window, image, output);
    let split = |axis: usize| {
        let middle = between(image, output, axis);
        let first = work(&along(window, axis), image, middle);
        let second = work(&along(window, 1 - axis), middle, output);
        Work { comparisons: first.comparisons + second.comparisons, rounds: first.rounds + second.rounds }
    };
    let better = |axis: &usize| {
        let split = split(*axis);
        split.comparisons < whole.comparisons && split.rounds <= whole.rounds
    };
    // Columns first where it does not matter: [`Iterator::min_by_key`] takes the first of equals.
    [1, 0].into_iter().filter(better).min_by_key(|&axis| split(axis).comparisons)
}

/// The work of a tournament in every window.
fn work(window: &Window, image: Shape, output: Shape) -> Work {
    let rows = window.tap_counts(0, image.height, output.height);
    let columns = window.tap_counts(1, image.width, output.width);
    let sum = |counts: &[usize]| counts.iter().sum::<usize>();
    let largest = |counts: &[usize]| counts.iter().copied().max().unwrap_or(1);
    Work {
        comparisons: output.channels * (sum(&rows) * sum(&columns) - output.plane()),
        rounds: (largest(&rows) * largest(&columns)).next_power_of_two().ilog2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Range, Scale, infer_shape, verify};
    use crate::lower::lower;
    use crate::options::{CompileOptions, InputOptions};
    use crate::reference::integer;
    use proptest::prelude::*;
    use runtime::plan::{ExchangeKind, OutputPart, StepId};

    /// A pooling of an image; `None` where the window does not fit.
    fn pooling(shape: Shape, window: Window) -> Option<Graph<Integer>> {
        let output = infer_shape::<Integer>(&Op::MaxPool(window), &[shape]).ok()?;
        let fact = |shape| IntegerFact {
            shape,
            scale: Scale::PerTensor(1.0),
            range: vec![Range { low: -5, high: 7 }; shape.channels],
            ring: None,
            compared: None,
            room: None,
        };
        let mut graph = Graph::new("image", fact(shape));
        let pool = graph.add("pool", Op::MaxPool(window), &[graph.input()], fact(output));
        graph.set_output(pool);
        Some(graph)
    }

    /// (comparisons, rounds) of the plan.
    fn costs(graph: &Graph<Integer>) -> (usize, usize) {
        let input = InputOptions::default().spec(graph.shape(graph.input())).unwrap();
        let outputs = [OutputPart::vector(graph.shape(graph.output()).elements())];
        let plan = lower(graph, "pooling", &input, &outputs, &CompileOptions::blinded()).unwrap();
        let exchanges: Vec<usize> = (0..plan.steps.len())
            .flat_map(|step| plan.exchanges(StepId::new(step)))
            .filter(|exchange| exchange.kind == ExchangeKind::Relu)
            .map(|exchange| exchange.count)
            .collect();
        (exchanges.iter().sum(), exchanges.len())
    }

    #[test]
    fn example() {
        let window = Window { stride: [2, 2], ..Window::dense([3, 3]) };
        let graph = split_max_pool(pooling(Shape::new(2, 9, 9), window).unwrap()).unwrap();
        insta::assert_snapshot!(graph, @"
        integer graph, output n1
        n0 = input : 2x9x9 scale 1 range [-5, 7] bits 3
        n2 = max_pool n0 1x3 stride 1x2 : 2x9x4 scale 1 range [-5, 7] bits 3
        n1 = max_pool n2 3x1 stride 2x1 : 2x4x4 scale 1 range [-5, 7] bits 3
        ");
    }

    #[test]
    fn windows_that_share_nothing_stay_whole() {
        for (kernel, stride) in [([2, 2], [2, 2]), ([3, 3], [3, 3]), ([1, 3], [1, 1]), ([5, 5], [1, 1])] {
            let graph = pooling(Shape::new(1, 15, 15), Window { stride, ..Window::dense(kernel) }).unwrap();
            assert_eq!(split_max_pool(graph.clone()).unwrap().to_string(), graph.to_string(), "{kernel:?}");
        }
    }

    fn windows() -> impl Strategy<Value = Window> {
        let pair = |from: usize, to: usize| [from..to, from..to];
        let geometry = (pair(1, 6), pair(1, 5), pair(1, 4), pair(0, 4), pair(0, 4));
        geometry.prop_map(|(kernel, stride, dilation, pad_before, pad_after)| Window {
            kernel,
            stride,
            dilation,
            pad_before,
            pad_after,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn maxima_stay_the_same_and_never_cost_more(
            channels in 1..3_usize, height in 1..12_usize, width in 1..12_usize, window in windows(),
            pixels in proptest::collection::vec(-5..=7_i64, 300),
        ) {
            let shape = Shape::new(channels, height, width);
            let Some(before) = pooling(shape, window) else { return Ok(()) };
            let after = split_max_pool(before.clone()).unwrap();
            prop_assert_eq!(verify::verify(&after), []);
            let image = &pixels[..shape.elements()];
            prop_assert_eq!(integer::run(&after, image), integer::run(&before, image));
            let ((comparisons, rounds), whole) = (costs(&after), costs(&before));
            prop_assert!(rounds <= whole.1);
            prop_assert_eq!(after.len() > before.len(), comparisons < whole.0);
            prop_assert!(comparisons <= whole.0);
        }
    }
}
