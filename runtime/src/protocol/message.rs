//! Every message of a session. A ciphertext is a number below N² in 2|N|/8 bytes, big-endian.

use crate::channel::frame::Header;
use crate::channel::{Connection, Incoming, Limit, Outgoing, Transport};
use crate::error::{Error, PeerFault, Result};

/// Longest reason of a refusal, in bytes.
const MAX_REASON: usize = 1 << 10;

/// The kinds of message; the frame's body is described with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Client → server: [`super::hello::Hello`], 37 bytes.
    Hello = 1,
    /// Server → client: the client view's bytes ([`crate::plan::codec::encode_view`]).
    Welcome = 2,
    /// Server → client, in place of any of its messages: why it ends the session; UTF-8, at most 1024 bytes.
    Refusal = 3,
    /// Client → server: the modulus N, |N|/8 bytes, big-endian.
    Key = 4,
    /// Client → server: Enc(x), one ciphertext per element of the input, row-major.
    Input = 5,
    /// Server → client: packed blinded values of one exchange, as many ciphertexts as [`crate::plan::Exchange::packed_ciphertexts`].
    Question = 6,
    /// Client → server: its answers, as many ciphertexts as [`crate::plan::Exchange::reply_ciphertexts`].
    Answer = 7,
    /// Server → client: packed logits, as many ciphertexts as [`crate::plan::Reveal::ciphertexts`].
    Logits = 8,
    /// Client → server, suite `shared`: prepare an inference; empty.
    Prepare = 9,
    /// Client → server: [r], the packed mask of a linear step, as many ciphertexts as [`crate::protocol::shared::linear::Packed::masks`].
    Mask = 10,
    /// Server → client: [v], as many ciphertexts as [`crate::protocol::shared::linear::Packed::products`].
    Product = 11,
    /// Client → server, suite `shared`: the image is there; empty. Flights of the online part follow.
    Infer = 12,
}

impl Message {
    const ALL: [Message; 12] = [
        Message::Hello,
        Message::Welcome,
        Message::Refusal,
        Message::Key,
        Message::Input,
        Message::Question,
        Message::Answer,
        Message::Logits,
        Message::Prepare,
        Message::Mask,
        Message::Product,
        Message::Infer,
    ];

    /// The word in errors.
    pub const fn name(self) -> &'static str {
        match self {
            Message::Hello => "hello",
            Message::Welcome => "welcome",
            Message::Refusal => "refusal",
            Message::Key => "key",
            Message::Input => "input",
            Message::Question => "question",
            Message::Answer => "answer",
            Message::Logits => "logits",
            Message::Prepare => "prepare",
            Message::Mask => "mask",
            Message::Product => "product",
            Message::Infer => "infer",
        }
    }

    const fn comes_from_server(self) -> bool {
        matches!(
            self,
            Message::Welcome | Message::Refusal | Message::Question | Message::Logits | Message::Product
        )
    }

    fn from_tag(tag: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|message| *message as u8 == tag)
    }
}

/// Sends a message.
///
/// # Errors
/// The peer hung up or does not read.
pub fn send<T: Transport>(connection: &mut Connection<T>, message: Message, body: &[u8]) -> Result<()> {
    connection.send(message as u8, message.name(), body.to_vec())
}

/// Begins a message of `length` bytes, to be pushed part by part.
///
/// # Errors
/// The peer hung up or does not read.
pub fn begin<T: Transport>(
    connection: &mut Connection<T>,
    message: Message,
    length: u64,
) -> Result<Outgoing> {
    connection.begin(message as u8, message.name(), length)
}

/// Sends a refusal, cut to the length that the peer accepts.
///
/// # Errors
/// The peer hung up or does not read.
pub fn refuse<T: Transport>(connection: &mut Connection<T>, reason: &str) -> Result<()> {
    let cut = (0..=MAX_REASON.min(reason.len())).rev().find(|&end| reason.is_char_boundary(end)).unwrap_or(0);
    send(connection, Message::Refusal, &reason.as_bytes()[..cut])
}

/// Waits for `message`, whose body `limit` allows.
///
/// # Errors
/// A refusal, another message, another length, silence, or the end of the stream.
pub fn receive<T: Transport>(
    connection: &mut Connection<T>,
    message: Message,
    limit: Limit,
) -> Result<Vec<u8>> {
    let body = receive_or_end(connection, message, limit)?;
    body.ok_or_else(|| PeerFault::HungUp(message.name()).into())
}

/// As [`receive`], for a place where the peer may end the session: then `None`.
///
/// # Errors
/// As [`receive`], but for the end of the stream.
pub fn receive_or_end<T: Transport>(
    connection: &mut Connection<T>,
    message: Message,
    limit: Limit,
) -> Result<Option<Vec<u8>>> {
    let Some(header) = expect(connection, message)? else { return Ok(None) };
    connection.receive_body(header, limit, message.name()).map(Some)
}

/// As [`open_or_end`], without waiting until everything is sent; the peer may not end the session.
///
/// # Errors
/// As [`receive`], but for what happens to the body.
pub fn open_meanwhile<T: Transport>(
    connection: &mut Connection<T>,
    message: Message,
    length: u64,
) -> Result<Incoming> {
    let header = connection.receive_header_meanwhile(message.name())?;
    let header = header.ok_or(PeerFault::HungUp(message.name()))?;
    let header = matching(connection, header, message)?;
    connection.receive(header, Limit::Exactly(length), message.name())
}

/// As [`receive_or_end`], the body of `length` bytes to be pulled part by part.
///
/// # Errors
/// As [`receive_or_end`], but for what happens to the body.
pub fn open_or_end<T: Transport>(
    connection: &mut Connection<T>,
    message: Message,
    length: u64,
) -> Result<Option<Incoming>> {
    let Some(header) = expect(connection, message)? else { return Ok(None) };
    connection.receive(header, Limit::Exactly(length), message.name()).map(Some)
}

/// Waits for one of two messages without a body; `None` where the peer ends the session instead.
///
/// # Errors
/// As [`receive_or_end`].
pub fn receive_either<T: Transport>(
    connection: &mut Connection<T>,
    [first, second]: [Message; 2],
) -> Result<Option<Message>> {
    let Some(header) = connection.receive_header(first.name())? else { return Ok(None) };
    let got = if header.tag == second as u8 { second } else { first };
    let header = matching(connection, header, got)?;
    connection.receive_body(header, Limit::Exactly(0), got.name())?;
    Ok(Some(got))
}

/// Waits for the header of `message`; `None` where the peer ends the session instead.
fn expect<T: Transport>(connection: &mut Connection<T>, message: Message) -> Result<Option<Header>> {
    let Some(header) = connection.receive_header(message.name())? else { return Ok(None) };
    matching(connection, header, message).map(Some)
}

/// The header, if it is one of `message`.
fn matching<T: Transport>(
    connection: &mut Connection<T>,
    header: Header,
    message: Message,
) -> Result<Header> {
    match Message::from_tag(header.tag) {
        Some(got) if got == message => Ok(header),
        Some(Message::Refusal) if message.comes_from_server() => Err(refusal(connection, header)?),
        got => {
            let got =
                got.map_or_else(|| format!("unknown message {}", header.tag), |got| got.name().to_owned());
            Err(PeerFault::WrongMessage { expected: message.name(), got }.into())
        }
    }
}

/// What to report of an `error` at the client: if the server hung up, the refusal that it sent before, though the
/// client was sending.
pub fn refused_or<T: Transport>(connection: &mut Connection<T>, error: Error) -> Error {
    let Error::PeerMisbehaved(PeerFault::HungUp(expected)) = error else { return error };
    match connection.receive_last_header(expected) {
        Ok(Some(header)) if header.tag == Message::Refusal as u8 => {
            refusal(connection, header).unwrap_or(error)
        }
        _ => error,
    }
}

/// The refusal that `header` announced.
fn refusal<T: Transport>(connection: &mut Connection<T>, header: Header) -> Result<Error> {
    let reason =
        connection.receive_body(header, Limit::AtMost(MAX_REASON as u64), Message::Refusal.name())?;
    Ok(Error::Refused(printable(&reason)))
}

/// A peer's text without characters that could deceive whoever reads it in a terminal: controls, and
/// the invisible ones that turn or hide text.
fn printable(text: &[u8]) -> String {
    let deceptive = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    String::from_utf8_lossy(text).chars().map(|c| if deceptive(c) { ' ' } else { c }).collect()
}
