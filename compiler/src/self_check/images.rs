//! Which images choose a plan's numbers, and which check them.

use crate::evaluation::Dataset;
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
    let (chosen, checks, source) = split(data.len().min(limit));
    let raw = checks.into_iter().take(most.max(1)).map(|index| data.image(index)).collect();
    (chosen, Images { raw, source })
}

/// Splits so many images: the indices of those that choose numbers and of those that check them, and where the latter
/// come from.
fn split(count: usize) -> (Vec<usize>, Vec<usize>, CheckImages) {
    if count < 2 * EVERY {
        return ((0..count).collect(), (0..count).collect(), CheckImages::Calibration);
    }
    let every = EVERY.max(count.div_ceil(ENOUGH));
    let (checks, chosen) = (0..count).partition(|index| index % every == every - 1);
    (chosen, checks, CheckImages::HeldBack)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_image_does_both() {
        let (chosen, checks, source) = split(512);
        assert_eq!((chosen.len(), checks.len(), source), (448, 64, CheckImages::HeldBack));
        assert!(checks.iter().all(|index| !chosen.contains(index) && *index < 512));
    }

    #[test]
    fn few_images_do_both() {
        let (chosen, checks, source) = split(7);
        assert_eq!((chosen.len(), checks.len(), source), (7, 7, CheckImages::Calibration));
    }
}
