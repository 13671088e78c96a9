//! Sign activation: 1 for x > 0, else 0, exactly.
//!
//! Notation as in [`super::question`]; y only, no v.
//!
//! ```text
//! server                                    client
//!    question about 2x − 1            ──▶
//!                                     ◀──   answer: [g_j]
//! 1  ε_j = +1: [g_j]       ε_j = −1: [1 − g_j]
//! 2  undo the permutation (round.rs)
//! ```
//!
//! x > 0 ⇔ 2x − 1 ≥ 0, and 2x − 1 is never 0, so both signs ε read it alike.
//!
//! # Who learns what
//!
//! As [`super::question`] and [`super::answer`] state.

use super::ServerContext;
use super::question::Blinding;
use crate::paillier::{Ciphertexts, add_plain_each, invert_all, multiply_each};
use rug::Integer;

/// What the question is about: encryptions of 2x − 1.
pub(super) fn odd(context: &ServerContext, values: Ciphertexts) -> Ciphertexts {
    let mut odd = values.clone();
    multiply_each(&context.key, &mut odd, &values);
    drop(values);
    let minus_one = vec![Integer::from(-1); odd.len()];
    add_plain_each(&context.key, &mut odd, &minus_one);
    odd
}

/// Step 1: encryptions of 1 where x_j > 0, else of 0, from the client's answer.
pub(super) fn finish(context: &ServerContext, blindings: &[Blinding], answer: &Ciphertexts) -> Ciphertexts {
    let mut complements = answer.clone();
    invert_all(&context.key, &mut complements);
    add_plain_each(&context.key, &mut complements, &vec![Integer::from(1); answer.len()]);
    let flips = blindings.iter().map(|blinding| blinding.flipped).enumerate();
    let chosen = flips.map(|(j, flip)| if flip { complements.get(j) } else { answer.get(j) });
    Ciphertexts::gather(&context.key, chosen)
}
