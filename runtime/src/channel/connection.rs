//! A transport with frames, limits, deadlines and counters.

use super::allowance::Allowance;
use super::blame::blame;
use super::frame::{HEADER_BYTES, Header, SEAL_BYTES, Transcript};
use super::outbox::{Outbox, no_thread};
use super::{CancellationToken, Reader, Transport, Wake};
use crate::error::{Error, PeerFault, Result};
use std::io::Read;
use std::ops::{AddAssign, Sub};
use std::sync::Weak;
use std::time::{Duration, Instant};

/// Frames to and from one peer. Dropped without [`close`](Self::close), it gives the peer up: what is still queued
/// may be lost.
pub struct Connection {
    reader: Box<dyn Reader>,
    outbox: Outbox,
    /// How long a peer may keep us waiting over a frame, its length at the slowest rate not counted;
    /// `None` for ever.
    patience: Option<Duration>,
    /// A frame has begun of which not everything was pushed.
    sending: bool,
    /// Bytes of the last frame that was begun.
    outgoing: u64,
    /// Bytes of the frame under way that were not pulled.
    unread: u64,
    /// What was pushed, and what was pulled.
    sent: Transcript,
    received: Transcript,
    traffic: Traffic,
    cancellation: CancellationToken,
}

/// A frame that is being sent part by part.
#[must_use = "the peer waits for the whole body"]
pub struct Outgoing {
    frame: &'static str,
    left: u64,
}

/// A frame that is being received part by part.
#[must_use = "the next frame begins after the whole body"]
pub struct Incoming {
    frame: &'static str,
    allowance: Allowance,
}

/// What went over a connection; of a span of it by subtraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes sent, headers and seals included.
    pub sent: u64,
    /// Bytes received, headers and seals included.
    pub received: u64,
    /// Frames sent, one for each message.
    pub frames_sent: u64,
    /// Frames received, one for each message.
    pub frames_received: u64,
    /// Time spent waiting for the peer's frames, taking them off the wire, and for the last frame to be written.
    pub waited: Duration,
}

/// Memory for a body is taken in steps of so many bytes.
const STEP: usize = 1 << 20;

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

impl AddAssign for Traffic {
    fn add_assign(&mut self, more: Traffic) {
        self.sent += more.sent;
        self.received += more.received;
        self.frames_sent += more.frames_sent;
        self.frames_received += more.frames_received;
        self.waited += more.waited;
    }
}

impl Connection {
    /// Takes over a transport on which nothing has been sent. No call on the transport may block
    /// longer than `patience`; a peer that is slower than that, or drips bytes, is given up.
    ///
    /// # Errors
    /// The system gives no thread for sending.
    pub fn new(transport: Transport, patience: Option<Duration>) -> Result<Self> {
        let (reader, writer) = transport.split();
        let outbox = Outbox::start(writer, patience).map_err(no_thread)?;
        Ok(Self {
            reader,
            outbox,
            patience,
            sending: false,
            outgoing: 0,
            unread: 0,
            sent: Transcript::default(),
            received: Transcript::default(),
            traffic: Traffic::default(),
            cancellation: CancellationToken::new(),
        })
    }

    /// Ends when `token` is cancelled.
    pub fn cancelled_by(self, token: &CancellationToken) -> Self {
        if let Some(stream) = self.stream() {
            token.watch(stream);
        }
        Self { cancellation: token.clone(), ..self }
    }

    /// The stream, where another thread can end its reads and writes.
    pub fn stream(&self) -> Option<Weak<dyn Wake>> {
        self.reader.wake()
    }

    /// SHA-256 of the certificate (DER) that the peer showed, if it did: with TLS, a server always, a client where it is asked to.
    pub fn certificate(&self) -> Option<[u8; 32]> {
        self.reader.certificate()
    }

    /// From now on gives a peer up that takes longer than `read` over a frame that it sends, or `write` to take any of what is
    /// sent to it; of neither less than a millisecond.
    ///
    /// # Errors
    /// The system refuses.
    pub fn set_patience(&mut self, read: Duration, write: Duration) -> Result<()> {
        let [read, write] = [read, write].map(|patience| patience.max(Duration::from_millis(1)));
        self.patience = Some(read);
        let set = self.reader.set_timeouts(read, write);
        set.map_err(|error| Error::io("cannot set the socket's options", error))
    }

    /// `outcome`, unless the connection has been cancelled.
    fn unless_cancelled<T>(&self, outcome: Result<T>) -> Result<T> {
        if self.cancellation.is_cancelled() { Err(Error::Cancelled) } else { outcome }
    }

    /// What has gone over it so far; what is pushed counts as sent.
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Sends one frame. `what` names it in errors.
    ///
    /// # Errors
    /// The peer hung up or does not read, as far as that is known yet; the next call may tell.
    pub fn send(&mut self, tag: u8, what: &'static str, body: Vec<u8>) -> Result<()> {
        let mut frame = self.begin(tag, what, body.len() as u64)?;
        self.push(&mut frame, body)
    }

    /// Begins a frame of `length` bytes, when the one before is written. `what` names it in errors.
    ///
    /// # Errors
    /// The peer hung up or does not read; or not everything of the last frame was pushed.
    pub fn begin(&mut self, tag: u8, what: &'static str, length: u64) -> Result<Outgoing> {
        self.drain()?;
        let header = Header { tag, length };
        self.sent.add(&header.to_bytes());
        self.outbox.header(header, what)?;
        self.traffic.sent += HEADER_BYTES as u64;
        self.sending = true;
        self.outgoing = length.saturating_add(SEAL_BYTES as u64);
        if length == 0 {
            self.seal()?;
        }
        Ok(Outgoing { frame: what, left: length })
    }

    /// Queues the next part of the body; never waits.
    ///
    /// # Errors
    /// The peer hung up or does not read; or the part is longer than what is left of the frame.
    pub fn push(&mut self, frame: &mut Outgoing, part: Vec<u8>) -> Result<()> {
        let length = part.len() as u64;
        let left = frame.left.checked_sub(length);
        frame.left = left.ok_or_else(|| Error::Bug(format!("{} is longer than announced", frame.frame)))?;
        if length == 0 {
            return Ok(());
        }
        self.sent.add(&part);
        let queued = self.outbox.body(part);
        self.unless_cancelled(queued)?;
        self.traffic.sent += length;
        if frame.left == 0 { self.seal() } else { Ok(()) }
    }

    /// Ends the frame that is being sent.
    fn seal(&mut self) -> Result<()> {
        let queued = self.outbox.body(self.sent.seal().to_vec());
        self.unless_cancelled(queued)?;
        self.sending = false;
        self.traffic.sent += SEAL_BYTES as u64;
        self.traffic.frames_sent += 1;
        Ok(())
    }

    /// Ends the stream; the peer still receives what was sent last.
    pub fn close(self) {
        let Self { mut reader, outbox, .. } = self;
        drop(outbox);
        reader.close();
    }

    /// Waits for the next header, when everything is sent; `Ok(None)` where the peer closed the stream
    /// between two frames.
    ///
    /// # Errors
    /// The peer hung up inside the header, did not send it in time, or did not take what was sent; or not
    /// everything of the last frame was pulled.
    pub fn receive_header(&mut self, expected: &'static str) -> Result<Option<Header>> {
        self.drain()?;
        if self.unread > 0 {
            return Err(Error::Bug("a frame begins inside the one before".into()));
        }
        self.read_header(expected)
    }

    /// As [`receive_header`](Self::receive_header), but without waiting until everything is sent: for a peer that sends
    /// this frame before it reads what is on its way.
    ///
    /// # Errors
    /// As [`receive_header`](Self::receive_header), but for what was sent.
    pub fn receive_header_meanwhile(&mut self, expected: &'static str) -> Result<Option<Header>> {
        if self.sending || self.unread > 0 {
            return Err(Error::Bug("a frame begins inside the one before".into()));
        }
        // The peer may have to take what is on its way first.
        self.read_header_within(expected, self.outgoing)
    }

    /// The header after what is left of the frame under way, if the peer sent one before it ceased to take what
    /// is sent.
    ///
    /// # Errors
    /// The peer hung up inside the frame or the header, or did not send them in time.
    pub fn receive_last_header(&mut self, expected: &'static str) -> Result<Option<Header>> {
        let mut rest = Incoming { frame: expected, allowance: Allowance::new(self.patience, self.unread) };
        while self.unread > 0 {
            self.pull(&mut rest, STEP)?;
        }
        self.read_header(expected)
    }

    fn read_header(&mut self, expected: &'static str) -> Result<Option<Header>> {
        self.read_header_within(expected, 0)
    }

    /// Within the time that so many bytes take besides.
    fn read_header_within(&mut self, expected: &'static str, bytes: u64) -> Result<Option<Header>> {
        let mut allowance = Allowance::new(self.patience, bytes);
        let mut bytes = [0; HEADER_BYTES];
        let filled = self.fill(&mut bytes, expected, &mut allowance)?;
        self.traffic.received += filled as u64;
        match filled {
            0 => Ok(None),
            HEADER_BYTES => {
                self.received.add(&bytes);
                Ok(Some(Header::from_bytes(bytes)))
            }
            _ => Err(PeerFault::HungUp(expected).into()),
        }
    }

    /// The body that `header` announced, to be pulled, if `limit` allows its length.
    ///
    /// # Errors
    /// Another length; the peer hung up, or bytes were changed on the way.
    pub fn receive(&mut self, header: Header, limit: Limit, message: &'static str) -> Result<Incoming> {
        if !limit.allows(header.length) {
            return Err(
                PeerFault::WrongLength { message, expected: limit.bytes(), got: header.length }.into()
            );
        }
        self.unread = header.length;
        let mut frame = Incoming { frame: message, allowance: Allowance::new(self.patience, header.length) };
        if header.length == 0 {
            self.check_seal(&mut frame)?;
        }
        Ok(frame)
    }

    /// The next `length` bytes of a body, or what is left of it.
    ///
    /// # Errors
    /// The peer hung up or did not send them in time; at the end of the body, bytes were changed on the way.
    pub fn pull(&mut self, frame: &mut Incoming, length: usize) -> Result<Vec<u8>> {
        let length = self.unread.min(length as u64);
        let mut part = vec![0; length as usize];
        if self.fill(&mut part, frame.frame, &mut frame.allowance)? < part.len() {
            return Err(PeerFault::HungUp(frame.frame).into());
        }
        self.traffic.received += length;
        self.unread -= length;
        self.received.add(&part);
        if length > 0 && self.unread == 0 {
            self.check_seal(frame)?;
        }
        Ok(part)
    }

    /// Reads the seal of the frame whose body ends here.
    fn check_seal(&mut self, frame: &mut Incoming) -> Result<()> {
        let mut seal = [0; SEAL_BYTES];
        if self.fill(&mut seal, frame.frame, &mut frame.allowance)? < SEAL_BYTES {
            return Err(PeerFault::HungUp(frame.frame).into());
        }
        self.traffic.received += SEAL_BYTES as u64;
        self.traffic.frames_received += 1;
        if seal == self.received.seal() { Ok(()) } else { Err(PeerFault::Altered(frame.frame).into()) }
    }

    /// The whole body that `header` announced, if `limit` allows its length. Memory grows with what has
    /// arrived, not with what was announced.
    ///
    /// # Errors
    /// Another length, or the peer hung up or did not send it in time.
    pub fn receive_body(&mut self, header: Header, limit: Limit, message: &'static str) -> Result<Vec<u8>> {
        let mut frame = self.receive(header, limit, message)?;
        let mut body = Vec::new();
        while self.unread > 0 {
            body.append(&mut self.pull(&mut frame, STEP)?);
        }
        Ok(body)
    }

    /// Waits until everything that was pushed is written.
    fn drain(&mut self) -> Result<()> {
        if self.sending {
            return Err(Error::Bug("a frame ends before its body".into()));
        }
        let start = Instant::now();
        let drained = self.outbox.drain();
        self.traffic.waited += start.elapsed();
        self.unless_cancelled(drained)
    }

    /// Fills the buffer, or less where the stream ends; returns how much.
    fn fill(
        &mut self,
        buffer: &mut [u8],
        expected: &'static str,
        allowance: &mut Allowance,
    ) -> Result<usize> {
        let start = Instant::now();
        let mut filled = 0;
        let outcome = loop {
            if filled == buffer.len() {
                break Ok(filled);
            }
            match allowance.spend(|| self.reader.read(&mut buffer[filled..])) {
                Ok(0) => break Ok(filled),
                Ok(read) => filled += read,
                Err(error) => break Err(blame(error, expected)),
            }
        };
        self.traffic.waited += start.elapsed();
        self.unless_cancelled(outcome)
    }
}
