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
use crate::message::{Deferred, Message};
use crate::paillier::{Ciphertexts, HolderKey, SecureRng, SlotWidths};
use crate::plan::{BlindedParameters, Exchange, ExchangeKind};
use rug::Integer;

/// The client in one exchange, which it answers part by part.
pub struct Answering<'k> {
    key: &'k HolderKey,
    kind: ExchangeKind,
    /// Slots of one value.
    slots: usize,
    widths: SlotWidths,
    /// Values per ciphertext.
    capacity: usize,
    /// 2^(a+F+K), which y is offset by.
    offset: Integer,
    /// Values that are still to come.
    left: usize,
}

impl<'k> Answering<'k> {
    /// Begins to answer an exchange, of which no part has come yet.
    pub fn new(key: &'k HolderKey, parameters: BlindedParameters, exchange: &Exchange) -> Self {
        let pattern = exchange.slots(parameters).widths();
        Self {
            key,
            kind: exchange.kind,
            slots: pattern.len(),
            widths: SlotWidths::new(&pattern),
            capacity: exchange.per_ciphertext(parameters, key.public().bits()),
            offset: Integer::from(1) << (exchange.bits + exchange.scale_width(parameters)),
            left: exchange.count,
        }
    }

    /// Steps 1 to 3 for the next ciphertexts of the question; what is wrong with them is noted in `faults`.
    ///
    /// # Errors
    /// None but defects of this library.
    pub fn part(
        &mut self,
        question: &Ciphertexts,
        faults: &mut Deferred,
        rng: &mut SecureRng,
    ) -> Result<Ciphertexts> {
        let mut replies = Vec::with_capacity(question.len() * self.capacity * self.kind.replies());
        for plaintext in faults.decrypt(self.key, Message::Question, question) {
            let count = self.capacity.min(self.left);
            self.left -= count;
            if plaintext.significant_bits() > self.widths.offset(count * self.slots) {
                faults.note(PeerFault::OutOfBounds("question"));
            }
            let values = self.widths.unpack(&plaintext, count * self.slots);
            for slots in values.chunks_exact(self.slots) {
                reply(self.kind, slots, &self.offset, &mut replies);
            }
        }
        self.key.encrypt(&replies, rng).map_err(|error| Error::Bug(error.to_string()))
    }
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
