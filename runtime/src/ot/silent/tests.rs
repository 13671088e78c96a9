//! Both parties' halves fit together, cost what is stated, and look random.

use super::cost::cost;
use super::low_bit;
use super::parameters::Parameters;
use super::receiver::SilentReceiver;
use super::sender::SilentSender;
use crate::channel::Limit;
use crate::error::{Error, PeerFault};
use crate::message::{self, Message, Role};
use crate::ot::block::{Block, sum};
use crate::ot::chunk::ReceivedChunk;
use crate::ot::cost::{OtMessages, Sent};
use crate::ot::extension::{ExtensionReceiver, ExtensionSender};
use crate::ot::field::BASE_OTS;
use crate::ot::pool::{ReceivedOts, SentOts};
use crate::ot::testing::{
    Memory, Spent, chunks, dealt, joined_received, joined_sent, matching, together, traffic, uniform,
};
use crate::plan::{FieldBits, TreeDepth};
use zeroize::Zeroizing;

type Cots = Zeroizing<Vec<Block>>;

const FIELD: FieldBits = FieldBits::MAX;

fn depth(depth: u32) -> TreeDepth {
    TreeDepth::new(depth).unwrap()
}

/// Runs a sender, which is the client, and a receiver.
fn run<S: Send, R>(
    depth: TreeDepth,
    seed: u64,
    sending: impl FnOnce(&mut SilentSender, &mut Memory) -> S + Send,
    receiving: impl FnOnce(&mut SilentReceiver, &mut Memory) -> R,
) -> (S, R) {
    let (base_sent, base_received) = dealt(BASE_OTS, seed);
    together(
        move |connection| {
            let extension = ExtensionSender::begin(connection, Role::Client, base_received, FIELD).unwrap();
            sending(&mut SilentSender::new(extension, depth), connection)
        },
        move |connection| {
            let extension = ExtensionReceiver::begin(connection, base_sent, FIELD).unwrap();
            receiving(&mut SilentReceiver::new(Role::Server, extension, depth), connection)
        },
    )
}

/// Δ and q, and m, of several requests.
fn cots(depth: TreeDepth, seed: u64, counts: &[usize]) -> (Block, Vec<Cots>, Vec<Cots>) {
    let ((delta, q), m) = run(
        depth,
        seed,
        |sender, c| (*sender.delta(), counts.iter().map(|&count| sender.cots(c, count).unwrap()).collect()),
        |receiver, c| counts.iter().map(|&count| receiver.cots(c, count).unwrap()).collect(),
    );
    (delta, q, m)
}

/// Every COT of several iterations, in pieces within a tree, over its border and over that of an iteration.
#[test]
fn every_output_is_a_correlated_ot() {
    let toy = Parameters::new(depth(7));
    let all = [128, 0, 6000, 640, toy.outputs() - toy.seeds(), 3 * toy.outputs() + 128];
    for (depth, counts) in [(depth(7), &all[..]), (depth(11), &[100_096, 800_000])] {
        let (delta, q, m) = cots(depth, 20, counts);
        assert!(low_bit::of(&delta));
        let mut chosen = 0;
        for ((q, m), &count) in q.iter().zip(&m).zip(counts) {
            assert_eq!([q.len(), m.len()], [count; 2]);
            for (q, m) in q.iter().zip(m.iter()) {
                assert!(!low_bit::of(q));
                assert_eq!(*m, if low_bit::of(m) { sum(q, &delta) } else { *q });
                chosen += usize::from(low_bit::of(m));
            }
        }
        // ± 6.5 standard deviations of half a root.
        let count: usize = counts.iter().sum();
        assert!(
            (chosen as f64 - count as f64 / 2.0).abs() < 3.25 * (count as f64).sqrt(),
            "{chosen} of {count}"
        );
        let mut blocks = q.iter().flat_map(|q| q.iter().copied()).collect::<Vec<Block>>();
        blocks.sort();
        blocks.dedup();
        assert_eq!(blocks.len(), count, "no block comes twice");
    }
}

/// Choices of neighbours, and bytes of blocks, are spread like uniform ones: the toy's table is short, but its code is
/// the same.
#[test]
fn outputs_look_uniform() {
    let (_, q, m) = cots(depth(10), 21, &[700_032]);
    let bits = m[0]
        .as_chunks::<4>()
        .0
        .iter()
        .map(|four| four.iter().fold(0, |x, m| x << 1 | usize::from(low_bit::of(m))));
    uniform(16, bits);
    for byte in 1..16 {
        uniform(256, q[0].iter().map(|q| usize::from(q[byte])));
        uniform(256, m[0].iter().map(|m| usize::from(m[byte])));
    }
}

fn send(sender: &mut SilentSender, connection: &mut Memory, count: usize) -> SentOts {
    joined_sent(sender.extend(connection, &chunks(count), |_, chunk| SentOts::from_chunk(&chunk)).unwrap())
}

fn receive(receiver: &mut SilentReceiver, connection: &mut Memory, count: usize) -> ReceivedOts {
    let make = |_, chunk: ReceivedChunk<'_>| ReceivedOts::from_chunk(&chunk);
    joined_received(receiver.extend(connection, &chunks(count), make).unwrap())
}

/// Over several iterations, and what is left is used first.
#[test]
fn random_ots_cost_what_is_stated() {
    for (depth, counts) in [(depth(7), [1, 128, 0, 300_000, 5]), (depth(10), [20_000, 0, 500, 128, 900_000])]
    {
        let ((sent, spent), received) = run(
            depth,
            22,
            |sender, c| traffic(c, |c| counts.map(|count| send(sender, c, count))),
            |receiver, c| counts.map(|count| receive(receiver, c, count)),
        );
        for (sent, received) in sent.iter().zip(&received) {
            matching(sent, received);
        }
        let ots = counts.iter().map(|count| count.next_multiple_of(128)).sum();
        let OtMessages { by_sender, by_receiver } = cost(depth, FIELD, ots);
        assert_eq!(spent, Spent { sent: by_sender, received: by_receiver });
    }
    assert_eq!(cost(depth(7), FIELD, 0), OtMessages::default());
    let first = Parameters::new(TreeDepth::MIN);
    assert_eq!(cost(depth(12), FIELD, 128).by_sender, Sent::frame(first.correction_bytes()));
}

/// Equal randomness gives equal OTs and messages on any number of threads.
#[test]
fn threads_change_nothing() {
    let session = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (sent, received) = run(
            depth(7),
            23,
            |sender, c| send(sender, c, 70_000),
            |receiver, c| pool.install(|| receive(receiver, c, 70_000)),
        );
        (sent.blocks.to_vec(), received.choices.to_vec(), received.blocks.to_vec())
    };
    let corrections = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (_, body) = run(
            depth(7),
            23,
            move |sender, c| pool.install(|| send(sender, c, 1)).blocks.to_vec(),
            |receiver, c| {
                receiver.first_seeds(c, Parameters::new(depth(7)).seeds()).unwrap();
                message::receive(c, Message::SilentCorrections, Limit::AtMost(u64::MAX)).unwrap().to_vec()
            },
        );
        body
    };
    assert!(session(1) == session(3));
    assert!(corrections(1) == corrections(3));
}

#[test]
fn hostile_lengths_end_with_a_typed_error() {
    let parameters = Parameters::new(depth(7));
    let expected = parameters.correction_bytes();
    for length in [0, 1, expected - 1, expected + 1, 1 << 20] {
        let ((), error) = run(
            depth(7),
            24,
            |sender, c| {
                sender.first_seeds(c, parameters.seeds()).unwrap();
                drop(message::send(c, Message::SilentCorrections, vec![0; length as usize]));
            },
            |receiver, c| receiver.cots(c, 1).err().unwrap(),
        );
        let fault =
            PeerFault::WrongLength { message: Message::SilentCorrections.name(), expected, got: length };
        assert_eq!(error.to_string(), Error::from(fault).to_string());
    }
}

/// Whatever a sender sends, the receiver gets some COTs.
#[test]
fn any_corrections_are_taken() {
    let parameters = Parameters::new(depth(7));
    let ((), m) = run(
        depth(7),
        25,
        |sender, c| {
            sender.first_seeds(c, parameters.seeds()).unwrap();
            message::send(c, Message::SilentCorrections, vec![0xff; parameters.correction_bytes() as usize])
                .unwrap();
        },
        |receiver, c| receiver.cots(c, 256).unwrap(),
    );
    assert_eq!(m.len(), 256);
}
