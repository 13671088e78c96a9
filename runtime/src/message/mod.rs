//! Every message of a session. A ciphertext is a number below N² in 2|N|/8 bytes, big-endian. `WIRE.md` beside this file has all of
//! them byte by byte, in order, with test vectors.
//!
//! The server may send a refusal in place of any of its messages: whoever waits for one at the client receives it.

use crate::channel::frame::Header;
use crate::channel::{Connection, Incoming, Limit, Outgoing};
use crate::error::{Error, PeerFault, Result};
use crate::plan::is_deceptive;
use std::borrow::Cow;

mod deferred;
mod table;

pub use deferred::Deferred;
pub use table::Message;

/// Longest reason, in bytes.
pub const MAX_REASON: usize = 1 << 10;

/// A reason that ends so does not last: the same client may be let in later.
pub const TRY_LATER: &str = "try again later";
/// A reason that ends so concerns this server alone: another behind the same address may serve the client.
pub const TRY_ANOTHER: &str = "try another";
/// A reason that ends so concerns this session alone.
pub const OPEN_ANOTHER: &str = "open another";
/// How reasons end after which a client may come again.
pub const COME_AGAIN: [&str; 3] = [TRY_LATER, TRY_ANOTHER, OPEN_ANOTHER];

/// One of the two parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Holds the Paillier key; begins.
    Client,
    /// Holds the weights; answers.
    Server,
}

impl Role {
    /// The other party.
    pub const fn peer(self) -> Self {
        match self {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        }
    }
}

/// Sends a message.
///
/// # Errors
/// The peer hung up or does not read.
pub fn send<'b>(connection: &mut Connection, message: Message, body: impl Into<Cow<'b, [u8]>>) -> Result<()> {
    connection.send(message as u8, message.name(), body.into().into_owned())
}

/// Begins a message of `length` bytes, to be pushed part by part.
///
/// # Errors
/// The peer hung up or does not read.
pub fn begin(connection: &mut Connection, message: Message, length: u64) -> Result<Outgoing> {
    connection.begin(message as u8, message.name(), length)
}

/// Sends a refusal, cut to the length that the peer accepts.
///
/// # Errors
/// The peer hung up or does not read.
pub fn refuse(connection: &mut Connection, reason: &str) -> Result<()> {
    send(connection, Message::Refusal, reason_bytes(reason))
}

/// The beginning of a reason that is as long as peers accept.
pub fn reason_bytes(reason: &str) -> &[u8] {
    &reason.as_bytes()[..reason.floor_char_boundary(MAX_REASON)]
}

/// Waits for `message`, whose body `limit` allows.
///
/// # Errors
/// A refusal, another message, another length, silence, or the end of the stream.
pub fn receive(connection: &mut Connection, message: Message, limit: Limit) -> Result<Vec<u8>> {
    receive_at(connection, message.listener(), message, limit)
}

/// As [`receive`], for a message that goes both ways: at one of the parties.
///
/// # Errors
/// As [`receive`].
pub fn receive_at(
    connection: &mut Connection,
    listener: Role,
    message: Message,
    limit: Limit,
) -> Result<Vec<u8>> {
    let header = expect(connection, listener, message)?.ok_or(PeerFault::HungUp(message.name()))?;
    connection.receive_body(header, limit, message.name())
}

/// As [`receive`], for a place where the peer may end the session: then `None`. The body of `length` bytes is to be
/// pulled part by part.
///
/// # Errors
/// As [`receive`], but for the end of the stream and what happens to the body.
pub fn open_or_end(connection: &mut Connection, message: Message, length: u64) -> Result<Option<Incoming>> {
    let Some(header) = expect(connection, message.listener(), message)? else { return Ok(None) };
    connection.receive(header, Limit::Exactly(length), message.name()).map(Some)
}

/// As [`open_or_end`], without waiting until everything is sent; the peer may not end the session.
///
/// # Errors
/// As [`receive`], but for what happens to the body.
pub fn open_meanwhile(connection: &mut Connection, message: Message, length: u64) -> Result<Incoming> {
    let header = connection.receive_header_meanwhile(message.name())?;
    let header = header.ok_or(PeerFault::HungUp(message.name()))?;
    let header = matching(connection, message.listener(), header, message)?;
    connection.receive(header, Limit::Exactly(length), message.name())
}

/// Waits for one of several messages, each with what its body may be; `None` where the peer ends the session instead.
/// Errors name the first as expected.
///
/// # Errors
/// As [`receive`], but for the end of the stream.
pub fn receive_any(
    connection: &mut Connection,
    first: (Message, Limit),
    others: &[(Message, Limit)],
) -> Result<Option<(Message, Vec<u8>)>> {
    let Some(header) = connection.receive_header(first.0.name())? else { return Ok(None) };
    let got = others.iter().find(|(message, _)| header.tag == *message as u8);
    let &(message, limit) = got.unwrap_or(&first);
    let header = matching(connection, message.listener(), header, message)?;
    connection.receive_body(header, limit, message.name()).map(|body| Some((message, body)))
}

/// Sends the server a message whose body is a number of inferences, at most 255.
///
/// # Errors
/// The server refused before, hung up or does not read.
pub fn send_count(connection: &mut Connection, message: Message, inferences: usize) -> Result<()> {
    send(connection, message, &count(inferences)?).map_err(|error| refused_or(connection, error))
}

/// The body of a message that is a number of inferences.
///
/// # Errors
/// There are more than 255: a defect of the caller.
pub fn count(inferences: usize) -> Result<[u8; 1]> {
    let count = u8::try_from(inferences);
    count.map(|count| [count]).map_err(|_| Error::Bug(format!("{inferences} inferences at once")))
}

/// Asks the server, and waits for its `answer`.
///
/// # Errors
/// The refusal that the server sent before, if it ended the session; else as [`send`] and [`receive`].
pub fn ask<'b>(
    connection: &mut Connection,
    request: Message,
    body: impl Into<Cow<'b, [u8]>>,
    (answer, limit): (Message, Limit),
) -> Result<Vec<u8>> {
    let sent = send(connection, request, body);
    let answered = sent.and_then(|()| receive(connection, answer, limit));
    answered.map_err(|error| refused_or(connection, error))
}

/// Waits for the header of `message`; `None` where the peer ends the session instead.
fn expect(connection: &mut Connection, listener: Role, message: Message) -> Result<Option<Header>> {
    let Some(header) = connection.receive_header(message.name())? else { return Ok(None) };
    matching(connection, listener, header, message).map(Some)
}

/// The header, if it is one of `message`.
fn matching(connection: &mut Connection, listener: Role, header: Header, message: Message) -> Result<Header> {
    match Message::from_tag(header.tag) {
        Some(got) if got == message => Ok(header),
        Some(Message::Refusal) if listener == Role::Client => Err(refusal(connection, header)?),
        got => {
            let got =
                got.map_or_else(|| format!("unknown message {}", header.tag), |got| got.name().to_owned());
            Err(PeerFault::WrongMessage { expected: message.name(), got }.into())
        }
    }
}

/// What to report of an `error` at the client: if the server hung up, the refusal that it sent before, though the
/// client was sending.
pub fn refused_or(connection: &mut Connection, error: Error) -> Error {
    let Error::PeerMisbehaved(PeerFault::HungUp(expected)) = error else { return error };
    match connection.receive_last_header(expected) {
        Ok(Some(header)) if header.tag == Message::Refusal as u8 => {
            refusal(connection, header).unwrap_or(error)
        }
        _ => error,
    }
}

/// The refusal that `header` announced.
fn refusal(connection: &mut Connection, header: Header) -> Result<Error> {
    let reason =
        connection.receive_body(header, Limit::AtMost(MAX_REASON as u64), Message::Refusal.name())?;
    Ok(Error::Refused(printable(&reason)))
}

/// A peer's text without characters that could deceive whoever reads it in a terminal: controls, and
/// the invisible ones that turn or hide text.
pub fn printable(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().map(|c| if is_deceptive(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
