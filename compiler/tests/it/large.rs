//! A model with more weights than a protobuf can hold: they stand in a file beside it, which has holes.

use crate::testing::Onnx;
use compiler::from_onnx;
use compiler::reference::real;
use prost::Message;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::{StringStringEntryProto, TensorProto};

/// Numbers in one of the tensors: 1 GiB.
const ELEMENTS: u64 = 1 << 28;
const TENSORS: u64 = 3;

fn outside(tensor: &mut TensorProto, offset: u64) {
    let entry = |key: &str, value: String| StringStringEntryProto { key: key.into(), value };
    tensor.external_data = vec![entry("location", "m.data".into()), entry("offset", offset.to_string())];
    tensor.data_location = Some(DataLocation::External as i32);
    tensor.dims = vec![1 << 24, 16];
    tensor.float_data.clear();
}

/// Each matrix is cut to the rows that the image has, all of them 0 but for the first number.
#[test]
#[ignore = "needs 9 GB of memory"]
fn weights_of_more_than_two_gibibytes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = File::create(folder.path().join("m.data")).unwrap();
    file.set_len(TENSORS * ELEMENTS * 4).unwrap();
    let mut model = Onnx::new(&[1, 4]).ints("from", &[0]).ints("to", &[4]);
    let mut sums: Vec<String> = Vec::new();
    for index in 0..TENSORS {
        let name = format!("w{index}");
        file.seek(SeekFrom::Start(index * ELEMENTS * 4)).unwrap();
        file.write_all(&(index as f32 + 1.0).to_le_bytes()).unwrap();
        model = model.constant(&name, &[0], Vec::new()).node("Slice", &[&name, "from", "to"], &[]);
        let rows = model.last.clone();
        model = model.node("MatMul", &["image", &rows], &[]);
        sums.push(model.last.clone());
    }
    let sums: Vec<&str> = sums.iter().map(String::as_str).collect();
    let mut proto = model.opset(13).node("Sum", &sums, &[]).build();
    let stored = &mut proto.graph.as_mut().unwrap().initializer;
    let weights = stored.iter_mut().filter(|tensor| tensor.name.starts_with('w'));
    weights.zip(0..).for_each(|(tensor, index)| outside(tensor, index * ELEMENTS * 4));
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, proto.encode_to_vec()).unwrap();
    let imported = from_onnx::read(&path).unwrap();
    let got = real::evaluate(&imported.graph, &[1.0, 2.0, 3.0, 4.0]);
    assert!(got.len() == 16 && got[0] == 6.0 && got[1..].iter().all(|&x| x == 0.0), "{got:?}");
}
