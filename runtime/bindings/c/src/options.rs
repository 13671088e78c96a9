//! How a server is reached, and what is asked of it.

use crate::arguments::{optional_text, text};
use crate::border::Failure;
use crate::cancellation::Cancellation;
use crate::key::Key;
use runtime::channel::tls::{Connector, Fingerprint, Identity, Trust};
use runtime::store::{Quota, Store};
use runtime::{Client, ClientBuilder, PlanId, PlanName, Token};
use std::ffi::c_char;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What `popcorn_connect` is told. Everything but the address may be zero, which is a default: begin with
/// `popcorn_options options = {.address = "host:7000"};`. It is read during the call alone, texts included.
///
/// At most one of `tls`, `ca` and `pin` says by what the server is known. Without any of them there is no TLS, and servers on other
/// machines are refused unless `plaintext` is set.
#[repr(C)]
pub struct Options {
    /// HOST:PORT.
    pub address: *const c_char,
    /// TLS; the server's certificate is of an authority that this system trusts.
    pub tls: bool,
    /// TLS; the server's certificate is of an authority in this PEM file, or stands there itself.
    pub ca: *const c_char,
    /// TLS; the server's certificate has this SHA-256 (64 hexadecimal digits), whatever its name, dates and authority.
    pub pin: *const c_char,
    /// PEM file of a certificate, for servers that ask for one.
    pub certificate: *const c_char,
    /// PEM file of its private key; both or none.
    pub certificate_key: *const c_char,
    /// Speaks to other machines without TLS: whoever is on the way can read which messages are exchanged, and change them.
    pub plaintext: bool,
    /// The client's token (64 hexadecimal digits), for servers that ask for one.
    pub token: *const c_char,
    /// The client's key; it may be freed after the call. Without one a key is made for this client alone.
    pub key: *const Key,
    /// The plan: 64 hexadecimal digits are its digest, and a server with another plan is refused; otherwise the name by which the
    /// server offers it.
    pub plan: *const c_char,
    /// A folder, made where there is none, whose prepared inferences are used before others are prepared, and which
    /// `popcorn_stock` fills; needs `key`. One process alone has it open. Never bring it back from a backup.
    pub store: *const c_char,
    /// Seconds after which a server is given up that takes longer over a message; 0: 600.
    pub timeout_seconds: f64,
    /// For so many seconds after a failure calls try again where the server could not be reached, has no place, or was lost; 0:
    /// never.
    pub retry_seconds: f64,
    /// Ends calls from another thread; it may be freed after the call.
    pub cancellation: *const Cancellation,
}

impl Options {
    /// A client that is not connected yet.
    ///
    /// # Errors
    /// Something that was given cannot be used.
    ///
    /// # Safety
    /// Texts and handles obey the header's rules.
    pub(crate) unsafe fn builder(&self) -> Result<ClientBuilder, Failure> {
        // SAFETY: the header's rules for texts and handles.
        let (address, plan, token, store, key, cancellation) = unsafe {
            (
                text(self.address, "options.address")?,
                optional_text(self.plan, "options.plan")?,
                optional_text(self.token, "options.token")?,
                optional_text(self.store, "options.store")?,
                self.key.as_ref(),
                self.cancellation.as_ref(),
            )
        };
        // SAFETY: as before.
        let connector = unsafe { self.connector() }?;
        let mut builder = Client::connect(address);
        if let Some(connector) = connector {
            builder = builder.tls(connector);
        } else if !self.plaintext {
            builder = builder.within_machine();
        }
        if let Some(plan) = plan {
            builder = named(builder, plan)?;
        }
        if let Some(token) = token {
            let token = token.trim().parse::<Token>().map_err(|why| value("options.token", why))?;
            builder = builder.token(token);
        }
        if let Some(folder) = store {
            let store = Store::open(Path::new(folder), None, Quota::DEFAULT.for_one_client())?;
            builder = builder.store(Arc::new(store));
        }
        if let Some(key) = key {
            builder = builder.key(key.0.clone());
        }
        if let Some(cancellation) = cancellation {
            builder = builder.cancelled_by(&cancellation.0);
        }
        if let Some(timeout) = seconds(self.timeout_seconds, "options.timeout_seconds")? {
            builder = builder.timeout(timeout);
        }
        let retry = seconds(self.retry_seconds, "options.retry_seconds")?;
        Ok(builder.retry(retry.unwrap_or_default()))
    }

    /// By what the server is known, and what it is shown; `None` without TLS.
    ///
    /// # Errors
    /// There is more than one way, half an identity, or a file that cannot be used.
    ///
    /// # Safety
    /// As for [`builder`](Self::builder).
    unsafe fn connector(&self) -> Result<Option<Connector>, Failure> {
        // SAFETY: the header's rules for texts.
        let (ca, pin, certificate, key) = unsafe {
            (
                optional_text(self.ca, "options.ca")?,
                optional_text(self.pin, "options.pin")?,
                optional_text(self.certificate, "options.certificate")?,
                optional_text(self.certificate_key, "options.certificate_key")?,
            )
        };
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => {
                Some(Identity { certificate: certificate.into(), key: key.into() })
            }
            (None, None) => None,
            _ => return Err(value("options.certificate", "it and its key are given together")),
        };
        let trust = match (self.tls, ca, pin) {
            (false, None, None) if identity.is_some() => {
                return Err(value("options.certificate", "it is shown with TLS alone: set tls, ca or pin"));
            }
            (false, None, None) => return Ok(None),
            (true, None, None) => Trust::System,
            (false, Some(path), None) => Trust::Authorities(path.into()),
            (false, None, Some(pin)) => {
                Trust::Pinned(pin.parse::<Fingerprint>().map_err(|why| value("options.pin", why))?)
            }
            _ => return Err(value("options", "at most one of tls, ca and pin is set")),
        };
        Ok(Some(Connector::new(&trust, identity.as_ref())?))
    }
}

/// With the plan of this digest or name.
fn named(builder: ClientBuilder, plan: &str) -> Result<ClientBuilder, Failure> {
    match (plan.parse::<PlanId>(), plan.parse::<PlanName>()) {
        (Ok(id), _) => Ok(builder.plan(id)),
        (_, Ok(name)) => Ok(builder.plan_called(name)),
        (_, Err(why)) => Err(value("options.plan", why)),
    }
}

/// A time; `None` where it is 0.
fn seconds(seconds: f64, what: &'static str) -> Result<Option<Duration>, Failure> {
    let time = Duration::try_from_secs_f64(seconds).map_err(|why| value(what, why))?;
    Ok(Some(time).filter(|time| !time.is_zero()))
}

fn value(what: &'static str, why: impl ToString) -> Failure {
    Failure::Value { what, why: why.to_string() }
}
