//! Rescaling: ⌊x ÷ 2^f⌋ or one more.
//!
//! Notation as in [`super::question`]; v only, no y.
//!
//! ```text
//! server                                             client
//!    question                                 ──▶
//!                                             ◀──    answer: [⌊v_j ÷ 2^f⌋]
//! 1  subtract ⌊(r_j + 2^a) ÷ 2^f⌋
//! 2  undo the permutation (round.rs)
//! ```
//!
//! v = x + m with m = r + 2^a, so ⌊v ÷ 2^f⌋ − ⌊m ÷ 2^f⌋ is ⌊x ÷ 2^f⌋ plus the carry out of the low f
//! bits, which is 1 with the probability (x mod 2^f) ÷ 2^f: the result is right in the mean.
//!
//! # Who learns what
//!
//! The client: n, a, f, and v, which is within statistical distance 2^−κ per value of a number
//! independent of x. The server: nothing.

use super::ServerContext;
use super::question::Blinding;
use crate::paillier::{Ciphertexts, add_plain_each};
use rug::Integer;

/// Step 1: takes the masks off the answer, which stays permuted.
pub(super) fn finish(
    context: &ServerContext,
    bits: u32,
    blindings: &[Blinding],
    answer: &Ciphertexts,
) -> Ciphertexts {
    let shifted = blindings.iter().map(|blinding| -Integer::from(&*blinding.mask >> bits));
    let mut results = answer.clone();
    add_plain_each(&context.key, &mut results, &shifted.collect::<Vec<_>>());
    results
}
