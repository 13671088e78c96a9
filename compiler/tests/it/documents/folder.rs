//! A folder with the files that documents name.

use super::root;
use ndarray::{Array1, Array4};
use ndarray_npy::{NpzReader, NpzWriter};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

/// Makes one: `testdata`, and a model, data sets, pictures and names of classes as the texts call them.
pub(crate) fn make() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let testdata = fs::canonicalize(root().join("testdata")).unwrap();
    symlink(&testdata, at("testdata")).unwrap();
    fs::copy(testdata.join("mnist-mlp.onnx"), at("model.onnx")).unwrap();
    fs::copy(testdata.join("digits/3.png"), at("digit.png")).unwrap();
    for name in ["digits", "photos"] {
        fs::create_dir(at(name)).unwrap();
        for digit in 0..10 {
            let picture = format!("{digit}.png");
            fs::copy(testdata.join("digits").join(&picture), at(name).join(&picture)).unwrap();
        }
    }
    fs::write(at("names.txt"), "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n").unwrap();
    let digits: Array4<u8> = NpzReader::new(File::open(testdata.join("digits/all.npz")).unwrap())
        .unwrap()
        .by_name("images")
        .unwrap();
    write(&at("test.npz"), &digits);
    write(&at("train.npz"), &moved(&digits));
    folder
}

fn write(path: &Path, images: &Array4<u8>) {
    let mut file = NpzWriter::new(File::create(path).unwrap());
    file.add_array("images", images).unwrap();
    file.add_array("labels", &Array1::from_shape_fn(images.dim().0, |image| image as i64 % 10)).unwrap();
    file.finish().unwrap();
}

/// The digits, each where it is and one pixel to all sides.
fn moved(digits: &Array4<u8>) -> Array4<u8> {
    let (count, channels, height, width) = digits.dim();
    Array4::from_shape_fn((9 * count, channels, height, width), |(image, channel, y, x)| {
        let (step, digit) = (image / count, image % count);
        let from = [(y + step / 3).checked_sub(1), (x + step % 3).checked_sub(1)];
        let pixel = |[y, x]: [Option<usize>; 2]| digits.get((digit, channel, y?, x?)).copied();
        pixel(from).unwrap_or(0)
    })
}
