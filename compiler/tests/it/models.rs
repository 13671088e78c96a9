//! Trained networks, end to end: what each stage computes agrees, down to the encrypted run.

use crate::outside::outside;
use compiler::compile::{self, Compiled};
use compiler::from_onnx::FloatReference;
use compiler::from_onnx::{self, Model};
use compiler::graph::{Graph, Integer};
use compiler::options::{CompileOptions, InputOptions};
use compiler::reference::integer;
use runtime::channel::tcp;
use runtime::data::{Fit, ImageSource};
use runtime::observe::{Recorder, Silent};
use runtime::paillier::{HolderKey, test_keys};
use runtime::plan::{
    Extension, KeyBits, Revealed, SharedParameters, Suite, Transfers, TreeDepth, ValidPlan, codec,
};
use runtime::plan::{Plan, Salt};
use runtime::roles::server::Server;
use runtime::roles::{local, plain};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// A key that is quick to use and easy to break.
static KEY: LazyLock<Arc<HolderKey>> = LazyLock::new(|| Arc::new(test_keys::holder(512)));

fn testdata(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(file)
}

/// The plan of a network in `testdata`.
fn compiled(file: &str, options: &CompileOptions) -> ValidPlan {
    Model::read(&testdata(file)).and_then(|model| model.compile(options)).expect("a plan").plan
}

/// Ten digits drawn for the project.
fn digits(imported: &Model) -> Vec<Vec<f32>> {
    let input = imported.input_spec(&InputOptions::default()).expect("a border");
    let digit = |d| ImageSource { path: testdata(&format!("digits/{d}.png")), index: None };
    (0..10).map(|d| digit(d).read(&input, Fit::Exact).expect("a digit")).collect()
}

/// What is the same for all networks: options for keys of the tests, and preprocessing.
fn options(scale: f64, mean: f64, std: f64) -> CompileOptions {
    let input = InputOptions { scale, mean: vec![mean], std: vec![std], ..InputOptions::default() };
    CompileOptions {
        key_bits: KeyBits::try_from(512).expect("accepted in tests"),
        input,
        reproducible: true,
        ..CompileOptions::blinded()
    }
}

/// tract ≈ plan interpreter = integer reference = encrypted run, over memory and over TCP; counted = predicted.
fn assert_same_everywhere(model: &Path, options: &CompileOptions, images: usize) -> Vec<usize> {
    let imported = from_onnx::read(model).expect("a model");
    let Compiled { plan, finished, .. } =
        compile::compile_in_stages(&imported, options, &mut compiler::pipeline::Silent).expect("a plan");
    let plan = codec::decode(&codec::encode(&plan)).expect("own bytes");
    let digits = digits(&imported);
    let expected: Vec<Vec<i128>> =
        digits.iter().map(|digit| assert_plain(&imported, &finished, &plan, digit)).collect();
    let server = Server::new(plan.clone());
    let (mut ours, mut theirs) = (Recorder::default(), Recorder::default());
    let batch = digits[..images].iter().map(Vec::as_slice);
    let (predictions, _) = local::run(&server, &KEY, batch, &mut ours, &mut theirs).expect("predictions");
    for (prediction, expected) in predictions.iter().zip(&expected) {
        assert_eq!(&prediction.integers, expected, "over memory");
    }
    let total = plan.plan().total_cost();
    let sent: u64 = ours.steps.iter().map(|report| report.traffic.sent).sum();
    assert_eq!(sent, images as u64 * total.bytes_up);
    assert_eq!(over_tcp(&server, &digits[0]), expected[0], "over TCP");
    expected
        .iter()
        .map(|logits| (0..logits.len()).max_by_key(|&class| logits[class]).expect("logits"))
        .collect()
}

/// The integers of the reference and of the plan, which are equal and close to tract's floats.
fn assert_plain(imported: &Model, finished: &Graph<Integer>, plan: &ValidPlan, raw: &[f32]) -> Vec<i128> {
    let spec = &plan.plan().input;
    let integers = spec.quantize(raw).expect("pixels");
    let result = plain::run(plan, &integers);
    assert_eq!(result, integer::run(finished, &integers), "plan interpreter and integer reference");
    let preprocessed: Vec<f32> =
        raw.iter().map(|&pixel| spec.preprocessing.apply(0, pixel.into()) as f32).collect();
    let float = FloatReference::new(imported).and_then(|tract| tract.run(&preprocessed)).expect("logits");
    let largest = float.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    for (ours, theirs) in plan.plan().output.logits(&result).iter().zip(&float) {
        assert!((*ours as f32 - theirs).abs() < 0.1 * largest, "{ours} is far from {theirs}");
    }
    result
}

/// One prediction over TCP.
fn over_tcp(server: &Server, image: &[f32]) -> Vec<i128> {
    let link = tcp::loopback(Duration::from_secs(60)).expect("a link");
    let run = local::run_over(link, server, &KEY, ([image], 1), &mut Silent, &mut Silent);
    run.expect("a prediction").0.remove(0).integers
}

#[test]
fn mnist_mlp() {
    let labels = assert_same_everywhere(&testdata("mnist-mlp.onnx"), &options(1.0 / 255.0, 0.0, 1.0), 2);
    assert_eq!(labels, (0..10).collect::<Vec<_>>());
}

#[test]
fn mnist_cnn() {
    let labels = assert_same_everywhere(&testdata("mnist-cnn.onnx"), &options(1.0 / 255.0, 0.0, 1.0), 1);
    assert_eq!(labels, (0..10).collect::<Vec<_>>());
}

#[test]
fn mnist_8() {
    let Some(model) = outside("models/mnist-8.onnx") else { return };
    assert_same_everywhere(&model, &options(1.0, 0.0, 1.0), 1);
}

#[test]
fn lenet5() {
    let Some(model) = outside("models/lenet5.onnx") else { return };
    assert_same_everywhere(&model, &options(1.0 / 255.0, 0.1307, 0.3081), 1);
}

#[test]
fn mnist_avgpool_bn() {
    let Some(model) = outside("models/mnist-avgpool-bn.onnx") else { return };
    assert_same_everywhere(&model, &options(1.0 / 255.0, 0.1307, 0.3081), 1);
}

/// The plans that a user gets with default settings, as text.
#[test]
fn plans_of_the_networks_in_testdata() {
    let options = CompileOptions { key_bits: KeyBits::default(), ..options(1.0 / 255.0, 0.0, 1.0) };
    for network in ["mnist-mlp", "mnist-cnn"] {
        let plan = compiled(&format!("{network}.onnx"), &options);
        insta::assert_snapshot!(format!("{network}-server"), plan);
        insta::assert_snapshot!(format!("{network}-client"), plan.client_view());
    }
}

/// The plans of suite `shared` that a user gets without calibration data, as text.
#[test]
fn shared_plans_of_the_networks_in_testdata() {
    let suite = Suite::Shared(SharedParameters::default());
    let options = CompileOptions { suite, key_bits: KeyBits::default(), ..options(1.0 / 255.0, 0.0, 1.0) };
    for (network, reveal) in [("mnist-mlp", Revealed::Label), ("mnist-cnn", Revealed::Logits)] {
        let options = CompileOptions { reveal, ..options.clone() };
        let plan = compiled(&format!("{network}.onnx"), &options);
        insta::assert_snapshot!(format!("{network}-shared-server"), plan);
        insta::assert_snapshot!(format!("{network}-shared-client"), plan.client_view());
    }
}

/// Silent OT for many oblivious transfers, SoftSpokenOT for few or where that is asked for.
#[test]
fn transfers_take_the_fewest_bytes() {
    let transfers = |network, silent_transfers| {
        let suite = Suite::Shared(SharedParameters::default());
        let options = CompileOptions { suite, silent_transfers, ..options(1.0 / 255.0, 0.0, 1.0) };
        let plan = compiled(network, &options).plan().clone();
        let Suite::Shared(parameters) = plan.suite else { panic!("another suite") };
        parameters.transfers
    };
    let (few, many) = (Extension::default(), Extension::Silent(TreeDepth::MIN));
    let mixed = Transfers { client_chooses: many, server_chooses: few };
    assert_eq!(transfers("mnist-mlp.onnx", true), Transfers::both(few));
    assert_eq!(transfers("mnist-cnn.onnx", true), mixed);
    assert_eq!(transfers("mnist-cnn.onnx", false), Transfers::both(few));
}

#[test]
fn equal_input_gives_equal_bytes() {
    let compile = |reproducible| {
        compiled("mnist-mlp.onnx", &CompileOptions { reproducible, ..CompileOptions::blinded() })
    };
    let (first, second) = (compile(true), compile(true));
    assert_eq!(codec::encode(&first), codec::encode(&second));
    // Otherwise random bytes alone differ, and so do the digests.
    let salted = [compile(false), compile(false)];
    assert!(salted[0].id() != salted[1].id() && salted[0].id() != first.id());
    let unsalted = Plan { salt: Salt::NONE, ..salted[0].plan().clone() };
    assert_eq!(&unsalted, first.plan());
}
