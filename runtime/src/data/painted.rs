//! Maps as PNG pictures.

use crate::plan::{Colours, Preprocessing};
use image::{ImageFormat, RgbImage};
use std::io;
use std::path::Path;

/// A picture's pixels, row after row: red, green, blue.
#[derive(Clone, Debug, PartialEq)]
pub struct Painted {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
    /// Share of the values that were beyond black or white.
    pub clamped: f64,
}

/// How the values of a map are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planes {
    channels: usize,
    height: usize,
    width: usize,
    /// Whether the channels of a pixel are neighbours.
    last: bool,
    /// In which order they are.
    colours: Colours,
}

impl Planes {
    /// Axes of length 1 beside, an image: height and width, with one or three channels before or after them.
    pub fn of(axes: &[usize], colours: Colours) -> Option<Self> {
        let long: Vec<usize> = axes.iter().copied().filter(|&axis| axis > 1).collect();
        let (channels, height, width, last) = match long[..] {
            [height, width] => (1, height, width, false),
            [3, height, width] => (3, height, width, false),
            [height, width, 3] => (3, height, width, true),
            _ => return None,
        };
        Some(Self { channels, height, width, last, colours })
    }

    /// 1 or 3.
    pub const fn channels(self) -> usize {
        self.channels
    }

    fn value(self, values: &[f64], pixel: usize, channel: usize) -> f64 {
        let index = match self.last {
            true => pixel * self.channels + channel,
            false => channel * self.height * self.width + pixel,
        };
        values.get(index).copied().unwrap_or(0.0)
    }

    /// The picture of `values`, where `level` says how bright a value of a channel is: from 0, black, to 1, white.
    pub fn paint(self, values: &[f64], level: impl Fn(usize, f64) -> f64) -> Painted {
        let mut beyond = 0usize;
        let mut byte = |channel: usize, value: f64| {
            let level = level(channel, value);
            beyond += usize::from(!(0.0..=1.0).contains(&level));
            (level.clamp(0.0, 1.0) * 255.0).round() as u8
        };
        let mut pixels = Vec::with_capacity(3 * self.height * self.width);
        for pixel in 0..self.height * self.width {
            let colours: Vec<u8> =
                (0..self.channels).map(|channel| byte(channel, self.value(values, pixel, channel))).collect();
            pixels.extend(match colours[..] {
                [grey] => [grey; 3],
                [first, green, last] => match self.colours {
                    Colours::Rgb => [first, green, last],
                    Colours::Bgr => [last, green, first],
                },
                _ => [0; 3],
            });
        }
        let clamped = beyond as f64 / values.len().max(1) as f64;
        Painted { width: self.width as u32, height: self.height as u32, pixels, clamped }
    }
}

/// How bright a preprocessed value is, as its raw pixel was: the reverse of `preprocessing`.
pub fn as_raw(preprocessing: &Preprocessing) -> impl Fn(usize, f64) -> f64 {
    let Preprocessing { raw_range: (low, high), scale, mean, std, .. } = preprocessing.clone();
    move |channel, value| {
        let raw = (value * std[channel % std.len()] + mean[channel % mean.len()]) / scale;
        (raw - low) / (high - low)
    }
}

/// The picture of the class of each pixel, in the colours of PASCAL VOC: black for class 0, then dark red, dark green, …
pub fn paint_classes(labels: &[usize], [height, width]: [usize; 2]) -> Painted {
    let pixels = labels.iter().flat_map(|&label| colour(label)).collect();
    Painted { width: width as u32, height: height as u32, pixels, clamped: 0.0 }
}

/// Bits of the class, three by three, from the highest bits of the colours down.
fn colour(mut label: usize) -> [u8; 3] {
    let mut colour = [0; 3];
    for place in (0..8).rev() {
        for (index, part) in colour.iter_mut().enumerate() {
            *part |= ((label >> index & 1) as u8) << place;
        }
        label >>= 3;
    }
    colour
}

impl Painted {
    /// Writes the picture in place of what is at `path`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(self, path: &Path) -> io::Result<()> {
        let picture = RgbImage::from_raw(self.width, self.height, self.pixels);
        let picture = picture.ok_or_else(|| io::Error::other("the map has another size"))?;
        picture.save_with_format(path, ImageFormat::Png).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_brightness() {
        let planes = Planes::of(&[1, 2, 3], Colours::Rgb).unwrap();
        let painted = planes.paint(&[0.0, 0.5, 1.0, 2.0, -1.0, 0.25], |_, value| value);
        assert_eq!(
            painted.pixels.chunks(3).map(|pixel| pixel[0]).collect::<Vec<u8>>(),
            [0, 128, 255, 255, 0, 64]
        );
        assert!((painted.clamped - 2.0 / 6.0).abs() < 1e-12);
        let colours = |axes: &[usize]| {
            Planes::of(axes, Colours::Bgr)
                .unwrap()
                .paint(&[0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0], |_, x| x)
        };
        assert_eq!(colours(&[3, 2, 2]).pixels[..6], [0, 255, 0, 0, 255, 255]);
        assert_eq!(colours(&[2, 2, 3]).pixels[..6], [255, 255, 0, 255, 255, 0]);
        assert_eq!(
            [&[4, 2, 2][..], &[5], &[2, 3, 4, 5]].map(|axes| Planes::of(axes, Colours::Rgb)),
            [None; 3]
        );
    }

    #[test]
    fn preprocessing_is_reversed() {
        let preprocessing = Preprocessing {
            scale: 1.0 / 255.0,
            mean: vec![0.5],
            std: vec![0.25],
            ..Preprocessing::identity(1)
        };
        let level = as_raw(&preprocessing);
        for raw in [0.0, 100.0, 255.0] {
            assert!((level(0, preprocessing.apply(0, raw)) - raw / 255.0).abs() < 1e-12);
        }
    }

    #[test]
    fn classes_have_the_colours_of_voc() {
        let painted = paint_classes(&[0, 1, 2, 3, 4, 15], [2, 3]);
        let expected: [[u8; 3]; 6] =
            [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128], [192, 128, 128]];
        assert_eq!(painted.pixels, expected.concat());
    }
}
