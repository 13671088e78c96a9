//! A transport with frames, limits, deadlines and counters.

use super::Transport;
use super::frame::{HEADER_BYTES, Header};
use crate::error::{Error, PeerFault, Result};
use std::io::{self, ErrorKind};
use std::ops::Sub;
use std::time::{Duration, Instant};

/// Bytes a second that a peer must send or take at least, beside its patience, for a frame to arrive in time.
const SLOWEST_RATE: u64 = 16 << 10;

/// Frames to and from one peer.
pub struct Connection<T> {
    transport: T,
    /// How long a peer may take for a frame, its length at [`SLOWEST_RATE`] not counted; `None` for ever.
    patience: Option<Duration>,
    traffic: Traffic,
}

/// What went over a connection; of a span of it by subtraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes sent, headers included.
    pub sent: u64,
    /// Bytes received, headers included.
    pub received: u64,
    /// Frames sent.
    pub frames_sent: u64,
    /// Frames received.
    pub frames_received: u64,
    /// Time spent waiting for the peer's frames and taking them off the wire.
    pub waited: Duration,
}

/// How long a body may be.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// The protocol knows the length.
    Exactly(u64),
    /// The protocol knows a bound.
    AtMost(u64),
}

impl Limit {
    fn allows(self, length: u64) -> bool {
        match self {
            Limit::Exactly(expected) => length == expected,
            Limit::AtMost(most) => length <= most,
        }
    }

    const fn bytes(self) -> u64 {
        let (Limit::Exactly(bytes) | Limit::AtMost(bytes)) = self;
        bytes
    }
}

impl Sub for Traffic {
    type Output = Traffic;

    fn sub(self, earlier: Traffic) -> Traffic {
        Traffic {
            sent: self.sent - earlier.sent,
            received: self.received - earlier.received,
            frames_sent: self.frames_sent - earlier.frames_sent,
            frames_received: self.frames_received - earlier.frames_received,
            waited: self.waited.saturating_sub(earlier.waited),
        }
    }
}

impl<T: Transport> Connection<T> {
    /// Takes over a transport on which nothing has been sent. No call on the transport may block
    /// longer than `patience`; a peer that is slower than that, or drips bytes, is given up.
    pub fn new(transport: T, patience: Option<Duration>) -> Self {
        Self { transport, patience, traffic: Traffic::default() }
    }

    /// What has gone over it so far.
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The stream itself; what goes over it directly is not counted.
    pub const fn transport(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Sends one frame. `what` names it in errors.
    ///
    /// # Errors
    /// The peer hung up or does not read.
    pub fn send(&mut self, tag: u8, what: &'static str, body: &[u8]) -> Result<()> {
        let header = Header { tag, length: body.len() as u64 }.to_bytes();
        let deadline = Deadline::new(self.patience, body.len() as u64);
        let sent = deadline.write(&mut self.transport, &header);
        let sent = sent.and_then(|()| deadline.write(&mut self.transport, body));
        sent.and_then(|()| self.transport.flush()).map_err(|error| blame(error, what))?;
        self.traffic.sent += (HEADER_BYTES + body.len()) as u64;
        self.traffic.frames_sent += 1;
        Ok(())
    }

    /// Ends the stream; the peer still receives what was sent last.
    pub fn close(mut self) {
        self.transport.close();
    }

    /// Waits for the next header; `Ok(None)` where the peer closed the stream between two frames.
    ///
    /// # Errors
    /// The peer hung up inside the header, or did not send it in time.
    pub fn receive_header(&mut self, expected: &'static str) -> Result<Option<Header>> {
        let mut bytes = [0; HEADER_BYTES];
        let deadline = Deadline::new(self.patience, 0);
        let received = self.timed(|transport| deadline.read(transport, &mut bytes));
        let filled = received.map_err(|error| blame(error, expected))?;
        self.traffic.received += filled as u64;
        match filled {
            0 => Ok(None),
            HEADER_BYTES => Ok(Some(Header::from_bytes(bytes))),
            _ => Err(PeerFault::HungUp(expected).into()),
        }
    }

    /// Reads the body that `header` announced, if `limit` allows its length. Memory grows with what
    /// has arrived, not with what was announced.
    ///
    /// # Errors
    /// Another length, or the peer hung up or did not send it in time.
    pub fn receive_body(&mut self, header: Header, limit: Limit, message: &'static str) -> Result<Vec<u8>> {
        const STEP: u64 = 1 << 20;
        if !limit.allows(header.length) {
            return Err(
                PeerFault::WrongLength { message, expected: limit.bytes(), got: header.length }.into()
            );
        }
        let deadline = Deadline::new(self.patience, header.length);
        let mut body = Vec::new();
        while (body.len() as u64) < header.length {
            let start = body.len();
            let step = STEP.min(header.length - start as u64) as usize;
            body.resize(start + step, 0);
            let received = self.timed(|transport| deadline.read(transport, &mut body[start..]));
            if received.map_err(|error| blame(error, message))? < step {
                return Err(PeerFault::HungUp(message).into());
            }
        }
        self.traffic.received += header.length;
        self.traffic.frames_received += 1;
        Ok(body)
    }

    fn timed<R>(&mut self, receive: impl FnOnce(&mut T) -> R) -> R {
        let start = Instant::now();
        let result = receive(&mut self.transport);
        self.traffic.waited += start.elapsed();
        result
    }
}

/// When a frame must be over.
struct Deadline(Option<Instant>);

impl Deadline {
    fn new(patience: Option<Duration>, length: u64) -> Self {
        Self(patience.map(|patience| Instant::now() + patience + Duration::from_secs(length / SLOWEST_RATE)))
    }

    fn check(&self) -> io::Result<()> {
        match self.0 {
            Some(deadline) if Instant::now() > deadline => Err(ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }

    /// Fills the buffer, or less where the stream ends; returns how much.
    fn read(&self, transport: &mut impl Transport, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match transport.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            self.check()?;
        }
        Ok(filled)
    }

    fn write(&self, transport: &mut impl Transport, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match transport.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            self.check()?;
        }
        Ok(())
    }
}

/// A broken stream is the peer's doing, anything else the system's.
fn blame(error: io::Error, expected: &'static str) -> Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => PeerFault::Silent { expected }.into(),
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::WriteZero => PeerFault::HungUp(expected).into(),
        _ => Error::io(format!("exchange {expected}"), error),
    }
}
