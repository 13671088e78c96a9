//! The client answers a question: signs, and masked values times signs.
//!
//! ```text
//! server                                   client
//!    (question.rs)                  ──▶  1 decrypt, unpack (y_j, v_j)
//!                                        2 g_j = [y_j > 0]
//!    (relu.rs, sign.rs, rescale.rs) ◀──  3 [g_j], [g_j·v_j] in the same order; for signs [g_j],
//!                                          for rescaling [⌊v_j ÷ 2^f⌋]
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
    /// What step 3 says, in the order of the question.
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
    let pattern = exchange.slots(parameters).widths();
    let widths = SlotWidths::new(&pattern);
    let capacity = exchange.per_ciphertext(parameters, key.public().bits());
    let offset = Integer::from(1) << (exchange.bits + exchange.scale_width(parameters));
    let mut replies = Vec::with_capacity(exchange.reply_ciphertexts());
    let mut fault = None;
    for (pack, plaintext) in key.decrypt(question).into_iter().enumerate() {
        let count = capacity.min(exchange.count - pack * capacity) * pattern.len();
        if plaintext.significant_bits() > widths.offset(count) {
            fault = Some(PeerFault::OutOfBounds("question"));
        }
        for slots in widths.unpack(&plaintext, count).chunks_exact(pattern.len()) {
            reply(exchange.kind, slots, &offset, &mut replies);
        }
    }
    let ciphertexts = key.encrypt(&replies, rng).map_err(|error| Error::Bug(error.to_string()))?;
    Ok(Answer { ciphertexts, fault })
}

/// Appends what is to be encrypted for one value, from its slots.
fn reply(kind: ExchangeKind, slots: &[Integer], offset: &Integer, replies: &mut Vec<Integer>) {
    match (kind, slots) {
        (ExchangeKind::Relu, [v, y]) => {
            let positive = y > offset;
            replies.push(Integer::from(positive));
            replies.push(if positive { v.clone() } else { Integer::new() });
        }
        (ExchangeKind::Sign, [y]) => replies.push(Integer::from(y > offset)),
        (ExchangeKind::Rescale { bits }, [v]) => replies.push(Integer::from(v >> bits)),
        _ => unreachable!("the slots of {kind:?} are those of its pattern"),
    }
}
