//! Activations that become several ReLUs, in random networks.

use super::{Piece, Recipe};
use compiler::activation::Fineness;
use compiler::graph::{Binary, Curve, Graph, Op, Real, Unary};
use compiler::pipeline::simplify;
use proptest::prelude::*;

/// Straight pieces for curves that are none themselves.
const PIECES: usize = 4;

/// Recipes with activations of every form after some pieces.
pub(crate) fn activated(recipes: impl Strategy<Value = Recipe>) -> impl Strategy<Value = Recipe> {
    let activations = proptest::collection::vec(proptest::option::weighted(0.4, activations()), 5);
    (recipes, activations).prop_map(|(recipe, activations)| {
        let activations = activations.into_iter().chain(std::iter::repeat(None));
        let pieces = recipe.pieces.into_iter().zip(activations);
        let pieces =
            pieces.flat_map(|(piece, activation)| std::iter::once(piece).chain(activation)).collect();
        Recipe { pieces, ..recipe }
    })
}

/// The network as ReLUs, with passes that rewrite nothing where there are no other activations.
pub(super) fn as_relus(graph: Graph<Real>) -> Graph<Real> {
    if graph.ids().any(|id| matches!(graph.op(id), Op::Activation(_))) {
        return simplify(graph, Fineness::Pieces(PIECES)).unwrap();
    }
    graph
}

fn activations() -> impl Strategy<Value = Piece> {
    prop_oneof![
        1 => Just(Piece::PRelu),
        8 => curves().prop_map(Piece::Activation),
    ]
}

fn curves() -> impl Strategy<Value = Curve> {
    let smooth = [sigmoid(), tanh(), silu(), softplus(), elu(), selu(), gelu(), mish(), hard_swish()];
    prop_oneof![
        2 => (-2.0..0.5f32, 0.5..6.0f32).prop_map(|(low, high)| clip(Curve::X, low, high)),
        2 => (0.0..1.0f32).prop_map(leaky),
        1 => (-1.0..1.0f32).prop_map(|bound| Curve::X.binary(Binary::Min, Curve::number(bound))),
        1 => Just(clip(plus(times(Curve::X, 0.2), 0.5), 0.0, 1.0)),
        6 => proptest::sample::select(smooth.to_vec()),
    ]
}

/// max(x, slope·x), for slopes up to 1.
pub(crate) fn leaky(slope: f32) -> Curve {
    Curve::X.binary(Binary::Max, times(Curve::X, slope))
}

fn sigmoid() -> Curve {
    Curve::X.unary(Unary::Sigmoid)
}

fn tanh() -> Curve {
    Curve::X.unary(Unary::Tanh)
}

fn silu() -> Curve {
    Curve::X.binary(Binary::Mul, sigmoid())
}

fn softplus() -> Curve {
    plus(Curve::X.unary(Unary::Exp), 1.0).unary(Unary::Ln)
}

fn elu() -> Curve {
    below_zero(plus(Curve::X.unary(Unary::Exp), -1.0), Curve::X)
}

fn selu() -> Curve {
    below_zero(times(plus(Curve::X.unary(Unary::Exp), -1.0), 1.758), times(Curve::X, 1.051))
}

fn gelu() -> Curve {
    let erf = times(Curve::X, std::f32::consts::FRAC_1_SQRT_2).unary(Unary::Erf);
    times(Curve::X.binary(Binary::Mul, plus(erf, 1.0)), 0.5)
}

fn mish() -> Curve {
    Curve::X.binary(Binary::Mul, softplus().unary(Unary::Tanh))
}

fn hard_swish() -> Curve {
    times(Curve::X.binary(Binary::Mul, clip(plus(Curve::X, 3.0), 0.0, 6.0)), 1.0 / 6.0)
}

/// x for x > 0, else a slope of the channel's times x.
pub(super) fn prelu(slopes: Vec<f32>) -> Curve {
    below_zero(Curve::X.binary(Binary::Mul, Curve::Constant(slopes)), Curve::X)
}

fn below_zero(then: Curve, otherwise: Curve) -> Curve {
    let below = Curve::X.binary(Binary::Less, Curve::number(0.0));
    Curve::Choose(Box::new([below, then, otherwise]))
}

fn clip(x: Curve, low: f32, high: f32) -> Curve {
    x.binary(Binary::Max, Curve::number(low)).binary(Binary::Min, Curve::number(high))
}

fn plus(x: Curve, summand: f32) -> Curve {
    x.binary(Binary::Add, Curve::number(summand))
}

fn times(x: Curve, by: f32) -> Curve {
    x.binary(Binary::Mul, Curve::number(by))
}
