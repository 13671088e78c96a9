//! What a session leaves, however it ends, is there for the next one.

use crate::support::served::{CLIENT_KEY, IMAGE, LONG, builder, open, refusal, start, wait_until};
use runtime::channel::CancellationToken;
use runtime::error::InvalidInput;
use runtime::roles::server::Limits;
use runtime::store::{Holding, Quota, Store};
use runtime::{Client, ClientBuilder, Error, Running};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The server's store and the client's, each in a folder of its own.
fn stores() -> ([TempDir; 2], [Arc<Store>; 2]) {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let open = |folder: &TempDir| Store::open(folder.path(), None, Quota::DEFAULT).map(Arc::new);
    let stores = folders.each_ref().map(|folder| open(folder).expect("a store"));
    (folders, stores)
}

/// A client of that store.
fn client(running: &Running, ours: &Arc<Store>) -> ClientBuilder {
    Client::connect(running.address().to_string()).key(CLIENT_KEY.clone()).store(Arc::clone(ours) as _)
}

fn halves(store: &Store) -> usize {
    store.holdings().iter().map(|Holding { halves, .. }| halves).sum()
}

/// Both parties have so many, all of which a further session uses, with right answers and nothing prepared anew.
fn are_used(running: &Running, [theirs, ours]: &[Arc<Store>; 2], count: usize) {
    assert_eq!([halves(theirs), halves(ours)], [count; 2]);
    let mut last = client(running, ours).open().expect("a session");
    let answers = last.infer_all(&vec![&IMAGE[..]; count]).expect("answers");
    let others = open(&running.address().to_string()).infer(&IMAGE).expect("an answer");
    assert!(answers.iter().all(|answer| answer.integers == others.integers));
    assert_eq!([halves(theirs), halves(ours)], [0; 2]);
    assert_eq!((last.stored(), last.prepared(), last.recalled()), (0, 0, count));
}

/// What a client of a store does not use, it has the next time.
#[test]
fn what_is_left_of_a_session_goes_to_the_stores() {
    let (_folders, stores) = stores();
    let running = start(builder().store(Arc::clone(&stores[0]) as _));
    let mut first = client(&running, &stores[1]).open().expect("a session");
    assert_eq!(first.prepare(3).expect("prepared"), 3);
    first.infer(&IMAGE).expect("an answer");
    first.close().expect("put away");
    let second = client(&running, &stores[1]).open().expect("a session");
    assert_eq!((second.stored(), second.prepared()), (2, 0));
    second.close().expect("nothing to put away");
    are_used(&running, &stores, 2);
    let running = start(builder());
    let mut without = client(&running, &stores[1]).open().expect("a session");
    without.prepare(1).expect("prepared");
    without.close().expect("a server that keeps nothing");
}

/// A server that ends takes nothing along: when it is there again, its clients go on with what they had prepared.
#[test]
fn a_restart_costs_no_preparation() {
    let (_folders, stores) = stores();
    let start = || start(builder().store(Arc::clone(&stores[0]) as _));
    let running = start();
    let mut first = client(&running, &stores[1]).open().expect("a session");
    assert_eq!(first.prepare(3).expect("prepared"), 3);
    assert_eq!(running.drain(LONG).cut, 0);
    assert_eq!((halves(&stores[0]), first.prepared()), (3, 3));
    assert!(refusal(first.prepare(4)).contains("ending"));
    assert_eq!(first.prepared(), 0);
    first.close().expect("it does not ask again");
    are_used(&start(), &stores, 3);
}

/// The same where the server has had enough of the session.
#[test]
fn an_idle_session_costs_no_preparation() {
    let (_folders, stores) = stores();
    let limits = Limits { idle: Duration::from_millis(1500), ..Limits::DEFAULT };
    let running = start(builder().store(Arc::clone(&stores[0]) as _).limits(limits));
    let mut first = client(&running, &stores[1]).retry(LONG).open().expect("a session");
    assert_eq!(first.prepare(3).expect("prepared"), 3);
    wait_until(|| halves(&stores[0]) == 3);
    assert_eq!(first.infer_all(&[&IMAGE[..]; 2]).expect("answers of another session").len(), 2);
    first.close().expect("put away");
    wait_until(|| running.standing().sessions == 0);
    let left = [halves(&stores[0]), halves(&stores[1])];
    assert_eq!(left, [2, 0], "the client's halves of what it asked first are used up, the server's are not");
}

/// The same where the client breaks off before it has sent anything of an image.
#[test]
fn a_call_that_is_cancelled_costs_no_preparation() {
    let (_folders, stores) = stores();
    let running = start(builder().store(Arc::clone(&stores[0]) as _));
    let token = CancellationToken::new();
    let mut first = client(&running, &stores[1]).cancelled_by(&token).open().expect("a session");
    assert_eq!(first.prepare(3).expect("prepared"), 3);
    wait_until(|| running.standing().prepared == 3);
    token.cancel();
    assert!(matches!(first.infer(&IMAGE), Err(Error::Cancelled)));
    first.close().expect("it does not ask again");
    wait_until(|| running.standing().connections == 0);
    are_used(&running, &stores, 3);
}

/// A server that takes no inferences out of its store for now leaves the client's halves where they were, and takes as many as there
/// is room for.
#[test]
fn stored_inferences_wait_until_there_is_room() {
    let (_folders, [theirs, ours]) = stores();
    let each = builder().build().expect("a server").offers()[0].server.bytes_of_prepared();
    let running = start(builder().store(theirs).max_prepared_bytes(3 * each));
    let mut first = client(&running, &ours).open().expect("a session");
    assert_eq!(first.stock(2).expect("kept"), 2);
    first.close().expect("closed");
    wait_until(|| running.standing().sessions == 0);
    let mut other = open(&running.address().to_string());
    assert_eq!(other.prepare(3).expect("prepared"), 3);
    let mut declined = client(&running, &ours).open().expect("a session");
    assert!(refusal(declined.infer(&IMAGE)).contains("too much prepared"));
    assert_eq!(declined.stored(), 2);
    other.infer(&IMAGE).expect("an answer");
    wait_until(|| running.standing().prepared == 2);
    assert_eq!(declined.prepare(2).expect("as many as there is room for"), 1);
    assert_eq!(declined.stored(), 1);
    assert!(declined.declined().is_some_and(|reason| reason.contains("too much prepared")));
    declined.infer(&IMAGE).expect("an answer");
    drop(other);
    wait_until(|| running.standing().prepared == 0);
    declined.infer(&IMAGE).expect("an answer");
    assert_eq!((declined.stored(), declined.prepared()), (0, 0));
    let keyless = Client::connect(running.address().to_string()).store(Arc::clone(&ours) as _).open();
    let keyless = keyless.map(drop);
    assert!(matches!(keyless, Err(Error::InvalidInput(InvalidInput::StoreWithoutKey))), "{keyless:?}");
}
