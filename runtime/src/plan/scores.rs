//! Where scores of classes stand among the elements of a tensor.

use serde::{Deserialize, Serialize};

/// Scores of some classes at each of some positions: axes outer × classes × inner in row-major order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// At least 1.
    pub classes: usize,
    /// Distance of the scores of a position: elements of all axes further inside; at least 1.
    pub inner: usize,
}

impl Scores {
    /// One position.
    pub const fn whole(classes: usize) -> Self {
        Self { classes, inner: 1 }
    }

    /// Whether a tensor of so many elements has such axes.
    pub(super) fn divide(self, elements: usize) -> bool {
        self.classes.checked_mul(self.inner).is_some_and(|size| size > 0 && elements.is_multiple_of(size))
    }

    /// Positions in a tensor of so many elements, in row-major order of the axes around the classes'.
    pub const fn positions(self, elements: usize) -> usize {
        match elements.checked_div(self.classes) {
            Some(positions) => positions,
            None => 0,
        }
    }

    /// Where the scores of a position stand, class by class.
    pub fn of(self, position: usize) -> impl Iterator<Item = usize> + use<> {
        let Self { classes, inner } = self;
        let first = position / inner.max(1) * classes * inner + position % inner.max(1);
        (0..classes).map(move |class| first + class * inner)
    }

    /// The class with the largest of `scores` at each position; the first of several.
    pub fn classes<T: PartialOrd>(self, scores: &[T]) -> Vec<usize> {
        let class = |position| {
            let places = self.of(position).enumerate();
            let best = places.reduce(|best, next| if scores[next.1] > scores[best.1] { next } else { best });
            best.map_or(0, |(class, _)| class)
        };
        (0..self.positions(scores.len())).map(class).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_a_score_of_one_position() {
        let scores = Scores { classes: 3, inner: 2 };
        let places: Vec<Vec<usize>> =
            (0..scores.positions(12)).map(|position| scores.of(position).collect()).collect();
        assert_eq!(places, [[0, 2, 4], [1, 3, 5], [6, 8, 10], [7, 9, 11]]);
        assert_eq!(Scores::whole(3).of(0).collect::<Vec<usize>>(), [0, 1, 2]);
        assert_eq!(scores.classes(&[0, 5, 4, 5, 4, 6, 1, 0, 0, 0, 0, 1]), [1, 2, 0, 2]);
        assert_eq!([12, 6, 9, 0].map(|elements| scores.divide(elements)), [true, true, false, true]);
        assert!(
            !Scores { classes: 0, inner: 2 }.divide(4) && !Scores { classes: usize::MAX, inner: 2 }.divide(4)
        );
    }
}
