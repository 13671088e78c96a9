//! The fuzz targets on their corpus and near it, without a fuzzer: that they hold, and that they do not rot.

use crate::support::shared::{Choices, shared};
use crate::support::shelf::Memory;
use crate::support::{every_operation, valid};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use runtime::channel::{Connection, Transport, memory};
use runtime::error::{Error, PeerFault};
use runtime::observe::Silent;
use runtime::plan::codec;
use runtime::protocol::hello::{Hello, Terms, Welcome};
use runtime::protocol::message::Message;
use runtime::roles::client;
use runtime::roles::server::Server;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{fs, io, thread};

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a crate of its own there")]
mod targets;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// The files of `target`'s corpus, and `cases` of each in which some bytes are changed, cut out or put in.
fn replay(target: &str, cases: u32, act: fn(&[u8])) {
    let files =
        fs::read_dir(corpus(target)).and_then(Iterator::collect::<io::Result<Vec<_>>>).expect("a corpus");
    assert!(!files.is_empty());
    for file in files {
        let whole = fs::read(file.path()).expect("a file");
        act(&whole);
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let edits = prop::collection::vec(
            (any::<prop::sample::Index>(), 0..2_usize, prop::option::of(any::<u8>())),
            1..5,
        );
        let near = |edits: Vec<(prop::sample::Index, usize, Option<u8>)>| {
            let mut bytes = whole.clone();
            for (place, replaced, by) in edits {
                let at = place.index(bytes.len() + 1);
                bytes.splice(at..(at + replaced).min(bytes.len()), by);
            }
            act(&bytes);
            Ok(())
        };
        runner.run(&edits, near).unwrap_or_else(|error| panic!("near {}: {error}", file.path().display()));
    }
}

#[test]
fn plans() {
    replay("plan", 500, targets::plan);
}

#[test]
fn views() {
    replay("view", 500, targets::view);
}

#[test]
fn sessions() {
    replay("session", 100, targets::session);
}

#[test]
fn ciphertexts() {
    replay("ciphertexts", 100, targets::ciphertexts);
}

#[test]
fn images() {
    replay("images", 300, targets::images);
}

/// What client and server send in a session with one inference of the corpus' plan of suite `shared`, which they keep in between if
/// the server does.
fn transcripts(keeps: bool) -> [Vec<u8>; 2] {
    let plan = codec::decode(&sealed()).expect("a plan of this version");
    let (ours, theirs) = memory::pair();
    let [by_client, by_server] = [(), ()].map(|()| Arc::new(Mutex::new(Vec::new())));
    let ours = Connection::new(recording(ours, &by_client), None).expect("a thread");
    let theirs = Connection::new(recording(theirs, &by_server), None).expect("a thread");
    let shape = plan.plan().input.shape;
    let server = Server::new(plan);
    let server = if keeps { server.with_shelf(Memory::new(2)) } else { server };
    thread::scope(|scope| {
        let serving = scope.spawn(move || server.serve(theirs, &mut Silent));
        let mut session =
            client::greet(ours, None).expect("a plan").with_key(targets::KEY.clone()).expect("a session");
        session = session.with_shelf(Memory::new(1));
        assert_eq!(session.stock(1, &mut Silent).expect("kept"), usize::from(keeps));
        session.infer(&vec![1.0; shape.elements()], &mut Silent).expect("a prediction");
        session.close();
        serving.join().expect("no panic").expect("served");
    });
    [by_client, by_server].map(|bytes| targets::unsealed(&bytes.lock().expect("no panic")))
}

/// The corpus' plan as a file.
fn sealed() -> Vec<u8> {
    let body = fs::read(corpus("plan").join("shared")).expect("a file");
    targets::framed(b'P', &body)
}

/// `end`, of which all that is written is kept.
fn recording(end: Transport, kept: &Arc<Mutex<Vec<u8>>>) -> Transport {
    let (reader, inner) = end.split();
    Transport::with_reader(reader, Recorder { inner, kept: Arc::clone(kept) })
}

struct Recorder<W> {
    inner: W,
    kept: Arc<Mutex<Vec<u8>>>,
}

impl<W: io::Write> io::Write for Recorder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.kept.lock().expect("no panic").extend_from_slice(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The sessions of the corpus get as far as they can: another challenge has another answer, and that ciphertexts are of another
/// process' key is reported after the last message.
#[test]
fn sessions_reach_all_stages() {
    let file = |name: &str| fs::read(corpus("session").join(name)).expect("a file");
    for (client, server) in [("client", "server"), ("client-kept", "server-kept")] {
        let unproved = targets::served(&file(client)).expect_err("another challenge");
        assert!(matches!(unproved, Error::PeerMisbehaved(PeerFault::Unproved(_))), "{unproved}");
        let another = targets::asked(&file(server)).expect_err("another key");
        assert!(matches!(another, Error::PeerMisbehaved(PeerFault::Ciphertext { .. })), "{another}");
    }
    let kept = targets::shelf::Memory::new(1);
    targets::asked_with(&file("server-kept"), kept.clone()).expect_err("another key");
    kept.change(|_, half| assert_eq!(half[6], 2, "the fault is marked"));
    assert_eq!(kept.len(), 1, "and the half kept as others are");
    for suite in ["welcome-blinded", "welcome-shared"] {
        let cut = targets::asked(&file(suite)).expect_err("nothing after the welcome");
        let fault = matches!(cut, Error::PeerMisbehaved(PeerFault::HungUp(message)) if message != "welcome");
        assert!(fault, "{suite}: {cut}");
    }
    for asked in ["hello-key", "hello-key-take"] {
        let cut = targets::served(&file(asked));
        assert!(matches!(cut, Ok(0)), "{asked}: {cut:?}");
    }
}

/// After a change of a format: `cargo test --release -p runtime --test it -- --ignored write_the_corpus`.
#[test]
#[ignore = "writes runtime/fuzz/corpus"]
fn write_the_corpus() {
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = corpus(target);
        fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join(name), bytes)).expect("written");
    };
    let frame = |message: Message, body: &[u8]| {
        [&[message as u8], &(body.len() as u64).to_le_bytes()[..], body].concat()
    };
    let plans = [every_operation(), shared(every_operation(), &mut Choices(vec![3, 1, 19, 2, 3]))];
    for (suite, plan) in ["blinded", "shared"].into_iter().zip(plans.map(valid)) {
        let (server, client) = (codec::encode(&plan), codec::encode_view(plan.client_view()));
        write("plan", suite, &server[codec::HEADER_BYTES..]);
        write("view", suite, &client[codec::HEADER_BYTES..]);
        write(
            "session",
            &format!("welcome-{suite}"),
            &frame(Message::Welcome, &Welcome { terms: Terms::unlimited(1), view: &client }.to_bytes()),
        );
    }
    let hello = frame(Message::Hello, &Hello::default().to_bytes());
    write("session", "hello", &hello);
    let hello_key = [hello, frame(Message::Key, &targets::KEY.public().to_bytes())].concat();
    write("session", "hello-key", &hello_key);
    write("session", "hello-key-take", &[hello_key, frame(Message::Take, &[7; 64])].concat());
    for (keeps, kept) in [(false, ""), (true, "-kept")] {
        let [client, server] = transcripts(keeps);
        write("session", &format!("client{kept}"), &client);
        write("session", &format!("server{kept}"), &server);
    }
    write("ciphertexts", "two", &[0x11; 2 * 128]);
    let numpy = |descr: &str, shape: &str, data: &[u8]| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
    };
    write("images", "floats.npy", &numpy("<f4", "(1, 4)", &[0; 16]));
    write("images", "bytes.npy", &numpy("|u1", "(28, 28)", &[7; 784]));
    write("images", "none.npy", &numpy("<f8", "(0, 4294967295, 4294967295)", &[]));
    write("images", "text.npy", &numpy("<é", "(1,)", &[]));
    let digits = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/digits/all.npz"));
    write("images", "digits.npz", &digits.expect("digits"));
}
