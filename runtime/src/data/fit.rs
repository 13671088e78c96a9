//! Making an image the size that a model takes.

use crate::plan::Shape;
use image::imageops::{self, FilterType};
use image::{ImageBuffer, Luma};

/// What is done with an image of another size than the model takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    /// The image is refused.
    #[default]
    Exact,
    /// The image is scaled until it covers the model's size (its proportions stay), and the centre is cut out.
    /// Pixels below 0 or above 255 are clamped.
    Resize,
}

/// An image of any size: pixels 0 to 255, row-major (channels, height, width).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planes {
    pub shape: Shape,
    pub pixels: Vec<f32>,
}

impl Planes {
    /// The pixels of an image of shape `target`; a vector takes any image with as many elements.
    pub(super) fn fit(self, target: Shape, fit: Fit) -> Result<Vec<f32>, String> {
        if self.shape == target || self.shape.flattened() == target {
            return Ok(self.pixels);
        }
        if fit == Fit::Exact || self.shape.channels != target.channels || self.pixels.is_empty() {
            return Err(wrong_size(self.shape, target));
        }
        let scaled = self.cover(target);
        Ok((0..target.channels).flat_map(|channel| scaled.centre(channel, target)).collect())
    }

    /// Scaled so that neither side is shorter than the target's and one is equal.
    fn cover(&self, target: Shape) -> Planes {
        let (wide, high) = (target.width * self.shape.height, target.height * self.shape.width);
        let (height, width) = if wide >= high {
            ((self.shape.height * target.width).div_ceil(self.shape.width), target.width)
        } else {
            (target.height, (self.shape.width * target.height).div_ceil(self.shape.height))
        };
        let pixels =
            (0..self.shape.channels).flat_map(|channel| self.scale(channel, height, width)).collect();
        Planes { shape: Shape::new(self.shape.channels, height, width), pixels }
    }

    fn scale(&self, channel: usize, height: usize, width: usize) -> Vec<f32> {
        let plane = &self.pixels[channel * self.shape.plane()..][..self.shape.plane()];
        let (old_width, old_height) = (self.shape.width as u32, self.shape.height as u32);
        // The filters clamp floats to 0..1.
        let plane = plane.iter().map(|pixel| pixel / 255.0).collect();
        match ImageBuffer::<Luma<f32>, Vec<f32>>::from_raw(old_width, old_height, plane) {
            Some(image) => imageops::resize(&image, width as u32, height as u32, FilterType::Triangle)
                .into_raw()
                .into_iter()
                .map(|pixel| (pixel * 255.0).clamp(0.0, 255.0))
                .collect(),
            None => Vec::new(),
        }
    }

    /// The middle of one channel, row by row.
    fn centre(&self, channel: usize, target: Shape) -> impl Iterator<Item = f32> {
        let (top, left) = ((self.shape.height - target.height) / 2, (self.shape.width - target.width) / 2);
        (0..target.height).flat_map(move |y| {
            let start = self.shape.index(channel, top + y, left);
            self.pixels[start..start + target.width].iter().copied()
        })
    }
}

/// `the image is 1x30x28; the model takes 1x28x28`.
pub(super) fn wrong_size(got: Shape, target: Shape) -> String {
    format!("the image is {}; the model takes {}", full(got), full(target))
}

fn full(shape: Shape) -> String {
    if shape.plane() == 1 {
        shape.to_string()
    } else {
        format!("{}x{}x{}", shape.channels, shape.height, shape.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_of_another_size_is_refused_unless_resized() {
        let planes = Planes { shape: Shape::new(1, 4, 8), pixels: vec![7.0; 32] };
        let target = Shape::new(1, 2, 2);
        assert_eq!(
            planes.clone().fit(target, Fit::Exact).unwrap_err(),
            "the image is 1x4x8; the model takes 1x2x2"
        );
        let resized = planes.fit(target, Fit::Resize).unwrap();
        assert!(resized.len() == 4 && resized.iter().all(|pixel| (pixel - 7.0).abs() < 1e-4));
    }

    #[test]
    fn resizing_keeps_the_centre() {
        let pixels = vec![255.0, 0.0, 40.0, 40.0, 0.0, 255.0, 255.0, 0.0, 40.0, 40.0, 0.0, 255.0];
        let planes = Planes { shape: Shape::new(1, 2, 6), pixels };
        assert_eq!(planes.fit(Shape::new(1, 2, 2), Fit::Resize).unwrap(), [40.0; 4]);
    }

    #[test]
    fn a_vector_takes_any_image_with_as_many_elements() {
        let planes = Planes { shape: Shape::new(1, 2, 2), pixels: vec![1.0, 2.0, 3.0, 4.0] };
        assert_eq!(planes.fit(Shape::vector(4), Fit::Exact).unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }
}
