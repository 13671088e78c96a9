//! SqueezeNet on photographs: plans of both suites say what the float network says. Network and photographs lie
//! outside the project.

use crate::outside::outside;
use compiler::from_onnx;
use compiler::from_onnx::FloatReference;
use compiler::options::{CompileOptions, InputOptions};
use runtime::data::{Fit, ImageSource};
use runtime::plan::{BlindedParameters, Colours, InputSpec, SharedParameters, Suite};
use runtime::roles::plain;

const PHOTOS: [&str; 4] = ["grace_hopper.jpg", "bald_eagle.jpeg", "pelican.jpeg", "dog.jpg"];

#[test]
fn squeezenet_sees_what_the_float_network_sees() {
    let (Some(path), Some(photos)) =
        (outside("models/imagenet-squeezenet1.0-pruned.onnx"), outside("data/photos"))
    else {
        return;
    };
    let imported = from_onnx::read(&path).expect("a model");
    let input =
        InputOptions { mean: vec![104.0, 117.0, 123.0], colours: Colours::Bgr, ..InputOptions::default() };
    let suites = [Suite::Blinded(BlindedParameters::default()), Suite::Shared(SharedParameters::default())];
    let plans = suites.map(|suite| {
        let options = CompileOptions { input: input.clone(), suite, ..CompileOptions::default() };
        imported.compile(&options).expect("a plan").plan
    });
    let input = &plans[0].plan().input;
    let tract = FloatReference::new(&imported).expect("a float model");
    for photo in PHOTOS {
        let source = ImageSource { path: photos.join(photo), index: None };
        let raw = source.read(input, Fit::Resize).expect("a photograph");
        let float = tract.run(&preprocessed(input, &raw)).expect("logits");
        for plan in &plans {
            let integers = plain::run(plan, &input.quantize(&raw).expect("an image"));
            assert_eq!(largest(&float), largest(&integers), "{photo}, suite {}", plan.plan().suite);
        }
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
