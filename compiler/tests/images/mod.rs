//! Images for tests.

use compiler::data::Dataset;
use compiler::graph::Shape;
use ndarray::Array4;
use ndarray_npy::NpzWriter;
use std::fs::File;

/// So many images of noise.
pub(crate) fn images(shape: Shape, count: usize) -> Dataset {
    let pixels = Array4::from_shape_fn((count, shape.channels, shape.height, shape.width), |(n, c, y, x)| {
        ((n * 89 + c * 71 + y * 37 + x * 53) * (n + 3) % 251) as u8
    });
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("images.npz");
    let mut writer = NpzWriter::new(File::create(&path).unwrap());
    writer.add_array("images", &pixels).unwrap();
    writer.finish().unwrap();
    Dataset::read(&path, shape).unwrap()
}
