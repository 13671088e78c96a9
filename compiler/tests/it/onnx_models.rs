//! Random models as exporters write them: import, plan and tract agree.

use crate::bound::{deviations, magnitudes};
use crate::onnx::{Recipe, build, recipes};
use compiler::activation::Fineness;
use compiler::error::Error;
use compiler::from_onnx::{self, Model};
use compiler::options::{CompileOptions, InputOptions};
use compiler::pipeline;
use compiler::reference::real;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use prost::Message;
use runtime::plan::Postprocessing;
use runtime::roles::plain;
use std::cell::{Cell, RefCell};
use std::path::Path;
use tract_onnx::prelude::{
    Datum, Framework, InferenceFact, InferenceModelExt, IntoRunnable, IntoTValue, Tensor, tvec,
};

/// What is refused on purpose, by what the refusal says.
const REFUSED: [&str; 5] = [
    "the constant differs from pixel to pixel",
    "ceil_mode makes windows reach beyond the padding that count_include_pad counts",
    "lies outside",
    "does not fit the image",
    "too many different numbers of pixels to average them exactly",
];
/// At most this share of the models is refused.
const REFUSED_SHARE: f64 = 0.02;

/// Of probabilities that f32 holds.
const LEAST_LOGARITHM: f64 = -80.0;

/// Rounding to 8 bits moves a weight by at most 1/254 of the largest of its row, and typically by a quarter
/// of a percent; a handful of layers adds up to less than these shares of the logits, except where large
/// terms cancel.
const TYPICAL: [f64; 3] = [0.01, 0.03, 0.1];
/// Of the logits' size if nothing cancelled, a plan is off by at most this share.
const ROUNDING: f64 = 0.05;

/// Pixels 0 to 255 for the channels, rows and columns of a recipe.
fn raw(recipe: &Recipe) -> Vec<f32> {
    let mut state = recipe.seed | 1;
    let mut pixel = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as f32
    };
    (0..recipe.input.iter().product()).map(|_| pixel()).collect()
}

/// What the model makes of a pixel before anything else. Of random models some have logits in which almost everything cancels: their plans are held to what cancels, not to what
/// is left.
fn options() -> CompileOptions {
    let input = InputOptions { scale: 1.0 / 255.0, ..InputOptions::default() };
    CompileOptions { input, accept_error: true, ..CompileOptions::blinded() }
}

/// What tract makes of the file itself, for the first image of a batch of equal ones; `None` where it lacks a mode that we
/// have.
fn run_tract(path: &Path, recipe: &Recipe, image: &[f32]) -> Option<Vec<f64>> {
    let [c, h, w] = recipe.input.map(|size| size as usize);
    let batch = recipe.batch.max(1) as usize;
    let (dims, ordered): ([usize; 3], Vec<f32>) = match recipe.channels_last {
        false => ([c, h, w], image.to_vec()),
        true => (
            [h, w, c],
            (0..h * w).flat_map(|at| (0..c).map(move |channel| image[channel * h * w + at])).collect(),
        ),
    };
    let dims = [batch, dims[0], dims[1], dims[2]];
    let images = Tensor::from_shape(&dims, &ordered.repeat(batch)).unwrap();
    let model = match tract_onnx::onnx().model_for_path(path) {
        Err(error) if format!("{error:#}").contains("Unsupported mode wrap") => return None,
        model => model.unwrap(),
    };
    let model = model.with_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), dims)).unwrap();
    let model = model.into_typed().unwrap().into_runnable().unwrap();
    let output = model.run(tvec!(images.into_tvalue())).unwrap().remove(0);
    let output: Vec<f64> = output
        .try_as_plain_ram()
        .unwrap()
        .as_slice::<f32>()
        .unwrap()
        .iter()
        .copied()
        .map(f64::from)
        .collect();
    Some(output[..output.len() / batch].to_vec())
}

/// Whether `got` is `expected` up to a share of the largest expected value and `more`, element by element.
fn close(what: &str, got: &[f64], expected: &[f64], share: f64, more: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(1.0, |largest: f64, x| largest.max(x.abs()));
    for ((got, expected), more) in got.iter().zip(expected).zip(more) {
        let off = (got - expected).abs();
        prop_assert!(off <= share * largest + 1.01 * more, "{what}: {got} is not {expected} (±{more})");
    }
    Ok(())
}

/// The image as the imported graph takes it.
fn preprocessed(imported: &Model, raw: &[f32]) -> Vec<f64> {
    let spec = imported.input_spec(&options().input).unwrap();
    let plane = imported.input.plane();
    raw.iter().enumerate().map(|(i, &x)| spec.preprocessing.apply(i / plane, x.into())).collect()
}

/// Root mean square.
fn rms(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), x| (count + 1.0, sum + x * x));
    f64::sqrt(sum / f64::max(count, 1.0))
}

/// What a model came to.
enum Outcome {
    Refused,
    /// Distance of the plan from the float graph, as a share of the logits' size.
    Ran(f64),
}

fn refused(error: &Error) -> Result<Outcome, TestCaseError> {
    let text = error.to_string();
    let known = matches!(error, Error::Unsupported(_)) && REFUSED.iter().any(|known| text.contains(known));
    prop_assert!(known, "{text}");
    Ok(Outcome::Refused)
}

fn run(recipe: &Recipe) -> Result<Outcome, TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("random.onnx");
    std::fs::write(&path, build(recipe).encode_to_vec()).unwrap();
    let imported = match from_onnx::read(&path) {
        Ok(imported) => imported,
        Err(error) => return refused(&error),
    };
    let raw = raw(recipe);
    let image: Vec<f64> = preprocessed(&imported, &raw);
    let scaled: Vec<f32> = raw.iter().map(|x| x / 255.0).collect();
    let float = imported.finished(&real::evaluate(&imported.graph, &image));
    if let Some(tract) = run_tract(&path, recipe, &scaled) {
        // tract takes logarithms of probabilities, and has none of those that f32 does not hold.
        let logarithms = imported.outputs[0].postprocessing == Postprocessing::LogSoftmax;
        let held = |values: &[f64]| -> Vec<f64> {
            values.iter().map(|&x| if logarithms { x.max(LEAST_LOGARITHM) } else { x }).collect()
        };
        close("import", &held(&float), &held(&tract), 1e-4, &vec![0.0; float.len()])?;
    }

    let exact = imported.graph.clone();
    let simple = pipeline::simplify(exact.clone(), Fineness::Percent).unwrap();
    let (expected, got) = (real::evaluate(&exact, &image), real::evaluate(&simple, &image));
    let deviations = real::evaluate(&deviations(&exact), &vec![0.0; image.len()]);
    close("simplify", &got, &expected, 1e-3, &deviations)?;

    let plan = match imported.compile(&options()) {
        Ok(compiled) => compiled.plan,
        Err(error) => return refused(&error),
    };
    let integers = plain::run(&plan, &plan.plan().input.quantize(&raw).unwrap());
    let scale = plan.plan().output.parts[0].scale;
    let off = rms(integers.iter().zip(&got).map(|(&x, y)| x as f64 * scale - y));
    let sizes = real::evaluate(&magnitudes(&simple), &image.iter().map(|x| x.abs()).collect::<Vec<_>>());
    let most = ROUNDING * rms(sizes.into_iter());
    prop_assert!(off <= most, "the plan is off by {off}, more than {most}");
    Ok(Outcome::Ran(off / rms(got.iter().copied())))
}

fn check_models(cases: u32) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let (refusals, shares) = (Cell::new(0), RefCell::new(Vec::new()));
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&recipes(), |recipe| {
        match run(&recipe)? {
            Outcome::Refused => refusals.set(refusals.get() + 1),
            Outcome::Ran(share) => shares.borrow_mut().push(share),
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let mut shares = shares.into_inner();
    shares.sort_by(f64::total_cmp);
    let at = |share: f64| shares[(share * (shares.len() - 1) as f64) as usize];
    let typical = [0.5, 0.9, 0.99].map(at);
    println!("{} of {cases} refused; plans off by {typical:.4?} (median, 90 %, 99 %)", refusals.get());
    assert!(f64::from(refusals.get()) <= REFUSED_SHARE * f64::from(cases), "{} refused", refusals.get());
    assert!(typical.iter().zip(TYPICAL).all(|(off, most)| *off <= most), "{typical:?}");
}

#[test]
fn random_models_agree_with_tract() {
    check_models(256);
}

/// More of them, for a longer look.
#[test]
#[ignore = "takes minutes"]
fn many_random_models_agree_with_tract() {
    check_models(std::env::var("POPCORN_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(10_000));
}
