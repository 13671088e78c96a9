//! A session with a server.

use crate::errors::{of_runtime, raise};
use crate::interruptible;
use crate::key::Key;
use crate::pixels::{Answer, answer, floats};
use crate::plan::describe;
use crate::{store, token};
use pyo3::prelude::*;
use runtime::channel::{CancellationToken, tls};
use runtime::observe::{Spent, StepReport};
use runtime::store::Quota;
use runtime::{Client as Session, Error, Observer, PlanId, PlanName};
use serde_json::json;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A session; none once it is closed.
#[pyclass(frozen, module = "popcorn._native")]
pub(crate) struct Client {
    session: Arc<Mutex<Option<Session>>>,
    token: CancellationToken,
    /// What the server showed of its plan, as JSON.
    #[pyo3(get)]
    description: String,
}

impl Client {
    /// What `call` gives, in a thread of its own; Ctrl-C ends the session.
    fn with<T: Send + 'static>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&mut Session) -> runtime::Result<T> + Send + 'static,
    ) -> PyResult<T> {
        let session = Arc::clone(&self.session);
        let call = move || session.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(call);
        match interruptible::run(py, || self.token.cancel(), call)? {
            None => Err(raise(py, "SessionOver", "the client is closed")),
            Some(result) => result.map_err(|error| of_runtime(py, &error)),
        }
    }
}

#[pymethods]
impl Client {
    /// The answers for images one after the other in bytes of `f32`, and what failed then, if something did.
    fn infer_all(
        &self,
        py: Python<'_>,
        images: &[u8],
        count: usize,
    ) -> PyResult<(Vec<Answer>, Option<PyErr>)> {
        let pixels = floats(py, images)?;
        let each = pixels.len() / count.max(1);
        let (answers, outcome) = self.with(py, move |session| {
            let images: Vec<&[f32]> = pixels.chunks(each.max(1)).collect();
            let mut answers = Vec::with_capacity(count);
            let outcome = session.infer_each(&images, |prediction| answers.push(answer(&prediction)));
            Ok((answers, outcome))
        })?;
        Ok((answers, outcome.err().map(|error| of_runtime(py, &error))))
    }

    /// Prepares until so many inferences are ready, or as many as the server allows; how many are.
    fn prepare(&self, py: Python<'_>, count: usize) -> PyResult<usize> {
        self.with(py, move |session| session.prepare(count))
    }

    /// Prepares for later sessions until the store holds so many; how many it holds.
    fn stock(&self, py: Python<'_>, count: usize) -> PyResult<usize> {
        self.with(py, move |session| session.stock(count))
    }

    /// Inferences in the store.
    fn stored(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |session| Ok(session.stored()))
    }

    /// Inferences that are ready.
    fn prepared(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |session| Ok(session.prepared()))
    }

    /// Seconds and bytes so far, as JSON.
    fn spending(&self, py: Python<'_>) -> PyResult<String> {
        let told = |spent: Spent| {
            json!({
                "seconds": spent.elapsed.as_secs_f64(),
                "bytes_sent": spent.traffic.sent,
                "bytes_received": spent.traffic.received,
            })
        };
        let spent = self.with(py, |session| Ok(session.spending()))?;
        Ok(json!({ "offline": told(spent.offline), "online": told(spent.online) }).to_string())
    }

    /// Ends calls in other threads, and the session with them.
    fn cancel(&self) {
        self.token.cancel();
    }

    /// Ends the session; Ctrl-C ends it at once.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let session = Arc::clone(&self.session);
        let close = move || {
            let session = session.lock().unwrap_or_else(PoisonError::into_inner).take();
            session.map_or(Ok(()), Session::close)
        };
        interruptible::run(py, || self.token.cancel(), close)?.map_err(|error| of_runtime(py, &error))
    }
}

/// Tells a Python function how many steps of how many are done, and which was the last.
struct Progress {
    told: Py<PyAny>,
    done: usize,
    total: usize,
}

impl Progress {
    fn tell(&self, step: &str) {
        Python::attach(|py| {
            if let Err(error) = self.told.call1(py, (self.done, self.total, step)) {
                error.write_unraisable(py, None);
            }
        });
    }
}

impl Observer for Progress {
    fn begin(&mut self, total: usize) {
        (self.done, self.total) = (0, total);
        self.tell("");
    }

    fn step(&mut self, report: StepReport) {
        self.done += 1;
        self.tell(report.op);
    }
}

/// By what the server is known: nothing, the system's authorities, those in a file, or a fingerprint.
fn connector(
    trust: Option<(&str, Option<String>)>,
    identity: Option<(PathBuf, PathBuf)>,
) -> runtime::Result<Option<tls::Connector>> {
    let trust = match trust {
        None => return Ok(None),
        Some(("pin", Some(pin))) => {
            tls::Trust::Pinned(pin.parse().map_err(|error: tls::NotAFingerprint| {
                Error::from(runtime::error::InvalidInput::Name { name: pin.clone(), what: error.to_string() })
            })?)
        }
        Some((_, Some(path))) => tls::Trust::Authorities(path.into()),
        Some((_, None)) => tls::Trust::System,
    };
    let identity = identity.map(|(certificate, key)| tls::Identity { certificate, key });
    tls::Connector::new(&trust, identity.as_ref()).map(Some)
}

fn seconds(py: Python<'_>, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| raise(py, "InvalidInput", error.to_string()))
}

/// Opens a session with the server at `address`.
///
/// # Errors
/// Whatever `runtime::ClientBuilder::open` fails with.
#[pyfunction]
#[pyo3(signature = (address, key, plan, timeout, retry, trust, identity, token, store, plaintext, progress))]
#[expect(clippy::too_many_arguments, reason = "Python calls it by their names")]
pub(crate) fn connect(
    py: Python<'_>,
    address: String,
    key: Option<&Key>,
    plan: Option<&str>,
    timeout: Option<f64>,
    retry: f64,
    trust: Option<(&str, Option<String>)>,
    identity: Option<(PathBuf, PathBuf)>,
    token: Option<&str>,
    store: Option<(PathBuf, Option<PathBuf>)>,
    plaintext: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<Client> {
    let cancellation = CancellationToken::new();
    let mut builder = Session::connect(address).cancelled_by(&cancellation);
    if !plaintext {
        builder = builder.within_machine();
    }
    if let Some(token) = token {
        builder = builder.token(token::read(py, token)?);
    }
    if let Some((folder, key)) = store {
        let quota = Quota::DEFAULT.for_one_client();
        builder = builder.store(store::open(folder, key, quota).map_err(|error| of_runtime(py, &error))?);
    }
    if let Some(connector) = connector(trust, identity).map_err(|error| of_runtime(py, &error))? {
        builder = builder.tls(connector);
    }
    if let Some(key) = key {
        builder = builder.key(key.0.clone());
    }
    if let Some(plan) = plan {
        builder = match (plan.parse::<PlanId>(), plan.parse::<PlanName>()) {
            (Ok(id), _) => builder.plan(id),
            (_, Ok(name)) => builder.plan_called(name),
            (_, Err(what)) => return Err(raise(py, "InvalidInput", format!("'{plan}': {what}"))),
        };
    }
    if let Some(timeout) = timeout {
        builder = builder.timeout(seconds(py, timeout)?);
    }
    builder = builder.retry(seconds(py, retry)?);
    if let Some(told) = progress {
        builder = builder.observer(Progress { told, done: 0, total: 0 });
    }
    let session = interruptible::run(py, || cancellation.cancel(), move || builder.open())?;
    let session = session.map_err(|error| of_runtime(py, &error))?;
    let description = describe(session.plan());
    Ok(Client { session: Arc::new(Mutex::new(Some(session))), token: cancellation, description })
}
