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

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there is nothing to permute.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// `sources()[j]` is the original place of the element at permuted place j.
    pub fn sources(&self) -> &[usize] {
        &self.sources
    }

    /// `targets()[i]` is the permuted place of the element at original place i: selecting by it
    /// undoes the permutation.
    pub fn targets(&self) -> Vec<usize> {
        let mut targets = vec![0; self.len()];
        for (target, &source) in self.sources.iter().enumerate() {
            targets[source] = target;
        }
        targets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomness::TestRng;

    #[test]
    fn the_inverse_undoes_the_permutation() {
        let mut rng = TestRng::new(4);
        for len in [0, 1, 2, 3, 100] {
            let permutation = Permutation::random(len, &mut rng);
            let items: Vec<usize> = (0..len).collect();
            let undone: Vec<usize> =
                permutation.targets().iter().map(|&place| permutation.sources()[place]).collect();
            assert_eq!(undone, items);
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
