//! A client whose line breaks, or whose server is not there or full, comes again: with the right answer or a typed error, and with
//! nothing that it used before.

use crate::support::relay::{Carried, Fate, Relay};
use runtime::error::PeerFault;
use runtime::roles::plain;
use runtime::{Client, ClientKey, Error, KeyBits, Plan, Running, Server};
use std::collections::HashSet;
use std::net::TcpListener;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

static KEY: LazyLock<ClientKey> =
    LazyLock::new(|| ClientKey::generate(KeyBits::default()).expect("randomness"));

/// Longer than any pause of these tests.
const LONG: Duration = Duration::from_secs(60);
const IMAGE: [f32; 784] = [1.0; 784];

fn plan() -> Plan {
    Plan::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/mnist-mlp.plan")).expect("a plan")
}

fn serve(listener: TcpListener, max_clients: usize) -> Running {
    let server = Server::builder(plan()).max_clients(max_clients).build().expect("a server");
    server.start(listener).expect("a thread")
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a port")
}

fn expected() -> Vec<i128> {
    let plan = plan();
    plain::run(&plan, &plan.plan().input.quantize(&IMAGE).expect("fits"))
}

/// Prepares two inferences and asks about an image.
fn ask(address: &str, retry: Duration) -> runtime::Result<(Vec<i128>, usize)> {
    let mut client = Client::connect(address).key(KEY.clone()).plan(plan().id()).retry(retry).open()?;
    client.prepare(2)?;
    let prediction = client.infer(&IMAGE)?;
    Ok((prediction.integers, client.prepared()))
}

/// The bytes after those that two connections begin with alike: a hello and the same key.
fn after_the_key<'c>(first: &'c Carried, second: &'c Carried) -> [&'c [u8]; 2] {
    let alike = first.up.iter().zip(&second.up).take_while(|(a, b)| a == b).count();
    assert!(alike < 2048, "{alike}");
    [&first.up[alike..], &second.up[alike..]]
}

#[test]
fn a_line_that_breaks_anywhere_gives_the_answer_or_a_typed_error_and_nothing_is_used_twice() {
    let running = serve(listener(), 8);
    let target = running.address().to_string();
    let whole = Relay::new(target.clone(), &[]);
    assert_eq!(ask(&whole.address, Duration::ZERO).expect("an answer"), (expected(), 1));
    let total = whole.carried()[0].down;
    // Of the last message but a byte: the online phase is over but for that.
    for most in [0, 1, 40, total / 4, total / 2, total * 3 / 4, total - 3000, total - 1] {
        let relay = Relay::new(target.clone(), &[(most, Fate::Cut)]);
        let (integers, prepared) = ask(&relay.address, LONG).expect("an answer");
        assert_eq!(integers, expected(), "{most}");
        assert!(prepared <= 1, "{most}");
        let carried = relay.carried();
        assert_eq!(carried.len(), 2, "{most}");
        let [first, second] = after_the_key(&carried[0], &carried[1]);
        let before: HashSet<&[u8]> = first.windows(16).collect();
        assert!(!second.windows(16).any(|bytes| before.contains(bytes)), "{most}: sent again");
        let relay = Relay::new(target.clone(), &[(most, Fate::Cut)]);
        let lost = ask(&relay.address, Duration::ZERO).expect_err("no patience");
        assert!(matches!(lost, Error::PeerMisbehaved(PeerFault::HungUp(_))), "{most}: {lost}");
        assert_eq!(relay.carried().len(), 1, "{most}");
    }
}

#[test]
fn a_server_that_is_full_or_comes_late_is_waited_for() {
    let running = serve(listener(), 1);
    let address = running.address().to_string();
    let mut first = Client::connect(&*address).key(KEY.clone()).open().expect("a session");
    first.prepare(1).expect("prepared");
    let refused = ask(&address, Duration::ZERO).expect_err("full");
    assert!(matches!(refused, Error::Refused(_)), "{refused}");
    thread::scope(|scope| {
        let second = scope.spawn(|| ask(&address, LONG));
        thread::sleep(Duration::from_millis(300));
        first.close().expect("closed");
        assert_eq!(second.join().expect("no panic").expect("an answer").0, expected());
    });

    let free = listener().local_addr().expect("an address");
    let nobody = ask(&free.to_string(), Duration::ZERO).expect_err("nobody listens");
    assert!(matches!(nobody, Error::Io { .. }), "{nobody}");
    thread::scope(|scope| {
        let client = scope.spawn(|| ask(&free.to_string(), LONG));
        thread::sleep(Duration::from_millis(300));
        let running = serve(TcpListener::bind(free).expect("the port"), 1);
        assert_eq!(client.join().expect("no panic").expect("an answer").0, expected());
        drop(running);
    });
}

/// Another plan behind the same address is refused by name, not asked; a lost prepared inference is prepared anew.
#[test]
fn the_plan_stays_the_same_and_what_is_lost_is_counted() {
    let running = serve(listener(), 8);
    let relay = Relay::new(running.address().to_string(), &[(150_000, Fate::Cut)]);
    let mut client = Client::connect(&*relay.address).key(KEY.clone()).retry(LONG).open().expect("a session");
    while relay.carried().len() < 2 {
        assert_eq!(client.prepare(1).expect("prepared"), 1);
        assert_eq!(client.infer(&IMAGE).expect("an answer").integers, expected());
    }
    assert_eq!(client.plan().id, plan().id());
    let down: usize = relay.carried().iter().map(|carried| carried.down).sum();
    let spent = client.spending().traffic().received;
    assert!(spent > 150_000 / 2 && spent <= down as u64, "{spent} of {down}");
}
