//! Suite `shared` on trained models: encrypted run = plan interpreter = integer reference, bit for bit, and as many bytes
//! as predicted. Those that lie outside the project are skipped, on record, where they are absent.

use crate::outside::outside;
use compiler::compile::{self, Compiled};
use compiler::evaluation::Dataset;
use compiler::from_onnx;
use compiler::options::{CompileOptions, InputOptions};
use compiler::reference::integer;
use runtime::observe::{Recorder, Silent};
use runtime::paillier::test_keys;
use runtime::plan::{KeyBits, Revealed};
use runtime::roles::server::Server;
use runtime::roles::{local, plain};
use std::path::{Path, PathBuf};

/// Length of keys that are quick to use and easy to break.
const KEY_BITS: u32 = 1024;

/// Calibration images for rings.
const EXAMPLES: usize = 64;

struct Case {
    /// In `testdata`, or outside.
    model: &'static str,
    scale: f64,
    mean: f64,
    std: f64,
    images: &'static str,
    examples: &'static str,
}

const fn mnist(model: &'static str, scale: f64, mean: f64, std: f64) -> Case {
    let (images, examples) = ("mnist-test-10000.npz", "mnist-train-60000.npz");
    Case { model, scale, mean, std, images, examples }
}

const fn cifar(model: &'static str, scale: f64) -> Case {
    let (images, examples) = ("cifar10-test-1000.npz", "cifar10-train-5000.npz");
    Case { model, scale, mean: 0.0, std: 1.0, images, examples }
}

impl Case {
    fn path(&self) -> Option<PathBuf> {
        match self.model.strip_prefix("testdata/") {
            Some(_) => Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(self.model)),
            None => outside(Path::new("models").join(self.model)),
        }
    }

    /// Everything is the same for image number `index`.
    fn check(&self, reveal: Revealed, index: usize) {
        let data = |file| outside(Path::new("data").join(file));
        let (Some(path), Some(images), Some(examples)) =
            (self.path(), data(self.images), data(self.examples))
        else {
            return;
        };
        let imported = from_onnx::read(&path).expect("a model");
        let read = |path: &Path| Dataset::read(path, imported.input).expect("images");
        let options = CompileOptions {
            reveal,
            key_bits: KeyBits::try_from(KEY_BITS).expect("accepted in tests"),
            input: InputOptions {
                scale: self.scale,
                mean: vec![self.mean],
                std: vec![self.std],
                ..InputOptions::default()
            },
            calibration: Some(read(&examples).into()),
            calibration_images: EXAMPLES,
            ..CompileOptions::default()
        };
        let Compiled { plan, finished, .. } =
            compile::compile_in_stages(&imported, &options, &mut compiler::pipeline::Silent).expect("a plan");
        let image = read(&images).image(index);
        let integers = plan.plan().input.quantize(&image).expect("pixels");
        let reference = integer::run(&finished, &integers);
        let expected = match reveal {
            Revealed::Logits => reference,
            Revealed::Label => {
                let largest = reference.iter().max().expect("logits");
                vec![reference.iter().position(|logit| logit == largest).expect("it is there") as i128]
            }
        };
        assert_eq!(plain::run(&plan, &integers), expected, "{}: plan interpreter", self.model);
        let (key, total) = (test_keys::holder(KEY_BITS), plan.plan().total_cost());
        let key_bytes = key.public().to_bytes().len() as u64;
        let mut reports = Recorder::default();
        let run = local::run(&Server::new(plan), &key.into(), [&*image], &mut reports, &mut Silent);
        let (predictions, spent) = run.expect("a prediction");
        assert_eq!(predictions[0].integers, expected, "{}: encrypted", self.model);
        let handshake = spent[0].traffic().sent - total.bytes_up;
        assert!(handshake < key_bytes + 100, "{}: {handshake} bytes more than predicted", self.model);
    }
}

#[test]
fn mnist_networks() {
    let networks = [
        mnist("testdata/mnist-mlp.onnx", 1.0 / 255.0, 0.0, 1.0),
        mnist("testdata/mnist-cnn.onnx", 1.0 / 255.0, 0.0, 1.0),
        mnist("mnist-8.onnx", 1.0, 0.0, 1.0),
        mnist("lenet5.onnx", 1.0 / 255.0, 0.1307, 0.3081),
        mnist("mnist-avgpool-bn.onnx", 1.0 / 255.0, 0.1307, 0.3081),
    ];
    for (index, network) in networks.iter().enumerate() {
        network.check(Revealed::Logits, index);
    }
    networks[1].check(Revealed::Label, 7);
}

#[test]
fn cifar_networks() {
    cifar("cifar10-minionn.onnx", 1.0 / 255.0).check(Revealed::Logits, 0);
    cifar("cifar10-resnet8.onnx", 1.0).check(Revealed::Logits, 1);
}
