//! Which element of its input each element of a gather's output is, or that it is 0.
//!
//! A map is a list of pieces: zeros, or a block, whose positions are arithmetic progressions inside arithmetic progressions.
//! Crops, transposes, flips, tiles, pixel shuffles, and images with zeros around or between their pixels are a few blocks each.
//!
//! [`IndexMap::from_positions`] finds the pieces greedily: neighbours that differ by one step become a block with one more
//! dimension, as often as there are any.

use super::bounded;
use super::geometry::Shape;
use serde::{Deserialize, Serialize};
use std::iter::Peekable;

/// Dimensions of a block, at most.
const MAX_DIMS: usize = 8;

/// A source position for every element of the output, or none for a 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IndexMap {
    #[serde(deserialize_with = "bounded::list::<{ bounded::MAX_PIECES }, _, _>")]
    pieces: Vec<Piece>,
}

/// Some elements of the output, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Piece {
    Zeros(usize),
    Block(Block),
}

/// The block of d dimensions is the block of d − 1 dimensions `count` times, each at positions larger by `stride` and with
/// `zeros` zeros behind it; that of no dimension is the element at `first`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Block {
    first: usize,
    /// Innermost first.
    dims: Vec<Dim>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Dim {
    count: usize,
    stride: i64,
    zeros: usize,
}

impl IndexMap {
    /// The map that takes these positions, one for each element of `shape`.
    pub fn from_positions(shape: Shape, positions: impl IntoIterator<Item = Option<usize>>) -> Self {
        let mut positions = positions.into_iter().peekable();
        let leading = next_zeros(&mut positions);
        let mut start = leading;
        let elements = std::iter::from_fn(|| {
            let block = Block { first: positions.next()??, dims: Vec::new() };
            let found = Spaced { block, start, zeros: next_zeros(&mut positions) };
            start += 1 + found.zeros;
            Some(found)
        });
        let mut blocks = merged(elements, shape.width);
        // Blocks do not begin in one line, or channel, and end in another, unless they have the same form in all.
        for line in [shape.width, shape.plane(), usize::MAX] {
            let mut before = usize::MAX;
            while blocks.len() < before {
                before = blocks.len();
                blocks = merged(blocks.into_iter(), line);
            }
        }
        let zeros = |zeros: usize| (zeros > 0).then_some(Piece::Zeros(zeros));
        let pieces = blocks.into_iter().flat_map(|Spaced { block, zeros: behind, .. }| {
            [Some(Piece::Block(block.joined())), zeros(behind)].into_iter().flatten()
        });
        Self { pieces: zeros(leading).into_iter().chain(pieces).collect() }
    }

    /// Number of its pieces.
    pub fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// For every element of the output, the element of the input that it is; `None` for a 0. The map must have passed
    /// [`check`](Self::check).
    pub fn positions(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        self.pieces.iter().flat_map(Piece::walk)
    }

    /// The output, from an input of which the map has passed [`check`](Self::check).
    pub fn gather<T: Clone>(&self, input: &[T], zero: &T) -> Vec<T> {
        self.positions().map(|position| position.map_or(zero, |position| &input[position]).clone()).collect()
    }

    /// Whether it makes `output` elements of an input of `input`; otherwise what is wrong. Takes time by its pieces alone.
    ///
    /// # Errors
    /// Another number of elements, a position outside the input, too many dimensions.
    pub fn check(&self, output: usize, input: usize) -> Result<(), String> {
        let mut total = 0usize;
        for piece in &self.pieces {
            let count =
                piece.count(input).ok_or("a piece of it leaves its input, or is empty or too large")?;
            total = total.checked_add(count).ok_or("it has too many elements")?;
        }
        if total == output { Ok(()) } else { Err(format!("it gives {total} elements, not {output}")) }
    }
}

impl Piece {
    /// Its elements; `None` where it reads outside an input of so many elements, or is empty or too large.
    fn count(&self, input: usize) -> Option<usize> {
        match self {
            Self::Zeros(zeros) => Some(*zeros).filter(|&zeros| zeros > 0),
            Self::Block(block) => block.reads_inside(input).then(|| block.count())?,
        }
    }

    fn walk(&self) -> Walk<'_> {
        let (at, zeros, dims) = match self {
            Self::Zeros(zeros) => (None, *zeros, &[][..]),
            Self::Block(block) => (Some(block.first as i64), 0, &block.dims[..]),
        };
        Walk { at, zeros, dims, digits: [0; MAX_DIMS] }
    }
}

impl Block {
    /// The same with as few dimensions as can be.
    fn joined(mut self) -> Self {
        self.dims.dedup_by(|outer, inner| {
            let goes_on =
                inner.zeros == 0 && outer.zeros == 0 && outer.stride == inner.count as i64 * inner.stride;
            inner.count *= if goes_on { outer.count } else { 1 };
            goes_on
        });
        self
    }

    fn count(&self) -> Option<usize> {
        let more = |inner: usize, dim: &Dim| inner.checked_add(dim.zeros)?.checked_mul(dim.count);
        self.dims.iter().try_fold(1, more).filter(|&count| count > 0)
    }

    fn reads_inside(&self, input: usize) -> bool {
        let (Ok(first), Ok(input)) = (i64::try_from(self.first), i64::try_from(input)) else { return false };
        let reach = |(low, high): (i64, i64), dim: &Dim| {
            let step = i64::try_from(dim.count).ok()?.checked_sub(1)?.checked_mul(dim.stride)?;
            Some((low.checked_add(step.min(0))?, high.checked_add(step.max(0))?))
        };
        let range = self.dims.iter().try_fold((first, first), reach);
        self.dims.len() <= MAX_DIMS && range.is_some_and(|(low, high)| 0 <= low && high < input)
    }
}

/// A way through a piece.
struct Walk<'a> {
    /// The next position; `None` behind the last.
    at: Option<i64>,
    /// Zeros before it.
    zeros: usize,
    dims: &'a [Dim],
    digits: [usize; MAX_DIMS],
}

impl Iterator for Walk<'_> {
    type Item = Option<usize>;

    fn next(&mut self) -> Option<Option<usize>> {
        if self.zeros > 0 {
            self.zeros -= 1;
            return Some(None);
        }
        let here = self.at?;
        self.at = self.advance(here);
        Some(Some(here as usize))
    }
}

impl Walk<'_> {
    fn advance(&mut self, mut at: i64) -> Option<i64> {
        for (digit, dim) in self.digits.iter_mut().zip(self.dims) {
            self.zeros += dim.zeros;
            *digit += 1;
            if *digit < dim.count {
                return Some(at + dim.stride);
            }
            *digit = 0;
            at -= (dim.count as i64 - 1) * dim.stride;
        }
        None
    }
}

/// How many zeros come next.
fn next_zeros(positions: &mut Peekable<impl Iterator<Item = Option<usize>>>) -> usize {
    std::iter::from_fn(|| positions.next_if(Option::is_none)).count()
}

/// A block, where it begins in the output, and how many zeros come behind it.
struct Spaced {
    block: Block,
    start: usize,
    zeros: usize,
}

/// Neighbours of one form at equal distances as one block each, where they begin in the same line of `line` elements.
fn merged(blocks: impl Iterator<Item = Spaced>, line: usize) -> Vec<Spaced> {
    let mut blocks = blocks.peekable();
    let mut merged = Vec::new();
    while let Some(Spaced { mut block, start, zeros }) = blocks.next() {
        let mut dim = Dim { count: 1, stride: 0, zeros };
        let (mut last, mut behind) = (block.first, zeros);
        let mut next = |dim: &Dim, last: usize, behind: usize| {
            blocks.next_if(|next| {
                let stride = next.block.first as i64 - last as i64;
                let beside = next.start / line == start / line && block.dims.len() < MAX_DIMS;
                let fits = behind == dim.zeros && next.zeros >= dim.zeros && next.block.dims == block.dims;
                beside && fits && (dim.count == 1 || stride == dim.stride)
            })
        };
        while let Some(Spaced { block: Block { first, .. }, zeros, .. }) = next(&dim, last, behind) {
            dim.stride = first as i64 - last as i64;
            dim.count += 1;
            (last, behind) = (first, zeros);
        }
        if dim.count > 1 {
            behind -= dim.zeros;
            block.dims.push(dim);
        }
        merged.push(Spaced { block, start, zeros: behind });
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn map(shape: Shape, positions: &[Option<usize>]) -> IndexMap {
        let map = IndexMap::from_positions(shape, positions.iter().copied());
        assert_eq!(map.positions().collect::<Vec<_>>(), positions);
        let input = positions.iter().flatten().max().map_or(0, |most| most + 1);
        assert_eq!(map.check(positions.len(), input), Ok(()));
        assert!(map.check(positions.len() + 1, input).is_err());
        assert!(input == 0 || map.check(positions.len(), input - 1).is_err());
        map
    }

    /// The positions of a new image, row-major, in an old one.
    fn image([c, h, w]: [usize; 3], at: impl Fn(usize, usize, usize) -> Option<usize>) -> IndexMap {
        let pixels = (0..c * h * w).map(|i| at(i / (h * w), i / w % h, i % w));
        map(Shape::new(c, h, w), &pixels.collect::<Vec<_>>())
    }

    #[test]
    fn what_networks_do_takes_few_pieces() {
        let index = |c: usize, y: usize, x: usize| (c * 6 + y) * 7 + x;
        let crop = image([3, 4, 5], |c, y, x| Some(index(c, y + 1, x + 2)));
        let transposed = image([7, 3, 6], |x, c, y| Some(index(c, y, x)));
        let flipped = image([3, 6, 7], |c, y, x| Some(index(c, 5 - y, 6 - x)));
        let shuffled = image([2, 12, 14], |c, y, x| Some(index((c * 2 + y % 2) * 2 + x % 2, y / 2, x / 2)));
        let tiled = image([3, 12, 14], |c, y, x| Some(index(c, y % 6, x % 7)));
        let nearest = image([3, 12, 21], |c, y, x| Some(index(c, y / 2, x / 3)));
        for map in [crop, transposed, flipped, shuffled, tiled, nearest] {
            assert_eq!(map.pieces(), 1);
        }
        let inside = |y: usize, x: usize| (1..7).contains(&y) && (1..8).contains(&x);
        let padded = image([3, 8, 9], |c, y, x| inside(y, x).then(|| index(c, y - 1, x - 1)));
        assert_eq!(padded.pieces(), 4);
        let even = |y: usize, x: usize| y.is_multiple_of(2) && x.is_multiple_of(3);
        let spread = image([3, 12, 21], |c, y, x| even(y, x).then(|| index(c, y / 2, x / 3)));
        assert_eq!(spread.pieces(), 1);
    }

    #[test]
    fn empty_maps_and_zeros_are_maps() {
        assert_eq!(map(Shape::vector(0), &[]).pieces(), 0);
        assert_eq!(map(Shape::new(1, 3, 3), &[None; 9]).pieces(), 1);
        assert_eq!(map(Shape::vector(3), &[None, Some(4), None]).gather(&[1, 2, 3, 4, 5], &0), [0, 5, 0]);
    }

    #[test]
    fn hostile_pieces_are_refused() {
        let block = |first, dims: &[(usize, i64, usize)]| {
            let dims = dims.iter().map(|&(count, stride, zeros)| Dim { count, stride, zeros }).collect();
            IndexMap { pieces: vec![Piece::Block(Block { first, dims })] }
        };
        assert_eq!(block(4, &[(5, -1, 0)]).check(5, 5), Ok(()));
        let huge = usize::MAX;
        for (first, dims, output) in [
            (3, vec![(5, -1, 0)], 5),
            (0, vec![(2, i64::MAX, 0)], 2),
            (huge, vec![], 1),
            (0, vec![(0, 0, 0)], 0),
            (0, vec![(huge, 0, 0); 2], 1),
            (0, vec![(2, 0, huge)], 0),
            (0, vec![(huge, i64::MIN, 0)], 5),
            (0, vec![(1, 0, 0); MAX_DIMS + 1], 1),
        ] {
            assert!(block(first, &dims).check(output, 5).is_err(), "{first} {dims:?}");
        }
        assert!(IndexMap { pieces: vec![Piece::Zeros(0)] }.check(0, 5).is_err());
        assert!(IndexMap { pieces: vec![Piece::Zeros(huge); 2] }.check(huge - 1, 5).is_err());
    }

    proptest! {
        #[test]
        fn any_positions_come_back(
            positions in prop::collection::vec(prop::option::of(0..6usize), 0..60),
            plane in (1..5usize, 1..5usize),
        ) {
            let map = map(Shape::new(7, plane.0, plane.1), &positions);
            let input = [7, 1, 4, 2, 9, 3];
            let expected: Vec<i32> = positions.iter().map(|p| p.map_or(0, |p| input[p])).collect();
            prop_assert_eq!(map.gather(&input, &0), expected);
            let bytes = postcard::to_stdvec(&map).expect("bytes");
            prop_assert_eq!(postcard::from_bytes(&bytes), Ok(map));
        }
    }
}
