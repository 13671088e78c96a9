//! A server that ends: what is under way is finished, who waits is told, and who is too slow is cut off.

use crate::support::gate::Gate;
use runtime::roles::listener::{Departure, End};
use runtime::{Client, ClientKey, Drained, Error, KeyBits, Plan, Running, Server};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

static KEY: LazyLock<ClientKey> =
    LazyLock::new(|| ClientKey::generate(KeyBits::default()).expect("randomness"));

const LONG: Duration = Duration::from_secs(60);

/// A server, and how its clients' sessions ended.
fn running() -> (Running, Receiver<End>) {
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/mnist-mlp.plan");
    let (sender, ends) = channel();
    let departed = move |departure: Departure| sender.send(departure.end).expect("somebody listens");
    let server = Server::builder(Plan::read(&plan).expect("a plan")).departed(departed);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    (server.build().expect("a server").start(listener).expect("a thread"), ends)
}

fn open(running: &Running) -> Client {
    Client::connect(running.address().to_string()).key(KEY.clone()).open().expect("a session")
}

/// A client that has asked for an answer and reads nothing of it before the gate opens; when this returns the server works.
fn asking(running: &Running, gate: &Gate) -> JoinHandle<Result<usize, Error>> {
    let stream = gate.connect(&running.address().to_string());
    let mut client = Client::over(stream).key(KEY.clone()).open().expect("a session");
    client.prepare(1).expect("prepared");
    wait_until_working(running, 0);
    gate.close();
    let asking = thread::spawn(move || client.infer(&[0.0; 784]).map(|prediction| prediction.logits.len()));
    wait_until_working(running, 1);
    asking
}

/// Waits until something is done for so many clients.
fn wait_until_working(running: &Running, clients: usize) {
    let start = Instant::now();
    while running.standing().working != clients {
        assert!(start.elapsed() < LONG, "{:?}", running.standing());
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn what_is_under_way_is_finished_and_who_waits_is_told() {
    let (running, ends) = running();
    let (address, gate) = (running.address(), Gate::default());
    let mut idle = open(&running);
    let half_open = TcpStream::connect(address).expect("a connection");
    let asked = asking(&running, &gate);
    let standing = running.standing();
    assert_eq!((standing.sessions, standing.working, standing.is_ready()), (2, 1, true));
    let draining = thread::spawn(move || running.drain(LONG));
    // The idle one leaves first: nobody waits for it.
    let first = ends.recv_timeout(LONG).expect("somebody leaves");
    assert!(matches!(first, End::Failed(Error::Ending)), "{first:?}");
    let told = idle.infer(&[0.0; 784]).expect_err("the server ends");
    assert_eq!(told.to_string(), "the server refused: it is ending; try another");
    assert!(!draining.is_finished(), "an answer is under way");
    assert!(TcpStream::connect(address).is_err(), "nobody is let in");
    gate.open();
    assert_eq!(asked.join().expect("no panic").expect("an answer"), 10);
    assert_eq!(draining.join().expect("no panic"), Drained { ended: 3, cut: 0 });
    assert!(ends.iter().all(|end| matches!(end, End::Failed(Error::Ending) | End::Answered(1))));
    drop(half_open);
}

#[test]
fn who_is_too_slow_is_cut_off() {
    let (running, ends) = running();
    let gate = Gate::default();
    let asked = asking(&running, &gate);
    let start = Instant::now();
    assert_eq!(running.drain(Duration::from_millis(100)), Drained { ended: 0, cut: 1 });
    assert!(start.elapsed() < LONG);
    let end = ends.recv_timeout(LONG).expect("it leaves");
    assert!(matches!(end, End::Failed(Error::Cancelled)), "{end:?}");
    gate.open();
    let error = asked.join().expect("no panic").expect_err("cut off");
    assert!(matches!(error, Error::PeerMisbehaved(_)), "{error}");
}

#[test]
fn an_empty_server_ends_at_once() {
    let (running, ends) = running();
    assert_eq!(running.drain(LONG), Drained { ended: 0, cut: 0 });
    assert!(ends.recv_timeout(LONG).is_err(), "nobody was there, and nobody is told any more");
}
