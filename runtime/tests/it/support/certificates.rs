//! Certificates of `popcorn certificate`.

use runtime::channel::tls::{Fingerprint, Identity, Trust};
use std::process::Command;
use tempfile::TempDir;

/// A folder of certificates.
pub(crate) struct Certificates(TempDir);

impl Certificates {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    /// One for these names, separated by commas.
    pub(crate) fn make(&self, names: &str) -> Identity {
        let made = Command::new(env!("CARGO_BIN_EXE_popcorn"))
            .current_dir(self.0.path())
            .args(["certificate", "--self-signed", names])
            .output()
            .expect("run");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let first = names.split(',').next().expect("a name");
        let file = |ending: &str| self.0.path().join(format!("{first}.{ending}"));
        let identity = Identity { certificate: file("crt"), key: file("key") };
        let printed = String::from_utf8(made.stdout).expect("text");
        let fingerprint = fingerprint(&identity).to_string();
        assert!(printed.ends_with(&format!("SHA-256 {fingerprint}\n")), "{printed}");
        identity
    }
}

pub(crate) fn fingerprint(identity: &Identity) -> Fingerprint {
    Fingerprint::of_file(&identity.certificate).expect("a certificate")
}

/// Trust in whom a certificate names, and nobody else.
pub(crate) fn authority(identity: &Identity) -> Trust {
    Trust::Authorities(identity.certificate.clone())
}
