//! What a client of suite `shared` may ask for.

use crate::channel::{Connection, Limit};
use crate::error::Result;
use crate::protocol::message::{self, Message};
use crate::protocol::shared::keeping::{self, Preparation, names_from_bytes};
use crate::store::Name;

/// The messages, and how long they are.
const PREPARE: (Message, Limit) = (Message::Prepare, Limit::AtMost(Preparation::MOST_BYTES));
const OTHERS: [(Message, Limit); 3] = [
    (Message::Infer, Limit::Exactly(1)),
    (Message::Keep, Limit::Exactly(1)),
    (Message::Take, Limit::AtMost(keeping::MOST_BYTES)),
];

/// What a client asks for.
pub(super) enum Request {
    /// Inferences, to be prepared together.
    Prepare(Preparation),
    /// Answers for so many images.
    Infer(usize),
    /// Room for so many prepared inferences, the oldest, in the server's store.
    Keep(usize),
    /// What is in the store under these names.
    Take(Vec<Name>),
}

impl Request {
    /// Waits for the next one; `None` at the end of the stream.
    pub(super) fn receive(connection: &mut Connection) -> Result<Option<Self>> {
        let Some((message, body)) = message::receive_any(connection, PREPARE, &OTHERS)? else {
            return Ok(None);
        };
        let count = body.first().copied().unwrap_or(0).into();
        Ok(Some(match message {
            Message::Infer => Request::Infer(count),
            Message::Keep => Request::Keep(count),
            Message::Take => Request::Take(names_from_bytes(&body)?),
            _ => Request::Prepare(Preparation::from_bytes(&body)?),
        }))
    }
}
