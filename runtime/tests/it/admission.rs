//! Servers that do no more at once, keep no more, and do no more in a day than they may.

use crate::support::gate::Gate;
use crate::support::served::{CLIENT_KEY, IMAGE, builder, open, start, wait_until};
use runtime::roles::server::{Allowance, Budgets};
use runtime::{Client, Error};
use std::thread;
use std::time::Duration;

/// What the server said to a client that it would not serve.
fn refusal<T>(outcome: Result<T, Error>) -> String {
    match outcome.map(drop) {
        Err(Error::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// Whoever asks while there is too much to do is told, and comes again where it is patient.
#[test]
fn no_more_is_begun_than_is_predicted_to_be_done_soon() {
    let running = start(builder().max_core_seconds(1e-9));
    let address = running.address().to_string();
    let gate = Gate::default();
    let mut first = Client::over(gate.connect(&address)).key(CLIENT_KEY.clone()).open().expect("a session");
    gate.close();
    let first = thread::spawn(move || first.prepare(1));
    wait_until(|| running.standing().core_seconds > 0.0);
    let reason = refusal(open(&address).prepare(1));
    assert_eq!(reason, "it has too much to do; try again later");
    let patient = Client::connect(&*address).key(CLIENT_KEY.clone()).retry(Duration::from_secs(60));
    let mut patient = patient.open().expect("a session");
    gate.open();
    assert_eq!(patient.infer(&IMAGE).expect("an answer").logits.len(), 10);
    assert_eq!(first.join().expect("no panic").expect("prepared"), 1);
    wait_until(|| running.standing().core_seconds == 0.0);
}

#[test]
fn no_more_is_kept_for_all_clients_than_fits() {
    let each = builder().build().expect("a server").offers()[0].server.bytes_of_prepared();
    let running = start(builder().max_prepared_bytes(3 * each));
    let address = running.address().to_string();
    let mut first = open(&address);
    assert_eq!(first.prepare(2).expect("prepared"), 2);
    let mut second = open(&address);
    assert_eq!(second.prepare(1).expect("prepared"), 1);
    assert_eq!(refusal(second.prepare(2)), "it has too much prepared; try again later");
    wait_until(|| running.standing().prepared == 2);
    let mut third = open(&address);
    assert_eq!(third.infer(&IMAGE).expect("what a client that left had makes room").logits.len(), 10);
}

#[test]
fn no_more_is_done_in_a_day_than_the_budget_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let budgets = || {
        let allowance = Allowance { preparations: Some(3), inferences: Some(1) };
        Budgets::open(allowance, Some(folder.path().join("budgets"))).expect("budgets")
    };
    let running = start(builder().budgets(budgets()));
    let mut client = open(&running.address().to_string());
    assert_eq!(client.prepare(2).expect("prepared"), 2);
    client.infer(&IMAGE).expect("an answer");
    assert_eq!(
        refusal(client.infer(&IMAGE)),
        "the budget of inferences for a day is spent; come again tomorrow"
    );
    drop(running);
    let running = start(builder().budgets(budgets()));
    let mut client = open(&running.address().to_string());
    assert_eq!(client.prepare(1).expect("prepared"), 1);
    assert_eq!(
        refusal(client.prepare(2)),
        "the budget of preparations for a day is spent; come again tomorrow"
    );
}
