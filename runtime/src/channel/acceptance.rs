//! How a listener takes up what it accepts.

#[cfg(feature = "tls")]
use super::tls;
use super::{Connection, tcp};
use crate::error::Result;
use std::net::TcpStream;
use std::time::Duration;

/// With TLS or without.
#[derive(Clone, Default)]
pub enum Acceptance {
    /// Anybody between the parties reads which messages they exchange, and can change them.
    #[default]
    Plain,
    /// TLS 1.3.
    #[cfg(feature = "tls")]
    Tls(tls::Acceptor),
}

impl Acceptance {
    /// Frames over a stream that a listener accepted; a peer that takes longer than `handshake` over that of TLS, or than `timeout` over
    /// a frame, is given up.
    ///
    /// # Errors
    /// The system refuses the socket's options, or a thread; with TLS, the handshake fails.
    pub fn accept(&self, stream: TcpStream, handshake: Duration, timeout: Duration) -> Result<Connection> {
        match self {
            Acceptance::Plain => {
                let _ = handshake; // there is none
                tcp::accept(stream, timeout)
            }
            #[cfg(feature = "tls")]
            Acceptance::Tls(acceptor) => acceptor.accept(stream, handshake, timeout),
        }
    }
}
