//! # What it does
//! Writes every [`Op::Activation`] as a sum of shifted ReLUs: f(x) = c0 + c1·x + Σ aᵢ·ReLU(x − tᵢ), from Affine, Relu,
//! Clip and Add nodes. Curves that are piecewise linear (Clip, LeakyRelu, PRelu, HardSigmoid) are written exactly.
//! Others (Sigmoid, Tanh, HardSwish, Gelu, …) are approximated by linear segments: within 1 % of the distance between
//! the curve's limits or, where it has none, of the slope of its steeper ray (0.01 for curves that tend to x), or as
//! closely as a given number of segments can. Beyond the segments they continue along the rays to which the curve
//! tends. Where calibration images have shown the range of a curve's input, it is approximated in this range, within
//! 1 % of the standard deviation of its output, and continued straight. [`approximated`] reports the number of segments
//! and the error.
//!
//! A product of two functions, such as x·sigmoid(x), is a product of two values ([`Op::Mul`]) in suite `shared`, where that
//! takes fewer comparisons.
//!
//! A function that is constant on both sides is written in z = min(max(x − t₀, 0), w) ([`Op::Clip`]), with w the
//! distance of its outermost bends, so that the bounds of values do not grow.
//!
//! # Requires
//! Nothing.
//!
//! # Guarantees
//! No [`Op::Activation`] is left. Output values stay the same up to the stated error of each curve.
//!
//! # Example
//! Of conv, min(max(x, 0), 6) there remain (snapshot test `example`):
//! ```text
//! n3 = clip n1 high 2 (2 of 2, #5c5eeb45) : 2x3x3
//! ```

mod sum;

#[cfg(doc)]
use crate::activation::approximated;
use crate::activation::{Approximation, Factor, Fineness, Form, Pieces, Ranges, form};
use crate::error::{Diagnostic, Error, Result};
use crate::graph::{Graph, NodeId, Op, Real};
use sum::Sum;

/// Runs the pass; `ranges` are those of the values that curves read, where they are known; `multiplies`: there may be
/// products of two values.
///
/// # Errors
/// [`Error::Unsupported`] with the curves that jump, do not become straight or need more pieces.
pub fn expand_activations(
    mut graph: Graph<Real>,
    fineness: Fineness,
    ranges: &Ranges,
    multiplies: bool,
) -> Result<Graph<Real>> {
    let mut refused = Vec::new();
    for id in graph.ids_in_order() {
        let Op::Activation(curve) = graph.op(id) else { continue };
        let (channels, seen) = (graph.shape(id).channels, ranges.get(&id).copied());
        match form(curve, channels, fineness, seen, multiplies) {
            Ok(Form::Product(product)) => multiply(&mut graph, id, product.factors),
            Ok(Form::Segments(found)) => expand(&mut graph, id, found),
            Err(what) => refused.push(Diagnostic {
                node: graph.node(id).name.clone(),
                op: graph.op(id).name().into(),
                what: format!("{curve} cannot be written with ReLUs: {what}"),
                hint: "retrain with ReLU".into(),
            }),
        }
    }
    if refused.is_empty() { Ok(graph) } else { Err(Error::Unsupported(refused)) }
}

/// The activation `id` as a product of two functions.
fn multiply(graph: &mut Graph<Real>, id: NodeId, factors: [Factor; 2]) {
    let (input, node) = (graph.sole_input(id), graph.node(id).clone());
    let value = |factor: &Factor| match factor {
        Factor::X => input,
        Factor::Followed(_) => graph.add(node.name.clone(), node.op.clone(), &[input], node.fact.clone()),
    };
    let values = factors.each_ref().map(value);
    graph.set_inputs(id, &values);
    graph.node_mut(id).op = Op::Mul;
    for (value, factor) in values.into_iter().zip(factors) {
        if let Factor::Followed(found) = factor {
            expand(graph, value, found);
        }
    }
}

fn expand(graph: &mut Graph<Real>, id: NodeId, found: Vec<Approximation>) {
    let pieces: Vec<Pieces> = found.into_iter().map(|found| found.pieces).collect();
    let input = graph.sole_input(id);
    let mut sum = Sum::new(graph, id, &pieces);
    let expanded = if pieces.iter().all(Pieces::saturates) { sum.clamped(input) } else { sum.open(input) };
    graph.reroute(id, expanded);
    graph.remove(id);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::{approximate, approximate_all};
    use crate::graph::testing::{assert_same_value, conv};
    use crate::graph::{Binary, Curve, RealFact, Shape, Unary, Window};
    use crate::reference::real::evaluate;
    use proptest::prelude::*;

    fn clip(low: f32, high: f32) -> Curve {
        Curve::X.binary(Binary::Max, Curve::number(low)).binary(Binary::Min, Curve::number(high))
    }

    fn times(curve: Curve, by: f32) -> Curve {
        curve.binary(Binary::Mul, Curve::number(by))
    }

    fn activated(curve: Curve) -> Graph<Real> {
        let mut graph = Graph::new("image", RealFact { shape: Shape::new(1, 5, 5) });
        let conv = graph.append("conv", conv(1, 2, Window::dense([3, 3])), &[graph.input()]).unwrap();
        graph.append("activation", Op::Activation(curve), &[conv]).unwrap();
        graph
    }

    #[test]
    fn example() {
        let graph = activated(clip(0.0, 6.0));
        let after = expand_activations(graph.clone(), Fineness::Percent, &Ranges::new(), false).unwrap();
        assert_same_value(&graph, &after);
        insta::assert_snapshot!(after, @"
        real graph, output n3
        n0 = input : 1x5x5
        n1 = conv n0 3x3 weights 2x1x3x3 (18 of 18, #f4fa4193) bias 2 (2 of 2, #af2b1449) : 2x3x3
        n3 = clip n1 high 2 (2 of 2, #5c5eeb45) : 2x3x3
        ");
    }

    #[test]
    fn piecewise_linear_curves_are_exact() {
        let leaky = Curve::X.binary(Binary::Max, times(Curve::X, 0.1));
        let slopes = Curve::X.binary(Binary::Mul, Curve::Constant(vec![0.25, 1.5]));
        let test = Curve::X.binary(Binary::Less, Curve::number(0.0));
        let prelu = Curve::Choose(Box::new([test, slopes, Curve::X]));
        let hard_sigmoid = clip(0.0, 1.0).over(&times(Curve::X, 0.2).binary(Binary::Add, Curve::number(0.5)));
        for curve in [leaky, prelu, hard_sigmoid, clip(-1.0, 0.5), clip(0.0, 0.5), times(Curve::X, 3.0)] {
            let found = approximate_all(&curve, 2, Fineness::Percent, None).unwrap();
            assert!(found.iter().all(|found| found.error == 0.0 && found.pieces.bends.len() <= 2), "{curve}");
            let graph = activated(curve);
            assert_same_value(
                &graph,
                &expand_activations(graph.clone(), Fineness::Percent, &Ranges::new(), false).unwrap(),
            );
        }
    }

    #[test]
    fn smooth_curves_stay_within_their_tolerance() {
        let sigmoid = || Curve::X.unary(Unary::Sigmoid);
        let silu = Curve::X.binary(Binary::Mul, sigmoid());
        let softplus = Curve::X.unary(Unary::Exp).binary(Binary::Add, Curve::number(1.0)).unary(Unary::Ln);
        let gate = times(Curve::X.binary(Binary::Add, Curve::number(3.0)), 1.0);
        let hard_swish = times(Curve::X.binary(Binary::Mul, clip(0.0, 6.0).over(&gate)), 1.0 / 6.0);
        let bends: Vec<String> = [sigmoid(), Curve::X.unary(Unary::Tanh), silu, softplus, hard_swish]
            .iter()
            .map(|curve| {
                let found = approximate(curve, 0, Fineness::Percent).unwrap();
                assert!(found.error <= 0.0205, "{curve}: {}", found.error);
                for x in [-1000.0, -3.0, -0.1, 0.0, 1.7, 50.0] {
                    assert!(
                        (curve.at(0, x) - found.pieces.at(x)).abs() <= found.error * 1.1,
                        "{curve} at {x}"
                    );
                }
                format!("{curve}: {} bends, wrong by {:.4}", found.pieces.bends.len(), found.error)
            })
            .collect();
        insta::assert_snapshot!(bends.join("\n"), @"
        sigmoid(x): 6 bends, wrong by 0.0097
        tanh(x): 6 bends, wrong by 0.0195
        (x * sigmoid(x)): 13 bends, wrong by 0.0099
        ln((exp(x) + 1)): 9 bends, wrong by 0.0098
        ((x * min(max(((x + 3) * 1), 0), 6)) * 0.16666667): 11 bends, wrong by 0.0100
        ");
    }

    #[test]
    fn pieces_can_be_counted() {
        let sigmoid = Curve::X.unary(Unary::Sigmoid);
        let errors: Vec<String> = [3, 5, 9, 17, 65]
            .into_iter()
            .map(|count| {
                let found = approximate(&sigmoid, 0, Fineness::Pieces(count)).unwrap();
                assert!(found.pieces.bends.len() < count);
                format!("{count}: {:.4}", found.error)
            })
            .collect();
        insta::assert_snapshot!(errors.join(", "), @"3: 0.0583, 5: 0.0197, 9: 0.0059, 17: 0.0021, 65: 0.0003");
        let few = approximate(&sigmoid, 0, Fineness::Pieces(2));
        assert_eq!(few, Err("2 linear segments are too few".into()));
        let jump = Curve::X.binary(Binary::Less, Curve::number(0.3));
        assert!(approximate(&jump, 0, Fineness::Pieces(3)).is_err());
    }

    #[test]
    fn a_bend_far_out_is_seen() {
        let bend = clip(0.0, 6.0).binary(Binary::Mul, Curve::X.unary(Unary::Sigmoid));
        let found = approximate(&bend, 0, Fineness::Percent).unwrap();
        assert!(found.error <= 0.121, "{found:?}");
    }

    /// Where the right ray begins at the end of the grid.
    #[test]
    fn the_last_piece_may_end_beyond_the_grid() {
        let elu = Curve::X.unary(Unary::Exp).binary(Binary::Max, Curve::number(1.0));
        let found = approximate(&elu.over(&clip(0.0, 1.0)), 0, Fineness::Percent).unwrap();
        assert!(found.error <= 0.04, "{found:?}");
    }

    #[test]
    fn curves_without_rays_are_refused() {
        let square = Curve::X.binary(Binary::Mul, Curve::X);
        let jump = Curve::X.binary(Binary::Less, Curve::number(0.3));
        for curve in [square, Curve::X.unary(Unary::Exp), jump, Curve::X.unary(Unary::Sqrt)] {
            let error = expand_activations(activated(curve), Fineness::Percent, &Ranges::new(), false)
                .unwrap_err()
                .to_string();
            assert!(error.contains("node 'activation'") && error.contains("cannot be written"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn random_pieces_are_exact(parts in prop::collection::vec((-4.0..4.0f32, -2.0..2.0f32, any::<bool>()), 1..6)) {
            let mut curve = Curve::X;
            for (bound, slope, upper) in parts {
                let op = if upper { Binary::Min } else { Binary::Max };
                curve = times(curve.binary(op, Curve::number(bound)), slope).binary(Binary::Add, times(Curve::X, 0.5));
            }
            let graph = activated(curve);
            let after = expand_activations(graph.clone(), Fineness::Percent, &Ranges::new(), false).unwrap();
            prop_assert!(after.ids().all(|id| !matches!(after.op(id), Op::Activation(_))));
            assert_same_value(&graph, &after);
            let image: Vec<f64> = (0..25).map(|i| f64::from(i * 7 % 25) - 12.0).collect();
            for (a, b) in evaluate(&graph, &image).iter().zip(evaluate(&after, &image)) {
                prop_assert!((a - b).abs() <= 1e-3 * a.abs().max(1.0), "{a} {b}");
            }
        }
    }
}
