//! A server that ends: what is under way is finished, who waits is told, and who is too slow is cut off.

use crate::support::gate::Gate;
use crate::support::served::{IMAGE, LONG, asking, builder, open, start};
use runtime::roles::watch::{Departure, End};
use runtime::{Drained, Error, Running};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// A server, and how its clients' sessions ended.
fn running() -> (Running, Receiver<End>) {
    let (sender, ends) = channel();
    let departed = move |departure: Departure| sender.send(departure.end).expect("somebody listens");
    (start(builder().departed(departed)), ends)
}

#[test]
fn what_is_under_way_is_finished_and_who_waits_is_told() {
    let (running, ends) = running();
    let (address, gate, watcher) = (running.address().to_string(), Gate::default(), running.watcher());
    let mut idle = open(&address);
    let half_open = TcpStream::connect(&address).expect("a connection");
    let asked = asking(&address, &gate, || watcher().working);
    let standing = watcher();
    assert_eq!((standing.sessions, standing.is_ready(), standing.is_closed), (2, true, false));
    let draining = thread::spawn(move || running.drain(LONG));
    // The idle one leaves first: nobody waits for it.
    let first = ends.recv_timeout(LONG).expect("somebody leaves");
    assert!(matches!(first, End::Failed(Error::Ending)), "{first:?}");
    let told = idle.infer(&IMAGE).expect_err("the server ends");
    assert_eq!(told.to_string(), "the server refused: it is ending; try another");
    assert!(!draining.is_finished() && watcher().is_closed, "an answer is under way");
    assert!(TcpStream::connect(&address).is_err(), "nobody is let in");
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
    let asked = asking(&running.address().to_string(), &gate, || running.standing().working);
    assert_eq!(running.drain(Duration::from_millis(100)), Drained { ended: 0, cut: 1 });
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
