//! How the parties' bytes travel: flags of `popcorn serve` and `popcorn infer`.

use super::token;
use clap::Args;
use runtime::channel::tls::{Acceptor, Connector, Fingerprint, Identity, Trust};
use runtime::channel::{Acceptance, Way};
use runtime::error::InvalidInput;
use runtime::{Error, Result, Token};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

/// A party's own certificate.
#[derive(Args, Clone)]
pub(crate) struct IdentityArgs {
    /// This party's certificate (PEM), with those between it and its authority
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// How a server takes up connections.
#[derive(Args, Clone)]
pub(crate) struct ServerTransport {
    #[command(flatten)]
    identity: IdentityArgs,
    /// Let in only clients with a certificate of one of the authorities in this file (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Serve other machines without TLS: whoever is on the way reads which messages are exchanged, and can change them
    #[arg(long, conflicts_with = "tls_cert")]
    plaintext: bool,
}

/// How a client connects.
#[derive(Args, Clone)]
pub(crate) struct ClientTransport {
    /// Connect with TLS 1.3, to a server with a certificate of an authority that this system trusts
    #[arg(long)]
    tls: bool,
    /// The same with an authority whose certificate is in this file (PEM); a certificate that is its own authority may stand there
    #[arg(long, value_name = "FILE", conflicts_with = "pin")]
    ca: Option<PathBuf>,
    /// The same to a server with this certificate alone, whatever its name and dates: its SHA-256, as `popcorn certificate` prints it
    #[arg(long, value_name = "SHA256")]
    pin: Option<Fingerprint>,
    #[command(flatten)]
    identity: IdentityArgs,
    /// Show the server the token in this file (`popcorn token`), which whoever reads the connection learns: with TLS, or on this machine
    #[arg(long, value_name = "FILE", conflicts_with = "plaintext")]
    token_file: Option<PathBuf>,
    /// Connect to another machine without TLS
    #[arg(long, conflicts_with_all = ["tls", "ca", "pin", "tls_cert"])]
    plaintext: bool,
}

impl IdentityArgs {
    fn identity(&self) -> Option<Identity> {
        Some(Identity { certificate: self.tls_cert.clone()?, key: self.tls_key.clone()? })
    }
}

impl ServerTransport {
    /// What the server listening on `address` does.
    ///
    /// # Errors
    /// A file cannot be used, or other machines would be served without TLS and nobody said so.
    pub(crate) fn acceptance(&self, address: SocketAddr) -> Result<Acceptance> {
        match self.identity.identity() {
            Some(identity) => Ok(Acceptance::Tls(Acceptor::new(&identity, self.client_ca.as_deref())?)),
            None if self.plaintext || address.ip().is_loopback() => Ok(Acceptance::Plain),
            None => Err(plain(
                &address.to_string(),
                "give --tls-cert and --tls-key (`popcorn certificate` makes them to try it), or --plaintext",
            )),
        }
    }
}

impl ClientTransport {
    /// The way to `address` that these flags say.
    ///
    /// # Errors
    /// A file cannot be used, or another machine would be reached without TLS and nobody said so.
    pub(crate) fn way(&self, address: &str) -> Result<Way> {
        let trust = match (&self.ca, self.pin) {
            (Some(path), _) => Trust::Authorities(path.clone()),
            (None, Some(fingerprint)) => Trust::Pinned(fingerprint),
            (None, None) => Trust::System,
        };
        let identity = self.identity.identity();
        if self.tls || identity.is_some() || !matches!(trust, Trust::System) {
            return Ok(Way::Tls(address.into(), Connector::new(&trust, identity.as_ref())?));
        }
        if self.plaintext {
            return Ok(Way::Tcp(address.into()));
        }
        if is_this_machine(address) {
            return Ok(Way::WithinMachine(address.into()));
        }
        Err(plain(address, "give --tls, --ca FILE or --pin SHA256, or --plaintext"))
    }

    /// What the client shows the server.
    ///
    /// # Errors
    /// The file cannot be read, or holds no token.
    pub(crate) fn token(&self) -> Result<Option<Token>> {
        self.token_file.as_deref().map(token::read).transpose()
    }
}

/// Whether all that the name stands for is on this machine; a name that stands for nothing is reported when it is connected to.
fn is_this_machine(address: &str) -> bool {
    address.to_socket_addrs().map_or(true, |mut found| found.all(|address| address.ip().is_loopback()))
}

fn plain(address: &str, hint: &str) -> Error {
    InvalidInput::Plaintext { address: address.into(), hint: hint.into() }.into()
}
