//! ReLU: max(x, 0), exactly.
//!
//! Notation as in [`super::question`].
//!
//! ```text
//! server                                                   client
//!    question                                       ──▶
//!                                                   ◀──    answer: [g_j], [g_j·v_j]
//! 1  u_j = [g_j·v_j]·[g_j]^−(r_j + 2^a) = [g_j·x_j]
//! 2  ε_j = +1: g_j = [x_j ≥ 0] (or, at x_j = 0, either),  ReLU = u_j
//!    ε_j = −1: g_j = [x_j < 0],                           ReLU = x_j − u_j
//! 3  undo the permutation (round.rs)
//! ```
//!
//! At x = 0 every reading gives 0.
//!
//! # Who learns what
//!
//! As [`super::question`] and [`super::answer`] state.

use super::ServerContext;
use super::question::Blinding;
use crate::paillier::{Ciphertexts, invert_all, multiply_each, pow_each};
use crate::plan::{BlindedParameters, Exchange};
use rug::Integer;

/// Steps 1 and 2: encryptions of max(x_j, 0) from [x_j] and the client's answer about them.
pub(super) fn finish(
    context: &ServerContext,
    exchange: &Exchange,
    blindings: &[Blinding],
    values: &Ciphertexts,
    answer: &Ciphertexts,
) -> Ciphertexts {
    let key = &context.key;
    let half = |first: usize| answer.select(&(first..answer.len()).step_by(2).collect::<Vec<_>>());
    let (signs, masked) = (half(0), half(1));
    let masks: Vec<&Integer> = blindings.iter().map(|blinding| &*blinding.mask).collect();
    let unmask = pow_each(key, &signs, &masks, mask_bits(context.parameters, exchange));
    let mut complement = unmask.clone(); // [x + g·mask], of which ε = −1 needs [x − g·x]
    multiply_each(key, &mut complement, values);
    let flips = blindings.iter().map(|blinding| blinding.flipped);
    let choose = |flipped: &Ciphertexts, straight: &Ciphertexts| {
        let chosen =
            flips.clone().enumerate().map(|(j, flip)| if flip { flipped.get(j) } else { straight.get(j) });
        Ciphertexts::gather(key, chosen)
    };
    // ε = +1: g·v − g·mask; ε = −1: x + g·mask − g·v.
    let mut results = choose(&complement, &masked);
    let mut subtrahends = choose(&masked, &unmask);
    invert_all(key, &mut subtrahends);
    multiply_each(key, &mut results, &subtrahends);
    results
}

/// Bits of r + 2^a, for r of a + κ bits.
pub(super) const fn mask_bits(parameters: BlindedParameters, exchange: &Exchange) -> u32 {
    exchange.bits + parameters.mask_bits + 1
}
