//! The test vectors of `runtime/src/message/WIRE.md`, which are read from there: what the code makes is what the document says,
//! and the code takes what the document says.

mod cryptography;
mod document;
mod views;

use document::{Given, Vector, check, vector};
use runtime::channel::{Connection, Limit, Transport};
use runtime::error::{Error, PeerFault};
use runtime::ot::Bits;
use runtime::plan::{PlanId, Ring};
use runtime::protocol::hello::{Hello, Listed, PROTOCOL_VERSION, Terms, Wanted, Welcome};
use runtime::protocol::message::{self, COME_AGAIN, Message};
use runtime::protocol::shared::grant::Grant;
use runtime::protocol::shared::keeping::{Found, Kept, Preparation, names_to_bytes};
use runtime::protocol::shared::message_schedule::{Communication, MessageSchedule};
use runtime::protocol::shared::relu::Relu;
use runtime::protocol::token::Token;
use runtime::store::{Name, StoreId};
use std::io::{self, Cursor, Write};
use std::sync::{Arc, Mutex};

#[test]
fn all_vectors_are_what_the_code_makes() {
    let given = Given::read();
    let made = [messages(), cryptography::vectors(&given), views::vectors()].concat();
    check(&made);
}

#[test]
fn the_document_is_of_this_version() {
    assert!(document::TEXT.starts_with(&format!("# The wire format, version {PROTOCOL_VERSION}\n")));
    for end in COME_AGAIN {
        assert!(document::TEXT.contains(&format!("`{end}`")), "{end}");
    }
}

/// Remembers what is written.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All that a party sends with these calls.
fn sent(act: impl FnOnce(&mut Connection)) -> Vec<u8> {
    let tape = Tape::default();
    let mut connection = Connection::new(Transport::new(io::empty(), tape.clone()), None).expect("a thread");
    act(&mut connection);
    connection.close();
    std::mem::take(&mut *tape.0.lock().expect("nobody panics"))
}

/// A direction's first three frames.
fn frames() -> Vec<u8> {
    sent(|connection| {
        message::send_count(connection, Message::Prepare, 1).expect("sent");
        message::send(connection, Message::Flight, &b"abc"[..]).expect("sent");
        message::send(connection, Message::TreeSums, Vec::new()).expect("sent");
    })
}

/// The bodies of messages without numbers of cryptography.
fn messages() -> Vec<Vector> {
    let frames = frames();
    let (first, rest) = frames.split_at(9 + 1 + 16);
    let (second, third) = rest.split_at(9 + 3 + 16);
    let token = Token::from_bytes(std::array::from_fn(|place| place as u8));
    let hello = |wanted| Hello { wanted, token: None }.to_bytes().to_vec();
    let id = PlanId::from_bytes(std::array::from_fn(|place| 0x80 + place as u8));
    let with_token = Hello { wanted: Wanted::Any, token: Some(token.clone()) }.to_bytes();
    let named = |name: &str| name.parse().expect("a name");
    let list = ["mnist", "cifar10"].map(|name| Listed { name: named(name), id });
    let refusal = sent(|connection| message::refuse(connection, "too many; try again later").expect("sent"));
    let hash: Vec<u8> = document::bytes(&token.hash().to_string());
    let names = [0xa1, 0xa2, 0xa3].map(|byte| Name::from_bytes([byte; 32]));
    let prepare = Preparation { inferences: 2, names: names[..2].to_vec() };
    let store = StoreId::from_bytes(std::array::from_fn(|place| 0x10 + place as u8));
    let inferences = u64::MAX;
    let terms = Terms { max_prepared: 500, idle: 3600, age: 86_400, preparations: 16, inferences, store };
    let declined = Grant::Declined("it has too much to do; try again later".into());
    vec![
        vector("frame-1", first),
        vector("frame-2", second),
        vector("frame-3", third),
        vector("token", token.as_bytes()),
        vector("token-hash", hash),
        vector("hello-any", hello(Wanted::Any)),
        vector("hello-digest", hello(Wanted::Id(id))),
        vector("hello-name", hello(Wanted::Name(named("mnist")))),
        vector("hello-list", hello(Wanted::List)),
        vector("hello-token", &**with_token),
        vector("welcome-view-abc", Welcome { terms, view: b"abc" }.to_bytes()),
        vector("plans", Listed::to_bytes(&list)),
        vector("refusal-frame", refusal),
        vector("grant-given", Grant::Given.to_bytes()),
        vector("grant-declined", declined.to_bytes()),
        vector("prepare", prepare.to_bytes()),
        vector("keep", message::count(3).expect("three")),
        vector("kept", Kept::to_bytes(&[Kept::Kept, Kept::Stays, Kept::Lost])),
        vector("take", names_to_bytes(&names)),
        vector("taken", Found::to_bytes(&[Found::Gone, Found::There, Found::NotNow])),
        vector("bits", Bits::from_fn(10, |place| [0, 3, 4, 9].contains(&place)).to_bytes()),
    ]
}

#[test]
fn frames_are_taken_and_changed_ones_are_not() {
    let receive = |bytes: Vec<u8>| {
        let mut connection =
            Connection::new(Transport::new(Cursor::new(bytes), io::sink()), None).expect("a thread");
        let mut next = |message, length| {
            message::receive(&mut connection, message, Limit::Exactly(length)).map(|body| body.len())
        };
        Ok::<_, Error>([next(Message::Prepare, 1)?, next(Message::Flight, 3)?, next(Message::TreeSums, 0)?])
    };
    assert_eq!(receive(frames()).expect("they are whole"), [1, 3, 0]);
    let (bytes, mut sealed) = (frames(), blake3::Hasher::new());
    for [start, end] in [[0, 10], [26, 38], [54, 63]] {
        sealed.update(&bytes[start..end]);
        assert_eq!(bytes[end..end + 16], sealed.finalize().as_bytes()[..16], "the hash of all before");
    }
    for place in [9, 10, 25, 35, 53, 70] {
        let mut changed = frames();
        changed[place] ^= 1;
        let error = receive(changed).expect_err("a changed byte");
        assert!(matches!(error, Error::PeerMisbehaved(PeerFault::Altered(_))), "{place}: {error}");
    }
}

#[test]
fn the_schedule_of_a_relu_is_the_documents() {
    let ring = |bits| Ring::new(bits).expect("a ring");
    let relu = Relu::new(ring(16), 4, ring(12)).expect("it drops bits");
    let mut messages = MessageSchedule::new();
    relu.schedule(&mut messages, 100);
    let Communication { sent, batches, .. } = messages.finish();
    let mut lines: Vec<String> =
        batches.iter().map(|batch| format!("{:?} x {}", batch.kind, batch.count)).collect();
    for (party, sent) in [("client", sent.client), ("server", sent.server)] {
        lines.push(format!("{party} sends {} bytes in {} frames", sent.bytes, sent.frames));
    }
    assert_eq!(document::lines("schedule"), lines, "\n{}", lines.join("\n"));
}
