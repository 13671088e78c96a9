//! `popcorn serve` as whoever starts and stops services meets it: signals, exit statuses, systemd.

use crate::support::gate::Gate;
use crate::support::served::{LONG, asking, plan_file, wait_until};
use crate::support::serving::Serving;
use runtime::Error;
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::thread::JoinHandle;

/// A client for whom the server does something until the gate opens.
fn asking_of(serving: &Serving, gate: &Gate) -> JoinHandle<Result<usize, Error>> {
    asking(&serving.address, gate, || serving.metric("popcorn_phases_under_way") as usize)
}

#[test]
fn a_signal_ends_the_server_when_everything_is_answered() {
    for signal in ["-TERM", "-INT"] {
        let serving = Serving::start(&[], &[]);
        let gate = Gate::default();
        let asked = asking_of(&serving, &gate);
        serving.signal(signal);
        wait_until(|| TcpStream::connect(&serving.address).is_err());
        gate.open();
        assert_eq!(asked.join().expect("no panic").expect("an answer"), 10);
        assert_eq!(serving.status().0, Some(0), "{signal}");
    }
}

#[test]
fn statuses_tell_whether_somebody_was_cut_off() {
    let serving = Serving::start(&["--drain", "1"], &[]);
    let gate = Gate::default();
    let asked = asking_of(&serving, &gate);
    serving.signal("-TERM");
    assert_eq!(serving.status().0, Some(3));
    gate.open();
    assert!(asked.join().expect("no panic").is_err());
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let serving = Serving::start(&["--drain", "3600"], &[]);
    let gate = Gate::default();
    let asked = asking_of(&serving, &gate);
    serving.signal("-TERM");
    wait_until(|| TcpStream::connect(&serving.address).is_err());
    serving.signal("-TERM");
    assert_eq!(serving.status().0, Some(128 + 15));
    gate.open();
    assert!(asked.join().expect("no panic").is_err());
}

/// A folder of plans is read again when the server is told to; what is wrong then changes nothing.
#[test]
fn plans_of_a_folder_are_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let golden = plan_file();
    std::fs::copy(&golden, at("first.plan")).expect("copied");
    let serving = Serving::of(folder.path(), &[], &[]);
    let listed = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_popcorn"));
        let output = command.args(["plans", "--connect", &serving.address]).args(more).output();
        String::from_utf8(output.expect("started").stdout).expect("text")
    };
    let names = || -> Vec<String> {
        listed(&[]).lines().map(|line| line.split(' ').next().unwrap_or("").to_owned()).collect()
    };
    let until = |expected: &[&str]| wait_until(|| names() == expected);
    until(&["first"]);
    assert!(listed(&["--json"]).starts_with("{\"id\":\""), "{}", listed(&["--json"]));
    std::fs::copy(&golden, at("second.plan")).expect("copied");
    serving.signal("-HUP");
    until(&["first", "second"]);
    std::fs::write(at("third.plan"), "no plan").expect("written");
    serving.signal("-HUP");
    serving.signal("-HUP"); // whatever becomes of the first
    until(&["first", "second"]);
    std::fs::remove_file(at("third.plan")).expect("removed");
    std::fs::remove_file(at("first.plan")).expect("removed");
    serving.signal("-HUP");
    until(&["second"]);
    serving.signal("-TERM");
    let (status, written) = serving.status();
    assert!(status == Some(0) && written.contains("nothing is changed"), "{written}");
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
    assert_eq!(serving.status().0, Some(0));
}
