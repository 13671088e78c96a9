//! A transport with frames, limits and counters.

use super::Transport;
use super::frame::{HEADER_BYTES, Header};
use crate::error::{Error, PeerFault, Result};
use std::io::{self, ErrorKind};
use std::ops::Sub;
use std::time::{Duration, Instant};

/// Frames to and from one peer.
pub struct Connection<T> {
    transport: T,
    traffic: Traffic,
}

/// What went over a connection; of a span of it by subtraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes sent, headers included.
    pub sent: u64,
    /// Bytes received, headers included.
    pub received: u64,
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
            waited: self.waited.saturating_sub(earlier.waited),
        }
    }
}

impl<T: Transport> Connection<T> {
    /// Takes over a transport on which nothing has been sent.
    pub fn new(transport: T) -> Self {
        Self { transport, traffic: Traffic::default() }
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
        let header = Header { tag, length: body.len() as u64 };
        let sent = self.transport.write_all(&header.to_bytes()).and_then(|()| self.transport.write_all(body));
        sent.and_then(|()| self.transport.flush()).map_err(|error| blame(error, what))?;
        self.traffic.sent += (HEADER_BYTES + body.len()) as u64;
        Ok(())
    }

    /// Ends the stream; the peer still receives what was sent last.
    pub fn close(mut self) {
        self.transport.close();
    }

    /// Waits for the next header; `Ok(None)` where the peer closed the stream between two frames.
    ///
    /// # Errors
    /// The peer hung up inside the header, or sent nothing until the transport's time limit.
    pub fn receive_header(&mut self, expected: &'static str) -> Result<Option<Header>> {
        let mut bytes = [0; HEADER_BYTES];
        let mut filled = 0;
        self.timed(|transport| {
            while filled < HEADER_BYTES {
                match transport.read(&mut bytes[filled..]) {
                    Ok(0) if filled == 0 => return Ok(()),
                    Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
        .map_err(|error| blame(error, expected))?;
        self.traffic.received += filled as u64;
        Ok((filled == HEADER_BYTES).then(|| Header::from_bytes(bytes)))
    }

    /// Reads the body that `header` announced, if `limit` allows its length.
    ///
    /// # Errors
    /// Another length, or the peer hung up or fell silent.
    pub fn receive_body(&mut self, header: Header, limit: Limit, message: &'static str) -> Result<Vec<u8>> {
        if !limit.allows(header.length) {
            return Err(
                PeerFault::WrongLength { message, expected: limit.bytes(), got: header.length }.into()
            );
        }
        let mut body = Vec::new();
        self.timed(|transport| read_in_steps(transport, header.length, &mut body))
            .map_err(|error| blame(error, message))?;
        self.traffic.received += header.length;
        Ok(body)
    }

    fn timed<R>(&mut self, receive: impl FnOnce(&mut T) -> R) -> R {
        let start = Instant::now();
        let result = receive(&mut self.transport);
        self.traffic.waited += start.elapsed();
        result
    }
}

/// Memory grows with what has arrived, not with what was announced.
fn read_in_steps(transport: &mut impl Transport, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    const STEP: u64 = 1 << 20;
    let mut left = length;
    while left > 0 {
        let step = left.min(STEP);
        let start = body.len();
        body.resize(start + step as usize, 0);
        transport.read_exact(&mut body[start..])?;
        left -= step;
    }
    Ok(())
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
