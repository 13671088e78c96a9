//! Which images choose a plan's numbers, and which check them.

use crate::data::Dataset;
use runtime::plan::CheckImages;

/// So many images tell enough.
const ENOUGH: usize = 64;
/// One of so many is kept back.
const EVERY: usize = 4;

/// Raw images for a check.
pub(crate) struct Images {
    pub raw: Vec<Vec<f32>>,
    pub source: CheckImages,
}

/// The first `limit` images of `data`, by index: those that choose numbers, and those that check them, at most `most`.
pub(crate) fn keep_back(data: &Dataset, limit: usize, most: usize) -> (Vec<usize>, Images) {
    let count = data.len().min(limit);
    let every = EVERY.max(count.div_ceil(ENOUGH));
    let is_kept = |index: &usize| index % every == every - 1;
    let (kept, others): (Vec<usize>, Vec<usize>) = (0..count).partition(is_kept);
    let raw = |indices: &[usize]| indices.iter().take(most.max(1)).map(|&index| data.image(index)).collect();
    if count < 2 * EVERY {
        let all: Vec<usize> = (0..count).collect();
        let images = Images { raw: raw(&all), source: CheckImages::Calibration };
        return (all, images);
    }
    (others, Images { raw: raw(&kept), source: CheckImages::HeldBack })
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::plan::Shape;

    fn split(count: usize, limit: usize) -> (Vec<usize>, Images) {
        let shape = Shape::new(1, 1, 1);
        let data = Dataset::new(shape, (0..count).map(|index| index as f32).collect(), None).unwrap();
        keep_back(&data, limit, 1000)
    }

    #[test]
    fn no_image_does_both() {
        let (chosen, checks) = split(600, 512);
        assert_eq!((chosen.len(), checks.raw.len(), checks.source), (448, 64, CheckImages::HeldBack));
        assert!(checks.raw.iter().all(|image| !chosen.contains(&(image[0] as usize)) && image[0] < 512.0));
    }

    #[test]
    fn few_images_do_both() {
        let (chosen, checks) = split(7, 512);
        assert_eq!((chosen.len(), checks.raw.len(), checks.source), (7, 7, CheckImages::Calibration));
    }
}
