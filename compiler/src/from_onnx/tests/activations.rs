//! Activations as exporters write them: exact or within what is stated.

use super::super::testing::Attribute::{Float, Text};
use super::super::testing::Onnx;
use super::operators::{accept, refuse};
use super::{Model, image as pixels};
use crate::activation::{Fineness, approximate_all};
use crate::graph::Op;
use crate::options::CompileOptions;
use crate::reference::real;
use runtime::roles::plain;

fn image() -> Onnx {
    Onnx::new(&[1, 2, 4, 4])
        .weight("w", &[3, 2, 3, 3])
        .constant("zero", &[], vec![0.0])
        .constant("one", &[], vec![1.0])
        .constant("half", &[], vec![0.5])
        .constant("three", &[1], vec![3.0])
        .constant("six", &[], vec![6.0])
        .constant("slopes", &[3, 1, 1], vec![0.25, 1.5, 0.0])
        .then("Conv", &["w"], &[])
}

/// The activations of a model that agrees with tract, and the largest error of each.
fn activations(model: Onnx) -> Vec<(String, f64)> {
    let imported = accept(model);
    let graph = &imported.graph;
    let found = graph.ids().filter_map(|id| match graph.op(id) {
        Op::Activation(curve) => {
            let pieces = approximate_all(curve, graph.shape(id).channels, Fineness::Percent, None).unwrap();
            Some((curve.to_string(), pieces.iter().map(|found| found.error).fold(0.0, f64::max)))
        }
        _ => None,
    });
    found.collect()
}

#[test]
fn piecewise_linear_operators_are_exact() {
    let models = [
        image().then("Clip", &["zero", "six"], &[]),
        image().opset(10).then("Clip", &[], &[("min", Float(-0.5)), ("max", Float(0.25))]),
        image().then("Min", &["half"], &[]),
        image().then("LeakyRelu", &[], &[("alpha", Float(0.2))]),
        image().then("PRelu", &["slopes"], &[]),
        image().then("HardSigmoid", &[], &[("alpha", Float(0.3))]),
        image().then("Relu", &[], &[]).then("Min", &["six"], &[]),
        image().then("Abs", &[], &[]),
    ];
    for model in models {
        let found = activations(model);
        assert!(matches!(found[..], [(_, 0.0)]), "{found:?}");
    }
}

#[test]
fn smooth_operators_are_one_curve() {
    for op in ["Sigmoid", "Tanh", "Softplus", "Celu", "Elu", "Selu", "HardSwish", "Mish"] {
        let found = activations(image().opset(18).then(op, &[], &[]));
        assert!(matches!(found[..], [(_, error)] if error > 0.0 && error < 0.03), "{op}: {found:?}");
    }
    for approximate in ["none", "tanh"] {
        let found = activations(image().opset(20).then("Gelu", &[], &[("approximate", Text(approximate))]));
        assert!(matches!(found[..], [(_, error)] if error < 0.02), "{approximate}: {found:?}");
    }
}

#[test]
fn a_celu_of_another_alpha_is_refused() {
    let celu = |alpha: f32| image().opset(18).then("Celu", &[], &[("alpha", Float(alpha))]);
    accept(celu(1.0));
    let refused = refuse(celu(0.5));
    assert!(refused.contains("alpha = 0.5, not 1"), "{refused}");
}

/// SiLU, HardSwish and GELU as exporters take them apart.
#[test]
fn activations_of_several_operators_are_one_curve() {
    let silu = image().then("Sigmoid", &[], &[]).node("Mul", &["v0", "v1"], &[]);
    let hard_swish = image()
        .then("Add", &["three"], &[])
        .then("Clip", &["zero", "six"], &[])
        .node("Mul", &["v0", "v2"], &[])
        .then("Div", &["six"], &[]);
    let gelu = image()
        .constant("root", &[], vec![std::f32::consts::SQRT_2])
        .then("Div", &["root"], &[])
        .then("Erf", &[], &[])
        .then("Add", &["one"], &[])
        .node("Mul", &["v0", "v3"], &[])
        .then("Mul", &["half"], &[]);
    for model in [silu, hard_swish, gelu] {
        let found = activations(model);
        assert!(matches!(found[..], [(_, error)] if error < 0.07), "{found:?}");
    }
}

/// Largest difference between a plan and the graph, over the largest output.
fn plan_error(imported: &Model) -> f64 {
    let options = CompileOptions::blinded();
    let plan = imported.compile(&options).unwrap().plan;
    let raw: Vec<f32> = pixels(imported.input.elements(), 0.0, 255.0).iter().map(|x| x.round()).collect();
    let integers = plain::run(&plan, &plan.plan().input.quantize(&raw).unwrap());
    let got = plan.plan().output.logits(&integers);
    let exact = real::evaluate(&imported.graph, &raw.iter().copied().map(f64::from).collect::<Vec<_>>());
    let largest = exact.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    got.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest
}

#[test]
fn plans_follow_their_activations() {
    for op in ["Clip", "Sigmoid", "HardSwish", "PRelu", "Elu"] {
        let more: &[&str] = match op {
            "Clip" => &["zero", "six"],
            "PRelu" => &["slopes"],
            _ => &[],
        };
        let model = image()
            .opset(14)
            .constant("scale", &[], vec![1.0 / 64.0])
            .weight("dense", &[12, 3])
            .then("Mul", &["scale"], &[])
            .then(op, more, &[])
            .then("Flatten", &[], &[])
            .then("MatMul", &["dense"], &[]);
        let error = plan_error(&accept(model));
        assert!(error < 0.03, "{op}: {error}");
    }
}

/// Two convolutions and a dense layer, each convolution before an activation: the widest value.
fn widest(op: &str, more: &[&str]) -> u32 {
    let model = image()
        .opset(14)
        .constant("scale", &[], vec![1.0 / 64.0])
        .weight("again", &[3, 3, 1, 1])
        .weight("dense", &[12, 3])
        .then("Mul", &["scale"], &[])
        .then(op, more, &[])
        .then("Conv", &["again"], &[])
        .then(op, more, &[])
        .then("Flatten", &[], &[])
        .then("MatMul", &["dense"], &[]);
    let plan = accept(model).compile(&CompileOptions::blinded()).unwrap().plan;
    plan.plan().steps.iter().map(|step| step.bits).max().unwrap()
}

#[test]
fn shifts_cost_no_bits() {
    let operators = [("Relu", &[][..]), ("Clip", &["zero", "six"]), ("Sigmoid", &[]), ("HardSwish", &[])];
    let bits: Vec<String> =
        operators.into_iter().map(|(op, more)| format!("{op} {}", widest(op, more))).collect();
    insta::assert_snapshot!(bits.join(", "), @"Relu 33, Clip 34, Sigmoid 47, HardSwish 50");
}

#[test]
fn what_is_no_activation_is_refused() {
    insta::assert_snapshot!(refuse(image().then("Exp", &[], &[])), @"
    the model cannot be compiled:
      node 'v1' (Exp): exp(x) cannot be written with ReLUs: it does not become straight towards both sides; retrain with ReLU
    ");
    let gate = image().weight("u", &[3, 2, 3, 3]).node("Conv", &["image", "u"], &[]);
    insta::assert_snapshot!(refuse(gate.then("Sigmoid", &[], &[]).node("Div", &["v0", "v2"], &[])), @"
    the model cannot be compiled:
      node 'v3' (Div): it combines computed values that are no functions of one value; of two computed values, sums and products can be compiled
    ");
}
