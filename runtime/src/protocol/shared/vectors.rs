//! The transcripts of `WIRE.md`: an inference's oblivious transfers, and a ReLU, from base transfers that are stated there.

use super::message_schedule::Communication;
use super::party::Party;
use super::relu::Relu;
use super::testing::{cost, sums};
use crate::channel::frame::{FRAME_BYTES, HEADER_BYTES, Header};
use crate::channel::{Connection, Transport, memory};
use crate::ot::testing::of_blocks;
use crate::ot::{BASE_OTS, Extensions, ReceivedOts, Role, SentOts, Supply, setup};
use crate::plan::{Extension, FieldBits, Hexadecimal, Ring, Transfers, TreeDepth};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;

const DOCUMENT: &str = include_str!("../../message/WIRE.md");

/// Values of the ReLU.
const COUNT: usize = 100;

/// The document's lines within ` ```KIND `.
fn stated(kind: &str) -> Vec<&'static str> {
    let (_, rest) = DOCUMENT.split_once(&format!("```{kind}\n")).expect("it is there");
    rest.split("\n```").next().unwrap_or_default().lines().collect()
}

/// m_i,b begins the hash of the bytes i, b; every third choice is 1.
fn base() -> (SentOts, ReceivedOts) {
    let block = |index: usize, choice| {
        let hash = blake3::hash(&[index as u8, choice]);
        *hash.as_bytes().first_chunk().expect("32 bytes")
    };
    of_blocks((0..BASE_OTS).map(|index| ([block(index, 0), block(index, 1)], index % 3 == 0)))
}

/// What a party writes, kept by who reads the transcript.
type Kept = Arc<Mutex<Vec<u8>>>;

struct Recorder {
    inner: Box<dyn Write + Send>,
    kept: Kept,
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.kept.lock().unwrap().extend_from_slice(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn recorded(end: Transport) -> (Connection, Kept) {
    let (reader, writer) = end.split();
    let kept = Kept::default();
    let recorder = Recorder { inner: Box::new(writer), kept: Arc::clone(&kept) };
    (Connection::new(Transport::with_reader(reader, recorder), None).unwrap(), kept)
}

/// A line for each frame: who sent it, its tag, its body's length, and the first half of the body's hash.
fn lines(party: &str, bytes: &[u8]) -> Vec<String> {
    let mut rest = bytes;
    let mut lines = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<HEADER_BYTES>() {
        let Header { tag, length } = Header::from_bytes(*header);
        let (body, after) = after.split_at(length as usize);
        let hash = Hexadecimal(&blake3::hash(body).as_bytes()[..16]).to_string();
        lines.push(format!("{party} {tag} {length} {hash}"));
        rest = &after[FRAME_BYTES - HEADER_BYTES..];
    }
    lines
}

/// Value i is i·600 − 30,000 modulo 2^16, and the server's share of it i·77.
fn shares(ring: Ring) -> [Vec<u64>; 2] {
    let server: Vec<u64> = (0..COUNT as u64).map(|index| ring.reduce(index * 77)).collect();
    let value = |index: usize| (index as u64 * 600).wrapping_sub(30_000);
    let client = (0..COUNT).map(|index| ring.reduce(value(index).wrapping_sub(server[index]))).collect();
    [client, server]
}

/// Set-up without base transfers, all correlations of the ReLU, and the ReLU.
fn transcript(transfers: Transfers) -> Vec<String> {
    let ring = |bits| Ring::new(bits).unwrap();
    let relu = Relu::new(ring(16), 4, ring(12)).unwrap();
    let communication = cost(|messages| relu.schedule(messages, COUNT));
    let Communication { batches, .. } = &communication;
    let run = |role: Role, connection: &mut Connection, mut extensions: Extensions, shares: &[u64]| {
        let supply = Supply::prepare(connection, role, &mut extensions, batches).unwrap();
        let mut party = Party::new(connection, supply, communication.received_by(role));
        let result = relu.run(&mut party, shares).unwrap();
        party.finish().unwrap();
        result
    };
    let [ours, theirs] = shares(ring(16));
    let ((sent, received), (client_end, server_end)) = (base(), memory::pair());
    let ((mut client, by_client), (mut server, by_server)) = (recorded(client_end), recorded(server_end));
    let results = thread::scope(|scope| {
        let serving = scope.spawn(|| {
            let extensions = setup::server_from(&mut server, sent, transfers).unwrap();
            run(Role::Server, &mut server, extensions, &theirs)
        });
        let extensions = setup::client_from(&mut client, received, transfers).unwrap();
        [run(Role::Client, &mut client, extensions, &ours), serving.join().unwrap()]
    });
    client.close();
    server.close();
    let both = [("client", by_client), ("server", by_server)];
    let mut transcript: Vec<String> =
        both.iter().flat_map(|(party, kept)| lines(party, &kept.lock().unwrap())).collect();
    let little_endian =
        |shares: &[u64]| shares.iter().flat_map(|share| share.to_le_bytes()).collect::<Vec<u8>>();
    for (party, shares) in ["client", "server"].iter().zip(&results) {
        let hash = blake3::hash(&little_endian(shares));
        transcript.push(format!("{party} has {}", Hexadecimal(&hash.as_bytes()[..16])));
    }
    let expected = |index: usize| (index as u64 * 600).saturating_sub(30_000) >> 4;
    let found = sums(ring(12), results);
    assert!((0..COUNT).all(|index| found[index] == expected(index)), "{found:?}");
    transcript
}

#[test]
fn transcripts_are_the_documents() {
    let soft = Transfers::both(Extension::SoftSpoken(FieldBits::new(8).unwrap()));
    let silent = Transfers::both(Extension::Silent(TreeDepth::all().next().unwrap()));
    for (kind, transfers) in [("softspoken", soft), ("silent", silent)] {
        let made = transcript(transfers);
        assert_eq!(made, stated(kind), "{kind}\n{}", made.join("\n"));
        assert_eq!(made, transcript(transfers), "chance");
    }
}
