//! Values in the narrowest integers that hold them.

use crate::plan::Ring;
use std::borrow::Cow;

/// The elements of one value, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tensor {
    /// 32 bits each.
    Narrow(Vec<i32>),
    /// 64 bits each.
    Middle(Vec<i64>),
    /// 128 bits each.
    Wide(Vec<i128>),
}

/// A signed integer. Everything wraps; the elements of a valid plan's values never do.
pub(super) trait Integer: Copy + Default + Ord + Send + Sync + 'static {
    /// The low bits of `x`.
    fn wrap(x: i128) -> Self;
    fn wide(self) -> i128;
    fn plus(self, other: Self) -> Self;
    fn times(self, factor: i64) -> Self;
    fn tensor(elements: Vec<Self>) -> Tensor;
    /// The elements, if they have this type.
    fn elements(tensor: &Tensor) -> Option<&[Self]>;
}

macro_rules! integer {
    ($type:ty, $variant:ident) => {
        impl Integer for $type {
            fn wrap(x: i128) -> Self {
                x as $type
            }

            fn wide(self) -> i128 {
                self.into()
            }

            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            fn times(self, factor: i64) -> Self {
                self.wrapping_mul(factor as $type)
            }

            fn tensor(elements: Vec<Self>) -> Tensor {
                Tensor::$variant(elements)
            }

            fn elements(tensor: &Tensor) -> Option<&[Self]> {
                if let Tensor::$variant(elements) = tensor { Some(elements) } else { None }
            }
        }
    };
}

integer!(i32, Narrow);
integer!(i64, Middle);
integer!(i128, Wide);

/// An expression with the narrowest type that holds values of so many bits as `$type`.
macro_rules! with_type_of {
    ($bits:expr, $type:ident => $expression:expr) => {
        match $bits {
            0..=31 => {
                type $type = i32;
                $expression
            }
            32..=63 => {
                type $type = i64;
                $expression
            }
            _ => {
                type $type = i128;
                $expression
            }
        }
    };
}
pub(super) use with_type_of;

/// An expression with the elements of a tensor, whatever their type, as `$elements`.
macro_rules! with_elements {
    ($tensor:expr, $elements:ident => $expression:expr) => {
        match $tensor {
            Tensor::Narrow($elements) => $expression,
            Tensor::Middle($elements) => $expression,
            Tensor::Wide($elements) => $expression,
        }
    };
}
pub(super) use with_elements;

impl Tensor {
    /// The low bits of the elements.
    pub(super) fn cast<T: Integer>(&self) -> Cow<'_, [T]> {
        T::elements(self).map_or_else(|| Cow::Owned(self.map(T::wrap)), Cow::Borrowed)
    }

    /// The same elements, of `bits` bits, in the narrowest type that holds them.
    pub(super) fn narrowed(self, bits: u32) -> Self {
        with_type_of!(bits, T => if T::elements(&self).is_some() { self } else { T::tensor(self.map(T::wrap)) })
    }

    /// The elements in `ring`, in the narrowest type that holds them.
    pub(super) fn wrapped(self, ring: Ring) -> Self {
        with_type_of!(ring.bits() - 1, T => T::tensor(self.map(|x| T::wrap(ring.wrap(x as i64).into()))))
    }

    /// `f` of each element.
    pub(super) fn map<T>(&self, f: impl Fn(i128) -> T) -> Vec<T> {
        with_elements!(self, elements => elements.iter().map(|x| f(x.wide())).collect())
    }

    /// Least b with −2^b ≤ x < 2^b for every element.
    pub(super) fn bits(&self) -> u32 {
        with_elements!(self, elements => bits(elements))
    }
}

fn bits<T: Integer>(elements: &[T]) -> u32 {
    let magnitude = |x: &T| (x.wide() ^ (x.wide() >> 127)) as u128;
    u128::BITS - elements.iter().fold(0, |ones, x| ones | magnitude(x)).leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_count_what_is_there() {
        for (x, expected) in
            [(0, 0), (-1, 0), (1, 1), (-2, 1), (255, 8), (-256, 8), (i128::MAX, 127), (i128::MIN, 127)]
        {
            assert_eq!(Tensor::Wide(vec![0, x]).bits(), expected, "{x}");
        }
        assert_eq!(Tensor::Narrow(vec![i32::MIN, 7]).bits(), 31);
    }

    #[test]
    fn values_are_held_as_narrowly_as_they_can_be() {
        let wide = Tensor::Wide(vec![-3, i128::from(i32::MAX)]);
        assert_eq!(wide.clone().narrowed(31), Tensor::Narrow(vec![-3, i32::MAX]));
        assert_eq!(wide.clone().narrowed(32), Tensor::Middle(vec![-3, i32::MAX.into()]));
        assert_eq!(wide.clone().narrowed(63).narrowed(64), wide);
    }

    #[test]
    fn casts_keep_the_low_bits() {
        assert_eq!(*Tensor::Wide(vec![(1 << 80) - 1]).cast::<i32>(), [-1]);
        assert_eq!(*Tensor::Narrow(vec![-1]).cast::<i64>(), [-1]);
    }
}
