//! How large an iteration of silent OT is. Notation and step numbers of [`super`].
//!
//! | depth h | trees t | log2 of the secret's length n | outputs N | COTs that it takes | bytes sent | bits per new COT |
//! |---|---|---|---|---|---|---|
//! | 10 | 850 | 16 | 870,400 | 74,112 | 122,400 | 1.23 |
//! | 11 | 1,170 | 17 | 2,396,160 | 144,000 | 187,200 | 0.66 |
//! | 12 | 1,520 | 18 | 6,225,920 | 280,448 | 267,520 | 0.36 |
//!
//! The sets `ferret_b10` to `ferret_b12` of emp-ot (github.com/emp-toolkit/emp-ot, `emp-ot/common/tuning.h`, 2026), with
//! its ten taps an output. It says that they are the largest for which an estimator of the published attacks on
//! regular noise (Gauss, information-set decoding, hybrid, algebraic) gives about 128 bits: the floor, without a margin.
//! How much guessing noise and solving quadratic equations costs (Briaud and Øygarden, "A New Algebraic Approach to the
//! Regular Syndrome Decoding Problem and Implications for PCG Constructions", EUROCRYPT 2023) is estimated less
//! surely: about 2^120 to 2^130 operations.
//!
//! (emp-ot has deeper trees, too: 0.19 bits, but a table of 8 MB, which takes nearly twice the time.)

use crate::ot::block::{BLOCK_BITS, Block};
use crate::plan::TreeDepth;

/// The size of an iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ot) struct Parameters {
    /// h, the levels of a tree.
    pub(super) depth: usize,
    /// t, the number of trees: so many noisy positions.
    pub(super) trees: usize,
    /// log2 n, n being the number of COTs that the code spreads.
    log_secret: u32,
}

impl Parameters {
    /// The published ones for trees of this depth; for tests alone, small ones that hide nothing.
    pub(in crate::ot) const fn new(depth: TreeDepth) -> Self {
        let depth = depth.get();
        let (trees, log_secret) = match depth {
            10 => (850, 16),
            11 => (1170, 17),
            12 => (1520, 18),
            _ => (60, 9),
        };
        Self { depth: depth as usize, trees, log_secret }
    }

    /// n.
    pub(super) const fn secret(self) -> usize {
        1 << self.log_secret
    }

    /// Leaves of a tree, whole blocks of 128.
    pub(super) const fn leaves(self) -> usize {
        1 << self.depth
    }

    /// N, the COTs that an iteration makes.
    pub(in crate::ot) const fn outputs(self) -> usize {
        self.trees * self.leaves()
    }

    /// The COTs that an iteration takes: whole blocks of 128.
    pub(in crate::ot) const fn seeds(self) -> usize {
        (self.secret() + self.trees * self.depth).next_multiple_of(BLOCK_BITS)
    }

    /// Blocks that the sender sends for a tree: one for each level but the first.
    pub(super) const fn corrections(self) -> usize {
        self.depth - 1
    }

    /// Bytes that the sender sends.
    pub(in crate::ot) const fn correction_bytes(self) -> u64 {
        (self.trees * self.corrections() * size_of::<Block>()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_right() {
        let numbers =
            TreeDepth::all().map(Parameters::new).map(|p| (p.outputs(), p.seeds(), p.correction_bytes()));
        let expected =
            [(870_400, 74_112, 122_400), (2_396_160, 144_000, 187_200), (6_225_920, 280_448, 267_520)];
        assert!(numbers.eq(expected));
        let bits = TreeDepth::all().map(Parameters::new).map(|parameters| {
            let new = parameters.outputs() - parameters.seeds();
            (800.0 * parameters.correction_bytes() as f64 / new as f64).round() as u32
        });
        assert!(bits.eq([123, 66, 36]));
    }

    /// What the first iteration makes seeds any other.
    #[test]
    fn the_smallest_iteration_seeds_all_others() {
        let smallest = Parameters::new(TreeDepth::MIN);
        assert!(TreeDepth::all().all(|depth| Parameters::new(depth).seeds() <= smallest.outputs()));
    }
}
