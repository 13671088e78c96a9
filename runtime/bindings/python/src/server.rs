//! A server in the background.

use crate::errors::of_runtime;
use crate::plan::Plan;
use pyo3::prelude::*;
use runtime::channel::{Acceptance, tls};
use runtime::{Error, Running};
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

/// Serves `plan` at `address`, with TLS where `identity` has the files of a certificate and of its key.
///
/// # Errors
/// The address cannot be listened on, a file cannot be used.
#[pyfunction]
pub(crate) fn serve(
    py: Python<'_>,
    plan: &Plan,
    address: &str,
    identity: Option<(PathBuf, PathBuf)>,
    client_ca: Option<PathBuf>,
    max_clients: usize,
) -> PyResult<Server> {
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
        let server = runtime::Server::builder((*plan.plan).clone()).max_clients(max_clients);
        server.acceptance(acceptance).build()?.start(listener)
    };
    let running = py.detach(start).map_err(|error| of_runtime(py, &error))?;
    Ok(Server { address: running.address().to_string(), running: Mutex::new(Some(running)) })
}
