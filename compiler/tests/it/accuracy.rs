//! Plans against float models on MNIST's test images, which lie outside the project.

use crate::outside::outside;
use compiler::evaluation::{Dataset, evaluate};
use compiler::from_onnx;
use compiler::from_onnx::FloatReference;
use compiler::options::{CompileOptions, InputOptions};
use runtime::plan::{BlindedParameters, SharedParameters, Suite};
use std::path::Path;

/// (model, what raw pixels are multiplied by); the first two are in `testdata`.
const NETWORKS: [(&str, f64); 3] = [
    ("testdata/mnist-mlp.onnx", 1.0 / 255.0),
    ("testdata/mnist-cnn.onnx", 1.0 / 255.0),
    ("mnist-8.onnx", 1.0),
];

/// Accuracy of plans of both suites and of the float model over the first `limit` images, at most 0.3 points apart.
fn assert_accurate(limit: usize) {
    let (Some(data), Some(examples)) =
        (outside("data/mnist-test-10000.npz"), outside("data/mnist-train-60000.npz"))
    else {
        return;
    };
    let suites = [Suite::Blinded(BlindedParameters::default()), Suite::Shared(SharedParameters::default())];
    for (model, scale) in NETWORKS {
        let path = match model.strip_prefix("testdata/") {
            Some(_) => Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(model)),
            None => outside(Path::new("models").join(model)),
        };
        let Some(path) = path else { continue };
        let imported = from_onnx::read(&path).expect("a model");
        let input = InputOptions { scale, ..InputOptions::default() };
        let dataset = Dataset::read(&data, imported.input).expect("images");
        let tract = FloatReference::new(&imported).expect("a float model");
        for suite in suites {
            let shared = matches!(suite, Suite::Shared(_));
            let calibration =
                shared.then(|| Dataset::read(&examples, imported.input).expect("examples").into());
            let options =
                CompileOptions { suite, input: input.clone(), calibration, ..CompileOptions::default() };
            let plan = imported.compile(&options).expect("a plan").plan;
            let accuracy = evaluate(&plan, &|x| tract.run(x), &dataset, limit, &()).expect("an evaluation");
            let (float, ours) =
                (accuracy.float_accuracy.expect("labels"), accuracy.plan_accuracy.expect("labels"));
            assert!(
                ours > float - 0.003 && accuracy.agreement > Some(0.99),
                "{model}, {suite}: {accuracy:?}"
            );
        }
    }
}

#[test]
fn a_thousand_images() {
    assert_accurate(1000);
}

#[test]
#[ignore = "some ten seconds"]
fn ten_thousand_images() {
    assert_accurate(10_000);
}
