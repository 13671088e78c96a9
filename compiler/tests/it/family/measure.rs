//! Plans against what tract makes of the same file, on pictures that neither training nor calibration saw.

use super::tensor::FITTED;
use super::{Family, Network};
use compiler::compile::{Compiled, compile_in_stages};
use compiler::error::Error;
use compiler::evaluation::Dataset;
use compiler::from_onnx::FloatReference;
use compiler::from_onnx::{self, Model};
use compiler::options::CompileOptions;
use compiler::pipeline::Silent;
use ndarray::Array4;
use prost::Message;
use runtime::roles::plain;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Pictures that plans are held to.
const OTHERS: Range<usize> = FITTED..FITTED + 32;

/// The promise: a plan's relative error is at most this, or the compiler says that it is not, or there is no plan.
pub(crate) const PROMISE: f64 = 0.05;

/// What is chosen in a suite where nothing else is said.
type Defaults = fn() -> CompileOptions;

/// The suites, by name.
pub(crate) const SUITES: [(&str, Defaults); 2] =
    [("shared", CompileOptions::default), ("blinded", CompileOptions::blinded)];

/// What became of a network in a suite.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Fine(Distance),
    Refused(String),
    /// A plan that is wrong, as the compiler said.
    Told(Distance),
    /// A plan that is wrong, without a word.
    SilentMiss(Distance),
    /// A panic of the compiler or of the plan.
    Crashed(String),
}

impl Outcome {
    /// Whether the promise is broken.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self, Self::SilentMiss(_) | Self::Crashed(_))
    }

    /// How far the plan is from the network, where there is one.
    pub(crate) fn distance(&self) -> Option<Distance> {
        match self {
            Self::Fine(distance) | Self::Told(distance) | Self::SilentMiss(distance) => Some(*distance),
            Self::Refused(_) | Self::Crashed(_) => None,
        }
    }
}

/// Between a plan's logits and the network's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Distance {
    /// Root mean square, relative to that of the logits; see [`relative_error`].
    pub(crate) error: f64,
    /// The same of the picture that is worst off.
    pub(crate) worst: f64,
    /// What the compiler found when it checked the plan.
    pub(crate) told: f64,
    /// The share of pictures with the same label.
    pub(crate) agreement: f64,
}

/// One network in both suites.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) family: &'static str,
    pub(crate) seed: u64,
    /// See [`Network::noise`].
    pub(crate) noise: f64,
    /// Labels that the network gives, of all pictures.
    pub(crate) labels: usize,
    /// In the order of [`SUITES`].
    pub(crate) outcomes: Vec<Outcome>,
}

/// The network of `family` and `seed`, compiled at defaults.
pub(crate) fn measure(family: Family, seed: u64) -> Measured {
    let network = family.network(seed);
    let mut measured =
        Measured { family: family.name, seed, noise: network.noise, labels: 0, outcomes: Vec::new() };
    match imported(&network) {
        Ok(imported) => {
            let float = logits(&network, &imported, OTHERS);
            measured.labels = labels(&float);
            let calibration = Arc::new(calibration(&network));
            measured.outcomes = SUITES
                .iter()
                .map(|(_, suite)| {
                    let calibration = Some(calibration.clone());
                    let options = CompileOptions { input: network.input.clone(), calibration, ..suite() };
                    careful(|| outcome(&network, &imported, &options, &float))
                })
                .collect();
        }
        Err(error) => measured.outcomes = vec![Outcome::Refused(error.to_string()); SUITES.len()],
    }
    measured
}

/// How far tract is from the generator's own evaluation, and how many labels there are; `None` for models that are
/// not imported.
pub(crate) fn check(family: Family, seed: u64) -> Option<(f64, usize)> {
    let network = family.network(seed);
    let imported = imported(&network).ok()?;
    let tract = logits(&network, &imported, 0..FITTED);
    let found = labels(&tract);
    Some((relative_error(tract.into_iter().zip(network.logits)), found))
}

/// The network as it is read from a file.
fn imported(network: &Network) -> Result<Model, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.onnx");
    std::fs::write(&path, network.proto.encode_to_vec()).unwrap();
    from_onnx::read(&path)
}

/// The pictures that the network is fitted to.
fn calibration(network: &Network) -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calibration.npy");
    write(network, 0..FITTED, &path);
    Dataset::read(&path, network.scenery.shape).unwrap()
}

fn write(network: &Network, pictures: Range<usize>, path: &Path) {
    let shape = network.scenery.shape;
    let dims = (pictures.len(), shape.channels, shape.height, shape.width);
    let pixels = pictures.flat_map(|index| network.scenery.picture(index)).collect();
    ndarray_npy::write_npy(path, &Array4::from_shape_vec(dims, pixels).unwrap()).unwrap();
}

/// Leaves `network` as the file `path`, and beside it the pictures that choose its plan and those that plans are held to.
pub(crate) fn dump(network: &Network, path: &Path) {
    std::fs::write(path, network.proto.encode_to_vec()).unwrap();
    write(network, 0..FITTED, &path.with_extension("calibration.npy"));
    write(network, OTHERS, &path.with_extension("others.npy"));
    println!("{:?}", network.input);
}

/// Pictures as they are.
fn raw(network: &Network, pictures: Range<usize>) -> impl Iterator<Item = Vec<f32>> {
    pictures.map(|index| network.scenery.picture(index).into_iter().map(f32::from).collect())
}

/// What tract gives for some pictures.
fn logits(network: &Network, imported: &Model, pictures: Range<usize>) -> Vec<Vec<f32>> {
    let tract = FloatReference::new(imported).unwrap();
    raw(network, pictures).map(|raw| tract.run(&preprocessed(network, imported, &raw)).unwrap()).collect()
}

fn preprocessed(network: &Network, imported: &Model, raw: &[f32]) -> Vec<f32> {
    let spec = imported.input_spec(&network.input).unwrap();
    let plane = imported.input.plane();
    raw.iter().enumerate().map(|(i, &x)| spec.preprocessing.apply(i / plane, x.into()) as f32).collect()
}

fn outcome(network: &Network, imported: &Model, options: &CompileOptions, float: &[Vec<f32>]) -> Outcome {
    let Compiled { plan, warnings, .. } = match compile_in_stages(imported, options, &mut Silent) {
        Ok(compiled) => compiled,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    let (input, output) = (&plan.plan().input, &plan.plan().output);
    let ours = raw(network, OTHERS).map(|raw| {
        let logits = output.logits(&plain::run(&plan, &input.quantize(&raw).unwrap()));
        logits.into_iter().map(|logit| logit as f32).collect::<Vec<f32>>()
    });
    let pairs: Vec<_> = float.iter().cloned().zip(ours).collect();
    let agreeing = pairs.iter().filter(|(float, ours)| largest(float) == largest(ours)).count();
    let agreement = agreeing as f64 / float.len() as f64;
    let worst = pairs.iter().map(|pair| relative_error([pair.clone()].into_iter())).fold(0.0, f64::max);
    let told = plan.plan().check.as_ref().map_or(0.0, |check| check.error);
    let distance = Distance { error: relative_error(pairs.into_iter()), worst, told, agreement };
    match distance {
        Distance { error, .. } if error <= PROMISE => Outcome::Fine(distance),
        _ if !warnings.is_empty() => Outcome::Told(distance),
        _ => Outcome::SilentMiss(distance),
    }
}

/// `run`'s outcome, also where it panics.
fn careful(run: impl Fn() -> Outcome) -> Outcome {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Outcome::Crashed(text.unwrap_or_default())
    })
}

/// ‖got − expected‖ ÷ ‖expected‖ over (expected, got) of all pictures: of logits as they are, or without their mean in
/// each picture, whichever is worse.
pub(crate) fn relative_error(pairs: impl Iterator<Item = (Vec<f32>, Vec<f32>)>) -> f64 {
    let mut sums = [[0.0; 2]; 2];
    for (expected, got) in pairs {
        let means = [mean(&expected), mean(&got)];
        for (&expected, &got) in expected.iter().zip(&got) {
            let [expected, got] = [expected, got].map(f64::from);
            for ([wrong, all], [of_expected, of_got]) in sums.iter_mut().zip([[0.0; 2], means]) {
                *wrong += ((expected - of_expected) - (got - of_got)).powi(2);
                *all += (expected - of_expected).powi(2);
            }
        }
    }
    sums.map(|[wrong, all]| (wrong / all).sqrt()).into_iter().fold(0.0, f64::max)
}

fn mean(logits: &[f32]) -> f64 {
    logits.iter().map(|&x| f64::from(x)).sum::<f64>() / logits.len() as f64
}

pub(crate) fn largest(logits: &[f32]) -> usize {
    (0..logits.len()).fold(0, |best, index| if logits[index] > logits[best] { index } else { best })
}

pub(crate) fn labels(logits: &[Vec<f32>]) -> usize {
    let mut labels: Vec<usize> = logits.iter().map(|logits| largest(logits)).collect();
    labels.sort_unstable();
    labels.dedup();
    labels.len()
}
