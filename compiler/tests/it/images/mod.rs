//! Images for tests.

use compiler::evaluation::Dataset;
use compiler::graph::Shape;
use ndarray::{Array1, Array4};
use ndarray_npy::NpzWriter;
use std::fs::File;

/// So many images of noise.
pub(crate) fn images(shape: Shape, count: usize) -> Dataset {
    dataset(shape, count, None)
}

/// One image of noise for each label.
pub(crate) fn labelled(shape: Shape, labels: &[i64]) -> Dataset {
    dataset(shape, labels.len(), Some(labels))
}

/// One image whose pixels all have one value.
pub(crate) fn grey(shape: Shape, pixel: u8) -> Dataset {
    written(shape, &Array4::from_elem((1, shape.channels, shape.height, shape.width), pixel), None)
}

fn dataset(shape: Shape, count: usize, labels: Option<&[i64]>) -> Dataset {
    let pixels = Array4::from_shape_fn((count, shape.channels, shape.height, shape.width), |(n, c, y, x)| {
        ((n * 89 + c * 71 + y * 37 + x * 53) * (n + 3) % 251) as u8
    });
    written(shape, &pixels, labels)
}

fn written(shape: Shape, pixels: &Array4<u8>, labels: Option<&[i64]>) -> Dataset {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("images.npz");
    let mut writer = NpzWriter::new(File::create(&path).unwrap());
    writer.add_array("images", pixels).unwrap();
    if let Some(labels) = labels {
        writer.add_array("labels", &Array1::from_vec(labels.to_vec())).unwrap();
    }
    writer.finish().unwrap();
    Dataset::read(&path, shape).unwrap()
}
