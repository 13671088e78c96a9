//! What tells operators how a server stands, over HTTP: `/healthz`, `/readyz`, `/metrics`.
//!
//! ```
//! use runtime::{Plan, Server, admin};
//! use std::{net::TcpListener, path::Path};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let metrics = admin::Metrics::default();
//! let plan = Plan::read(Path::new("../testdata/mnist-mlp.plan"))?;
//! let server = Server::builder(plan).observer(metrics.clone()).build()?;
//! let running = server.start(TcpListener::bind("127.0.0.1:0")?)?;
//! admin::serve(TcpListener::bind("127.0.0.1:0")?, metrics, running.watcher())?;
//! # Ok(())
//! # }
//! ```
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 as long as the process lives |
//! | `/readyz` | 200 where a further client would be served; 503 where all places are taken, or the server ends |
//! | `/metrics` | Prometheus's text format |
//!
//! Whoever reaches the address reads these, without a password: how many clients there are, and what they take; not who they are.
//! At most four connections are answered at a time, each for two seconds at most; who comes meanwhile waits.

mod http;
mod metrics;
mod registration;

pub use metrics::{Metrics, Stock};

use crate::error::{Error, Result};
use crate::roles::hall::Standing;
use http::Answer;
use prometheus_client::encoding::prometheus_text;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Connections that are answered at the same time.
const THREADS: usize = 4;

/// Answers on `listener` in the background, until the process ends. `standing` is how the server stands, and `metrics` one of its
/// observers.
///
/// # Errors
/// The system gives no thread.
pub fn serve(
    listener: TcpListener,
    metrics: Metrics,
    standing: impl Fn() -> Standing + Send + Sync + 'static,
) -> Result<()> {
    let shared = Arc::new((listener, metrics, standing));
    for _ in 0..THREADS {
        let shared = Arc::clone(&shared);
        let answering = thread::Builder::new().spawn(move || {
            let (listener, metrics, standing) = &*shared;
            loop {
                match listener.accept() {
                    // Who asked and vanished misses the answer.
                    Ok((stream, _)) => drop(http::serve(&stream, |path| answer(path, metrics, &standing()))),
                    Err(_) => thread::sleep(Duration::from_millis(100)), // out of sockets, say: do not spin
                }
            }
        });
        answering.map_err(|error| Error::io("cannot start a thread", error))?;
    }
    Ok(())
}

fn answer(path: &str, metrics: &Metrics, standing: &Standing) -> Answer {
    match path {
        "/healthz" => Answer::line(200, "alive"),
        "/readyz" if standing.is_ready() => Answer::line(200, "ready"),
        "/readyz" if standing.is_closed => Answer::line(503, "ending"),
        "/readyz" => Answer::line(503, "all places are taken"),
        "/metrics" => {
            Answer { status: 200, kind: prometheus_text::CONTENT_TYPE, body: metrics.text(standing) }
        }
        _ => Answer::line(404, "only /healthz, /readyz and /metrics"),
    }
}
