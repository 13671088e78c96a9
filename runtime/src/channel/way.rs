//! How a client reaches a server.

#[cfg(feature = "tls")]
use super::tls;
use super::{Connection, Transport, tcp};
use crate::error::{PeerFault, Result};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Where the server is, and with TLS or without. Addresses are HOST:PORT.
pub enum Way {
    /// Without TLS: anybody between the parties reads which messages they exchange, and can change them.
    Tcp(String),
    /// Without TLS, to this machine alone, whatever the name resolves to when it is connected to.
    WithinMachine(String),
    /// TLS 1.3.
    #[cfg(feature = "tls")]
    Tls(String, tls::Connector),
    /// A stream of the caller's.
    Stream(Once),
}

/// A stream that can be used once.
pub struct Once(Mutex<Option<Transport>>);

impl Once {
    /// It is used by the first connection.
    pub const fn new(stream: Transport) -> Self {
        Self(Mutex::new(Some(stream)))
    }

    fn take(&self) -> Result<Transport> {
        let stream = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(stream.ok_or(PeerFault::HungUp("a stream"))?)
    }
}

impl Way {
    /// The same with TLS; over a stream of the caller's nothing changes.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(self, connector: tls::Connector) -> Self {
        match self {
            Way::Tcp(address) | Way::WithinMachine(address) | Way::Tls(address, _) => {
                Way::Tls(address, connector)
            }
            stream @ Way::Stream(_) => stream,
        }
    }

    /// The same to this machine alone; with TLS, or over a stream of the caller's, nothing changes.
    #[must_use]
    pub fn within_machine(self) -> Self {
        match self {
            Way::Tcp(address) => Way::WithinMachine(address),
            other => other,
        }
    }

    /// Whether there can be a second connection.
    pub const fn can_repeat(&self) -> bool {
        !matches!(self, Way::Stream(_))
    }

    /// Frames to the server and from it; a server that takes longer than `timeout` over a frame is given up.
    ///
    /// # Errors
    /// The name does not resolve, nobody answers, the TLS handshake fails, or the stream has been used.
    pub fn connect(&self, timeout: Duration) -> Result<Connection> {
        match self {
            Way::Tcp(address) => tcp::connect(address, timeout),
            Way::WithinMachine(address) => tcp::connect_within_machine(address, timeout),
            #[cfg(feature = "tls")]
            Way::Tls(address, connector) => connector.connect(address, timeout),
            Way::Stream(stream) => Connection::new(stream.take()?, Some(timeout)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory;
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_stream_is_used_once_whatever_else_is_wanted() {
        let (ours, _theirs) = memory::pair();
        let way = Way::Stream(Once::new(ours)).within_machine();
        assert!(!way.can_repeat());
        way.connect(tcp::DEFAULT_TIMEOUT).unwrap();
        let second = way.connect(tcp::DEFAULT_TIMEOUT).map(drop);
        assert!(matches!(second, Err(Error::PeerMisbehaved(PeerFault::HungUp(_)))), "{second:?}");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn tls_is_never_given_up_for_less() {
        let connector =
            tls::Connector::new(&tls::Trust::Pinned("00".repeat(32).parse().unwrap()), None).unwrap();
        let address = || Way::Tcp("127.0.0.1:7000".into());
        for way in [
            address().with_tls(connector.clone()).within_machine(),
            address().within_machine().with_tls(connector),
        ] {
            assert!(matches!(way, Way::Tls(address, _) if address == "127.0.0.1:7000"));
        }
    }
}
