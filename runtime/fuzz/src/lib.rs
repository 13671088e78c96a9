//! What the fuzz targets do with bytes, a function each; `runtime/tests/it/fuzz.rs` does the same with the corpus.
//! Nothing that a file or a peer says may end the program.

use runtime::Error;
use runtime::channel::{Connection, Transport};
use runtime::data::Dataset;
use runtime::observe::Silent;
use runtime::paillier::{Ciphertexts, test_keys};
use runtime::plan::{Shape, codec};
use runtime::roles::client;
use runtime::roles::server::Server;
use std::io::{self, Cursor};
use std::sync::LazyLock;

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

/// Everything that a peer sends, to a server and to a client.
pub fn session(bytes: &[u8]) {
    static SERVER: LazyLock<Server> = LazyLock::new(|| {
        let plan = codec::decode(include_bytes!("../../../testdata/mnist-mlp.plan"));
        Server::new(plan.expect("a plan of this version"))
    });
    let connection = || {
        let transport = Transport::new(Cursor::new(bytes.to_vec()), io::sink());
        Connection::new(transport, None).expect("a thread")
    };
    let errors = [SERVER.serve(connection(), &mut Silent).err(), client::greet(connection(), None).err()];
    for error in errors.into_iter().flatten() {
        assert!(!matches!(error, Error::Bug(_)), "{error}");
    }
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
fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let version = codec::FORMAT_VERSION.to_le_bytes();
    let start = [b"POPCORN".as_slice(), &[kind], &version].concat();
    let digest = *blake3::Hasher::new().update(&start).update(body).finalize().as_bytes();
    [&start, &(body.len() as u64).to_le_bytes()[..], &digest, body].concat()
}
