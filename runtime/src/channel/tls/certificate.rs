//! Certificates and private keys in files.

use super::Identity;
use crate::error::{InvalidInput, Result};
use crate::plan::{Hexadecimal, from_hexadecimal};
use ring::digest::{SHA256, digest};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// SHA-256 of a certificate (DER), by which a client may know it: 64 hexadecimal digits, colons between them where one likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// Text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is the SHA-256 of a certificate: 64 hexadecimal digits")]
pub struct NotAFingerprint;

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Self(bytes)
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Of the first certificate in a PEM file.
    ///
    /// # Errors
    /// The file cannot be read or holds none.
    pub fn of_file(path: &Path) -> Result<Self> {
        let certificate =
            CertificateDer::from_pem_file(path).map_err(|error| InvalidInput::file(path, error))?;
        Ok(Self::of(&certificate))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hexadecimal(&self.0).fmt(f)
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> std::result::Result<Self, NotAFingerprint> {
        from_hexadecimal(&text.replace(':', "")).map(Self).ok_or(NotAFingerprint)
    }
}

/// The certificates and the key of `identity`.
pub(super) fn read(identity: &Identity) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let key = PrivateKeyDer::from_pem_file(&identity.key)
        .map_err(|error| InvalidInput::file(&identity.key, error))?;
    Ok((certificates(&identity.certificate)?, key))
}

/// All certificates in a PEM file, at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_file_iter(path).map_err(|error| InvalidInput::file(path, error))?;
    let found: Vec<_> =
        found.collect::<std::result::Result<_, _>>().map_err(|error| InvalidInput::file(path, error))?;
    if found.is_empty() { Err(InvalidInput::file(path, "it holds no certificate").into()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_they_are_written() {
        let fingerprint = Fingerprint::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(fingerprint.to_string(), text);
        let colons: Vec<String> =
            text.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect();
        assert_eq!([text.parse(), colons.join(":").parse()], [Ok(fingerprint), Ok(fingerprint)]);
        for wrong in ["", "abc", &text[1..], &format!("{text}00"), &text.replace('b', "g")] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(NotAFingerprint));
        }
    }
}
