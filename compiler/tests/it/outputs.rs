//! Models that give several outputs, classes of pixels, and softmaxes along one axis: from the file to encrypted runs.

use crate::images::images;
use crate::testing::Attribute::{Int, Ints};
use crate::testing::Onnx;
use compiler::evaluation::{Dataset, evaluate};
use compiler::from_onnx::{self, FloatReference, Model, Reading};
use compiler::options::{CompileOptions, InputOptions};
use prost::Message;
use runtime::observe::Silent;
use runtime::paillier::test_keys;
use runtime::plan::{KeyBits, Revealed, Suite, ValidPlan};
use runtime::roles::client::Prediction;
use runtime::roles::server::Server;
use runtime::roles::{local, plain};

/// Length of keys that are quick to use and easy to break.
const KEY_BITS: u32 = 1024;

fn read(model: Onnx, outputs: &[&str]) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, model.build().encode_to_vec()).unwrap();
    let outputs = outputs.iter().map(|&output| output.to_owned()).collect();
    from_onnx::read_as(&path, &Reading { outputs, ..Reading::default() }).unwrap()
}

fn options(imported: &Model, options: CompileOptions) -> CompileOptions {
    CompileOptions {
        key_bits: KeyBits::try_from(KEY_BITS).unwrap(),
        input: InputOptions { scale: 1.0 / 255.0, ..InputOptions::default() },
        calibration: Some(images(imported.input, 24).into()),
        ..options
    }
}

/// What both parties compute together for an image, which is what the interpreter computes.
fn encrypted(plan: &ValidPlan, raw: &[f32]) -> Prediction {
    let server = Server::new(plan.clone());
    let key = test_keys::holder(KEY_BITS).into();
    let run = local::run(&server, &key, [raw], &mut Silent, &mut Silent);
    let prediction = run.unwrap().0.swap_remove(0);
    let integers = plan.plan().input.quantize(raw).unwrap();
    assert_eq!(prediction.integers, plain::run(plan, &integers));
    prediction
}

fn preprocessed(imported: &Model, plan: &ValidPlan, raw: &[f32]) -> Vec<f32> {
    let (preprocessing, plane) = (&plan.plan().input.preprocessing, imported.input.plane());
    raw.iter().enumerate().map(|(i, &x)| preprocessing.apply(i / plane, x.into()) as f32).collect()
}

const SAME: (&str, crate::testing::Attribute<'static>) = ("pads", Ints(&[1; 4]));

/// Four scores for each of 6x5 pixels.
fn segmentation() -> Onnx {
    Onnx::new(&[1, 2, 6, 5])
        .weight("a", &[5, 2, 3, 3])
        .weight("b", &[4, 5, 1, 1])
        .weight("bias", &[4])
        .then("Conv", &["a"], &[SAME])
        .then("Relu", &[], &[])
        .then("Conv", &["b", "bias"], &[])
}

#[test]
fn each_pixel_has_its_class() {
    let last = || segmentation().then("Transpose", &[], &[("perm", Ints(&[0, 2, 3, 1]))]);
    let first = || segmentation().then("ArgMax", &[], &[("axis", Int(1)), ("keepdims", Int(0))]);
    for model in [first(), last().then("ArgMax", &[], &[("axis", Int(-1))])] {
        let imported = read(model, &[]);
        assert!(imported.ends_in_label);
        let reveal = Revealed::Label;
        let plan = imported.compile(&options(&imported, CompileOptions { reveal, ..Default::default() }));
        let plan = plan.unwrap().plan;
        let part = &plan.plan().output.parts[0];
        assert_eq!((part.label_axes(), part.positions()), (vec![6, 5], 30));
        assert!(plan.plan().check.as_ref().unwrap().agreement.unwrap() > 0.9);
        let data = images(imported.input, 3);
        let prediction = encrypted(&plan, &data.image(1));
        assert_eq!((prediction.labels().len(), prediction.logits.len()), (30, 0));
        let tract = FloatReference::new(&imported).unwrap();
        let float = part.choices(&tract.run(&preprocessed(&imported, &plan, &data.image(1))).unwrap());
        let agreeing = prediction.labels().iter().zip(&float).filter(|(ours, model)| ours == model).count();
        assert!(agreeing >= 28, "{agreeing} of 30: {:?}, {float:?}", prediction.labels());
        let accuracy = evaluate(&plan, &|image| tract.run(image), &data, 3, &()).unwrap();
        assert!(accuracy.agreement.unwrap() > 0.9 && accuracy.error.is_none() && accuracy.psnr.is_none());
    }
}

/// Where the model does not say along which axis, it is that of the channels.
#[test]
fn labels_of_pixels_can_be_asked_for() {
    let imported = read(segmentation(), &[]);
    let of =
        |suite: Suite, reveal| options(&imported, CompileOptions { suite, reveal, ..Default::default() });
    let shared = CompileOptions::default().suite;
    let plan = imported.compile(&of(shared, Revealed::Label)).unwrap().plan;
    assert_eq!(plan.plan().output.parts[0].positions(), 30);
    let all = imported.compile(&of(shared, Revealed::Logits)).unwrap().plan;
    assert_eq!((all.plan().output.parts[0].positions(), all.plan().output.revealed_values()), (0, 120));
    let flat = read(segmentation().then("Flatten", &[], &[]), &[]);
    assert_eq!(flat.outputs[0].positions(), 1);
}

#[test]
fn a_softmax_of_each_pixel_is_the_clients() {
    let rows = segmentation().then("Softmax", &[], &[("axis", Int(1))]);
    let last = segmentation()
        .then("Transpose", &[], &[("perm", Ints(&[0, 2, 3, 1]))])
        .then("LogSoftmax", &[], &[("axis", Int(-1))])
        .then("Transpose", &[], &[("perm", Ints(&[0, 3, 1, 2]))]);
    for suite in [CompileOptions::default().suite, CompileOptions::blinded().suite] {
        for model in [rows.clone(), last.clone()] {
            let imported = read(model, &[]);
            let plan = imported.compile(&options(&imported, CompileOptions { suite, ..Default::default() }));
            let plan = plan.unwrap().plan;
            let data = images(imported.input, 3);
            let prediction = encrypted(&plan, &data.image(2));
            let tract = FloatReference::new(&imported).unwrap();
            let model = tract.run(&preprocessed(&imported, &plan, &data.image(2))).unwrap();
            assert_eq!((prediction.logits.len(), prediction.labels().len()), (120, 30));
            for (ours, model) in prediction.logits.iter().zip(&model) {
                assert!((ours - f64::from(*model)).abs() < 0.02, "{ours} is not {model}");
            }
        }
    }
}

#[test]
fn nothing_is_computed_of_a_softmax() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let softmax = || segmentation().then("Softmax", &[], &[("axis", Int(1))]);
    let models = [
        softmax().node("Mul", &["v3", "v2"], &[]),
        softmax().then("GlobalAveragePool", &[], &[]),
        softmax().then("Softmax", &[], &[("axis", Int(1))]),
    ];
    for model in models {
        std::fs::write(&path, model.build().encode_to_vec()).unwrap();
        let error = from_onnx::read(&path).map(drop).unwrap_err().to_string();
        assert!(error.contains("(Softmax)") && error.contains("gating by a softmax"), "{error}");
        assert_eq!(error.lines().count(), 2, "{error}");
    }
    let other = softmax().then("ArgMax", &[], &[("axis", Int(2))]);
    std::fs::write(&path, other.build().encode_to_vec()).unwrap();
    let error = from_onnx::read(&path).map(drop).unwrap_err().to_string();
    assert!(error.contains("it chooses along axis 2 of scores of 4x6x5"), "{error}");
}

/// Features a thousand times smaller than the scores are as exact as these.
#[test]
fn several_outputs_are_revealed_together() {
    let model = Onnx::new(&[1, 2, 6, 5])
        .weight("a", &[5, 2, 3, 3])
        .weight("w", &[150, 6])
        .weight("v", &[6, 3])
        .constant("thousandth", &[], vec![1e-3])
        .then("Conv", &["a"], &[SAME])
        .then("Relu", &[], &[])
        .then("Flatten", &[], &[])
        .then("MatMul", &["w"], &[])
        .then("Relu", &[], &[])
        .then("Mul", &["thousandth"], &[])
        .node("MatMul", &["v4", "v"], &[])
        .then("Softmax", &[], &[("axis", Int(1))])
        .output("v5", &[1, 6])
        .output("v1", &[1, 5, 6, 5]);
    for suite in [CompileOptions::default().suite, CompileOptions::blinded().suite] {
        let imported = read(model.clone(), &["v7", "v5", "v1"]);
        let names: Vec<&str> = imported.outputs.iter().map(|output| output.name.as_str()).collect();
        assert_eq!(names, ["v7", "v5", "v1"]);
        let compiled = imported.compile(&options(&imported, CompileOptions { suite, ..Default::default() }));
        let plan = compiled.unwrap().plan;
        let data = images(imported.input, 3);
        let prediction = encrypted(&plan, &data.image(2));
        let tract = FloatReference::new(&imported).unwrap();
        let model = tract.run(&preprocessed(&imported, &plan, &data.image(2))).unwrap();
        assert_eq!((model.len(), prediction.logits.len()), (3 + 6 + 150, 3 + 6 + 150));
        let output = &plan.plan().output;
        let ours = output.split(&prediction.logits).into_iter();
        for ((part, ours), (_, model)) in ours.zip(output.split(&model)) {
            let largest = model.iter().fold(0f64, |largest, &x| largest.max(f64::from(x).abs()));
            assert!(largest > 0.0);
            for (ours, model) in ours.iter().zip(model) {
                assert!(
                    (ours - f64::from(*model)).abs() < 0.03 * largest,
                    "{}: {ours} is not {model}",
                    part.name
                );
            }
        }
        let most = (0..3).max_by(|&a, &b| model[a].total_cmp(&model[b])).unwrap();
        assert_eq!(prediction.label(), most);
    }
    let imported = read(model, &["v7", "v5"]);
    let labels = CompileOptions { reveal: Revealed::Label, ..Default::default() };
    let refused = imported.compile(&options(&imported, labels)).unwrap_err().to_string();
    assert!(refused.contains("labels are revealed of one output, not of several"), "{refused}");
}

#[test]
fn maps_are_compared_in_decibels() {
    let imported = read(segmentation(), &[]);
    let plan = imported.compile(&options(&imported, CompileOptions::default())).unwrap().plan;
    let tract = FloatReference::new(&imported).unwrap();
    let data: Dataset = images(imported.input, 6);
    let accuracy = evaluate(&plan, &|image| tract.run(image), &data, 6, &()).unwrap();
    assert!(accuracy.agreement.is_none() && accuracy.error.unwrap() < 0.02, "{accuracy:?}");
    assert!(accuracy.psnr.unwrap() > 40.0, "{accuracy:?}");
}
