//! Labelled images of one shape, in one file.

use super::archive::Archive;
use super::axes::{Axes, channels_first};
use super::file::{self, FileFormat};
use super::fit::wrong_size;
use super::npy::Array;
use super::unfilled::Unfilled;
use crate::error::InvalidInput;
use crate::plan::{Shape, spelled};
use std::path::Path;

/// Images with raw pixels as stored, and their labels where the file has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    shape: Shape,
    images: Pixels,
    labels: Option<Vec<i64>>,
}

/// All images' pixels, one image after the other; bytes stay bytes, a quarter of the memory.
#[derive(Clone, Debug, PartialEq)]
enum Pixels {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

impl Dataset {
    /// The images of an `.npz` file (array `images`, or the only array; labels in `labels`) or of an
    /// `.npy` file, for a model that takes images of `shape`.
    ///
    /// Arrays are (N,C,H,W), (N,H,W) for one channel, or a single (C,H,W) or (H,W); channels may come last
    /// where the sizes tell the two orders apart. For a model that takes a vector any axes of the right product, for
    /// one that takes a sequence also (N,C,L) or (C,L). Elements are integers or floats.
    ///
    /// # Errors
    /// [`InvalidInput::File`] with what is wrong: not such a file, damaged, another size of image, a
    /// number of labels other than that of images.
    pub fn read(path: &Path, shape: Shape) -> Result<Self, InvalidInput> {
        let bytes = file::read(path)?;
        Self::parse(&bytes, shape).map_err(|what| InvalidInput::file(path, what))
    }

    /// Images one after the other, whose labels are as many, if there are any.
    pub(super) fn of_floats(shape: Shape, pixels: Vec<f32>, labels: Option<Vec<i64>>) -> Self {
        Self { shape, images: Pixels::Floats(pixels), labels }
    }

    fn parse(bytes: &[u8], shape: Shape) -> Result<Self, String> {
        match FileFormat::detect(bytes)? {
            FileFormat::Npy => Self::new(&Array::parse(bytes)?, None, shape),
            FileFormat::Npz => Self::from_archive(bytes, shape),
            FileFormat::Picture => Err("a picture is no set of images; an .npz or .npy file is".into()),
        }
    }

    fn from_archive(bytes: &[u8], shape: Shape) -> Result<Self, String> {
        let (images, labels) = images_and_labels(bytes)?;
        let labels = labels.as_deref().map(Array::parse).transpose()?;
        Self::new(&Array::parse(&images)?, labels.as_ref(), shape)
    }

    fn new(images: &Array, labels: Option<&Array>, shape: Shape) -> Result<Self, String> {
        let Axes { count, shape: got, channels_last } = Axes::interpret(&images.shape, shape)
            .ok_or_else(|| format!("an array of {} holds no images of {shape}", spelled(&images.shape)))?;
        if got != shape {
            return Err(wrong_size(got, shape));
        }
        let mut pixels =
            images.bytes().map_or_else(|| Pixels::Floats(images.floats(0..images.len())), Pixels::Bytes);
        if channels_last {
            pixels = match pixels {
                Pixels::Bytes(bytes) => Pixels::Bytes(channels_first(&bytes, shape)),
                Pixels::Floats(floats) => Pixels::Floats(channels_first(&floats, shape)),
            };
        }
        let labels = labels.map(|labels| read_labels(labels, count)).transpose()?;
        Ok(Self { shape, images: pixels, labels })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        let elements = match &self.images {
            Pixels::Bytes(bytes) => bytes.len(),
            Pixels::Floats(floats) => floats.len(),
        };
        elements / self.shape.elements().max(1)
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shape of each image.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Raw pixels of image `index`, row-major (channels, height, width). Panics unless `index < len()`.
    pub fn image(&self, index: usize) -> Vec<f32> {
        let range = index * self.shape.elements()..(index + 1) * self.shape.elements();
        match &self.images {
            Pixels::Bytes(bytes) => bytes[range].iter().map(|&pixel| f32::from(pixel)).collect(),
            Pixels::Floats(floats) => floats[range].to_vec(),
        }
    }

    /// What is odd about the pixels of the first `limit` images, where raw ones are declared to lie in `range`.
    pub fn unfilled(&self, limit: usize, range: (f64, f64)) -> Option<Unfilled> {
        Unfilled::detect((0..self.len().min(limit)).flat_map(|index| self.image(index)), range)
    }

    /// The same images with other labels, as many.
    pub(super) fn labelled(self, labels: Vec<i64>) -> Self {
        Self { labels: Some(labels), ..self }
    }

    /// The same images, of whose classes nothing is known.
    pub fn without_labels(self) -> Self {
        Self { labels: None, ..self }
    }

    /// The right class of each image, where the file has them; as many as images.
    pub fn labels(&self) -> Option<&[i64]> {
        self.labels.as_deref()
    }
}

/// The array `images` of an archive, or its only array beside `labels`; and `labels`.
pub(super) fn images_and_labels(bytes: &[u8]) -> Result<(Vec<u8>, Option<Vec<u8>>), String> {
    let mut archive = Archive::open(bytes)?;
    let names = archive.names();
    let others: Vec<&String> = names.iter().filter(|name| *name != "labels").collect();
    let images = match others.as_slice() {
        all if all.iter().any(|name| *name == "images") => "images",
        [only] => only.as_str(),
        _ => return Err(format!("the archive has no array 'images', only [{}]", names.join(", "))),
    };
    let labels = (others.len() < names.len()).then(|| archive.read("labels")).transpose()?;
    Ok((archive.read(images)?, labels))
}

fn read_labels(labels: &Array, count: usize) -> Result<Vec<i64>, String> {
    let integers = labels.integers().ok_or("the labels are not integers")?;
    if integers.len() == count {
        Ok(integers)
    } else {
        Err(format!("{} labels for {count} images", integers.len()))
    }
}
