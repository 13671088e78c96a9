//! Peers that lie, stop half-way or fall silent end their own session with a typed error, nobody else's.

use crate::support::{KEY, PlanBuilder, valid};
use rug::Integer;
use rug::integer::Order;
use runtime::channel::{Acceptance, Connection, Limit, Transport, memory, tcp};
use runtime::error::{Error, PeerFault, Result};
use runtime::observe::Silent;
use runtime::paillier::SecureRng;
use runtime::plan::{Op, PlanId, Shape, ValidPlan, codec};
use runtime::protocol::hello::{Hello, Terms, Wanted, Welcome};
use runtime::protocol::message::{self, Message};
use runtime::roles::client::Session;
use runtime::roles::hall::Hall;
use runtime::roles::listener::{self, Admission};
use runtime::roles::server::{Limits, Offers, Server};
use runtime::roles::watch::Observers;
use runtime::roles::{client, plain};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

fn plan() -> ValidPlan {
    let mut builder = PlanBuilder::new(Shape::new(1, 1, 4));
    let input = builder.last();
    builder.push(Op::Relu, &[input], Shape::new(1, 1, 4));
    valid(builder.finish())
}

const IMAGE: [f32; 4] = [3.0, -3.0, 0.0, 15.0];

fn connected(end: Transport) -> Connection {
    Connection::new(end, None).expect("a thread")
}

/// What the server says of a client that does `act` and then closes the connection; what `act` gives.
fn served<R>(act: impl FnOnce(&mut Connection) -> R) -> (Error, R) {
    let (ours, theirs) = memory::pair();
    let server = Server::new(plan());
    thread::scope(|scope| {
        let serving = scope.spawn(move || server.serve(connected(theirs), &mut Silent));
        let mut connection = connected(ours);
        let result = act(&mut connection);
        drop(connection);
        (serving.join().expect("no panic").expect_err("an error"), result)
    })
}

/// Why the server refuses, as the client is told.
fn told(connection: &mut Connection) -> String {
    let reason = message::receive(connection, Message::Refusal, Limit::AtMost(1024)).expect("a refusal");
    String::from_utf8(reason).expect("text")
}

fn greet(connection: &mut Connection) {
    message::send(connection, Message::Hello, &**Hello::default().to_bytes()).expect("sent");
    message::receive(connection, Message::Welcome, Limit::AtMost(codec::MAX_VIEW_BYTES + 26))
        .expect("a welcome");
}

/// What a server answers that shows these bytes as its plan.
fn welcome(view: &[u8]) -> Vec<u8> {
    Welcome { terms: Terms::unlimited(1), view }.to_bytes()
}

fn introduce(connection: &mut Connection) {
    greet(connection);
    message::send(connection, Message::Key, KEY.public().to_bytes()).expect("sent");
}

const CIPHERTEXT: usize = 128;

/// Fresh encryptions under [`KEY`], as sent.
fn encrypted(plaintexts: &[i32]) -> Vec<u8> {
    let integers: Vec<Integer> = plaintexts.iter().map(|&x| Integer::from(x)).collect();
    let mut rng = SecureRng::from_os().expect("randomness");
    KEY.encrypt(&integers, &mut rng).expect("small numbers").to_bytes(KEY.public())
}

#[test]
fn another_plan_is_refused_by_name() {
    let (error, told) = served(|connection| {
        let hello = Hello { wanted: Wanted::Id(PlanId::from_bytes([9; 32])), token: None };
        message::send(connection, Message::Hello, &**hello.to_bytes()).expect("sent");
        told(connection)
    });
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::OtherPlan(_))), "{error}");
    assert!(told.contains(&plan().id().to_string()));
}

#[test]
fn another_protocol_version_is_refused() {
    let (error, told) = served(|connection| {
        let mut hello = Hello::default().to_bytes();
        hello[0] ^= 0x55;
        message::send(connection, Message::Hello, &**hello).expect("sent");
        told(connection)
    });
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::Protocol(_))), "{error}");
    assert!(told.contains("version"));
}

#[test]
fn wrong_and_unknown_messages_are_named() {
    let (error, _) = served(|connection| message::send(connection, Message::Key, &[1]).expect("sent"));
    assert_eq!(error.to_string(), "the peer misbehaved: it sent key where hello was expected");
    let (error, _) = served(|connection| connection.send(200, "nonsense", Vec::new()).expect("sent"));
    assert!(error.to_string().contains("unknown message 200"), "{error}");
}

#[test]
fn messages_of_another_length_are_refused_before_they_are_read() {
    let (error, _) = served(|connection| {
        introduce(connection);
        message::send(connection, Message::Input, &[0; 3 * CIPHERTEXT]).expect("sent");
    });
    assert!(
        matches!(error, Error::PeerMisbehaved(PeerFault::WrongLength { expected: 512, got: 384, .. })),
        "{error}"
    );
    let (error, _) = served(|connection| {
        introduce(connection);
        drop(message::begin(connection, Message::Input, u64::MAX).expect("sent"));
    });
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::WrongLength { got: u64::MAX, .. })), "{error}");
}

#[test]
fn unusable_keys_are_refused() {
    let even = [vec![0xfe; 64], vec![1; CIPHERTEXT]].concat();
    let small = [vec![0; 32], vec![0xff; 32], vec![1; CIPHERTEXT]].concat();
    let without_randomisers = [&KEY.public().to_bytes()[..64], &[0; CIPHERTEXT]].concat();
    for key in [even, small, without_randomisers, vec![0; 64 + CIPHERTEXT]] {
        let (error, _) = served(|connection| {
            greet(connection);
            message::send(connection, Message::Key, &key).expect("sent");
        });
        assert!(matches!(error, Error::PeerMisbehaved(PeerFault::PublicKey(_))), "{error}");
    }
}

#[test]
fn numbers_that_are_no_ciphertexts_are_refused() {
    let mut n = vec![0; CIPHERTEXT];
    KEY.public().modulus().write_digits(&mut n, Order::Msf);
    for bad in [vec![0; CIPHERTEXT], vec![0xff; CIPHERTEXT], n] {
        let mut input = encrypted(&[1; 4]);
        input[2 * CIPHERTEXT..3 * CIPHERTEXT].copy_from_slice(&bad);
        let (error, told) = served(|connection| {
            introduce(connection);
            message::send(connection, Message::Input, &input).expect("sent");
            told(connection)
        });
        assert!(
            matches!(error, Error::PeerMisbehaved(PeerFault::Ciphertext { message: "input", .. })),
            "{error}"
        );
        assert!(told.contains("invalid ciphertext"));
    }
}

#[test]
fn hanging_up_anywhere_is_noticed() {
    let (error, _) = served(greet);
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::HungUp("key"))), "{error}");
    let input = encrypted(&[1; 4]);
    let (error, _) = served(|connection| {
        introduce(connection);
        message::send(connection, Message::Input, &input).expect("sent");
    });
    // The server notices when it sends its question, or when it waits for the answer.
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::HungUp("question" | "answer"))), "{error}");
}

/// How long clients of these tests may take over anything.
const SHORT: Duration = Duration::from_secs(2);

/// A listener with `max_clients` places and short limits, on a free port.
fn listen(plan: &ValidPlan, max_clients: usize, max_per_address: Option<usize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let offers = Offers::one(Server::new(plan.clone()));
    let limits = Limits { handshake: SHORT, message: SHORT, idle: 2 * SHORT, age: 4 * SHORT };
    let admission = Admission { max_per_address, limits, acceptance: Acceptance::Plain, budgets: None };
    let hall = Hall::new(max_clients);
    thread::spawn(move || listener::listen(&offers, &listener, &admission, &hall, &Observers::default()));
    address
}

/// A session of a client that has sent its key.
fn enter(address: &str) -> Result<Session> {
    client::greet(tcp::connect(address, Duration::from_secs(60))?, None)?.with_key(KEY.clone())
}

fn infer(address: &str, plan: &ValidPlan) {
    let connection = tcp::connect(address, Duration::from_secs(60)).expect("a connection");
    let mut session = client::greet(connection, Some(plan.id()))
        .expect("a greeting")
        .with_key(KEY.clone())
        .expect("a session");
    let expected = plain::run(plan, &plan.plan().input.quantize(&IMAGE).expect("fits"));
    assert_eq!(session.infer(&IMAGE, &mut Silent).expect("a prediction").integers, expected);
}

#[test]
fn the_server_goes_on_serving_others() {
    let plan = plan();
    let address = listen(&plan, 64, None);
    let mut garbage = TcpStream::connect(&address).expect("a connection");
    garbage.write_all(&[0x5a; 4096]).expect("sent");
    let silent = TcpStream::connect(&address).expect("a connection");
    drop(TcpStream::connect(&address).expect("a connection"));
    infer(&address, &plan);
    drop((garbage, silent));
    infer(&address, &plan);
}

/// Silent and half-open clients take no places, and are given up soon.
#[test]
fn silence_locks_nobody_out() {
    let plan = plan();
    let address = listen(&plan, 1, None);
    let start = Instant::now();
    let silent: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(&address).expect("a connection")).collect();
    let greeted = client::greet(tcp::connect(&address, SHORT).expect("a connection"), None).expect("a plan");
    infer(&address, &plan);
    assert!(start.elapsed() < SHORT, "{:?}", start.elapsed());
    let gone = |mut stream: TcpStream| {
        stream.set_read_timeout(Some(4 * SHORT)).expect("an option");
        let mut word = Vec::new();
        stream.read_to_end(&mut word).expect("its end");
    };
    silent.into_iter().for_each(gone);
    assert!(start.elapsed() < 3 * SHORT, "{:?}", start.elapsed());
    assert!(greeted.with_key(KEY.clone()).and_then(|mut late| late.infer(&IMAGE, &mut Silent)).is_err());
}

#[test]
fn a_client_too_many_is_told_so_and_an_idle_one_makes_room() {
    let plan = plan();
    let address = listen(&plan, 1, None);
    let first = enter(&address).expect("a session");
    let refused =
        enter(&address).and_then(|mut session| session.infer(&IMAGE, &mut Silent)).expect_err("full");
    assert!(matches!(&refused, Error::Refused(reason) if reason.contains("try again later")), "{refused}");
    let is_let_in = || {
        thread::sleep(SHORT / 8);
        enter(&address).and_then(|mut session| session.infer(&IMAGE, &mut Silent)).is_ok()
    };
    assert!((0..100).any(|_| is_let_in()), "an idle client keeps its place");
    drop(first);
}

#[test]
fn one_address_has_so_many_connections() {
    let plan = plan();
    let address = listen(&plan, 8, Some(2));
    let (first, second) = (enter(&address).expect("a session"), enter(&address).expect("a session"));
    let closed = enter(&address).err().expect("too many");
    assert!(matches!(closed, Error::PeerMisbehaved(PeerFault::HungUp(_))), "{closed}");
    drop((first, second));
    // It takes the server a moment to notice, and each of these connections, too.
    let is_let_in = || {
        thread::sleep(SHORT / 8);
        enter(&address).and_then(|mut session| session.infer(&IMAGE, &mut Silent)).is_ok()
    };
    assert!((0..100).any(|_| is_let_in()), "nobody is let in again");
}

/// A session that asks again and again ends when it has lasted long enough, with a reason.
#[test]
fn sessions_end_of_age() {
    let address = listen(&plan(), 1, None);
    let mut session = enter(&address).expect("a session");
    let start = Instant::now();
    let over = loop {
        if let Err(error) = session.infer(&IMAGE, &mut Silent) {
            break error;
        }
        thread::sleep(SHORT / 4);
    };
    assert!(matches!(&over, Error::Refused(reason) if reason.contains("open another")), "{over}");
    assert!((3 * SHORT..6 * SHORT).contains(&start.elapsed()), "{:?}", start.elapsed());
}

/// What the client says of a server that does `misbehave` after the client's hello.
fn asked(misbehave: impl FnOnce(&mut Connection) + Send) -> Error {
    let (ours, theirs) = memory::pair();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut connection = connected(theirs);
            message::receive(&mut connection, Message::Hello, Limit::AtMost(64)).expect("a hello");
            misbehave(&mut connection);
        });
        let session =
            client::greet(connected(ours), None).and_then(|greeting| greeting.with_key(KEY.clone()));
        session.and_then(|mut session| session.infer(&IMAGE, &mut Silent)).expect_err("an error")
    })
}

#[test]
fn a_client_is_told_who_is_to_blame() {
    let error = asked(|connection| message::refuse(connection, "no\u{1b}[31m more").expect("sent"));
    assert_eq!(error.to_string(), "the server refused: no [31m more");
    let error =
        asked(|connection| message::send(connection, Message::Welcome, welcome(b"POPCORNC")).expect("sent"));
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::Plan(_))), "{error}");
    let view = codec::encode_view(plan().client_view());
    let error =
        asked(|connection| message::send(connection, Message::Welcome, welcome(&view)).expect("sent"));
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::HungUp(_))), "{error}");
}

/// What the client says of a server that shows its plan, does `act` and hangs up before the client sends its image.
fn left(act: impl FnOnce(&mut Connection) + Send) -> Error {
    let (ours, theirs) = memory::pair();
    let mut session = thread::scope(|scope| {
        scope.spawn(move || {
            let mut connection = connected(theirs);
            message::receive(&mut connection, Message::Hello, Limit::AtMost(64)).expect("a hello");
            let view = codec::encode_view(plan().client_view());
            message::send(&mut connection, Message::Welcome, welcome(&view)).expect("sent");
            message::receive(&mut connection, Message::Key, Limit::AtMost(192)).expect("a key");
            act(&mut connection);
        });
        client::greet(connected(ours), None)
            .and_then(|greeting| greeting.with_key(KEY.clone()))
            .expect("a session")
    });
    session.infer(&IMAGE, &mut Silent).expect_err("an error")
}

#[test]
fn a_refusal_is_read_though_nobody_takes_what_the_client_sends() {
    let error = left(|connection| message::refuse(connection, "no more").expect("sent"));
    assert_eq!(error.to_string(), "the server refused: no more");
    let error = left(|_| ());
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::HungUp("input"))), "{error}");
}

/// What the client says of a server that asks `question` and shows `logits`, and answers it gets.
fn questioned(question: &[u8], logits: &[u8]) -> Error {
    let plan = plan();
    let view = codec::encode_view(plan.client_view());
    let work = crate::support::exchanges(&plan);
    let answer = Limit::Exactly((work.rounds[0].reply_ciphertexts() * CIPHERTEXT) as u64);
    asked(|connection| {
        message::send(connection, Message::Welcome, welcome(&view)).expect("sent");
        message::receive(connection, Message::Key, Limit::AtMost(192)).expect("a key");
        message::receive(connection, Message::Input, Limit::AtMost(512)).expect("an input");
        message::send(connection, Message::Question, question).expect("sent");
        message::receive(connection, Message::Answer, answer).expect("an answer like any other");
        message::send(connection, Message::Logits, logits).expect("sent");
    })
}

/// Ciphertexts of the question of the one round.
fn packed() -> usize {
    let plan = plan();
    let work = crate::support::exchanges(&plan);
    work.rounds[0].packed_ciphertexts(work.parameters, plan.plan().key_bits)
}

#[test]
fn a_question_beyond_the_plans_bounds_is_answered_and_reported_after_the_logits() {
    let full = encrypted(&[-1]).repeat(packed()); // N − 1 fills every slot
    let error = questioned(&full, &encrypted(&[0]));
    assert!(matches!(error, Error::PeerMisbehaved(PeerFault::OutOfBounds("question"))), "{error}");
}

/// A server that multiplies something of its own into ciphertexts would learn about the key from an error that came early.
#[test]
fn ciphertexts_of_another_group_are_answered_and_reported_after_the_logits() {
    let square = KEY.public().modulus_squared().clone();
    let mut minus_one = vec![0; CIPHERTEXT];
    (square - 1u32).write_digits(&mut minus_one, Order::Msf);
    let error = questioned(&minus_one.repeat(packed()), &encrypted(&[0]));
    let foreign = |error: &Error, named: &str| matches!(error, Error::PeerMisbehaved(PeerFault::Ciphertext { message, .. }) if *message == named);
    assert!(foreign(&error, "question"), "{error}");
    let error = questioned(&encrypted(&[0]).repeat(packed()), &minus_one);
    assert!(foreign(&error, "logits"), "{error}");
}

#[test]
fn a_client_that_drips_bytes_is_given_up() {
    let plan = plan();
    let address = listen(&plan, 1, None);
    let mut dripping = TcpStream::connect(&address).expect("a connection");
    let dripped = (0..100).take_while(|_| {
        thread::sleep(Duration::from_millis(500));
        dripping.write_all(&[1]).is_ok()
    });
    assert!(dripped.count() < 20, "still there after ten seconds");
    infer(&address, &plan);
}
