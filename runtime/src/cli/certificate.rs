//! `popcorn certificate`: a certificate to try TLS with.

use super::output;
use clap::Args;
use rcgen::{CertificateParams, KeyPair};
use runtime::channel::tls::Fingerprint;
use runtime::error::InvalidInput;
use runtime::files::write_private;
use runtime::{Error, Result};
use std::path::PathBuf;

/// Make a certificate that is its own authority, and its key, for `popcorn serve --tls-cert`
///
/// Writes NAME.crt and NAME.key, the key readable to its owner alone, and prints the certificate's fingerprint, by which clients know the
/// server (`popcorn infer --pin`); clients that have NAME.crt may give it as `--ca`. For a service, use certificates of an authority.
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn certificate --self-signed localhost
  popcorn certificate --self-signed inference.example.com,10.0.0.7 --out secrets/
  popcorn serve model.plan --listen 0.0.0.0:7000 --tls-cert localhost.crt --tls-key localhost.key
  popcorn infer --connect localhost:7000 --pin FINGERPRINT --input digit.png")]
pub(crate) struct Certificate {
    /// Names and addresses of the machine, by commas; files are named by the first
    #[arg(long, value_name = "NAME,..", required = true, value_delimiter = ',')]
    self_signed: Vec<String>,
    /// Where to write
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl Certificate {
    pub(crate) fn run(self) -> Result<()> {
        let name = &self.self_signed[0];
        let unusable = |error: rcgen::Error| {
            Error::from(InvalidInput::Name { name: name.clone(), what: error.to_string() })
        };
        let parameters = CertificateParams::new(self.self_signed.clone()).map_err(unusable)?;
        let key = KeyPair::generate().map_err(unusable)?;
        let certificate = parameters.self_signed(&key).map_err(unusable)?;
        let file = |ending: &str| self.out.join(format!("{}.{ending}", name.replace(['*', ':', '/'], "_")));
        let [certificates, keys] = [file("crt"), file("key")];
        write_private(&keys, key.serialize_pem().as_bytes())?;
        write_private(&certificates, certificate.pem().as_bytes())?;
        let fingerprint = Fingerprint::of(certificate.der());
        output::print(&format!("{}\n{}\nSHA-256 {fingerprint}\n", certificates.display(), keys.display()))
    }
}
