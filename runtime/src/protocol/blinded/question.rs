//! The server asks for the signs of n blinded values, many to a ciphertext.
//!
//! Notation: x_i the values, |x_i| < 2^a; K, κ the parameters of [`crate::plan::BlindedParameters`];
//! `[m]` an encryption of m. (Popcorn, arXiv 2107.01786, section 4; packing, noise and
//! permutation are ours.)
//!
//! ```text
//! server                                                         client
//! 1  for each i: sign ε_i = ±1, scale τ_i log-uniform in [1, 2^K),
//!    noise ρ_i in [0, τ_i), mask r_i in [0, 2^(a+κ))
//!    y_i = ε_i(τ_i·x_i + ρ_i)       v_i = x_i + r_i + 2^a
//! 2  permute all n pairs with a fresh secret permutation
//! 3  pack the pairs, y offset by 2^(a+K), into as few
//!    ciphertexts as fit, re-randomise                     ──▶    (answer.rs)
//! ```
//!
//! x ≥ 0 ⇔ τx + ρ ≥ 0 because 0 ≤ ρ < τ: the sign is exact, and the noise hides zeros and common
//! factors. Where only signs are wanted ([`crate::plan::ExchangeKind::Sign`]) no v is sent.
//!
//! # Who learns what
//!
//! The client: n, a, and in random order with random sign |τ_i·x_i + ρ_i|, whose logarithm is
//! log|x_i| plus a uniform amount in [0, K). Two magnitudes x, x′ are told apart with advantage at
//! most about |log2(x/x′)|/K per value: a little of the *distribution of magnitudes* inside a layer,
//! and so of the model, leaks; nothing of anybody else's image. v_i is within statistical distance
//! 2^−κ of a value independent of x_i. The server: nothing.

use super::ServerContext;
use crate::paillier::{
    Ciphertext, CiphertextRef, Ciphertexts, Permutation, Randomisers, SecureRng, ShiftedTerm, invert_all,
    shifted_sum,
};
use crate::plan::{BlindedParameters, Exchange, ExchangeKind, PairSlots};
use rayon::prelude::*;
use rug::Integer;

/// What the server keeps until the answer comes. Index j is a position in the permuted order.
pub struct Secrets {
    pub(super) order: Permutation,
    /// The values in permuted order.
    pub(super) permuted: Ciphertexts,
    pub(super) blindings: Vec<Blinding>,
}

/// How one value is hidden.
pub(super) struct Blinding {
    /// ε = −1.
    pub(super) flipped: bool,
    /// τ, in [1, 2^K).
    scale: i64,
    /// ρ, in [0, τ).
    noise: i64,
    /// r + 2^a: all that is added to x in v.
    pub(super) mask: Integer,
}

impl Blinding {
    /// Step 1.
    fn draw(exchange: &Exchange, context: &ServerContext, rng: &mut SecureRng) -> Self {
        let parameters = context.parameters;
        let scale = log_uniform(parameters.scale_bits, rng);
        let mask =
            rng.integer_of_bits(exchange.bits + parameters.mask_bits) + (Integer::from(1) << exchange.bits);
        Self { flipped: rng.bool(), scale, noise: rng.u64_below(scale as u64) as i64, mask }
    }

    /// ετ and ερ.
    const fn signed(&self) -> (i64, i64) {
        if self.flipped { (-self.scale, -self.noise) } else { (self.scale, self.noise) }
    }
}

/// ⌊2^u⌋ for u uniform in [0, bits).
fn log_uniform(bits: u32, rng: &mut SecureRng) -> i64 {
    let octave = rng.u64_below(u64::from(bits)) as i32;
    let fraction = rng.u64_below(1 << 52) as f64 / (1u64 << 52) as f64;
    (f64::from(octave) + fraction).exp2() as i64
}

/// Steps 1 to 3: the packed question about `values`, and what finishing needs.
pub fn ask(
    context: &ServerContext,
    exchange: &Exchange,
    values: &Ciphertexts,
    rng: &mut SecureRng,
) -> (Ciphertexts, Secrets) {
    let order = Permutation::random(values.len(), rng);
    let blindings: Vec<Blinding> =
        (0..values.len()).map(|_| Blinding::draw(exchange, context, rng)).collect();
    let permuted = values.select(order.sources());
    let mut inverses = permuted.clone();
    invert_all(&context.key, &mut inverses);
    let packer = Packer::new(context, exchange);
    let packs: Vec<(usize, SecureRng)> =
        (0..values.len()).step_by(packer.capacity).map(|start| (start, rng.split())).collect();
    let packed: Vec<Ciphertext> = packs
        .into_par_iter()
        .map(|(start, mut rng)| {
            let end = values.len().min(start + packer.capacity);
            let pairs = (start..end).map(|j| (permuted.get(j), inverses.get(j), &blindings[j]));
            packer.pack(pairs, &mut rng)
        })
        .collect();
    let packed = Ciphertexts::gather(&context.key, packed.iter().map(Ciphertext::as_ref));
    (packed, Secrets { order, permuted, blindings })
}

/// Step 3.
struct Packer<'a> {
    context: &'a ServerContext,
    slots: PairSlots,
    /// Pairs per ciphertext.
    capacity: usize,
    /// 2^(a+K), which makes y non-negative.
    offset: Integer,
    masked: bool,
}

impl<'a> Packer<'a> {
    fn new(context: &'a ServerContext, exchange: &Exchange) -> Self {
        let parameters = context.parameters;
        Self {
            context,
            slots: exchange.slots(parameters),
            capacity: exchange.per_ciphertext(parameters, context.key.bits()),
            offset: Integer::from(1) << (exchange.bits + parameters.scale_bits),
            masked: exchange.kind == ExchangeKind::Relu,
        }
    }

    /// One ciphertext: Σ_j (v_j + 2^mask_bits·(y_j + offset))·2^(j·width).
    fn pack<'c>(
        &self,
        pairs: impl Iterator<Item = (CiphertextRef<'c>, CiphertextRef<'c>, &'c Blinding)>,
        rng: &mut SecureRng,
    ) -> Ciphertext {
        let scale_bits = self.context.parameters.scale_bits;
        let mut terms = Vec::new();
        let mut constant = Integer::new();
        for (j, (ciphertext, inverse, blinding)) in pairs.enumerate() {
            let low = j as u32 * self.slots.width();
            let high = low + self.slots.mask_bits;
            let (multiplier, noise) = blinding.signed();
            let inverse = Some(inverse);
            terms.push(ShiftedTerm {
                ciphertext,
                inverse,
                multiplier,
                multiplier_bits: scale_bits,
                shift: high,
            });
            constant += Integer::from(&self.offset + noise) << high;
            if self.masked {
                terms.push(ShiftedTerm {
                    ciphertext,
                    inverse: None,
                    multiplier: 1,
                    multiplier_bits: 1,
                    shift: low,
                });
                constant += Integer::from(&blinding.mask << low);
            }
        }
        shifted_sum(&self.context.key, &terms, &constant, self.context.randomisers.draw(rng))
    }
}

/// (multiplier bits, shift) of the terms of a pack of `pairs` pairs: what its cost depends on.
pub(super) fn term_places(
    exchange: &Exchange,
    parameters: BlindedParameters,
    pairs: usize,
) -> Vec<(u32, u32)> {
    let slots = exchange.slots(parameters);
    let places = |j: usize| {
        let low = j as u32 * slots.width();
        let sign = (parameters.scale_bits, low + slots.mask_bits);
        let mask = (exchange.kind == ExchangeKind::Relu).then_some((1, low));
        [Some(sign), mask].into_iter().flatten()
    };
    (0..pairs).flat_map(places).collect()
}
