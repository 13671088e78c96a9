//! A TLS session as a transport, which one thread reads and another writes.
//!
//! The session is one state machine under a lock; sockets are read and written outside of it, so that a write that waits for the
//! peer does not keep this party from reading what the peer sends.

use super::super::deadline::Deadline;
use super::super::tcp::{self, TcpReader};
use super::super::{Connection, Reader, Transport, Wake};
use super::Fingerprint;
use crate::error::{Error, PeerFault, Result};
use rustls::CertificateError;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

/// Bytes that are taken from a socket at once.
const READ: usize = 1 << 16;
/// Plain bytes that are encrypted at once.
const WRITE: usize = 1 << 15;

/// A session after its handshake.
struct Session {
    state: Mutex<rustls::Connection>,
    /// Held by whoever writes to the socket: records go in the order in which they were encrypted.
    writing: Mutex<()>,
    socket: Arc<TcpStream>,
}

/// Finishes the handshake of `state` within `handshake`, and frames what follows, of which no call waits longer than `timeout`.
pub(super) fn begin(
    mut state: rustls::Connection,
    stream: TcpStream,
    handshake: Duration,
    timeout: Duration,
) -> Result<Connection> {
    let mut socket = Deadline { stream: &stream, until: Instant::now() + handshake };
    while state.is_handshaking() {
        if let Err(error) = state.complete_io(&mut socket) {
            return Err(blame(error));
        }
    }
    let (reader, _) = tcp::halves(stream, timeout)?;
    let certificate = state.peer_certificates().and_then(|chain| chain.first());
    let certificate = certificate.map(|certificate| Fingerprint::of(certificate).to_bytes());
    let session = Session { state: state.into(), writing: Mutex::new(()), socket: reader.socket() };
    let session = Arc::new(session);
    let theirs = TlsReader {
        session: Arc::clone(&session),
        socket: reader,
        certificate,
        buffer: vec![0; READ],
        waiting: 0..0,
    };
    Connection::new(Transport::with_reader(theirs, TlsWriter(session)), Some(timeout))
}

/// Whose fault it is that a handshake failed.
fn blame(error: io::Error) -> Error {
    const HANDSHAKE: &str = "the TLS handshake";
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (inner, error.kind()) {
        (Some(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)), _) => {
            PeerFault::Untrusted("its certificate has another fingerprint".into()).into()
        }
        (Some(error @ rustls::Error::InvalidCertificate(_)), _) => {
            PeerFault::Untrusted(error.to_string()).into()
        }
        (Some(error), _) => PeerFault::Protocol(format!("TLS: {error}")).into(),
        (None, ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            PeerFault::Silent { expected: HANDSHAKE }.into()
        }
        (None, _) => PeerFault::HungUp(HANDSHAKE).into(),
    }
}

impl Session {
    fn state(&self) -> MutexGuard<'_, rustls::Connection> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the records that wait, by whoever holds `_writing`.
    fn flush(&self, _writing: &MutexGuard<'_, ()>) -> io::Result<()> {
        loop {
            let mut records = Vec::new();
            let mut state = self.state();
            while state.wants_write() {
                state.write_tls(&mut records)?;
            }
            drop(state);
            if records.is_empty() {
                return Ok(());
            }
            (&*self.socket).write_all(&records)?;
        }
    }

    /// Writes what the session itself has to say, unless somebody writes already, who will.
    fn answer(&self) -> io::Result<()> {
        match self.writing.try_lock() {
            Ok(writing) => self.flush(&writing),
            Err(TryLockError::Poisoned(writing)) => self.flush(&writing.into_inner()),
            Err(TryLockError::WouldBlock) => Ok(()),
        }
    }
}

/// What the peer sends. Dropping it ends both directions.
struct TlsReader {
    session: Arc<Session>,
    socket: TcpReader,
    /// SHA-256 of the peer's certificate.
    certificate: Option<[u8; 32]>,
    buffer: Vec<u8>,
    /// The part of the buffer that the session has not taken yet.
    waiting: Range<usize>,
}

impl Read for TlsReader {
    /// A stream that ends without TLS's own end was cut, which is an error.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.state().reader().read(out) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            if self.waiting.is_empty() {
                self.waiting = 0..self.socket.read(&mut self.buffer)?;
            }
            // The session takes no more than what fits beside what was not read yet.
            let mut state = self.session.state();
            self.waiting.start += state.read_tls(&mut &self.buffer[self.waiting.clone()])?;
            let processed = state.process_new_packets();
            drop(state);
            let answered = self.session.answer(); // an alert goes out before the session ends
            processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            answered?;
        }
    }
}

impl Reader for TlsReader {
    fn close(&mut self) {
        self.session.state().send_close_notify();
        // The peer may be gone.
        let _ = self.session.answer();
        self.socket.close();
    }

    fn set_timeouts(&mut self, read: Duration, write: Duration) -> io::Result<()> {
        self.socket.set_timeouts(read, write)
    }

    fn wake(&self) -> Option<Weak<dyn Wake>> {
        self.socket.wake()
    }

    fn certificate(&self) -> Option<[u8; 32]> {
        self.certificate
    }
}

struct TlsWriter(Arc<Session>);

impl Write for TlsWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.0.state().writer().write(&bytes[..bytes.len().min(WRITE)])?;
        self.0.flush(&writing)?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
