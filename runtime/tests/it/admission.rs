//! Servers that do no more at once, keep no more, and do no more in a day than they may.

use crate::support::gate::Gate;
use crate::support::served::{CLIENT_KEY, IMAGE, LONG, builder, open, refusal, start, wait_until};
use runtime::Client;
use runtime::channel::tcp;
use runtime::observe::Silent;
use runtime::roles::client::greet;
use runtime::roles::server::{Allowance, Budgets};
use std::thread;
use std::time::Duration;

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
    assert_eq!(open(&address).prepare(9).expect("prepared"), 3, "as many as clients are told");
    wait_until(|| running.standing().prepared == 0);
    let mut first = open(&address);
    assert_eq!(first.prepare(2).expect("prepared"), 2);
    let mut second = open(&address);
    assert_eq!(second.prepare(1).expect("prepared"), 1);
    assert_eq!(second.prepare(2).expect("what there was"), 1);
    assert_eq!(second.declined(), Some("it has too much prepared; try again later"));
    assert_eq!(refusal(open(&address).prepare(1)), "it has too much prepared; try again later");
    assert_eq!(second.infer(&IMAGE).expect("its session goes on").logits.len(), 10);
    assert_eq!(second.infer(&IMAGE).expect("there is room again").logits.len(), 10);
    assert_eq!(second.declined(), None);
    drop(second);
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
    assert_eq!(client.prepare(2).expect("prepared"), 1, "no more than will be answered");
    client.infer(&IMAGE).expect("an answer");
    let spent = "the budget of inferences for a day is spent; come again tomorrow";
    assert_eq!(refusal(client.infer(&IMAGE)), spent);
    assert_eq!(running.drain(Duration::from_secs(10)).cut, 0);
    let running = start(builder().budgets(budgets()));
    let mut client = open(&running.address().to_string());
    assert_eq!(client.prepare(1).expect("prepared"), 1);
    assert_eq!(refusal(client.infer(&IMAGE)), spent);
    let spent = "the budget of preparations for a day is spent; come again tomorrow";
    assert_eq!(refusal(open(&running.address().to_string()).prepare(1)), spent);
}

/// A budget that is spent while a client prepares costs it nothing that it has, and large batches give way to small ones.
#[test]
fn what_is_prepared_outlives_a_budget() {
    let allowance = Allowance { preparations: Some(3), inferences: None };
    let running = start(builder().budgets(Budgets::open(allowance, None).expect("budgets")));
    let [mut first, mut second] = [0; 2].map(|_| open(&running.address().to_string()));
    assert_eq!(first.prepare(2).expect("prepared"), 2);
    assert_eq!(second.prepare(3).expect("prepared"), 1, "though three were left when it came");
    assert_eq!(second.declined(), Some("the budget of preparations for a day is spent; come again tomorrow"));
    for client in [&mut first, &mut second] {
        assert_eq!(client.infer(&IMAGE).expect("an answer").logits.len(), 10);
    }
    assert_eq!(first.prepare(4).expect("what there was"), 1);
    assert!(refusal(second.infer(&IMAGE)).contains("budget of preparations"));
}

/// Answers that were paid for are there, though the budget ends before the last image.
#[test]
fn answers_before_the_end_of_a_budget_are_handed_over() {
    let allowance = Allowance { preparations: None, inferences: Some(2) };
    let running = start(builder().budgets(Budgets::open(allowance, None).expect("budgets")));
    let mut client = open(&running.address().to_string());
    let mut answers = Vec::new();
    let outcome = client.infer_each(&[&IMAGE[..]; 3], |prediction| answers.push(prediction));
    assert!(refusal(outcome).contains("budget of inferences"));
    assert_eq!(answers.iter().map(|answer| answer.logits.len()).collect::<Vec<_>>(), [10, 10]);
}

/// Who has prepared as much as will be answered has nothing to do but to wait.
#[test]
fn nothing_is_worth_preparing_beyond_the_budget() {
    let allowance = Allowance { preparations: None, inferences: Some(2) };
    let running = start(builder().budgets(Budgets::open(allowance, None).expect("budgets")));
    let connection = tcp::connect(&running.address().to_string(), LONG).expect("a connection");
    let greeting = greet(connection, None).expect("a plan");
    let key = CLIENT_KEY.holder(greeting.plan()).expect("a key");
    let mut session = greeting.with_key(key).expect("a session");
    assert!(session.is_worth_preparing(4));
    session.prepare(4, &mut Silent).expect("prepared");
    assert_eq!((session.prepared(), session.declined()), (2, None));
    assert!(!session.is_worth_preparing(4));
    assert_eq!(session.largest_group(4), 2);
}

/// Whatever a name resolves to, who wants this machine alone reaches no other.
#[test]
fn other_machines_are_not_tried_where_this_one_is_meant() {
    let outcome = Client::connect("192.0.2.1:7000").within_machine().open().map(drop);
    assert!(outcome.is_err_and(|error| error.to_string().contains("no address that may be used")));
}
