//! Files as numpy writes them, and files as nobody should.

use super::{Dataset, Fit, ImageSource};
use crate::error::InvalidInput;
use crate::plan::{InputSpec, Preprocessing, Shape};
use ndarray::{Array1, Array4, ArrayD, IxDyn};
use ndarray_npy::{NpzWriter, WriteNpyExt};
use proptest::prelude::*;
use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use tempfile::TempDir;

const SHAPE: Shape = Shape::new(2, 3, 4);

/// Three images whose pixels count up from 0 to 71.
fn images() -> Array4<u8> {
    Array4::from_shape_fn((3, 2, 3, 4), |(n, c, y, x)| (n * 24 + c * 12 + y * 4 + x) as u8)
}

fn npz(compressed: bool, labels: Option<Array1<i64>>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut writer =
        if compressed { NpzWriter::new_compressed(&mut bytes) } else { NpzWriter::new(&mut bytes) };
    writer.add_array("images", &images()).unwrap();
    if let Some(labels) = labels {
        writer.add_array("labels", &labels).unwrap();
    }
    writer.finish().unwrap();
    bytes.into_inner()
}

fn npy(shape: &[usize], bytes_per_element: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let values = |index: IxDyn| (0..shape.len()).fold(0, |sum, axis| sum * shape[axis] + index[axis]);
    match bytes_per_element {
        1 => ArrayD::from_shape_fn(IxDyn(shape), |index| values(index) as u8).write_npy(&mut bytes).unwrap(),
        8 => ArrayD::from_shape_fn(IxDyn(shape), |index| values(index) as f64).write_npy(&mut bytes).unwrap(),
        _ => ArrayD::from_shape_fn(IxDyn(shape), |index| values(index) as f32).write_npy(&mut bytes).unwrap(),
    }
    bytes
}

struct File {
    _directory: TempDir,
    path: PathBuf,
}

fn file(bytes: &[u8]) -> File {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    fs::write(&path, bytes).unwrap();
    File { _directory: directory, path }
}

fn dataset(bytes: &[u8], shape: Shape) -> Result<Dataset, String> {
    Dataset::read(&file(bytes).path, shape).map_err(what)
}

fn image(bytes: &[u8], index: Option<usize>, shape: Shape) -> Result<Vec<f32>, String> {
    let file = file(bytes);
    let preprocessing = Preprocessing::identity(shape.channels);
    let input = InputSpec { shape, preprocessing, step: vec![1.0; shape.channels] };
    ImageSource { path: file.path.clone(), index }.read(&input, Fit::Exact).map_err(what)
}

fn what(error: InvalidInput) -> String {
    match error {
        InvalidInput::File { what, .. } => what,
        other => panic!("{other}"),
    }
}

#[test]
fn archives_are_read_stored_and_compressed() {
    for compressed in [false, true] {
        let data = dataset(&npz(compressed, Some(Array1::from(vec![7, -1, 2]))), SHAPE).unwrap();
        assert_eq!((data.len(), data.shape(), data.labels()), (3, SHAPE, Some(&[7, -1, 2][..])));
        let expected: Vec<f32> = (24..48).map(|pixel| pixel as f32).collect();
        assert_eq!(data.image(1), expected);
    }
    assert_eq!(dataset(&npz(true, None), SHAPE).unwrap().labels(), None);
}

#[test]
fn arrays_of_all_forms_are_images() {
    let grey = Shape::new(1, 3, 4);
    for (axes, shape, count) in [
        (&[5, 2, 3, 4][..], SHAPE, 5),
        (&[2, 3, 4], SHAPE, 1),
        (&[5, 3, 4], grey, 5),
        (&[1, 3, 4], grey, 1),
        (&[3, 4], grey, 1),
        (&[5, 1, 3, 4], Shape::vector(12), 5),
        (&[5, 12], Shape::vector(12), 5),
        (&[12], Shape::vector(12), 1),
    ] {
        for bytes in [1, 4, 8] {
            let data = dataset(&npy(axes, bytes), shape).unwrap();
            assert_eq!(data.len(), count, "{axes:?}");
            let last: Vec<f32> =
                ((count - 1) * shape.elements()..count * shape.elements()).map(|x| x as f32).collect();
            assert_eq!(data.image(count - 1), last, "{axes:?}");
        }
    }
}

#[test]
fn channels_may_come_last_where_sizes_tell() {
    let whole: Vec<f32> = (0..24).map(|x| (x % 12 * 2 + x / 12) as f32).collect();
    let set = dataset(&npy(&[5, 3, 4, 2], 1), SHAPE).unwrap();
    assert_eq!((set.len(), set.image(0)), (5, whole.clone()));
    assert_eq!(image(&npy(&[3, 4, 2], 4), None, SHAPE).unwrap(), whole);
    assert_eq!(image(&npy(&[3, 4, 1], 4), None, Shape::new(1, 3, 4)).unwrap()[..3], [0.0, 1.0, 2.0]);
    let cube = Shape::new(3, 3, 3);
    assert_eq!(image(&npy(&[3, 3, 3], 4), None, cube).unwrap()[..4], [0.0, 1.0, 2.0, 3.0], "channels first");
    let sequence = Shape::new(3, 1, 4);
    assert_eq!(dataset(&npy(&[5, 3, 4], 4), sequence).unwrap().image(1)[..2], [12.0, 13.0]);
    assert_eq!(image(&npy(&[4, 3], 4), None, sequence).unwrap()[..4], [0.0, 3.0, 6.0, 9.0]);
}

/// Images of another size are cut to the model's, whichever way their channels lie; what numpy stores them as does not matter.
#[test]
fn arrays_of_another_size_may_have_their_channels_last() {
    let shape = Shape::new(3, 2, 2);
    let input = InputSpec { shape, preprocessing: Preprocessing::identity(3), step: vec![1.0; 3] };
    let at = |index: &[usize]| index.iter().fold(0, |sum, &i| sum * 8 + i) as f64;
    let first = ArrayD::from_shape_fn(IxDyn(&[2, 3, 2, 4]), |i| at(&[i[0], i[1], i[2], i[3]]) / 8.0);
    let last = first.clone().permuted_axes(IxDyn(&[0, 2, 3, 1]));
    let read = |bytes: &[u8]| {
        let file = file(bytes);
        ImageSource { path: file.path.clone(), index: Some(1) }.read(&input, Fit::Resize).unwrap()
    };
    let mut written = [Vec::new(), Vec::new(), Vec::new()];
    first.write_npy(&mut written[0]).unwrap();
    last.write_npy(&mut written[1]).unwrap();
    last.mapv(|x| x as f32).as_standard_layout().write_npy(&mut written[2]).unwrap();
    let [expected, others @ ..] = written.map(|bytes| read(&bytes));
    assert_eq!(others, [expected.clone(), expected.clone()]);
    // The two columns in the middle.
    assert_eq!(expected[..2], [64.125, 64.25]);
    let [mut bytes, mut shorts] = [Vec::new(), Vec::new()];
    last.mapv(|x| x as u8).as_standard_layout().write_npy(&mut bytes).unwrap();
    last.mapv(|x| x as i16).as_standard_layout().write_npy(&mut shorts).unwrap();
    assert_eq!(read(&bytes), read(&shorts));
    let exact = ImageSource { path: file(&bytes).path.clone(), index: Some(1) }.read(&input, Fit::Exact);
    assert!(exact.is_err());
    let of_set = dataset(&bytes, shape).unwrap_err();
    assert_eq!(of_set, "the image is 3x2x4; the model takes 3x2x2");
}

#[test]
fn one_image_is_chosen_by_index() {
    let bytes = npz(true, None);
    assert_eq!(image(&bytes, Some(2), SHAPE).unwrap()[0], 48.0);
    assert_eq!(
        image(&bytes, Some(3), SHAPE).unwrap_err(),
        "there is no image 3; the file holds 3, counted from 0"
    );
    assert!(
        image(&bytes, None, SHAPE)
            .unwrap_err()
            .starts_with("the file holds 3 images; name one, for example ")
    );
    let named: ImageSource = "a#b/test.npz#7".parse().unwrap();
    assert_eq!((named.path, named.index), (PathBuf::from("a#b/test.npz"), Some(7)));
    let named: ImageSource = "x#y.png".parse().unwrap();
    assert_eq!((named.path, named.index), (PathBuf::from("x#y.png"), None));
}

#[test]
fn wrong_content_is_refused_with_reasons() {
    let refused = |bytes: &[u8]| dataset(bytes, SHAPE).unwrap_err();
    assert_eq!(refused(&npy(&[5, 2, 3, 5], 1)), "the image is 2x3x5; the model takes 2x3x4");
    assert_eq!(refused(&npy(&[7], 1)), "an array of 7 holds no images of 2x3x4");
    assert_eq!(refused(&npz(true, Some(Array1::from(vec![1, 2])))), "2 labels for 3 images");
    assert_eq!(refused(b"hello"), "not an .npy, .npz, PNG or JPEG file");
    assert_eq!(refused(b""), "the file is empty");
    assert_eq!(refused(b"\x89PNG\r\n"), "a picture is no set of images; an .npz or .npy file is");
    let missing = Dataset::read(&PathBuf::from("/nowhere/data.npz"), SHAPE).unwrap_err();
    assert!(missing.to_string().starts_with("/nowhere/data.npz: "), "{missing}");
}

#[test]
fn archives_that_are_cut_off_or_damaged_are_refused() {
    let bytes = npz(true, None);
    for length in 0..bytes.len() {
        assert!(dataset(&bytes[..length], SHAPE).is_err(), "cut to {length} bytes");
    }
    let stored = npz(false, None);
    let mut flipped = stored.clone();
    let pixel = stored.windows(3).position(|bytes| bytes == [9, 10, 11]).unwrap();
    flipped[pixel] ^= 1;
    assert_eq!(dataset(&flipped, SHAPE).unwrap_err(), "array 'images' of the archive: Invalid checksum");
}

proptest! {
    #[test]
    fn damaged_archives_do_no_harm(compressed: bool, at in 0usize..2000, byte: u8) {
        let mut bytes = npz(compressed, Some(Array1::from(vec![1, 2, 3])));
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = dataset(&bytes, SHAPE);
    }
}
