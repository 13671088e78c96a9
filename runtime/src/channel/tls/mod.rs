//! TLS 1.3 between two machines: nobody on the way reads, changes or replays bytes, and each party knows whom it speaks to.
//!
//! The server shows a certificate, the client too where the server asks for one. A client trusts certificates that the system's
//! authorities have issued for the host that it connects to, those of other authorities ([`Trust::Authorities`]), or one
//! certificate alone ([`Trust::Pinned`]), whatever its name and its dates say.
//!
//! (TLS 1.3: RFC 8446, by the crate `rustls`; no earlier version is spoken, nothing is resumed, no data goes before the handshake is
//! finished.)
//!
//! # Who learns what
//!
//! Somebody on the way: that the two speak, when, and how many bytes, which tell the plan's messages. The name that the client
//! connects to is sent in the clear.

mod certificate;
mod stream;
mod trust;

pub use certificate::{Fingerprint, NotAFingerprint};
pub use trust::Trust;

use super::{Connection, tcp};
use crate::error::{Error, InvalidInput, Result};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a peer may take over the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A certificate, with those that lead to its authority, and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// PEM file of the certificate, and of those between it and the authority.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// What a server needs to take up connections. Copies share it.
#[derive(Clone)]
pub struct Acceptor(Arc<ServerConfig>);

/// What a client needs to connect. Copies share it.
#[derive(Clone)]
pub struct Connector(Arc<ClientConfig>);

impl Acceptor {
    /// Shows `identity`; where `clients` is a PEM file of authorities, lets in only clients with a certificate of one of these.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub fn new(identity: &Identity, clients: Option<&Path>) -> Result<Self> {
        let builder = ServerConfig::builder_with_provider(default_provider().into())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| Error::Bug(error.to_string()))?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let authorities = trust::authorities(path)?.into();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(authorities, default_provider().into());
                let verifier = verifier.build().map_err(|error| InvalidInput::file(path, error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let (chain, key) = certificate::read(identity)?;
        let config = builder.with_single_cert(chain, key);
        let mut config = config.map_err(|error| InvalidInput::file(&identity.certificate, error))?;
        config.send_tls13_tickets = 0; // sessions are long, and nothing is resumed
        Ok(Self(config.into()))
    }

    /// Frames over a stream that a listener accepted; a peer that takes longer than `timeout` over a frame is given up, one that
    /// takes longer than `handshake` over the handshake, too.
    ///
    /// # Errors
    /// The peer speaks no TLS 1.3, or is not who it should be; the system refuses the socket's options, or a thread.
    pub fn accept(&self, stream: TcpStream, handshake: Duration, timeout: Duration) -> Result<Connection> {
        let session =
            ServerConnection::new(Arc::clone(&self.0)).map_err(|error| Error::Bug(error.to_string()))?;
        stream::begin(session.into(), stream, handshake, timeout)
    }
}

impl Connector {
    /// Trusts a server as `trust` says; shows `identity` to one that asks for it.
    ///
    /// # Errors
    /// A file cannot be read or used, or the system has no authorities.
    pub fn new(trust: &Trust, identity: Option<&Identity>) -> Result<Self> {
        let builder = ClientConfig::builder_with_provider(default_provider().into())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| Error::Bug(error.to_string()))?;
        let builder = match trust {
            Trust::System => builder.with_root_certificates(trust::of_the_system()?),
            Trust::Authorities(path) => builder.with_root_certificates(trust::authorities(path)?),
            Trust::Pinned(fingerprint) => {
                builder.dangerous().with_custom_certificate_verifier(trust::pinned(*fingerprint))
            }
        };
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = certificate::read(identity)?;
                let config = builder.with_client_auth_cert(chain, key);
                config.map_err(|error| InvalidInput::file(&identity.certificate, error))?
            }
        };
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self(config.into()))
    }

    /// A framed connection to `address` (HOST:PORT). Every address that the name resolves to is tried.
    ///
    /// # Errors
    /// The name does not resolve, nobody answers, the peer speaks no TLS 1.3, or is not who it should be.
    pub fn connect(&self, address: &str, timeout: Duration) -> Result<Connection> {
        let stream = tcp::dial(address, |_| true)?;
        let name = ServerName::try_from(host(address).to_owned())
            .map_err(|error| InvalidInput::Name { name: host(address).into(), what: error.to_string() })?;
        let session = ClientConnection::new(Arc::clone(&self.0), name)
            .map_err(|error| Error::Bug(error.to_string()))?;
        stream::begin(session.into(), stream, HANDSHAKE_TIMEOUT.min(timeout), timeout)
    }
}

/// The host of HOST:PORT, of an IPv6 address without its brackets.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_what_stands_before_ports() {
        let hosts = ["example.com:7000", "[::1]:7000", "127.0.0.1:1", "::1"].map(host);
        assert_eq!(hosts, ["example.com", "::1", "127.0.0.1", ":"]);
    }
}
