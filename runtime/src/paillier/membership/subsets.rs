//! The subsets that a challenge stands for, and products of ciphertexts over them.
//!
//! The tests are taken in groups of w. Which of a group's subsets a ciphertext is in is a pattern of w bits; ciphertexts of
//! the same pattern are multiplied first, and the 2^w products then by halves: what has the highest bit is the product of
//! the upper half, which is multiplied into the lower one, and so on. So a ciphertext takes 64/w products instead of 32.
//! (The method of buckets, as in Pippenger's multi-exponentiation; SIAM J. Comput. 9, 1980.)

use rayon::prelude::*;

use super::super::ciphertext::Ciphertexts;
use super::super::limbs::Limb;
use super::super::modular::{Scratch, SquareModulus};
use super::super::public_key::PublicKey;
use super::{Challenge, TESTS};

/// For each of `count` ciphertexts a word, whose bit k says whether it is in S_k.
pub(super) fn memberships(challenge: Challenge, count: usize) -> Vec<u64> {
    let mut hasher = blake3::Hasher::new_derive_key("popcorn membership test, subsets");
    hasher.update(&challenge.to_bytes());
    let mut bytes = vec![0; size_of::<u64>() * count];
    hasher.finalize_xof().fill(&mut bytes);
    bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

/// For each subset the product modulo N of the ciphertexts in it, in parallel.
pub(super) fn subset_products(key: &PublicKey, batches: &[Ciphertexts], words: &[u64]) -> Vec<Vec<Limb>> {
    let width = group_width(words.len());
    let groups = (0..TESTS).into_par_iter().step_by(width);
    groups.flat_map_iter(|first| group_products(key.ring(), batches, words, first, width)).collect()
}

/// The exact number of products modulo N that [`subset_products`] takes for so many ciphertexts.
pub(super) fn subset_products_count(count: usize) -> u64 {
    group_count(count, group_width(count))
}

/// The width of a group that takes the fewest products.
fn group_width(count: usize) -> usize {
    [1, 2, 4, 8].into_iter().min_by_key(|&width| group_count(count, width)).unwrap_or(1)
}

fn group_count(count: usize, width: usize) -> u64 {
    let halves = 2 * ((1 << width) - 1 - width);
    ((TESTS / width) * (count + halves)) as u64
}

/// The products for the tests from `first` on, `width` of them.
fn group_products(
    ring: &SquareModulus,
    batches: &[Ciphertexts],
    words: &[u64],
    first: usize,
    width: usize,
) -> Vec<Vec<Limb>> {
    let mut scratch = ring.scratch();
    let mut buckets = vec![ring.residue(ring.one()).to_vec(); 1 << width];
    let ciphertexts = batches.iter().flat_map(Ciphertexts::iter);
    for (ciphertext, word) in ciphertexts.zip(words) {
        let pattern = (word >> first) as usize % buckets.len();
        ring.mul_residue_assign(&mut buckets[pattern], ring.residue(ciphertext.limbs()), &mut scratch);
    }
    let mut products: Vec<_> =
        (0..width).map(|_| take_upper_half(ring, &mut buckets, &mut scratch)).collect();
    products.reverse();
    products
}

/// The product of the upper half of the buckets, which is multiplied into the lower one.
fn take_upper_half(ring: &SquareModulus, buckets: &mut Vec<Vec<Limb>>, scratch: &mut Scratch) -> Vec<Limb> {
    let upper = buckets.split_off(buckets.len() / 2);
    let (bottom, rest) = upper.split_first().expect("half of a power of two above 1");
    let mut product = bottom.clone();
    // What has no bit is in no subset.
    for (lower, upper) in buckets.iter_mut().skip(1).zip(rest) {
        ring.mul_residue_assign(&mut product, upper, scratch);
        ring.mul_residue_assign(lower, upper, scratch);
    }
    product
}
