//! What operators are told over HTTP.

use crate::support::gate::Gate;
use crate::support::http::{ask, get, metrics};
use crate::support::served::{CLIENT_KEY, IMAGE, LONG, asking, builder, open, start, wait_until};
use runtime::admin::{self, Metrics, Stock};
use runtime::roles::server::{Allowance, Budgets};
use runtime::watch::{Caller, PhaseReport, ServerObserver, Session};
use runtime::{Client, Running, ServerBuilder};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// A server, its address, and where it is watched.
fn watched(builder: ServerBuilder) -> (Running, String, String) {
    let metrics = Metrics::default();
    let running = start(builder.observer(metrics.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let admin = listener.local_addr().expect("an address").to_string();
    admin::serve(listener, metrics, running.watcher()).expect("threads");
    let address = running.address().to_string();
    (running, address, admin)
}

#[test]
fn a_scripted_session_is_counted() {
    let (_running, address, admin) = watched(builder());
    let each = builder().build().expect("a server").offers()[0].server.bytes_of_prepared() as f64;
    assert_eq!(metrics(&admin)["popcorn_inferences_total"], 0.0);
    let mut client = open(&address);
    assert_eq!(client.prepare(3).expect("prepared"), 3);
    client.infer(&IMAGE).expect("an answer");
    wait_until(|| metrics(&admin)["popcorn_inferences_total"] == 1.0);
    let open = metrics(&admin);
    assert_eq!((open["popcorn_sessions_open"], open["popcorn_connections_open"]), (1.0, 1.0));
    assert_eq!((open["popcorn_prepared_held"], open["popcorn_prepared_held_bytes"]), (2.0, 2.0 * each));
    let spent = client.spending().traffic();
    client.close().expect("closed");
    wait_until(|| metrics(&admin).contains_key("popcorn_departures_total{reason=\"closed\"}"));
    let closed = metrics(&admin);
    let expected = [
        ("popcorn_sessions_total", 1.0),
        ("popcorn_sessions_open", 0.0),
        ("popcorn_departures_total{reason=\"closed\"}", 1.0),
        ("popcorn_preparations_total", 3.0),
        ("popcorn_inferences_total", 1.0),
        ("popcorn_online_seconds_count", 1.0),
        ("popcorn_prepared_held", 0.0),
        ("popcorn_phases_under_way", 0.0),
        ("popcorn_places", 16.0),
        ("popcorn_ready", 1.0),
    ];
    for (name, value) in expected {
        assert_eq!(closed[name], value, "{name}");
    }
    for (direction, bytes) in [("sent", spent.received), ("received", spent.sent)] {
        let of =
            |phase| closed[&format!("popcorn_bytes_total{{direction=\"{direction}\",phase=\"{phase}\"}}")];
        let phases = ["offline", "online", "other"].map(of);
        assert!(phases.iter().all(|&bytes| bytes > 0.0), "{phases:?}");
        assert_eq!(phases.iter().sum::<f64>(), bytes as f64, "{direction}");
    }
    assert!(closed["popcorn_offline_seconds_sum"] > 0.0);
    assert!(!cfg!(target_os = "linux") || closed["process_resident_memory_bytes"] > 1e6);
}

#[test]
fn the_server_is_ready_while_there_is_a_place() {
    let (running, address, admin) = watched(builder().max_clients(1));
    assert_eq!(get(&admin, "/readyz"), (200, "ready\n".into()));
    let gate = Gate::default();
    let asked = asking(&address, &gate, || running.standing().working);
    assert_eq!(get(&admin, "/readyz"), (503, "all places are taken\n".into()));
    let turned_away = Client::connect(&address).key(CLIENT_KEY.clone()).open();
    assert!(turned_away.and_then(|mut client| client.infer(&IMAGE)).is_err());
    let other = "00".repeat(32).parse().expect("a digest");
    assert!(Client::connect(&address).key(CLIENT_KEY.clone()).plan(other).open().is_err());
    let refused =
        |reason| metrics(&admin).get(&format!("popcorn_departures_total{{reason=\"{reason}\"}}")).copied();
    wait_until(|| refused("full") == Some(1.0) && refused("other_plan") == Some(1.0));
    let draining = thread::spawn(move || running.drain(LONG));
    wait_until(|| get(&admin, "/readyz") == (503, "ending\n".into()));
    assert_eq!((get(&admin, "/healthz").0, metrics(&admin)["popcorn_ready"]), (200, 0.0));
    gate.open();
    assert!(asked.join().expect("no panic").is_ok());
    assert_eq!(draining.join().expect("no panic").cut, 0);
}

/// Panics when something was done.
struct Panicking;

impl ServerObserver for Panicking {
    fn did(&self, _: &Caller, _: Session, _: &PhaseReport) {
        panic!("on purpose");
    }
}

#[test]
fn a_session_that_panics_gives_its_place_back_and_is_counted() {
    let (_running, address, admin) = watched(builder().max_clients(1).observer(Panicking));
    for panicked in 1..=2 {
        let mut client = open(&address);
        assert!(client.prepare(1).and_then(|_| client.infer(&IMAGE)).is_err(), "the server is gone");
        wait_until(|| {
            let metrics = metrics(&admin);
            let bugs = metrics.get("popcorn_departures_total{reason=\"bug\"}").copied();
            (bugs, metrics["popcorn_ready"]) == (Some(f64::from(panicked)), 1.0)
        });
    }
}

#[test]
fn places_that_are_given_back_make_it_ready_again() {
    let (_running, address, admin) = watched(builder().max_clients(1));
    let client = open(&address);
    wait_until(|| get(&admin, "/readyz").0 == 503);
    client.close().expect("closed");
    wait_until(|| get(&admin, "/readyz").0 == 200);
}

#[test]
fn whatever_is_asked_is_answered_and_who_is_silent_makes_room() {
    let (_running, _, admin) = watched(builder());
    let _silent: Vec<TcpStream> = (0..6).map(|_| TcpStream::connect(&admin).expect("a connection")).collect();
    assert_eq!(get(&admin, "/healthz?why"), (200, "alive\n".into()));
    assert_eq!(get(&admin, "/").0, 404);
    let (status, head, body) = ask(&admin, "HEAD /metrics HTTP/1.0\r\n\r\n");
    assert_eq!((status, body.as_str()), (200, ""));
    assert!(head.contains("Content-Type: text/plain; version=0.0.4"), "{head}");
    assert_eq!(ask(&admin, "DELETE /metrics HTTP/1.1\r\n\r\n").0, 405);
    assert_eq!(ask(&admin, "what?\r\n\r\n").0, 400);
}

#[test]
fn what_is_declined_and_what_is_stored_is_counted() {
    let allowance = Allowance { preparations: Some(1), inferences: None };
    let metrics_of = Metrics::of_store(|| Stock { inferences: 7, bytes: 900 });
    let server = builder().budgets(Budgets::open(allowance, None).expect("budgets"));
    let running = start(server.observer(metrics_of.clone()));
    let text = || metrics_of.text(&running.standing());
    assert!(text().contains("popcorn_stored 7\n") && text().contains("popcorn_stored_bytes 900\n"));
    let [mut first, mut second] = [0; 2].map(|_| open(&running.address().to_string()));
    assert_eq!(first.prepare(1).expect("prepared"), 1);
    second.prepare(1).expect_err("the day's only one is gone");
    assert!(text().contains("popcorn_declined_total{reason=\"over_budget\"} 1\n"), "{}", text());
    first.infer(&IMAGE).expect("an answer");
}
