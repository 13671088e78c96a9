//! Max-pooling: the maximum over each window, exactly.
//!
//! ```text
//! server                                                        client
//! candidates of each window: its pixels inside the image
//! while a window has two candidates or more:
//! 1  pair neighbours (a, b) of every window; an odd one waits
//! 2  [d] = [a − b] for all pairs of all windows
//!    relu (relu.rs) on all d at once                     ◀──▶   answer
//! 3  the winner max(a, b) = b + ReLU(d) replaces the pair
//! ```
//!
//! ⌈log2 n⌉ levels of one round each for windows of n candidates.
//!
//! # Who learns what
//!
//! As [`super::relu`]; the client sees one exchange per level.

use super::ServerContext;
use crate::paillier::{Ciphertexts, invert_all, multiply_each};
use crate::plan::{Shape, Window};
use std::borrow::Cow;

/// The tournament between two levels.
pub struct Tournament<'v> {
    /// The layer's own values at first, then the winners.
    values: Cow<'v, Ciphertexts>,
    /// Per output element, the indices of its candidates in `values`.
    candidates: Vec<Vec<usize>>,
    /// The losers' side b of the level under way, in the order of its pairs.
    right: Vec<usize>,
}

impl<'v> Tournament<'v> {
    /// All windows over an image of `shape`, channel by channel.
    pub fn new(values: &'v Ciphertexts, window: &Window, shape: Shape, output: Shape) -> Self {
        let candidates = windows(window, shape, output);
        Self { values: Cow::Borrowed(values), candidates, right: Vec::new() }
    }

    /// Steps 1 and 2: the differences of the next level; none when every window has one candidate left.
    pub fn differences(&mut self, context: &ServerContext) -> Ciphertexts {
        let pairs =
            self.candidates.iter().flat_map(|window| window.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        let (left, right): (Vec<usize>, Vec<usize>) = pairs.unzip();
        let mut differences = self.values.select(&right);
        invert_all(&context.key, &mut differences);
        multiply_each(&context.key, &mut differences, &self.values.select(&left));
        self.right = right;
        differences
    }

    /// Step 3, from ReLU of the differences.
    pub fn advance(&mut self, context: &ServerContext, relu: &Ciphertexts) {
        let mut next = self.values.select(&self.right);
        multiply_each(&context.key, &mut next, relu);
        let waiting: Vec<usize> = self.candidates.iter().filter_map(|window| odd_one(window)).collect();
        let (mut winners, mut waiters) = (0.., next.len()..);
        for window in &mut self.candidates {
            let odd = odd_one(window).and_then(|_| waiters.next());
            *window = winners.by_ref().take(window.len() / 2).chain(odd).collect();
        }
        next.append(&self.values.select(&waiting));
        self.values = Cow::Owned(next);
    }

    /// The maxima, after the last level.
    pub fn into_maxima(self) -> Ciphertexts {
        let only: Vec<usize> = self.candidates.iter().flatten().copied().collect();
        self.values.select(&only)
    }
}

fn odd_one(window: &[usize]) -> Option<usize> {
    (window.len() % 2 == 1).then(|| window.last().copied()).flatten()
}

/// Per output element, row-major, the positions of the pixels in its window.
fn windows(window: &Window, shape: Shape, output: Shape) -> Vec<Vec<usize>> {
    let image = [shape.height, shape.width];
    let positions = (0..output.height).flat_map(|y| (0..output.width).map(move |x| [y, x]));
    let plane: Vec<Vec<[usize; 2]>> =
        positions.map(|at| window.taps(image, at).map(|(_, pixel)| pixel).collect()).collect();
    (0..output.channels)
        .flat_map(|channel| {
            plane.iter().map(move |pixels| pixels.iter().map(|&[y, x]| shape.index(channel, y, x)).collect())
        })
        .collect()
}
