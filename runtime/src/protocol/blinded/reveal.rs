//! The client learns the logits.
//!
//! ```text
//! server                                               client
//! 1  pack x_i + 2^a, as many as fit, re-randomise  ──▶  2 decrypt, unpack, subtract 2^a
//! ```
//!
//! # Who learns what
//!
//! The client: the logits x_i. Nothing else: the slots hold exactly x_i + 2^a, and the randomness
//! of the ciphertexts is fresh. The server: nothing.

use super::ServerContext;
use crate::error::{Error, PeerFault, Result};
use crate::message::{Deferred, Message};
use crate::paillier::{
    Ciphertexts, HolderKey, Randomisers, SecureRng, ShiftedTerm, SlotWidths, TermPlace, shifted_sum,
};
use crate::plan::Reveal;
use rug::Integer;

/// Step 1: the packed values, to be sent to the client.
pub fn pack(
    context: &ServerContext,
    reveal: &Reveal,
    values: &Ciphertexts,
    rng: &mut SecureRng,
) -> Ciphertexts {
    let one = Integer::from(1);
    let offset = Integer::from(1) << reveal.bits;
    let indices: Vec<usize> = (0..values.len()).collect();
    let mut packed = Ciphertexts::new(&context.key);
    for pack in indices.chunks(reveal.per_ciphertext(context.key.bits())) {
        let mut constant = Integer::new();
        let mut terms = Vec::with_capacity(pack.len());
        for (&index, place) in pack.iter().zip(term_places(reveal, pack.len())) {
            terms.push(ShiftedTerm { ciphertext: values.get(index), multiplier: &one, place });
            constant += Integer::from(&offset << place.shift);
        }
        packed.push(shifted_sum(&context.key, &terms, &constant, context.randomisers.draw(rng)).as_ref());
    }
    packed
}

/// The places of the terms of a pack of `values` values: what its cost depends on.
pub(super) fn term_places(reveal: &Reveal, values: usize) -> impl Iterator<Item = TermPlace> + Clone + use<> {
    let width = reveal.slot_bits();
    (0..values as u32).map(move |slot| TermPlace { multiplier_bits: 1, shift: slot * width })
}

/// Step 2; ciphertexts that decrypt to more than the plan's slots hold are noted in `faults`.
///
/// # Errors
/// None but defects of this library.
pub fn unpack(
    key: &HolderKey,
    reveal: &Reveal,
    packed: &Ciphertexts,
    faults: &mut Deferred,
) -> Result<Vec<i128>> {
    let capacity = reveal.per_ciphertext(key.public().bits());
    let slots = SlotWidths::new(&[reveal.slot_bits()]);
    let offset = 1i128 << reveal.bits;
    let mut logits = Vec::with_capacity(reveal.count);
    for plaintext in faults.decrypt(key, Message::Logits, packed) {
        let count = capacity.min(reveal.count - logits.len());
        if plaintext.significant_bits() > slots.offset(count) {
            faults.note(PeerFault::OutOfBounds("logits"));
        }
        for value in slots.unpack(&plaintext, count) {
            let value =
                value.to_i128().ok_or_else(|| Error::Bug("a slot of at most 121 bits fits 128".into()))?;
            logits.push(value - offset);
        }
    }
    Ok(logits)
}
