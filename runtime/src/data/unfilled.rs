//! Images that do not look like the raw pixels that they should be.

use std::fmt;

/// Images that fill less than this share of the declared range have mostly been scaled already.
const LEAST_SHARE: f64 = 0.02;

/// Images that fill next to nothing of the range in which raw pixels are declared to lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unfilled {
    /// The smallest and the largest pixel.
    seen: (f32, f32),
    /// Smallest and largest raw pixel, as declared.
    range: (f64, f64),
}

impl Unfilled {
    /// What is odd about images with these `pixels`, where raw ones are declared to lie in `range`; `None` where nothing is,
    /// or there are no pixels.
    pub fn detect(pixels: impl IntoIterator<Item = f32>, range: (f64, f64)) -> Option<Self> {
        let ends = |(low, high): (f32, f32), x: f32| (low.min(x), high.max(x));
        let seen = pixels.into_iter().fold((f32::INFINITY, f32::NEG_INFINITY), ends);
        let unfilled = Self { seen, range };
        (seen.0 <= seen.1 && unfilled.share() < LEAST_SHARE).then_some(unfilled)
    }

    fn share(&self) -> f64 {
        f64::from(self.seen.1 - self.seen.0) / (self.range.1 - self.range.0)
    }
}

/// `lie between 0 and 1, 0.39 % of the declared range 0 to 255`.
impl fmt::Display for Unfilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seen: (low, high), range: (least, most) } = self;
        if low == high {
            return write!(f, "are {low} everywhere");
        }
        write!(
            f,
            "lie between {low} and {high}, {:.2} % of the declared range {least} to {most}",
            100.0 * self.share()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_pixels_are_told_from_raw_ones() {
        let of =
            |pixels: &[f32]| Unfilled::detect(pixels.iter().copied(), (0.0, 255.0)).map(|it| it.to_string());
        assert_eq!(of(&[0.0, 1.0]).unwrap(), "lie between 0 and 1, 0.39 % of the declared range 0 to 255");
        assert_eq!(of(&[7.0, 7.0]).unwrap(), "are 7 everywhere");
        assert_eq!([of(&[0.0, 6.0]), of(&[])], [None, None]);
        assert_eq!(Unfilled::detect([0.0, 0.5], (0.0, 1.0)), None);
    }
}
