//! Suite `shared` over a line that damages what goes over it: both parties end, with an answer or a typed error.

use crate::support::fault::{Fault, Faulty};
use crate::support::shared::{Choices, shared};
use crate::support::{KEY, every_operation, valid};
use proptest::prelude::*;
use runtime::channel::{Connection, Transport, memory, tcp};
use runtime::error::{Error, PeerFault};
use runtime::observe::Silent;
use runtime::plan::ValidPlan;
use runtime::protocol::message::{self, Message};
use runtime::roles::server::Server;
use runtime::roles::{client, plain};
use std::thread;
use std::time::Duration;

/// `end`, whose writer damages.
fn damaging(end: Transport, fault: Option<Fault>) -> Transport {
    let (reader, inner) = end.split();
    Transport::with_reader(reader, Faulty::new(inner, fault))
}

fn plan() -> ValidPlan {
    valid(shared(every_operation(), &mut Choices(vec![3, 1, 19, 2, 3])))
}

/// One inference over a line that damages what the client or the server sends; both parties' errors. An answer is the right one.
fn damaged(by_client: Option<Fault>, by_server: Option<Fault>) -> [Option<Error>; 2] {
    const PATIENCE: Duration = Duration::from_secs(2);
    let (ours, theirs) = tcp::pair(PATIENCE).expect("sockets");
    let connect = |end, damage| Connection::new(damaging(end, damage), Some(PATIENCE)).expect("a thread");
    let (ours, theirs) = (connect(ours, by_client), connect(theirs, by_server));
    let server = Server::new(plan());
    thread::scope(|scope| {
        let serving = scope.spawn(move || server.serve(theirs, &mut Silent).err());
        let image = vec![1.0; 72];
        let session = client::greet(ours, None).and_then(|greeting| greeting.with_key(KEY.clone()));
        let asked = session.and_then(|mut session| session.infer(&image, &mut Silent));
        if let Ok(prediction) = &asked {
            let plan = plan();
            let integers = plan.plan().input.quantize(&image).expect("fits");
            assert_eq!(prediction.integers, plain::run(&plan, &integers));
        }
        [asked.err(), serving.join().expect("no panic")]
    })
}

/// What an honest session sends, by client and server.
fn honest() -> [u64; 2] {
    let total = plan().plan().total_cost();
    [total.bytes_up, total.bytes_down]
}

fn is_the_peers(error: &Error) -> bool {
    matches!(error, Error::PeerMisbehaved(_) | Error::Refused(_))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25))]
    #[test]
    fn damage_ends_in_an_answer_or_in_a_typed_error(at: u32, bits in 1u8..=255, cut: bool, to_server: bool) {
        let [up, down] = honest();
        let at = u64::from(at) % if to_server { up } else { down };
        let damage = Some(if cut { Fault::Cut { at } } else { Fault::Change { at, bits } });
        let errors = if to_server { damaged(damage, None) } else { damaged(None, damage) };
        for error in errors.iter().flatten() {
            prop_assert!(is_the_peers(error), "{error:?}");
        }
        let (client, server) = (&errors[0], &errors[1]);
        prop_assert!(!cut || client.is_some(), "no answer without its messages");
        let reader = if to_server { server } else { client };
        prop_assert!(cut || reader.is_some(), "byte {at}: who reads a changed byte says so");
    }
}

/// Every 97th byte of both directions, or each POPCORN_EVERY-th: all of them take hours.
#[test]
#[ignore = "minutes"]
fn no_byte_can_be_changed() {
    let every: u64 = std::env::var("POPCORN_EVERY").map_or(97, |every| every.parse().expect("a number"));
    for (to_server, bytes) in [(true, honest()[0]), (false, honest()[1])] {
        (0..bytes).step_by(every as usize).for_each(|at| {
            let damage = Some(Fault::Change { at, bits: 1 << (at % 8) });
            let errors = if to_server { damaged(damage, None) } else { damaged(None, damage) };
            let reader = &errors[usize::from(to_server)];
            assert!(reader.as_ref().is_some_and(is_the_peers), "byte {at} {to_server}: {errors:?}");
        });
    }
}

/// What the server says of a client of its own.
fn served(act: impl FnOnce(&mut Connection)) -> Error {
    let (ours, theirs) = memory::pair();
    let connect = |end| Connection::new(end, None).expect("a thread");
    let (mut ours, theirs) = (connect(ours), connect(theirs));
    let server = Server::new(plan()).with_max_prepared(3);
    thread::scope(|scope| {
        let serving = scope.spawn(move || server.serve(theirs, &mut Silent));
        message::send(&mut ours, Message::Hello, &**runtime::protocol::hello::Hello::default().to_bytes())
            .expect("sent");
        let view = runtime::channel::Limit::AtMost(1 << 20);
        message::receive(&mut ours, Message::Welcome, view).expect("a welcome");
        message::send(&mut ours, Message::Key, KEY.public().to_bytes()).expect("sent");
        act(&mut ours);
        drop(ours);
        serving.join().expect("no panic").expect_err("an error")
    })
}

#[test]
fn who_asks_before_preparing_is_refused() {
    let error = served(|connection| message::send_count(connection, Message::Infer, 1).expect("sent"));
    assert!(
        matches!(&error, Error::PeerMisbehaved(PeerFault::Protocol(what)) if what.contains("prepared")),
        "{error}"
    );
    let error = served(|connection| message::send(connection, Message::Input, &[]).expect("sent"));
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::WrongMessage { .. })), "{error}");
    let error = served(|connection| message::send(connection, Message::Prepare, &[1, 0]).expect("sent"));
    assert!(
        matches!(&error, Error::PeerMisbehaved(PeerFault::Protocol(what)) if what.contains("malformed")),
        "{error}"
    );
}

#[test]
fn too_many_prepared_inferences_are_refused_with_a_reason() {
    let prepared =
        |count| served(|connection| message::send_count(connection, Message::Prepare, count).expect("sent"));
    for (count, reason) in [(0, "0 inferences at once"), (4, "4 inferences at once"), (5, "more than 3")] {
        let error = prepared(count);
        assert!(
            matches!(&error, Error::PeerMisbehaved(PeerFault::Protocol(what)) if what.contains(reason)),
            "{error}"
        );
    }
}

/// A client asks for no more than the server has said that it keeps.
#[test]
fn clients_prepare_as_many_as_the_server_allows() {
    let (ours, theirs) = memory::pair();
    let connect = |end| Connection::new(end, None).expect("a thread");
    let server = Server::new(plan()).with_max_prepared(3);
    thread::scope(|scope| {
        let serving = scope.spawn(move || server.serve(connect(theirs), &mut Silent));
        let mut session =
            client::greet(connect(ours), None).expect("a plan").with_key(KEY.clone()).expect("a session");
        session.prepare(100, &mut Silent).expect("prepared");
        assert_eq!((session.max_prepared(), session.prepared()), (3, 3));
        drop(session);
        assert!(serving.join().expect("no panic").is_ok());
    });
}
