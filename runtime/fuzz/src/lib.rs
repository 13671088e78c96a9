//! What the fuzz targets do with bytes, a function each; `runtime/tests/it/fuzz.rs` does the same with the corpus.
//! Nothing that a file or a peer says may end the program.

#[path = "../../tests/it/support/shelf.rs"]
#[allow(dead_code, clippy::duplicate_mod, reason = "tests do more with it, and with this crate")]
pub(crate) mod shelf;

use runtime::Error;
use runtime::channel::frame::{HEADER_BYTES, Header, SEAL_BYTES};
use runtime::channel::{Connection, Transport};
use runtime::data::Dataset;
use runtime::observe::Silent;
use runtime::paillier::{Ciphertexts, HolderKey, test_keys};
use runtime::plan::{Shape, Work, codec};
use runtime::roles::client;
use runtime::roles::server::Server;
use shelf::Memory;
use std::io::{self, Cursor};
use std::sync::{Arc, LazyLock};

/// A plan file, or the body of one, which no digest protects then: what is decoded can be printed and shown to a client,
/// and comes back from its own bytes.
pub fn plan(bytes: &[u8]) {
    let framed = framed(b'P', bytes);
    for plan in [bytes, &framed].into_iter().filter_map(|bytes| codec::decode(bytes).ok()) {
        assert_eq!(codec::decode(&codec::encode(&plan)).expect("its own bytes").id(), plan.id());
        let shown = codec::encode_view(plan.client_view());
        codec::decode_view(&shown).expect("what a server shows to its clients");
        let _ = plan.to_string();
    }
}

/// A client's view, or the body of one.
pub fn view(bytes: &[u8]) {
    let framed = framed(b'C', bytes);
    for view in [bytes, &framed].into_iter().filter_map(|bytes| codec::decode_view(bytes).ok()) {
        assert_eq!(codec::decode_view(&codec::encode_view(&view)).as_ref(), Ok(&view));
        let _ = (view.encryptions(), view.to_string());
    }
}

/// Everything that a peer sends, to a server and to a client that prepares an inference, keeps it if the server does, and asks.
pub fn session(bytes: &[u8]) {
    for error in [served(bytes).err(), asked(bytes).err()].into_iter().flatten() {
        assert!(!matches!(error, Error::Bug(_)), "{error}");
    }
}

/// How a session ends whose client sends these bytes, with a server of the corpus' plan of suite `shared`.
pub fn served(bytes: &[u8]) -> Result<u64, Error> {
    static SERVER: LazyLock<Server> = LazyLock::new(|| {
        let plan = codec::decode(&framed(b'P', include_bytes!("../corpus/plan/shared")));
        Server::new(plan.expect("a plan of this version"))
    });
    SERVER.clone().with_shelf(Memory::new(2)).serve(connection(bytes), &mut Silent)
}

/// The key of fuzzed clients.
pub static KEY: LazyLock<Arc<HolderKey>> = LazyLock::new(|| Arc::new(test_keys::holder(512)));

/// How a session ends whose server sends these bytes; a client of a large plan stops after the handshake.
pub fn asked(bytes: &[u8]) -> Result<(), Error> {
    asked_with(bytes, Memory::new(1))
}

/// The same with a store of the client's.
pub(crate) fn asked_with(bytes: &[u8], shelf: Arc<Memory>) -> Result<(), Error> {
    let greeting = client::greet(connection(bytes), None)?;
    let plan = greeting.plan().clone();
    let is_small = match &plan.work {
        Work::Exchanges(work) => work.rounds.iter().map(|round| round.count).sum::<usize>() < MOST_VALUES,
        Work::Schedule(schedule) => {
            schedule.steps.iter().map(|step| step.shape.elements()).sum::<usize>() < MOST_VALUES
        }
    };
    if !is_small || plan.encryptions() > MOST_VALUES || plan.key_bits != KEY.public().bits() {
        return Ok(());
    }
    let mut session = greeting.with_key(KEY.clone())?.with_shelf(shelf);
    session.stock(1, &mut Silent)?;
    session.prepare(1, &mut Silent)?;
    let lowest = plan.input.preprocessing.raw_range.0 as f32;
    session.infer(&vec![lowest; plan.input.shape.elements()], &mut Silent).map(drop)
}

/// Values that a fuzzed client computes with at most.
const MOST_VALUES: usize = 10_000;

/// A peer that sends these frames, which have no seals here: with the right ones, so that what is behind them is reached.
fn connection(bytes: &[u8]) -> Connection {
    let transport = Transport::new(Cursor::new(sealed(bytes)), io::sink());
    Connection::new(transport, None).expect("a thread")
}

/// Frames without seals, with them.
fn sealed(frames: &[u8]) -> Vec<u8> {
    let (mut rest, mut sealed, mut transcript) = (frames, Vec::new(), blake3::Hasher::new());
    while let Some((header, after)) = rest.split_first_chunk() {
        let length = usize::try_from(Header::from_bytes(*header).length).unwrap_or(usize::MAX);
        let (body, after) = after.split_at(length.min(after.len()));
        transcript.update(header).update(body);
        sealed.extend([header, body].concat());
        if body.len() == length {
            sealed.extend(&transcript.finalize().as_bytes()[..SEAL_BYTES]);
        }
        rest = after;
    }
    sealed.extend(rest);
    sealed
}

/// Frames that were sent, without their seals.
pub fn unsealed(sent: &[u8]) -> Vec<u8> {
    let (mut rest, mut frames) = (sent, Vec::new());
    while let Some((header, _)) = rest.split_first_chunk() {
        let length = HEADER_BYTES + Header::from_bytes(*header).length as usize;
        frames.extend(&rest[..length]);
        rest = &rest[length + SEAL_BYTES..];
    }
    frames
}

/// Ciphertexts under a known key: those that are accepted are the bytes that came.
pub fn ciphertexts(bytes: &[u8]) {
    let key = test_keys::shared(512).public();
    let count = bytes.len().div_ceil(key.ciphertext_bytes());
    if let Ok(received) = Ciphertexts::receive(key, bytes, count) {
        assert_eq!(received.to_bytes(key), bytes);
    }
}

/// A file of images, for a network of images and for one of vectors.
pub fn images(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    io::Write::write_all(&mut file, bytes).expect("written");
    for shape in [Shape::new(1, 28, 28), Shape::vector(4)] {
        if let Ok(images) = Dataset::read(file.path(), shape) {
            let _ = (0..images.len().min(2)).map(|index| images.image(index).len()).sum::<usize>();
        }
    }
}

/// `body` as a file of this kind: its digest is right.
pub fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let version = codec::FORMAT_VERSION.to_le_bytes();
    let start = [b"POPCORN".as_slice(), &[kind], &version].concat();
    let digest = *blake3::Hasher::new().update(&start).update(body).finalize().as_bytes();
    [&start, &(body.len() as u64).to_le_bytes()[..], &digest, body].concat()
}
