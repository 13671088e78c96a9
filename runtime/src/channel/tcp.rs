//! Two machines.

use super::{Connection, Reader, Transport, Wake};
use crate::error::{Error, Result};
use std::io::{self, Read};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long a peer may take over a frame, unless the caller says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// How long a connection attempt may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a stream that is being closed is drained.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the peer sends. Dropping it ends both directions, so that nobody waits for a peer that is given up.
pub(super) struct TcpReader(Arc<TcpStream>);

impl TcpReader {
    /// The stream, for whoever else uses it.
    #[cfg(feature = "tls")]
    pub(super) fn socket(&self) -> Arc<TcpStream> {
        Arc::clone(&self.0)
    }
}

impl Wake for TcpStream {
    fn wake(&self) {
        // The stream may have ended.
        let _ = self.shutdown(Shutdown::Both);
    }

    fn stop_reading(&self) {
        let _ = self.shutdown(Shutdown::Read);
    }
}

impl Read for TcpReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Drop for TcpReader {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// The two directions of `stream`, on which no call waits longer than `timeout`.
fn transport(stream: TcpStream, timeout: Duration) -> Result<Transport> {
    let (reader, writer) = halves(stream, timeout)?;
    Ok(Transport::with_reader(reader, writer))
}

/// The same, before they are boxed.
pub(super) fn halves(stream: TcpStream, timeout: Duration) -> Result<(TcpReader, TcpStream)> {
    let configured = stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(timeout)))
        .and_then(|()| stream.set_write_timeout(Some(timeout)))
        .and_then(|()| stream.try_clone());
    let writer = configured.map_err(|error| Error::io("cannot set the socket's options", error))?;
    Ok((TcpReader(stream.into()), writer))
}

impl Reader for TcpReader {
    /// A socket closed with unread bytes resets the connection, and the peer would lose our last
    /// message; so what it still sends is read and dropped, for a while.
    fn close(&mut self) {
        let mut stream = &*self.0;
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        let ready =
            stream.shutdown(Shutdown::Write).and_then(|()| stream.set_read_timeout(Some(CLOSE_TIMEOUT)));
        let mut sink = [0; 1 << 14];
        while ready.is_ok() && Instant::now() < deadline && matches!(stream.read(&mut sink), Ok(1..)) {}
    }

    fn set_timeouts(&mut self, read: Duration, write: Duration) -> io::Result<()> {
        self.0.set_read_timeout(Some(read)).and_then(|()| self.0.set_write_timeout(Some(write)))
    }

    fn wake(&self) -> Option<Weak<dyn Wake>> {
        Some(Arc::<TcpStream>::downgrade(&self.0))
    }
}

/// A framed connection to `address` (HOST:PORT). Every address that the name resolves to is tried.
///
/// # Errors
/// The name does not resolve, or nobody answers.
pub fn connect(address: &str, timeout: Duration) -> Result<Connection> {
    accept(dial(address, |_| true)?, timeout)
}

/// The same to this machine alone: addresses of others are not tried, whatever the name resolves to at this moment.
///
/// # Errors
/// As [`connect`]; the name has no address of this machine.
pub fn connect_within_machine(address: &str, timeout: Duration) -> Result<Connection> {
    accept(dial(address, |candidate| candidate.ip().to_canonical().is_loopback())?, timeout)
}

/// A stream to one of the addresses of `address` that are `allowed`.
pub(super) fn dial(address: &str, allowed: impl Fn(&SocketAddr) -> bool) -> Result<TcpStream> {
    let failed = |error| Error::io(format!("cannot connect to {address} (HOST:PORT)"), error);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address that may be used");
    for candidate in address.to_socket_addrs().map_err(failed)?.filter(allowed) {
        match TcpStream::connect_timeout(&candidate, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// Both ends of a connection within this machine.
///
/// # Errors
/// The system has no port or socket to give.
pub fn loopback(timeout: Duration) -> Result<(Connection, Connection)> {
    let (connected, accepted) = pair(timeout)?;
    Ok((Connection::new(connected, Some(timeout))?, Connection::new(accepted, Some(timeout))?))
}

/// Both ends of a stream within this machine, on which no call waits longer than `timeout`.
///
/// # Errors
/// The system has no port or socket to give.
pub fn pair(timeout: Duration) -> Result<(Transport, Transport)> {
    let failed = |error| Error::io("cannot connect within this machine", error);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    let connected = TcpStream::connect(listener.local_addr().map_err(failed)?).map_err(failed)?;
    let (accepted, _) = listener.accept().map_err(failed)?;
    Ok((transport(connected, timeout)?, transport(accepted, timeout)?))
}

/// Frames over a stream that a listener accepted; a peer that takes longer than `timeout` over a frame is given up.
///
/// # Errors
/// The system refuses the socket's options, or a thread.
pub fn accept(stream: TcpStream, timeout: Duration) -> Result<Connection> {
    Connection::new(transport(stream, timeout)?, Some(timeout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn giving_a_peer_up_that_does_not_read_takes_no_time() {
        const PATIENCE: Duration = Duration::from_secs(10);
        let (mut ours, theirs) = loopback(PATIENCE).unwrap();
        ours.send(1, "flood", vec![0; 64 << 20]).unwrap();
        let start = Instant::now();
        drop(ours);
        assert!(start.elapsed() < PATIENCE / 2);
        drop(theirs);
    }
}
