//! Calls that take long: other Python threads go on, and Ctrl-C is heard.

use pyo3::prelude::*;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How often it is looked whether somebody pressed Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(100);

/// What `work` gives, in a thread of its own.
///
/// # Errors
/// Ctrl-C (whatever Python's signal handlers raise): `cancel` is called, and what `work` gives later is dropped. The system gives
/// no thread.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    cancel: impl FnOnce(),
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (sender, mut receiver) = mpsc::sync_channel(1);
    let worker = thread::Builder::new().name("popcorn".into()).spawn(move || {
        // Nobody receives after Ctrl-C.
        let _ = sender.send(work());
    })?;
    loop {
        let (received, again) = py.detach(move || (receiver.recv_timeout(PATIENCE), receiver));
        receiver = again;
        match received {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(signal) = py.check_signals() {
                    cancel();
                    return Err(signal);
                }
            }
            Err(RecvTimeoutError::Disconnected) => match worker.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => {
                    return Err(crate::errors::raise(py, "InternalError", "a worker ended without a result"));
                }
            },
        }
    }
}
