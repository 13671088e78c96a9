//! The baseline for whole inferences: the way of the Popcorn paper (arXiv 2107.01786, sections 3 and 4).
//!
//! One value to a ciphertext in both directions, a randomiser r^N for each, an exponentiation for each
//! weight, multiplicative blinding removed by an exponentiation with the scale's inverse modulo N. No
//! packing, no tables, no pools. In two ways it is better than that: decryption and the client's r^N use
//! the Chinese remainder theorem, and negative weights are small exponents whose product is inverted
//! once.
//!
//! A whole inference this way takes too long to be run: its operations are counted exactly, and each kind
//! is timed on a sample.

use super::timing::seconds;
use crate::paillier::{Rows, SecretKey, SecureRng};
use crate::plan::{Op, Plan};
use crate::protocol::blinded::linear;
use rug::Integer;
use std::collections::HashMap;
use std::time::Duration;

/// Bits of a scale that hides a value.
const SCALE_BITS: u32 = 48;
/// Widest weight: its exponentiation is timed.
const MAX_WEIGHT_BITS: usize = 24;
/// A constant where 1 or 2 would be too friendly.
const SAMPLE: u32 = 12_345;

/// Paillier with GMP's general functions.
pub(super) struct PaperStyle<'k> {
    key: &'k SecretKey,
    modulus: &'k Integer,
    square: &'k Integer,
}

impl<'k> PaperStyle<'k> {
    pub(super) fn new(key: &'k SecretKey) -> Self {
        let public = key.public();
        Self { key, modulus: public.modulus(), square: public.modulus_squared() }
    }

    #[expect(clippy::disallowed_methods, reason = "this is what others do")]
    fn power(&self, base: &Integer, exponent: &Integer) -> Integer {
        base.clone().pow_mod(exponent, self.square).unwrap_or_default()
    }

    /// r^N mod N².
    fn randomiser(&self, rng: &mut SecureRng) -> Integer {
        self.power(&rng.unit_below(self.modulus), self.modulus)
    }

    /// r^N by the Chinese remainder theorem.
    #[expect(clippy::disallowed_methods, reason = "this is what others do")]
    fn holder_randomiser(&self, rng: &mut SecureRng) -> Integer {
        let r = rng.unit_below(self.modulus);
        let half =
            |square: &Integer| Integer::from(&r % square).pow_mod(self.modulus, square).unwrap_or_default();
        let (p_square, q_square) = (&*self.key.p.square, &*self.key.q.square);
        let (modulo_p, modulo_q) = (half(p_square), half(q_square));
        let q_inverse = q_square.clone().invert(p_square).unwrap_or_default();
        let quotient = ((modulo_p - &modulo_q) * q_inverse).modulo(p_square);
        quotient * q_square + modulo_q
    }

    /// The key holder's encryption of `m`.
    pub(super) fn encrypt(&self, m: &Integer, rng: &mut SecureRng) -> Integer {
        let message: Integer = Integer::from(m * self.modulus) + 1u32;
        message * self.holder_randomiser(rng) % self.square
    }

    /// The ciphertext times a fresh randomiser of the server's, modulo N².
    pub(super) fn rerandomise(&self, ciphertext: &Integer, rng: &mut SecureRng) -> Integer {
        ciphertext * self.randomiser(rng) % self.square
    }

    /// Two halves by `pow_mod`, which leaks the key by its time, joined.
    #[expect(clippy::disallowed_methods, reason = "this is what others do")]
    pub(super) fn decrypt(&self, ciphertext: &Integer) -> Integer {
        self.decrypt_by(ciphertext, |base, exponent, modulus| {
            base.pow_mod(exponent, modulus).unwrap_or_default()
        })
    }

    /// Two halves by `secure_pow_mod`, joined.
    #[expect(clippy::disallowed_methods, reason = "this is what others do")]
    pub(super) fn decrypt_securely(&self, ciphertext: &Integer) -> Integer {
        self.decrypt_by(ciphertext, |base, exponent, modulus| base.secure_pow_mod(exponent, modulus))
    }

    fn decrypt_by(
        &self,
        ciphertext: &Integer,
        pow: impl Fn(Integer, &Integer, &Integer) -> Integer,
    ) -> Integer {
        let (p, q) = (&self.key.p, &self.key.q);
        let half = |prime: &Integer, square: &Integer, negated_inverse: Integer| {
            let power = pow(Integer::from(ciphertext % square), &Integer::from(prime - 1u32), square);
            Integer::from(&((power - 1u32) / prime) * &negated_inverse) % prime
        };
        // 1/L((1 + N)^(p − 1)) mod p is −1/q.
        let modulo_p = half(&p.prime, &p.square, Integer::from(&*p.prime - &*self.key.q_inverse));
        let p_inverse = Integer::from(&*p.prime).invert(&q.prime).unwrap_or_default();
        let modulo_q = half(&q.prime, &q.square, Integer::from(&*q.prime - &p_inverse));
        let quotient = ((modulo_p - &modulo_q) * &*self.key.q_inverse).modulo(&self.key.p.prime);
        quotient * &*self.key.q.prime + modulo_q
    }

    /// Π c^w: an exponentiation and a product for each weight but 0, one inversion.
    pub(super) fn weighted_sum(&self, inputs: &[Integer], weights: &[i64]) -> Integer {
        let mut sides = [Integer::from(1), Integer::from(1)];
        for (input, &weight) in inputs.iter().zip(weights).filter(|(_, weight)| **weight != 0) {
            let side = &mut sides[usize::from(weight < 0)];
            *side *= self.power(input, &Integer::from(weight.unsigned_abs()));
            *side %= self.square;
        }
        let [positive, negative] = sides;
        positive * negative.invert(self.square).unwrap_or_default() % self.square
    }

    /// max(x, 0): server, client, server.
    pub(super) fn relu(&self, ciphertext: &Integer, rng: &mut SecureRng) -> Integer {
        let scale = rng.integer_of_bits(SCALE_BITS) | 1u32;
        let blinded = self.rerandomise(&self.power(ciphertext, &scale), rng);
        let seen = self.decrypt(&blinded);
        let positive = if seen > *self.key.public().half_modulus() { Integer::new() } else { seen };
        let answer = self.encrypt(&positive, rng);
        self.power(&answer, &scale.invert(self.modulus).unwrap_or_default())
    }
}

/// Seconds of one operation each, on one core.
pub struct Units {
    /// An exponentiation by a weight of so many bits (index), and the product that follows.
    weight: Vec<f64>,
    encryption: f64,
    rerandomisation: f64,
    decryption: f64,
    relu: f64,
}

impl Units {
    /// Measured with `key`; each for about `budget`.
    pub fn measure(key: &SecretKey, budget: Duration, rng: &mut SecureRng) -> Self {
        let style = PaperStyle::new(key);
        let ciphertext = style.encrypt(&Integer::from(SAMPLE), rng);
        let weight = |bits: usize| {
            let (inputs, weights) = ([ciphertext.clone()], [(1i64 << bits) * 3 / 4]);
            let once = seconds(budget / 8, || drop(style.weighted_sum(&inputs, &weights)));
            once - seconds(budget / 8, || drop(style.weighted_sum(&inputs, &[0])))
        };
        Self {
            weight: (0..=MAX_WEIGHT_BITS).map(|bits| if bits == 0 { 0.0 } else { weight(bits) }).collect(),
            encryption: seconds(budget, || drop(style.encrypt(&Integer::from(SAMPLE), rng))),
            rerandomisation: seconds(budget, || drop(style.rerandomise(&ciphertext, rng))),
            decryption: seconds(budget, || drop(style.decrypt(&ciphertext))),
            relu: seconds(budget, || drop(style.relu(&ciphertext, rng))),
        }
    }

    /// Seconds that an inference of `plan` would take on `threads` cores, all of them busy all the time.
    pub fn seconds(&self, plan: &Plan, threads: usize) -> f64 {
        let total: f64 = plan
            .steps()
            .map(|(id, step)| {
                if let Some(rows) = linear::rows(plan, id) {
                    return self.linear(&*rows);
                }
                let count = step.shape.elements() as f64;
                match &step.op {
                    Op::Input => count * self.encryption,
                    Op::Reveal => count * (self.rerandomisation + self.decryption),
                    _ => {
                        let compared: usize = plan.exchanges(id).iter().map(|exchange| exchange.count).sum();
                        compared as f64 * self.relu
                    }
                }
            })
            .sum();
        total / threads as f64
    }

    fn linear(&self, rows: &dyn Rows) -> f64 {
        let mut known = HashMap::new();
        let bundle =
            |index: usize| *known.entry(rows.first_alike(index)).or_insert_with(|| self.bundle(rows, index));
        (0..rows.bundles()).map(bundle).sum()
    }

    fn bundle(&self, rows: &dyn Rows, bundle: usize) -> f64 {
        let mut weights = Vec::new();
        let bits = |weight: i64| (u64::BITS - weight.unsigned_abs().leading_zeros()) as usize;
        let mut row = |row: usize| -> f64 {
            weights.clear();
            rows.weights(bundle, row, &mut weights);
            weights.iter().map(|&weight| self.weight[bits(weight).min(MAX_WEIGHT_BITS)]).sum()
        };
        (0..rows.bundle(bundle).len).map(&mut row).sum()
    }
}
