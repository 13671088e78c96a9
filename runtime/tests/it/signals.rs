//! `popcorn serve` as whoever starts and stops services meets it: signals, exit statuses, systemd.
#![cfg(unix)]

use crate::support::gate::Gate;
use runtime::{Client, ClientKey, Error, KeyBits};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

static KEY: LazyLock<ClientKey> =
    LazyLock::new(|| ClientKey::generate(KeyBits::default()).expect("randomness"));

const LONG: Duration = Duration::from_secs(60);

/// A server of `mnist-mlp`; it is killed when a test fails.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(more: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::of(concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/mnist-mlp.plan"), more, variables)
    }

    fn of(plan: &str, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_popcorn"))
            .args(["serve", plan, "--listen", "127.0.0.1:0"])
            .args(more)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        Self { child, address }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    fn status(mut self) -> Option<i32> {
        self.child.wait().expect("an end").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that asks, and reads no answer before the gate opens.
fn asking(serving: &Serving, gate: &Gate) -> thread::JoinHandle<Result<usize, Error>> {
    let stream = gate.connect(&serving.address);
    let mut client = Client::over(stream).key(KEY.clone()).open().expect("a session");
    client.prepare(1).expect("prepared");
    gate.close();
    let asking = thread::spawn(move || client.infer(&[0.0; 784]).map(|prediction| prediction.logits.len()));
    thread::sleep(Duration::from_millis(300)); // until the server has the question; were it later, the client would be told
    asking
}

/// Waits until nobody is let in.
fn closed(serving: &Serving) {
    let tries = (0..6000).take_while(|_| TcpStream::connect(&serving.address).is_ok());
    assert!(tries.map(|_| thread::sleep(Duration::from_millis(10))).count() < 6000, "clients are let in");
}

#[test]
fn a_signal_ends_the_server_when_everything_is_answered() {
    for signal in ["-TERM", "-INT"] {
        let serving = Serving::start(&[], &[]);
        let gate = Gate::default();
        let asked = asking(&serving, &gate);
        serving.signal(signal);
        closed(&serving);
        gate.open();
        assert_eq!(asked.join().expect("no panic").expect("an answer"), 10);
        assert_eq!(serving.status(), Some(0), "{signal}");
    }
}

#[test]
fn statuses_tell_whether_somebody_was_cut_off() {
    let serving = Serving::start(&["--drain", "1"], &[]);
    let gate = Gate::default();
    let asked = asking(&serving, &gate);
    serving.signal("-TERM");
    assert_eq!(serving.status(), Some(3));
    gate.open();
    assert!(asked.join().expect("no panic").is_err());
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let serving = Serving::start(&["--drain", "3600"], &[]);
    let gate = Gate::default();
    let asked = asking(&serving, &gate);
    serving.signal("-TERM");
    closed(&serving);
    serving.signal("-TERM");
    assert_eq!(serving.status(), Some(128 + 15));
    gate.open();
    assert!(asked.join().expect("no panic").is_err());
}

/// A folder of plans is read again when the server is told to; what is wrong then changes nothing.
#[test]
fn plans_of_a_folder_are_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/mnist-mlp.plan");
    std::fs::copy(golden, at("first.plan")).expect("copied");
    let path = folder.path().to_str().expect("a path");
    let serving = Serving::of(path, &[], &[]);
    let listed = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_popcorn"));
        let output = command.args(["plans", "--connect", &serving.address]).args(more).output();
        String::from_utf8(output.expect("started").stdout).expect("text")
    };
    let names = || listed(&[]).lines().map(|line| line.split(' ').next().unwrap_or("").to_owned()).collect();
    let until = |expected: &[&str]| {
        for _ in 0..600 {
            let names: Vec<String> = names();
            if names == expected {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("{expected:?} are not offered, but {:?}", listed(&[]));
    };
    until(&["first"]);
    assert!(listed(&["--json"]).starts_with("{\"id\":\""), "{}", listed(&["--json"]));
    std::fs::copy(golden, at("second.plan")).expect("copied");
    serving.signal("-HUP");
    until(&["first", "second"]);
    std::fs::write(at("third.plan"), "no plan").expect("written");
    serving.signal("-HUP");
    thread::sleep(Duration::from_millis(300));
    until(&["first", "second"]);
    std::fs::remove_file(at("third.plan")).expect("removed");
    std::fs::remove_file(at("first.plan")).expect("removed");
    serving.signal("-HUP");
    until(&["second"]);
    serving.signal("-TERM");
    assert_eq!(serving.status(), Some(0));
}

#[test]
fn systemd_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(LONG)).expect("an option");
    let heard = || {
        let mut bytes = [0; 256];
        let count = socket.recv(&mut bytes).expect("a word");
        String::from_utf8_lossy(&bytes[..count]).trim().to_owned()
    };
    let serving = Serving::start(&[], &[("NOTIFY_SOCKET", path.to_str().expect("a path"))]);
    assert_eq!(heard(), "READY=1");
    serving.signal("-TERM");
    assert_eq!(heard(), "STOPPING=1");
    assert_eq!(serving.status(), Some(0));
}
