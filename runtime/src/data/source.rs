//! One image, as a user names it.

use super::axes::{Axes, channels_first};
use super::dataset::images_and_labels;
use super::file::{self, FileFormat};
use super::fit::{Fit, Planes};
use super::npy::Array;
use super::picture;
use crate::error::InvalidInput;
use crate::plan::{InputSpec, Shape, spelled};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A file and, where it holds several images, which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSource {
    /// Path of an `.npy`, `.npz`, PNG or JPEG file.
    pub path: PathBuf,
    /// Number of the image in the file, counted from 0; `None` if none was named.
    pub index: Option<usize>,
}

/// `FILE` or `FILE#INDEX`.
impl FromStr for ImageSource {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let indexed = text.rsplit_once('#').and_then(|(path, index)| Some((path, index.parse().ok()?)));
        Ok(match indexed {
            Some((path, index)) => Self { path: path.into(), index: Some(index) },
            None => Self { path: text.into(), index: None },
        })
    }
}

impl fmt::Display for ImageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        self.index.map_or(Ok(()), |index| write!(f, "#{index}"))
    }
}

impl ImageSource {
    /// The raw pixels, row-major (channels, height, width), of an image for a model that takes `input`:
    /// array elements as stored, pixels of pictures 0 to 255, their colours in the model's order.
    ///
    /// # Errors
    /// [`InvalidInput::File`] with what is wrong: not an image, damaged, another size than the model's
    /// (both are named) where `fit` does not allow it, no image of this index, or several and no index.
    pub fn read(&self, input: &InputSpec, fit: Fit) -> Result<Vec<f32>, InvalidInput> {
        let bytes = file::read(&self.path)?;
        let pixels = self.planes(&bytes, input).and_then(|planes| planes.fit(input.shape, fit));
        pixels.map_err(|what| InvalidInput::file(&self.path, what))
    }

    fn planes(&self, bytes: &[u8], input: &InputSpec) -> Result<Planes, String> {
        let target = input.shape;
        match FileFormat::detect(bytes)? {
            FileFormat::Npy => self.choose(&Array::parse(bytes)?, target),
            FileFormat::Npz => self.choose(&Array::parse(&images_and_labels(bytes)?.0)?, target),
            FileFormat::Picture if self.index.unwrap_or(0) == 0 => {
                picture::decode(bytes, target, input.preprocessing.colours)
            }
            FileFormat::Picture => Err("a picture holds one image, number 0".into()),
        }
    }

    fn choose(&self, array: &Array, target: Shape) -> Result<Planes, String> {
        let Axes { count, shape, channels_last } = Axes::interpret(&array.shape, target)
            .ok_or_else(|| format!("an array of {} holds no images of {target}", spelled(&array.shape)))?;
        let index = match self.index {
            Some(index) if index < count => index,
            Some(index) => {
                return Err(format!("there is no image {index}; the file holds {count}, counted from 0"));
            }
            None if count == 1 => 0,
            None => {
                return Err(format!(
                    "the file holds {count} images; name one, for example {}#0",
                    self.path.display()
                ));
            }
        };
        let pixels = array.floats(index * shape.elements()..(index + 1) * shape.elements());
        let pixels = if channels_last { channels_first(&pixels, shape) } else { pixels };
        Ok(Planes { shape, pixels })
    }
}
