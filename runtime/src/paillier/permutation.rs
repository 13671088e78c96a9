//! Secret permutations, drawn uniformly.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::randomness::SecureRng;

/// A permutation of `0..len`. It is a secret: no `Debug`, wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Permutation {
    /// Position j of the permuted sequence holds element `sources[j]` of the original one.
    sources: Vec<usize>,
}

impl Permutation {
    /// A uniform permutation of `0..len`, by the Fisher–Yates shuffle.
    pub fn random(len: usize, rng: &mut SecureRng) -> Self {
        let mut sources: Vec<usize> = (0..len).collect();
        for last in (1..len).rev() {
            sources.swap(last, rng.u64_below(last as u64 + 1) as usize);
        }
        Self { sources }
    }

    /// `sources()[j]` is the original place of the element at permuted place j.
    pub fn sources(&self) -> &[usize] {
        &self.sources
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomness::TestRng;

    #[test]
    fn every_element_has_one_place() {
        let mut rng = TestRng::new(4);
        for len in [0, 1, 2, 3, 100] {
            let mut sources = Permutation::random(len, &mut rng).sources().to_vec();
            sources.sort_unstable();
            assert_eq!(sources, (0..len).collect::<Vec<_>>());
        }
    }

    #[test]
    fn all_orders_of_three_are_equally_likely() {
        let mut rng = TestRng::new(5);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..6000 {
            *counts.entry(Permutation::random(3, &mut rng).sources().to_vec()).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (800..1200).contains(count)), "{counts:?}");
    }
}
