//! Weighted sums of many ciphertexts: the kernel under every linear layer.
//!
//! A row is Enc(Σ w·x + bias) = Π c^w · Enc(bias). No ciphertext is ever raised to its weight.
//!
//! 1. Rows over the same inputs are taken in blocks; inputs with the same weights in all rows of a block are
//!    multiplied together, then those with the same weights in half of them, and so on ([`block`]).
//! 2. In each row, the weights are cut into digits of a few bits, factors with equal digits are multiplied
//!    together into *buckets*, and Π bucket_d^d takes one running product over the buckets, whose
//!    gaps are bridged by short powers. The levels of digits are joined by Horner's rule, with `width`
//!    squarings per level for the whole row. The width, and whether digits are balanced, are chosen
//!    for each row ([`recoding`]).
//! 3. Negative weights accumulate apart and are divided by, or the inputs are inverted first
//!    ([`layer::Negatives`]).
//!
//! The size of blocks and the way of negative weights are chosen for each layer; products are counted
//! exactly, and zero weights cost nothing. Plans for blocks are made again where they are needed, so that
//! no expanded copy of a convolution exists.
//!
//! Time depends on the weights, which the server owns, never on plaintexts.

mod block;
mod evaluate;
mod layer;
mod numbering;
mod power_product;
mod recoding;
mod rows;

pub use self::rows::{Bundle, Rows};

use self::evaluate::{Columns, evaluate};
use self::layer::{Layer, Negatives};
use super::ciphertext::Ciphertexts;
use super::count::Count;
use super::ops::invert_all;
use super::public_key::PublicKey;

/// One ciphertext Enc(Σ weight·input + bias) per row, in parallel. Input indices run over the
/// concatenation of `inputs`.
///
/// The results carry the inputs' randomness, and a row without terms none at all: re-randomise
/// whatever leaves the machine.
///
/// # Panics
/// If an index is out of range, a weight is `i64::MIN`, or an input belongs to a key of another size.
pub fn weighted_sums(key: &PublicKey, inputs: &[&Ciphertexts], rows: &dyn Rows) -> Ciphertexts {
    let layer = Layer::new(rows);
    let plain: Vec<_> = inputs.iter().flat_map(|batch| batch.iter()).collect();
    let strategy = layer.choose(plain.len());
    match strategy.negatives {
        Negatives::Apart => evaluate(key, &layer, strategy, &Columns { plain: &plain, inverses: &[] }),
        Negatives::InvertedInputs => {
            let mut inverses = Ciphertexts::with_capacity(key, plain.len());
            inputs.iter().for_each(|batch| inverses.append(batch));
            invert_all(key, &mut inverses);
            let inverses: Vec<_> = inverses.iter().collect();
            evaluate(key, &layer, strategy, &Columns { plain: &plain, inverses: &inverses })
        }
    }
}

/// The exact cost of [`weighted_sums`] over `inputs` ciphertexts.
pub fn weighted_sums_count(inputs: usize, rows: &dyn Rows) -> Count {
    let layer = Layer::new(rows);
    layer.cost(inputs, layer.choose(inputs))
}

#[cfg(test)]
mod tests;
