//! What a peer did wrong, to be said when nothing more is to be sent.
//!
//! Whoever ends a session where something decrypts to nonsense answers a question about what it decrypts to. So the key holder
//! goes on, with zeros, and reports after the last message.

use super::Message;
use crate::error::{PeerFault, Result};
use crate::paillier::{Ciphertexts, Decrypted, HolderKey};
use rug::Integer;

/// The first fault that was found.
#[derive(Default)]
pub struct Deferred(Option<PeerFault>);

impl Deferred {
    /// Remembers a fault, unless there was one before.
    pub fn note(&mut self, fault: PeerFault) {
        self.0.get_or_insert(fault);
    }

    /// Whether nothing was noted that is not reported yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Decrypts what came in `message`, in [0, N); what was not made under this key is 0, and noted.
    pub fn decrypt(&mut self, key: &HolderKey, message: Message, ciphertexts: &Ciphertexts) -> Vec<Integer> {
        let Decrypted { plaintexts, foreign } = key.decrypt(ciphertexts);
        if let Some(index) = foreign {
            let what = format!("ciphertext {index} was not made under the session's key");
            self.note(PeerFault::Ciphertext { message: message.name(), what });
        }
        plaintexts
    }

    /// Reports what was noted, when nothing more is to be sent.
    ///
    /// # Errors
    /// The first fault.
    pub fn report(&mut self) -> Result<()> {
        self.0.take().map_or(Ok(()), |fault| Err(fault.into()))
    }
}
