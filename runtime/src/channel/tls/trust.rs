//! Whom a party trusts.

use super::certificate::{Fingerprint, certificates};
use crate::error::{Error, InvalidInput, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// By what a client knows its server.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// A certificate for the name that is connected to, of an authority that this system trusts.
    #[default]
    System,
    /// The same of an authority whose certificate is in this PEM file. A server's own certificate may stand there, if it is its
    /// own authority.
    Authorities(PathBuf),
    /// This certificate, whatever its name, dates and authority.
    Pinned(Fingerprint),
}

/// The authorities that this system trusts.
pub(super) fn of_the_system() -> Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let why = found.errors.first().map_or("there are none".into(), ToString::to_string);
        return Err(Error::io("cannot read this system's certificate authorities", io::Error::other(why)));
    }
    Ok(store)
}

/// Those in a PEM file.
pub(super) fn authorities(path: &Path) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate).map_err(|error| InvalidInput::file(path, error))?;
    }
    Ok(store)
}

/// Trusts the certificate of this fingerprint alone.
pub(super) fn pinned(fingerprint: Fingerprint) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Pin { fingerprint, provider: default_provider() })
}

#[derive(Debug)]
struct Pin {
    fingerprint: Fingerprint,
    provider: CryptoProvider,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        match Fingerprint::of(end_entity) == self.fingerprint {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
