//! A server in the background.

use crate::errors::{of_runtime, raise};
use crate::plan::Plan;
use crate::store;
use pyo3::prelude::*;
use runtime::channel::{Acceptance, tls};
use runtime::roles::server::Tokens;
use runtime::store::Quota;
use runtime::{Error, PlanName, Running};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A server that accepts clients until it is closed.
#[pyclass(frozen, module = "popcorn._native")]
pub(crate) struct Server {
    #[pyo3(get)]
    address: String,
    running: Mutex<Option<Running>>,
}

#[pymethods]
impl Server {
    /// Lets nobody else in; sessions that have begun go on to their end.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.running.lock().unwrap_or_else(PoisonError::into_inner).take()));
    }
}

/// A plan, and the name by which clients ask for it: that of its model, where none is given.
fn offer(py: Python<'_>, name: Option<&str>, plan: &Plan) -> PyResult<(PlanName, runtime::Plan)> {
    let name = match name {
        None => PlanName::like(&plan.plan.plan().name),
        Some(name) => name.parse().map_err(|what| raise(py, "InvalidInput", format!("'{name}': {what}")))?,
    };
    Ok((name, (*plan.plan).clone()))
}

/// Serves `plans` at `address`: to clients with tokens, where `tokens` has a line for each; with TLS, where `identity` has the
/// files of a certificate and of its key.
///
/// # Errors
/// The address cannot be listened on, a file cannot be used, a name or a token is none.
#[pyfunction]
#[pyo3(signature = (plans, address, identity, client_ca, max_clients, tokens, store))]
#[expect(clippy::too_many_arguments, reason = "Python calls it by their names")]
pub(crate) fn serve(
    py: Python<'_>,
    plans: Vec<(Option<String>, PyRef<'_, Plan>)>,
    address: &str,
    identity: Option<(PathBuf, PathBuf)>,
    client_ca: Option<PathBuf>,
    max_clients: usize,
    tokens: Option<&str>,
    store: Option<(PathBuf, Option<PathBuf>)>,
) -> PyResult<Server> {
    let plans = plans.iter().map(|(name, plan)| offer(py, name.as_deref(), plan)).collect::<PyResult<_>>()?;
    let tokens = tokens.map(Tokens::parse).transpose();
    let tokens = tokens.map_err(|what| raise(py, "InvalidInput", format!("tokens: {what}")))?;
    let start = || -> runtime::Result<Running> {
        let acceptance = match identity {
            None => Acceptance::Plain,
            Some((certificate, key)) => {
                let identity = tls::Identity { certificate, key };
                Acceptance::Tls(tls::Acceptor::new(&identity, client_ca.as_deref())?)
            }
        };
        let listener =
            TcpListener::bind(address).map_err(|error| Error::io(format!("listen on {address}"), error))?;
        let mut server = runtime::Server::builder_of(plans).max_clients(max_clients).acceptance(acceptance);
        if let Some(tokens) = tokens {
            server = server.tokens(tokens);
        }
        if let Some((folder, key)) = store {
            server = server.store(store::open(folder, key, Quota::DEFAULT)?);
        }
        server.build()?.start(listener)
    };
    let running = py.detach(start).map_err(|error| of_runtime(py, &error))?;
    Ok(Server { address: running.address().to_string(), running: Mutex::new(Some(running)) })
}
