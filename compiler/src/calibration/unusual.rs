//! The calibration images made brighter, or given more contrast: channels that are inactive on the originals may become
//! active on these.

use super::Batch;
use runtime::plan::InputSpec;

/// So many images tell enough.
const ENOUGH: usize = 16;
/// Factor by which the distance of pixels from black, or from the mean of their channel, grows.
const STRETCH: f64 = 1.5;

/// The first of `images`, as the model sees them, once made brighter and once with more contrast, within the range of
/// `input`.
pub(crate) fn unusual(images: &Batch, input: &InputSpec) -> Batch {
    let few = images.first(ENOUGH);
    let brighter = stretched(&few, input, |_, black| black);
    let richer = stretched(&few, input, |pixels, _| mean(pixels));
    Batch::new(few.shape(), [brighter, richer].concat())
}

/// `images` with pixels moved away from a centre, which `centre` computes from a channel's pixels and the darkest
/// possible pixel.
fn stretched(images: &Batch, input: &InputSpec, centre: impl Fn(&[f32], f64) -> f64) -> Vec<f32> {
    let channel = |channel: usize, pixels: &[f32]| {
        let (low, high) = input.preprocessing.raw_range;
        let [low, high] = [low, high].map(|raw| input.preprocessing.apply(channel, raw));
        let centre = centre(pixels, low);
        let stretched = |&x: &f32| (centre + STRETCH * (f64::from(x) - centre)).clamp(low, high) as f32;
        pixels.iter().map(stretched).collect::<Vec<f32>>()
    };
    let image = |image: usize| images.image(image).chunks_exact(input.shape.plane()).enumerate();
    (0..images.len()).flat_map(image).flat_map(|(index, pixels)| channel(index, pixels)).collect()
}

fn mean(pixels: &[f32]) -> f64 {
    pixels.iter().map(|&x| f64::from(x)).sum::<f64>() / pixels.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::plan::{Colours, Preprocessing, Shape};

    /// Pixels 0 to 255 that the model takes as 0 to 1.
    #[test]
    fn pixels_stay_in_range() {
        let preprocessing = Preprocessing {
            colours: Colours::Rgb,
            raw_range: (0.0, 255.0),
            scale: 1.0 / 255.0,
            mean: vec![0.0],
            std: vec![1.0],
        };
        let input = InputSpec { shape: Shape::new(1, 1, 2), preprocessing, step: vec![1.0 / 255.0] };
        let images = Batch::new(input.shape, vec![0.25, 0.75]);
        assert_eq!(unusual(&images, &input), Batch::new(input.shape, vec![0.375, 1.0, 0.125, 0.875]));
    }
}
