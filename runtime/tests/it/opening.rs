//! What sessions of a client have in common, whoever opens them: the plan, the source of keys, the store, and what is shown.

use runtime::channel::{CancellationToken, Way};
use runtime::observe::Silent;
use runtime::paillier::HolderKey;
use runtime::plan::Salt;
use runtime::protocol::hello::Wanted;
use runtime::roles::client::{Opening, Patience};
use runtime::store::{Quota, Store};
use runtime::{ClientKey, Error, KeyBits, Plan, PlanName, Running, Server};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

static KEY: LazyLock<Arc<HolderKey>> = LazyLock::new(|| {
    let key = ClientKey::generate(KeyBits::default()).expect("randomness");
    key.holder(plan().client_view()).expect("its tables")
});

const IMAGE: [f32; 784] = [1.0; 784];

fn plan() -> Plan {
    Plan::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/mnist-mlp.plan")).expect("a plan")
}

fn name() -> PlanName {
    "digits".parse().expect("a name")
}

fn start(server: &Server) -> Running {
    server.start(TcpListener::bind("127.0.0.1:0").expect("a port")).expect("a thread")
}

fn opening(running: &Running) -> Opening {
    let key = Arc::clone(&KEY); // no server waits while it is made
    Opening::new(Way::WithinMachine(running.address().to_string()), move |_| Ok(Arc::clone(&key)))
}

/// A count that a closure may keep.
fn counter() -> (Arc<AtomicUsize>, impl Fn() + Send + Sync + 'static) {
    let count = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&count);
    let add = move || {
        theirs.fetch_add(1, Ordering::Relaxed);
    };
    (count, add)
}

#[test]
fn the_plan_of_the_first_session_is_insisted_on_and_each_is_shown_and_has_a_key() {
    let server = Server::builder_of(vec![(name(), plan())]).build().expect("a server");
    let running = start(&server);
    let ((shown, show), (asked, ask)) = (counter(), counter());
    let mut opening = opening(&running);
    opening.request.plan = Wanted::Name(name());
    let opening = opening
        .under(move |_| {
            ask();
            Ok(Arc::clone(&KEY))
        })
        .shown(move |greet| {
            show();
            greet()
        });
    let mut patience = Patience::new(Duration::from_secs(60));
    let first = opening.patiently(&mut patience).expect("a session");
    assert_eq!(first.plan().id, plan().id());
    let other = Plan::new(runtime::plan::Plan { salt: Salt::new([5; 32]), ..plan().into_plan() });
    server.replace(vec![(name(), other.expect("valid"))]).expect("offered");
    let second = opening.patiently(&mut patience).map(drop);
    assert!(matches!(second, Err(Error::Refused(_))), "another plan of that name: {second:?}");
    assert_eq!(shown.load(Ordering::Relaxed), 2);
    server.replace(vec![(name(), plan())]).expect("offered");
    assert_eq!(opening.patiently(&mut patience).expect("a session").plan().id, plan().id());
    assert_eq!((shown.load(Ordering::Relaxed), asked.load(Ordering::Relaxed)), (3, 2));
}

#[test]
fn a_session_of_another_thread_ends_by_its_own_token_alone() {
    let running = start(&Server::builder(plan()).build().expect("a server"));
    let opening = opening(&running);
    let late = CancellationToken::new();
    let mut first = opening.session(&opening.cancellation).expect("a session");
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut session = opening.session(&late)?;
            late.cancel();
            session.prepare(1, &mut Silent)
        });
        let ended = other.join().expect("no panic");
        assert!(matches!(ended, Err(Error::Cancelled)), "{ended:?}");
    });
    let unopened = opening.session(&late).map(drop);
    assert!(matches!(unopened, Err(Error::Cancelled)), "{unopened:?}");
    assert_eq!(first.infer(&IMAGE, &mut Silent).expect("an answer").logits.len(), 10);
    opening.cancellation.cancel();
    assert!(matches!(first.infer(&IMAGE, &mut Silent), Err(Error::Cancelled)));
}

#[test]
fn what_one_session_prepares_for_later_is_there_in_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let [ours, theirs] = ["ours", "theirs"]
        .map(|name| Arc::new(Store::open(&folder.path().join(name), None, Quota::DEFAULT).expect("a store")));
    let running = start(&Server::builder(plan()).store(theirs).build().expect("a server"));
    let mut opening = opening(&running);
    opening.shelf = Some(ours);
    let mut session = opening.session(&opening.cancellation).expect("a session");
    assert_eq!(session.stock(1, &mut Silent).expect("kept"), 1);
    session.close();
    let mut session = opening.session(&opening.cancellation).expect("a session");
    assert_eq!(session.stored(), 1);
    assert_eq!(session.infer(&IMAGE, &mut Silent).expect("an answer").logits.len(), 10);
    assert_eq!((session.recalled(), session.stored()), (1, 0));
}
