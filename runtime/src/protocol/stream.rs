//! Messages of many ciphertexts, part by part.
//!
//! Who sends and who receives choose their parts apart; on the wire a message is one frame.

use super::message::{self, Message};
use crate::channel::{Connection, Incoming, Outgoing};
use crate::error::{PeerFault, Result};
use crate::paillier::{CiphertextError, Ciphertexts, PublicKey};

/// Parts that keep all of rayon's threads busy: `each` of them, four units of work for every thread.
pub fn part(each: usize) -> usize {
    4 * rayon::current_num_threads() * each
}

/// A message on its way out.
#[must_use = "the peer waits for all of it"]
pub struct Sending(Outgoing);

/// A message on its way in.
pub struct Receiving {
    message: Message,
    body: Incoming,
    left: usize,
    received: usize,
}

fn bytes(key: &PublicKey, count: usize) -> u64 {
    count as u64 * key.ciphertext_bytes() as u64
}

impl Sending {
    /// Begins a message of `count` ciphertexts.
    ///
    /// # Errors
    /// The peer hung up or does not read.
    pub fn begin(
        connection: &mut Connection,
        message: Message,
        key: &PublicKey,
        count: usize,
    ) -> Result<Self> {
        message::begin(connection, message, bytes(key, count)).map(Self)
    }

    /// Sends the next ciphertexts; does not wait until they are written.
    ///
    /// # Errors
    /// The peer hung up or does not read; or these are more ciphertexts than the message has.
    pub fn push(&mut self, connection: &mut Connection, key: &PublicKey, part: &Ciphertexts) -> Result<()> {
        connection.push(&mut self.0, part.to_bytes(key))
    }
}

impl Receiving {
    /// Waits for a message of `count` ciphertexts to begin.
    ///
    /// # Errors
    /// As [`message::receive`].
    pub fn begin(
        connection: &mut Connection,
        message: Message,
        key: &PublicKey,
        count: usize,
    ) -> Result<Self> {
        let begun = Self::begin_or_end(connection, message, key, count)?;
        begun.ok_or_else(|| PeerFault::HungUp(message.name()).into())
    }

    /// As [`begin`](Self::begin), for a place where the peer may end the session: then `None`.
    ///
    /// # Errors
    /// As [`begin`](Self::begin), but for the end of the stream.
    pub fn begin_or_end(
        connection: &mut Connection,
        message: Message,
        key: &PublicKey,
        count: usize,
    ) -> Result<Option<Self>> {
        let body = message::open_or_end(connection, message, bytes(key, count))?;
        Ok(body.map(|body| Self { message, body, left: count, received: 0 }))
    }

    /// As [`begin`](Self::begin), without waiting until everything is sent: for a peer that sends this message before it
    /// reads what is on its way.
    ///
    /// # Errors
    /// As [`message::receive`].
    pub fn begin_meanwhile(
        connection: &mut Connection,
        message: Message,
        key: &PublicKey,
        count: usize,
    ) -> Result<Self> {
        let body = message::open_meanwhile(connection, message, bytes(key, count))?;
        Ok(Self { message, body, left: count, received: 0 })
    }

    /// Waits for the next `count` ciphertexts, or what is left, and checks them; `None` after the last.
    ///
    /// # Errors
    /// The peer hung up, was too slow, or sent a number that is no ciphertext.
    pub fn pull(
        &mut self,
        connection: &mut Connection,
        key: &PublicKey,
        count: usize,
    ) -> Result<Option<Ciphertexts>> {
        let count = count.min(self.left);
        if count == 0 {
            return Ok(None);
        }
        let bytes = connection.pull(&mut self.body, count * key.ciphertext_bytes())?;
        let part = Ciphertexts::receive(key, &bytes, count).map_err(|error| self.fault(error))?;
        self.left -= count;
        self.received += count;
        Ok(Some(part))
    }

    fn fault(&self, error: CiphertextError) -> PeerFault {
        let what = match error {
            CiphertextError::Element { index, reason } => {
                CiphertextError::Element { index: self.received + index, reason }.to_string()
            }
            length @ CiphertextError::Length { .. } => length.to_string(),
        };
        PeerFault::Ciphertext { message: self.message.name(), what }
    }
}
