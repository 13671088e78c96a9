//! The client answers a question: signs, and masked values times signs.
//!
//! ```text
//! server                                   client
//!    (question.rs)                  ──▶  1 decrypt, unpack (y_j, v_j)
//!                                        2 g_j = [y_j > 0]
//!    (relu.rs, sign.rs)             ◀──  3 [g_j], [g_j·v_j]   in the same order; for signs [g_j] only
//! ```
//!
//! # Who learns what
//!
//! The client: what [`super::question`] states. The server: ciphertexts. A question whose plaintext
//! does not end with its slots proves that the server does not follow the protocol; it is answered
//! all the same, from the bits that fit, so that the server cannot tell from an abort what its
//! question decrypts to. The caller reports the fault when nothing more is to be sent.

use crate::error::{Error, PeerFault, Result};
use crate::paillier::{Ciphertexts, HolderKey, SecureRng, SlotWidths};
use crate::plan::{BlindedParameters, Exchange, ExchangeKind};
use rug::Integer;

/// What goes back, and whether the question was one that the protocol allows.
pub struct Answer {
    /// Encryptions of g, or of g and g·v by turns.
    pub ciphertexts: Ciphertexts,
    /// The question decrypts to more than the plan's slots hold.
    pub fault: Option<PeerFault>,
}

/// Steps 1 to 3.
///
/// # Errors
/// None but defects of this library.
pub fn answer(
    key: &HolderKey,
    parameters: BlindedParameters,
    exchange: &Exchange,
    question: &Ciphertexts,
    rng: &mut SecureRng,
) -> Result<Answer> {
    let slots = exchange.slots(parameters);
    let masked = exchange.kind == ExchangeKind::Relu;
    let pattern = [slots.mask_bits, slots.sign_bits];
    let pattern = if masked { &pattern[..] } else { &pattern[1..] };
    let widths = SlotWidths::new(pattern);
    let capacity = exchange.per_ciphertext(parameters, key.public().bits());
    let offset = Integer::from(1) << (slots.sign_bits - 1);
    let mut replies = Vec::with_capacity(exchange.reply_ciphertexts());
    let mut fault = None;
    for (pack, plaintext) in key.decrypt(question).into_iter().enumerate() {
        let count = capacity.min(exchange.count - pack * capacity) * pattern.len();
        if plaintext.significant_bits() > widths.offset(count) {
            fault = Some(PeerFault::OutOfBounds("question"));
        }
        for pair in widths.unpack(&plaintext, count).chunks_exact(pattern.len()) {
            let positive = pair[pattern.len() - 1] > offset;
            replies.push(Integer::from(positive));
            if masked {
                replies.push(if positive { pair[0].clone() } else { Integer::new() });
            }
        }
    }
    let ciphertexts = key.encrypt(&replies, rng).map_err(|error| Error::Bug(error.to_string()))?;
    Ok(Answer { ciphertexts, fault })
}
