//! Files: real models, damaged models, and no models.

use super::outside::outside;
use super::*;
use crate::activation::Fineness;
use crate::graph::Op;
use std::path::{Path, PathBuf};

/// A network of the project.
fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/mnist-mlp.onnx")
}

#[test]
fn real_models_agree_with_tract() {
    let models = [
        ("mnist-8.onnx", 0.0, 255.0),
        ("lenet5.onnx", -0.5, 2.8),
        ("mnist-avgpool-bn.onnx", -0.5, 2.8),
        ("cifar10-minionn.onnx", 0.0, 1.0),
        ("cifar10-resnet8.onnx", 0.0, 255.0),
    ];
    for (file, low, high) in models {
        let Some(path) = outside(Path::new("models").join(file)) else { continue };
        assert!(check(&path, &Reading::default()).unwrap().supported(), "{file}");
        let mut imported = read(&path).unwrap();
        assert_agrees(&imported, low, high);
        imported.graph = crate::pipeline::simplify(imported.graph, Fineness::Percent).unwrap();
        assert!(
            imported.graph.ids().all(|id| !matches!(imported.graph.op(id), Op::Affine(_))),
            "{}",
            imported.graph
        );
        assert_agrees(&imported, low, high);
    }
}

/// Too large to be interpreted in a test.
#[test]
fn large_models_are_read_and_simplified() {
    for file in ["imagenet-squeezenet1.0-pruned.onnx", "structure-resnet50.onnx", "structure-vgg19.onnx"] {
        let Some(path) = outside(Path::new("models").join(file)) else { continue };
        let imported = read(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let simple = crate::pipeline::simplify(imported.graph, Fineness::Percent).unwrap();
        assert_eq!(simple.shape(simple.output()), Shape::vector(1000), "{file}");
    }
}

/// Damaged files are refused or read as something else; they never end the program.
#[test]
fn damaged_models_do_no_harm() {
    let whole = std::fs::read(testdata()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.onnx");
    let mut state = 1_u64;
    let mut random = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    for _ in 0..150 {
        let mut bytes = whole.clone();
        for _ in 0..=random(4) {
            let at = if random(2) == 0 { random(1500) } else { bytes.len() - 1 - random(1500) };
            bytes[at] = random(256) as u8;
        }
        std::fs::write(&path, bytes).unwrap();
        let _ = read(&path);
    }
}

#[test]
fn files_that_are_no_models_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        match read(&path) {
            Err(error @ (Error::Malformed { .. } | Error::Unsupported(_))) => error.to_string(),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("{name} was read"),
        }
    };
    assert!(refuse("empty.onnx", &[]).contains("empty.onnx: the file is empty"));
    let garbage: Vec<u8> = (0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(refuse("garbage.onnx", &garbage).contains("garbage.onnx"));
    assert!(matches!(read(&folder.path().join("absent.onnx")), Err(Error::File { .. })));
    let whole = std::fs::read(testdata()).unwrap();
    for part in [1, 2, 10, 100, 1000, 5000, whole.len() / 2, whole.len() - 1000, whole.len() - 1] {
        refuse("truncated.onnx", &whole[..part]);
    }
}
