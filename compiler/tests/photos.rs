//! SqueezeNet on photographs: the plan says what the float network says. Network and photographs lie
//! outside the project.

use compiler::from_onnx;
use compiler::options::{CompileOptions, InputOptions};
use compiler::pipeline;
use compiler::reference::FloatReference;
use runtime::data::{Fit, ImageSource};
use runtime::plan::{Colours, InputSpec};
use runtime::roles::plain;
use std::path::PathBuf;

const PHOTOS: [&str; 4] = ["grace_hopper.jpg", "bald_eagle.jpeg", "pelican.jpeg", "dog.jpg"];

#[test]
fn squeezenet_sees_what_the_float_network_sees() {
    let outside =
        std::env::var_os("POPCORN_DATA").map_or_else(|| PathBuf::from("../../shared"), PathBuf::from);
    let path = outside.join("models/imagenet-squeezenet1.0-pruned.onnx");
    let photos = outside.join("data/photos");
    if !path.exists() || !photos.exists() {
        println!("skipped: {} or {} is absent (set POPCORN_DATA)", path.display(), photos.display());
        return;
    }
    let imported = from_onnx::read(&path).expect("a model");
    let input =
        InputOptions { mean: vec![104.0, 117.0, 123.0], colours: Colours::Bgr, ..InputOptions::default() };
    let options = CompileOptions { input, ..CompileOptions::default() };
    let plan = pipeline::compile_imported(&imported, &options).expect("a plan");
    let input = &plan.plan().input;
    let tract = FloatReference::new(&imported).expect("a float model");
    for photo in PHOTOS {
        let source = ImageSource { path: photos.join(photo), index: None };
        let raw = source.read(input, Fit::Resize).expect("a photograph");
        let float = tract.run(&preprocessed(input, &raw)).expect("logits");
        let integers = plain::run(&plan, &input.quantize(&raw).expect("an image"));
        let (float, encrypted) = (largest(&float), largest(&integers));
        println!("{photo}: float {float}, plan {encrypted}");
        assert_eq!(float, encrypted, "{photo}");
    }
}

/// What the float network takes.
fn preprocessed(input: &InputSpec, raw: &[f32]) -> Vec<f32> {
    let pixel = |(index, &raw): (usize, &f32)| {
        input.preprocessing.apply(index / input.shape.plane(), raw.into()) as f32
    };
    raw.iter().enumerate().map(pixel).collect()
}

/// Index of the largest logit.
fn largest<T: PartialOrd>(logits: &[T]) -> usize {
    let larger = |best: usize, index: usize| if logits[index] > logits[best] { index } else { best };
    (0..logits.len()).fold(0, larger)
}
