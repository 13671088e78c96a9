//! The integers that a weight of a given width may be.

/// Adding and subtracting this rounds a small number to the nearest integer, the even one of two.
const ROUNDER: f64 = 1.5 * (1u64 << 52) as f64;

/// No weight is wider.
const WIDEST: f64 = (1u32 << 30) as f64;

/// Integers for weights of a certain width, in symmetry about zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Grid {
    /// −1 and 1.
    Signs,
    /// All up to this magnitude.
    UpTo(f64),
}

impl Grid {
    /// For weights of `bits` bits, at least 1.
    pub(super) fn with_bits(bits: u32) -> Self {
        match bits {
            0 | 1 => Self::Signs,
            _ => Self::UpTo(f64::from((1u32 << (bits - 1)) - 1)),
        }
    }

    /// The largest integer of the grid; its smallest is minus this.
    pub(super) fn largest(self) -> f64 {
        match self {
            Self::Signs => 1.0,
            Self::UpTo(largest) => largest,
        }
    }

    /// The grid for weights `times` as large; the same where they are no larger.
    pub(super) fn widened(self, times: f64) -> Self {
        match self {
            Self::UpTo(largest) if times > 1.0 => Self::UpTo((largest * times).ceil().min(WIDEST)),
            grid => grid,
        }
    }

    /// Whether a weight may be rounded to zero.
    pub(super) fn has_zero(self) -> bool {
        self != Self::Signs
    }

    /// The integer nearest to `x`.
    #[inline(always)]
    pub(super) fn nearest(self, x: f64) -> f64 {
        match self {
            Self::Signs => 1f64.copysign(x),
            Self::UpTo(largest) => (x.clamp(-largest, largest) + ROUNDER) - ROUNDER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn widths_and_their_integers() {
        assert_eq!(Grid::with_bits(1), Grid::Signs);
        assert_eq!([2, 4, 8].map(|bits| Grid::with_bits(bits).largest()), [1.0, 7.0, 127.0]);
        assert_eq!([-0.1, 0.0, 7.0].map(|x| Grid::Signs.nearest(x)), [-1.0, 1.0, 1.0]);
        assert_eq!([-0.4, 0.6, 7.0].map(|x| Grid::with_bits(2).nearest(x)), [0.0, 1.0, 1.0]);
    }

    #[test]
    fn wider_grids_hold_larger_weights() {
        assert_eq!(Grid::with_bits(3).widened(2.5), Grid::UpTo(8.0));
        assert_eq!(Grid::with_bits(3).widened(0.5), Grid::with_bits(3));
        assert_eq!(Grid::Signs.widened(2.0), Grid::Signs);
    }

    proptest! {
        #[test]
        fn no_integer_is_nearer(bits in 2u32..=8, x in -200f64..200.0) {
            let grid = Grid::with_bits(bits);
            let nearest = grid.nearest(x);
            prop_assert!(nearest.fract() == 0.0 && nearest.abs() <= grid.largest());
            let others = [nearest - 1.0, nearest + 1.0].into_iter().filter(|other| other.abs() <= grid.largest());
            prop_assert!(others.into_iter().all(|other| (x - nearest).abs() <= (x - other).abs()));
        }
    }
}
