//! `popcorn serve` as whoever starts and stops services meets it: signals, exit statuses, systemd.
#![cfg(unix)]

use crate::support::gate::Gate;
use crate::support::http::metrics;
use crate::support::served::{LONG, asking, plan_file, wait_until};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};

/// A server of `mnist-mlp`; it is killed when a test fails.
struct Serving {
    child: Child,
    address: String,
    admin: String,
}

impl Serving {
    fn start(more: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_popcorn"))
            .arg("serve")
            .arg(plan_file())
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(more)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut line = || lines.next().expect("a line").expect("text");
        let address = line().rsplit(' ').next().expect("an address").to_owned();
        let admin = (0..2).find_map(|_| Some(line().split_once("http://")?.1.split_once('/')?.0.to_owned()));
        Self { child, address, admin: admin.expect("an address") }
    }

    fn working(&self) -> usize {
        metrics(&self.admin)["popcorn_phases_under_way"] as usize
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

#[test]
fn a_signal_ends_the_server_when_everything_is_answered() {
    for signal in ["-TERM", "-INT"] {
        let serving = Serving::start(&[], &[]);
        let gate = Gate::default();
        let asked = asking(&serving.address, &gate, || serving.working());
        serving.signal(signal);
        wait_until(|| TcpStream::connect(&serving.address).is_err());
        gate.open();
        assert_eq!(asked.join().expect("no panic").expect("an answer"), 10);
        assert_eq!(serving.status(), Some(0), "{signal}");
    }
}

#[test]
fn statuses_tell_whether_somebody_was_cut_off() {
    let serving = Serving::start(&["--drain", "1"], &[]);
    let gate = Gate::default();
    let asked = asking(&serving.address, &gate, || serving.working());
    serving.signal("-TERM");
    assert_eq!(serving.status(), Some(3));
    gate.open();
    assert!(asked.join().expect("no panic").is_err());
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let serving = Serving::start(&["--drain", "3600"], &[]);
    let gate = Gate::default();
    let asked = asking(&serving.address, &gate, || serving.working());
    serving.signal("-TERM");
    wait_until(|| TcpStream::connect(&serving.address).is_err());
    serving.signal("-TERM");
    assert_eq!(serving.status(), Some(128 + 15));
    gate.open();
    assert!(asked.join().expect("no panic").is_err());
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
