//! What an application holds: a client, its key, a server.

use runtime::channel::memory;
use runtime::error::InvalidInput;
use runtime::observe::StepReport;
use runtime::roles::watch::{Departure, End};
use runtime::{CancellationToken, Client, ClientKey, Error, KeyBits, Observer, Passphrase, Plan, Server};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

static KEY: LazyLock<ClientKey> =
    LazyLock::new(|| ClientKey::generate(KeyBits::default()).expect("randomness"));

fn plan() -> Plan {
    Plan::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/mnist-mlp.plan")).expect("a plan")
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a port")
}

/// Counts steps.
struct Counting(Arc<AtomicUsize>);

impl Observer for Counting {
    fn step(&mut self, _report: StepReport) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_client_prepares_asks_and_is_told_of_steps_over_any_stream() {
    let (ours, theirs) = memory::pair();
    let each = Server::builder(plan()).build().expect("a server").offers()[0].server.bytes_of_prepared();
    let server = Server::builder(plan()).prepared_bytes(each * 5 / 2).build().expect("a server");
    let serving = thread::spawn(move || server.attend(theirs));
    let steps = Arc::new(AtomicUsize::new(0));
    let builder = Client::over(ours).key(KEY.clone()).plan(plan().id()).observer(Counting(steps.clone()));
    let mut client = builder.open().expect("a session");
    assert_eq!(client.prepare(9).expect("prepared"), 2, "as many as the server keeps");
    let wrong = client.infer(&[0.0]).expect_err("one pixel");
    assert!(matches!(wrong, Error::InvalidInput(InvalidInput::Image(_))), "{wrong}");
    let prediction = client.infer(&[0.0; 784]).expect("a prediction");
    assert_eq!((prediction.logits.len(), client.prepared()), (10, 1));
    assert!(steps.load(Ordering::Relaxed) > 7 && client.spending().online.traffic.sent > 0);
    drop(client);
    assert_eq!(serving.join().expect("no panic").expect("no error"), 1);
}

#[test]
fn dropping_ends_sessions_and_listening() {
    let (sender, departures) = channel();
    let departed = move |departure: Departure| sender.send(departure).expect("somebody listens");
    let server = Server::builder(plan()).departed(departed).build().expect("a server");
    let running = server.start(listener()).expect("a thread");
    let address = running.address();
    let client = Client::connect(address.to_string()).key(KEY.clone()).open().expect("a session");
    client.close().expect("closed");
    let departure = departures.recv_timeout(Duration::from_secs(60)).expect("it is noticed");
    assert!(matches!(departure.end, End::Answered(0)), "{departure:?}");
    let mut client = Client::connect(address.to_string()).key(KEY.clone()).open().expect("a session");
    client.prepare(1).expect("prepared");
    drop(client);
    let departure = departures.recv_timeout(Duration::from_secs(60)).expect("it is noticed");
    assert!(matches!(departure.end, End::Answered(0) | End::Failed(_)), "{departure:?}");
    drop(running);
    assert!(TcpStream::connect(address).is_err(), "nobody listens");
}

#[test]
fn sessions_go_on_when_nobody_else_is_let_in() {
    let running = Server::builder(plan()).build().expect("a server").start(listener()).expect("a thread");
    let address = running.address().to_string();
    let mut client = Client::connect(address).key(KEY.clone()).open().expect("a session");
    drop(running);
    assert_eq!(client.infer(&[0.0; 784]).expect("a prediction").logits.len(), 10);
}

#[test]
fn what_does_not_fit_is_the_callers_fault() {
    let running = Server::builder(plan()).build().expect("a server").start(listener()).expect("a thread");
    let short = ClientKey::generate(KeyBits::try_from(2048).expect("a length")).expect("randomness");
    let error = Client::connect(running.address().to_string()).key(short).open().err().expect("an error");
    assert!(matches!(error, Error::InvalidInput(InvalidInput::KeyBits { .. })), "{error}");
    let insecure = ClientKey::generate(KeyBits::try_from(512).expect("a length")).err().expect("an error");
    assert!(matches!(insecure, Error::InvalidInput(InvalidInput::InsecureKey(_))), "{insecure}");
    let other = "00".repeat(32).parse().expect("a digest");
    let refused = Client::connect(running.address().to_string()).plan(other).open().err().expect("an error");
    assert!(matches!(refused, Error::Refused(_)), "{refused}");
}

#[test]
fn a_key_survives_its_file_and_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("me.key");
    KEY.write(&path).expect("written");
    assert_eq!(ClientKey::read(&path).expect("a key").bits(), KEY.bits());
    assert!(matches!(KEY.write(&path), Err(Error::Io { .. })));
    std::fs::write(&path, b"popckey").expect("written");
    assert!(matches!(ClientKey::read(&path), Err(Error::InvalidInput(InvalidInput::File { .. }))));
}

#[test]
fn an_encrypted_key_is_read_with_its_passphrase_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plain, sealed) = (folder.path().join("plain.key"), folder.path().join("sealed.key"));
    let passphrase = |text: &str| Passphrase::new(text.to_owned().into());
    KEY.write(&plain).expect("written");
    KEY.write_sealed(&sealed, &passphrase("right").expect("a passphrase")).expect("written");
    let secret = std::fs::read(&plain).expect("a file");
    let hidden = std::fs::read(&sealed).expect("a file");
    assert!(!secret.windows(16).any(|part| hidden.windows(16).any(|other| part == other)));
    let read = |path: &Path, text: &str| ClientKey::read_sealed(path, || passphrase(text));
    assert_eq!(read(&sealed, "right").expect("a key").bits(), KEY.bits());
    assert!(ClientKey::read_sealed(&plain, || unreachable!("nobody is asked")).is_ok());
    let error = |outcome: runtime::Result<ClientKey>| match outcome {
        Err(Error::InvalidInput(error)) => error,
        _ => panic!("the caller's fault"),
    };
    assert!(matches!(error(read(&sealed, "wrong")), InvalidInput::WrongPassphrase(path) if path == sealed));
    assert!(matches!(error(read(&sealed, "")), InvalidInput::Passphrase { .. }));
    assert!(
        matches!(error(ClientKey::read(&sealed)), InvalidInput::PassphraseNeeded(path) if path == sealed)
    );
    std::fs::write(&sealed, &hidden[..60]).expect("written");
    assert!(matches!(
        error(read(&sealed, "right")),
        InvalidInput::WrongPassphrase(_) | InvalidInput::File { .. }
    ));
}

#[test]
fn a_plan_survives_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.plan");
    plan().write(&path).expect("written");
    plan().write(&path).expect("written over");
    assert_eq!(Plan::read(&path).expect("a plan").id(), plan().id());
    std::fs::write(&path, b"popcorn").expect("written");
    assert!(matches!(Plan::read(&path), Err(Error::InvalidInput(InvalidInput::File { .. }))));
}

#[test]
fn a_call_ends_when_another_thread_cancels_it() {
    // Accepts, and says nothing.
    let silent = listener();
    let address = silent.local_addr().expect("an address").to_string();
    let token = CancellationToken::new();
    let theirs = token.clone();
    let cancelling = thread::spawn(move || {
        let (stream, _) = silent.accept().expect("a client");
        thread::sleep(Duration::from_millis(100));
        theirs.cancel();
        stream
    });
    let start = Instant::now();
    let ended = Client::connect(address).key(KEY.clone()).cancelled_by(&token).open();
    assert!(matches!(ended, Err(Error::Cancelled)) && start.elapsed() < Duration::from_secs(60));
    drop(cancelling.join().expect("no panic"));

    let running = Server::builder(plan()).build().expect("a server").start(listener()).expect("a thread");
    let address = running.address().to_string();
    let token = CancellationToken::new();
    let mut client =
        Client::connect(address).key(KEY.clone()).cancelled_by(&token).open().expect("a session");
    assert_eq!(client.infer(&[0.0; 784]).expect("a prediction").logits.len(), 10);
    token.cancel();
    assert!(matches!(client.infer(&[0.0; 784]), Err(Error::Cancelled)));
    assert!(matches!(client.prepare(1), Err(Error::InvalidInput(InvalidInput::SessionEnded))));
    client.close().expect("nothing is asked of it");
}
