//! Weights in a file beside the model.

use super::super::testing::Onnx;
use super::operators::accept;
use super::*;
use prost::Message;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;
use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::{StringStringEntryProto, TensorProto};

/// A model whose weight `w`, 2×2×2×2, stands where `entries` say, in its own folder.
fn model(folder: &TempDir, entries: &[(&str, &str)]) -> PathBuf {
    let mut model = Onnx::new(&[1, 2, 3, 3]).weight("w", &[2, 2, 2, 2]).then("Conv", &["w"], &[]).build();
    let weight = &mut model.graph.as_mut().unwrap().initializer[0];
    let bytes: Vec<u8> = weight.float_data.iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(folder.path().join("m.onnx.data"), [vec![7; 100], bytes].concat()).unwrap();
    outside(weight, entries);
    let path = folder.path().join("m.onnx");
    fs::write(&path, model.encode_to_vec()).unwrap();
    path
}

fn outside(weight: &mut TensorProto, entries: &[(&str, &str)]) {
    let entry =
        |(key, value): &(&str, &str)| StringStringEntryProto { key: (*key).into(), value: (*value).into() };
    weight.external_data = entries.iter().map(entry).collect();
    weight.data_location = Some(DataLocation::External as i32);
    weight.float_data.clear();
}

fn refused(entries: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = model(&folder, entries);
    let error = read(&path).map(|model| model.graph.to_string()).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    let text = error.to_string();
    let (file, rest) = text.split_once(": ").unwrap();
    assert!(file.ends_with("m.onnx"), "{text}");
    rest.to_string()
}

#[test]
fn weights_beside_the_model_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for entries in [
        &[("location", "m.onnx.data"), ("offset", "100"), ("length", "64")][..],
        &[("location", "./m.onnx.data"), ("offset", "100"), ("checksum", "unknown")],
    ] {
        let path = model(&folder, entries);
        let imported = read(&path).unwrap();
        let inside = Onnx::new(&[1, 2, 3, 3]).weight("w", &[2, 2, 2, 2]).then("Conv", &["w"], &[]);
        assert_eq!(imported.graph.to_string(), accept(inside).graph.to_string());
        assert!(check(&path, &Reading::default()).unwrap().supported());
    }
}

#[test]
fn places_outside_the_folder_are_refused() {
    for location in ["../m.onnx.data", "/etc/passwd", "a/../../m.onnx.data", ""] {
        let told = refused(&[("location", location), ("offset", "100")]);
        assert_eq!(
            told,
            format!(
                "tensor 'w': its data is in '{location}', which is not inside the model's folder; put the file beside the model"
            )
        );
    }
    insta::assert_snapshot!(refused(&[("offset", "1")]), @"tensor 'w': it is stored outside the model, and not said where");
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_refused() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = elsewhere.path().join("weights");
    fs::write(&target, [0; 64]).unwrap();
    std::os::unix::fs::symlink(&target, folder.path().join("link")).unwrap();
    let path = model(&folder, &[("location", "link")]);
    let told = read(&path).map(|model| model.graph.to_string()).unwrap_err().to_string();
    assert!(told.contains("tensor 'w': its data is in 'link', which is not inside"), "{told}");
    let told = read(&model(&folder, &[("location", ".")])).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("which is no file"), "{told}");
}

#[test]
fn lengths_are_held_against_file_and_shape() {
    insta::assert_snapshot!(refused(&[("location", "m.onnx.data"), ("offset", "101")]), @"tensor 'w': 'm.onnx.data' has 164 bytes, too few for the 64 from byte 101 on; copy it again");
    insta::assert_snapshot!(refused(&[("location", "m.onnx.data"), ("length", "63")]), @"tensor 'w': 63 bytes in 'm.onnx.data' for a shape of [2, 2, 2, 2]");
    insta::assert_snapshot!(refused(&[("location", "m.onnx.data"), ("offset", "-1")]), @"tensor 'w': its offset '-1' is no number");
    let far = refused(&[("location", "m.onnx.data"), ("offset", "18446744073709551615")]);
    assert!(far.contains("too few"), "{far}");
    let told = refused(&[("location", "absent.data")]);
    assert!(told.starts_with("tensor 'w': its data is in 'absent.data', which cannot be opened ("), "{told}");
}
