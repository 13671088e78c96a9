//! Activations: any function of one value, spelled as one operator or as several.
//!
//! An operation becomes an [`Op::Activation`] over a value that all its computed operands are functions
//! of: of x·sigmoid(x), that is x. What an operation reads may itself be part of an activation; then the
//! two become one where that is needed (exp, + 1, ln) or exact (max, min), and the part is dropped unless
//! something else reads it.

use super::site::{Operand, Site, Value, finite, floats};
use super::view::View;
use super::{Found, Translator};
use crate::activation::{Fineness, approximate, is_piecewise_linear};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{Affine, Binary, Curve, NodeId, Op, Unary};
use tract_onnx::tract_core::ops::element_wise::ElementWiseMiniOp;
use tract_onnx::tract_core::ops::nn::LeakyRelu;

/// Longer expressions are not joined further.
const MAX_SIZE: usize = 64;
/// Nor those with more constants.
const MAX_NUMBERS: usize = 1 << 20;

/// A value as a function of an earlier one.
struct Candidate {
    base: NodeId,
    curve: Curve,
    /// The base is what an activation reads: the place to begin a joined one.
    below: bool,
    /// There is an activation other than ReLU in between.
    curved: bool,
}

/// A value, and what an operation makes of it.
struct Join {
    view: View,
    curve: Curve,
    /// See [`Candidate::below`]; so is the nearest value.
    below: bool,
}

impl Translator<'_> {
    /// The curve that `combine` makes of the operands, as one activation.
    pub(super) fn activation(&mut self, site: &Site, combine: impl Fn(Vec<Curve>) -> Curve) -> Found {
        let join = self.chosen(self.joins(site, combine)?).ok_or_else(|| {
            Refusal::new(
                "it combines computed values that are no functions of one value",
                "of two computed values, sums and products can be compiled",
            )
        })?;
        let curve = if join.curve.size() <= 4 * MAX_SIZE { join.curve } else { return Err(too_long()) };
        self.each(&site.name, Op::Activation(curve), &join.view)
    }

    /// Whether two computed operands belong to one activation rather than to a sum.
    pub(super) fn share_an_activation(&self, site: &Site) -> bool {
        let views: Vec<&View> = site.inputs.iter().filter_map(computed).collect();
        let candidates: Vec<Vec<Candidate>> = views.iter().map(|view| self.candidates(view.id)).collect();
        let curved = |base: &NodeId| {
            candidates.iter().flatten().any(|candidate| candidate.base == *base && candidate.curved)
        };
        shared(&candidates).iter().any(curved)
    }

    /// Whether all computed operands, of one shape, are functions of one value.
    pub(super) fn share_a_value(&self, site: &Site) -> bool {
        self.joins(site, |_| Curve::X).is_ok_and(|joins| !joins.is_empty())
    }

    /// The values that all operands are functions of, nearest first, each with what `combine` makes of it.
    fn joins(&self, site: &Site, combine: impl Fn(Vec<Curve>) -> Curve) -> Result<Vec<Join>, Refusal> {
        let views: Vec<&View> = site.inputs.iter().filter_map(computed).collect();
        let alike = site.inputs.iter().filter(|operand| computed(operand).is_some());
        let alike = alike.clone().all(|operand| operand.dims == site.output);
        let Some(first) = views.first().filter(|first| alike && views.iter().all(|v| v.same_order(first)))
        else {
            return Ok(Vec::new());
        };
        let candidates: Vec<Vec<Candidate>> = views.iter().map(|view| self.candidates(view.id)).collect();
        let constants: Vec<Option<Curve>> = site
            .inputs
            .iter()
            .map(|operand| match &operand.value {
                Value::Constant(_) => self.constant_curve(operand, first, &site.output).map(Some),
                _ => Ok(None),
            })
            .collect::<Result<_, Refusal>>()?;
        let join = |(position, base): (usize, NodeId)| {
            let all = || candidates.iter().filter_map(|list| list.iter().find(|c| c.base == base));
            let mut functions = all().map(|candidate| candidate.curve.clone());
            let operand = |constant: &Option<Curve>| constant.clone().or_else(|| functions.next());
            let operands = constants.iter().map(operand).map(Option::unwrap_or_default).collect();
            let below = position == 0 || all().any(|candidate| candidate.below);
            Join { view: first.with_value(base), curve: combine(operands), below }
        };
        Ok(shared(&candidates).into_iter().enumerate().map(join).collect())
    }

    /// Where an activation begins: at the furthest value of which it is piecewise linear; else at the
    /// nearest of which it can be followed; else, as a part of an activation, after whatever is complete.
    fn chosen(&self, mut joins: Vec<Join>) -> Option<Join> {
        let linear = |join: &Join| join.below && is_piecewise_linear(&join.curve);
        let followed = |join: &Join| approximate(&join.curve, 0, Fineness::Percent).is_ok();
        let position = joins
            .iter()
            .rposition(linear)
            .or_else(|| joins.iter().position(followed))
            .or_else(|| joins.iter().position(|join| !self.is_part(join.view.id)))?;
        Some(joins.swap_remove(position))
    }

    /// Whether a value is made by an activation that cannot be followed as it stands.
    fn is_part(&self, mut id: NodeId) -> bool {
        while let Op::Affine(_) | Op::Relu = self.graph.op(id) {
            id = self.graph.sole_input(id);
        }
        match self.graph.op(id) {
            Op::Activation(curve) => approximate(curve, 0, Fineness::Percent).is_err(),
            _ => false,
        }
    }

    /// A constant operand: one number, or one per channel.
    fn constant_curve(&self, operand: &Operand, view: &View, dims: &[usize]) -> Result<Curve, Refusal> {
        let Value::Constant(tensor) = &operand.value else { return Err("no constant".to_string().into()) };
        let full = tensor.broadcast_to_shape(dims).map_err(|error| format!("{error:#}"))?;
        let full = view.to_graph_order(&finite(floats(&full)?)?);
        let plane = self.graph.shape(view.id).plane();
        if full.chunks(plane).any(|channel| channel.iter().any(|value| *value != channel[0])) {
            return Err(Refusal::new("the constant differs from pixel to pixel", "use one per channel"));
        }
        let values: Vec<f32> = full.iter().step_by(plane).copied().collect();
        let uniform = values.iter().all(|value| *value == values[0]);
        Ok(Curve::Constant(if uniform { vec![values[0]] } else { values }))
    }

    /// `id` as a function of itself and of what it is computed from, element by element.
    fn candidates(&self, id: NodeId) -> Vec<Candidate> {
        let mut found = vec![Candidate { base: id, curve: Curve::X, below: false, curved: false }];
        while let Some(last) = found.last() {
            let (inner, below, curved) = match self.graph.op(last.base) {
                Op::Activation(curve) => (curve.clone(), true, true),
                Op::Relu => (Curve::X.binary(Binary::Max, Curve::number(0.0)), true, last.curved),
                Op::Affine(affine) => (line(affine), false, last.curved),
                _ => break,
            };
            let curve = last.curve.over(&inner);
            let numbers: usize = curve.constants().iter().map(|values| values.len()).sum();
            if curve.size() > MAX_SIZE || numbers > MAX_NUMBERS {
                break;
            }
            let base = self.graph.sole_input(last.base);
            found.push(Candidate { base, curve, below, curved });
        }
        found
    }
}

fn computed(operand: &Operand) -> Option<&View> {
    match &operand.value {
        Value::Computed(view) => Some(view),
        _ => None,
    }
}

/// The values that all operands are functions of, nearest first.
fn shared(candidates: &[Vec<Candidate>]) -> Vec<NodeId> {
    let Some((first, others)) = candidates.split_first() else { return Vec::new() };
    let shared =
        |base: &NodeId| others.iter().all(|list| list.iter().any(|candidate| candidate.base == *base));
    first.iter().map(|candidate| candidate.base).filter(shared).collect()
}

fn line(affine: &Affine) -> Curve {
    let constant = |values: &[f32]| {
        let uniform = values.iter().all(|value| *value == values[0]);
        Curve::Constant(if uniform { vec![values[0]] } else { values.to_vec() })
    };
    Curve::X.binary(Binary::Mul, constant(&affine.scale)).binary(Binary::Add, constant(&affine.shift))
}

fn too_long() -> Refusal {
    Refusal::new("the activation is too long an expression", "retrain with ReLU")
}

/// What tract calls an operator, and its curve.
type Named = (&'static str, fn() -> Curve);

/// tract's operators of one operand.
const UNARY: &[Named] = &[
    ("Abs", || Curve::X.binary(Binary::Max, times(Curve::X, -1.0))),
    ("Erf", || Curve::X.unary(Unary::Erf)),
    ("Exp", || Curve::X.unary(Unary::Exp)),
    ("GeluApproximate", || {
        let cube = Curve::X.binary(Binary::Mul, Curve::X).binary(Binary::Mul, Curve::X);
        let inner = Curve::X.binary(Binary::Add, times(cube, 0.044_715));
        let gate = plus(times(inner, (2.0 / std::f32::consts::PI).sqrt()).unary(Unary::Tanh), 1.0);
        times(Curve::X, 0.5).binary(Binary::Mul, gate)
    }),
    ("HardSwish", || {
        let gate = plus(times(Curve::X, 1.0 / 6.0), 0.5).binary(Binary::Min, Curve::number(1.0));
        Curve::X.binary(Binary::Mul, gate.binary(Binary::Max, Curve::number(0.0)))
    }),
    ("Ln", || Curve::X.unary(Unary::Ln)),
    ("Neg", || times(Curve::X, -1.0)),
    ("Recip", || Curve::number(1.0).binary(Binary::Div, Curve::X)),
    ("Sigmoid", || Curve::X.unary(Unary::Sigmoid)),
    ("Silu", || Curve::X.binary(Binary::Mul, Curve::X.unary(Unary::Sigmoid))),
    ("Sqrt", || Curve::X.unary(Unary::Sqrt)),
    ("Square", || Curve::X.binary(Binary::Mul, Curve::X)),
    ("Tanh", || Curve::X.unary(Unary::Tanh)),
];

/// tract's operators of two operands; whether the second comes first.
const BINARY: &[(&str, Binary, bool)] = &[
    ("Add", Binary::Add, false),
    ("Div", Binary::Div, false),
    ("GT", Binary::Less, true),
    ("GTE", Binary::Less, true),
    ("LT", Binary::Less, false),
    ("LTE", Binary::Less, false),
    ("Max", Binary::Max, false),
    ("Min", Binary::Min, false),
    ("Mul", Binary::Mul, false),
    ("Pow", Binary::Pow, false),
    ("Sub", Binary::Sub, false),
];

fn times(curve: Curve, by: f32) -> Curve {
    curve.binary(Binary::Mul, Curve::number(by))
}

fn plus(curve: Curve, more: f32) -> Curve {
    curve.binary(Binary::Add, Curve::number(more))
}

/// The curve of an operator of one operand.
pub(super) fn unary(op: &dyn ElementWiseMiniOp) -> Option<Curve> {
    if let Some(LeakyRelu { alpha }) = op.downcast_ref() {
        let negative = Curve::X.binary(Binary::Less, Curve::number(0.0));
        return Some(Curve::Choose(Box::new([negative, times(Curve::X, *alpha), Curve::X])));
    }
    let name = op.name();
    UNARY.iter().find(|(known, _)| *known == name).map(|(_, curve)| curve())
}

/// What an operator of two operands is, by tract's name for it, and whether its second operand comes first.
pub(super) fn binary(name: &str) -> Option<(Binary, bool)> {
    BINARY.iter().find(|(known, ..)| *known == name).map(|&(_, op, turned)| (op, turned))
}
