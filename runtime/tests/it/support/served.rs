//! A server of `mnist-mlp`, and clients of it.

use super::gate::Gate;
use runtime::{Client, ClientKey, Error, KeyBits, Plan, Running, Server, ServerBuilder};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A key, made once per process.
pub(crate) static CLIENT_KEY: LazyLock<ClientKey> =
    LazyLock::new(|| ClientKey::generate(KeyBits::default()).expect("randomness"));

/// Longer than anything takes, also where many tests share a core.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// An image.
pub(crate) const IMAGE: [f32; 784] = [0.0; 784];

/// A plan of suite `shared`.
pub(crate) fn plan_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/mnist-mlp.plan")
}

pub(crate) fn builder() -> ServerBuilder {
    Server::builder(Plan::read(&plan_file()).expect("a plan"))
}

pub(crate) fn start(builder: ServerBuilder) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    builder.build().expect("a server").start(listener).expect("a thread")
}

pub(crate) fn open(address: &str) -> Client {
    Client::connect(address).key(CLIENT_KEY.clone()).open().expect("a session")
}

/// A client that has asked for an answer and reads nothing of it before the gate opens. `working` tells for how many clients something
/// is done; when this returns it is for one, this one.
pub(crate) fn asking(
    address: &str,
    gate: &Gate,
    working: impl Fn() -> usize,
) -> JoinHandle<Result<usize, Error>> {
    let mut client = Client::over(gate.connect(address)).key(CLIENT_KEY.clone()).open().expect("a session");
    client.prepare(1).expect("prepared");
    wait_until(|| working() == 0);
    gate.close();
    let asking = thread::spawn(move || client.infer(&IMAGE).map(|prediction| prediction.logits.len()));
    wait_until(|| working() == 1);
    asking
}

/// What the server said to a client that it would not serve.
pub(crate) fn refusal<T>(outcome: Result<T, Error>) -> String {
    match outcome.map(drop) {
        Err(Error::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// Waits for what must come.
pub(crate) fn wait_until(it_is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !it_is_so() {
        assert!(start.elapsed() < LONG, "it never comes");
        thread::sleep(Duration::from_millis(5));
    }
}
