//! What the tests of this layer share.

use super::bit_product::BitProducts;
use super::block::{BLOCK_BITS, Block};
use super::chunk::{self, ReceivedChunk};
use super::correlated::{CotReceiver, CotSender};
use super::correlation_kind::{Batch, CorrelationKind};
use super::cost::Sent;
use super::extension::{ExtensionReceiver, ExtensionSender};
use super::field::BASE_OTS;
use super::formula::Formula;
use super::masked::Masked;
use super::number_product::{NumberProducts, Products};
use super::numbers::Width;
use super::pool::{ReceivedOts, SentOts};
use super::random::{self, OtReceiver, OtSender};
use super::setup::Extensions;
use super::supply::Supply;
use crate::channel::{Connection, Traffic, memory};
use crate::message::Role;
use crate::paillier::randomness::TestRng;
use crate::plan::{Extension, FieldBits, Transfers};
use std::thread;

pub(crate) type Memory = Connection;

/// What went over a party's connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) sent: Sent,
    pub(super) received: Sent,
}

/// Runs two parties that are connected to each other.
pub(crate) fn together<L: Send, R>(
    left: impl FnOnce(&mut Memory) -> L + Send,
    right: impl FnOnce(&mut Memory) -> R,
) -> (L, R) {
    let (ours, theirs) = memory::pair();
    thread::scope(|scope| {
        let left = scope.spawn(move || left(&mut Connection::new(ours, None).unwrap()));
        let right = right(&mut Connection::new(theirs, None).unwrap());
        (left.join().unwrap(), right)
    })
}

/// Runs `action`; what it sent and received.
pub(super) fn traffic<R>(connection: &mut Memory, action: impl FnOnce(&mut Memory) -> R) -> (R, Spent) {
    let before = connection.traffic();
    let result = action(connection);
    let Traffic { sent, received, frames_sent, frames_received, .. } = connection.traffic() - before;
    let sent = Sent { bytes: sent, frames: frames_sent };
    (result, Spent { sent, received: Sent { bytes: received, frames: frames_received } })
}

/// Random OTs from somebody whom both parties trust.
pub(super) fn dealt(count: usize, seed: u64) -> (SentOts, ReceivedOts) {
    let mut rng = TestRng::new(seed);
    let random = |_| {
        let mut pair: [Block; 2] = Default::default();
        rng.fill(pair.as_flattened_mut());
        (pair, rng.bool())
    };
    of_blocks((0..count).map(random))
}

/// OTs of these blocks and choices.
pub(crate) fn of_blocks(ots: impl Iterator<Item = ([Block; 2], bool)>) -> (SentOts, ReceivedOts) {
    let (mut sent, mut received) = (SentOts::default(), ReceivedOts::default());
    for (pair, choice) in ots {
        sent.blocks.push(pair);
        received.choices.push(choice);
        received.blocks.push(pair[usize::from(choice)]);
    }
    (sent, received)
}

/// Chunks for `count` OTs at least.
pub(super) fn chunks(count: usize) -> Vec<usize> {
    chunk::sizes(count.next_multiple_of(BLOCK_BITS)).collect()
}

/// `count` random OTs at least, as they are.
pub(super) fn send_raw(sender: &mut OtSender, connection: &mut Memory, count: usize) -> SentOts {
    joined_sent(sender.extend(connection, &chunks(count), |_, chunk| SentOts::from_chunk(&chunk)).unwrap())
}

/// The receiver's halves of the OTs that [`send_raw`] makes.
pub(super) fn receive_raw(receiver: &mut OtReceiver, connection: &mut Memory, count: usize) -> ReceivedOts {
    let make = |_, chunk: ReceivedChunk<'_>| ReceivedOts::from_chunk(&chunk);
    joined_received(receiver.extend(connection, &chunks(count), make).unwrap())
}

/// One part after another.
pub(super) fn joined_sent(parts: Vec<SentOts>) -> SentOts {
    let mut whole = SentOts::default();
    parts.iter().for_each(|part| whole.blocks.extend_from_slice(&part.blocks));
    whole
}

/// One part after another.
pub(super) fn joined_received(parts: Vec<ReceivedOts>) -> ReceivedOts {
    let mut whole = ReceivedOts::default();
    for part in parts {
        whole.choices.extend_from_slice(&part.choices);
        whole.blocks.extend_from_slice(&part.blocks);
    }
    whole
}

/// The client's and the server's extensions, from base OTs that somebody dealt whom both trust.
pub(crate) fn extensions(transfers: Transfers, seed: u64) -> [Extensions; 2] {
    let field = |chooser| random::field(random::chosen_by(transfers, chooser));
    let [first, second] = [Role::Server, Role::Client].map(field);
    let (to_server, at_client) = dealt(BASE_OTS, seed);
    let (to_client, at_server) = dealt(BASE_OTS, !seed);
    let (client, server) = together(
        move |connection| {
            let sender = ExtensionSender::begin(connection, Role::Client, at_client, first).unwrap();
            let receiver = ExtensionReceiver::begin(connection, to_client, second).unwrap();
            Extensions::new(Role::Client, sender, receiver, transfers)
        },
        move |connection| {
            let receiver = ExtensionReceiver::begin(connection, to_server, first).unwrap();
            let sender = ExtensionSender::begin(connection, Role::Server, at_server, second).unwrap();
            Extensions::new(Role::Server, sender, receiver, transfers)
        },
    );
    [client, server]
}

/// The client's and the server's correlations.
pub(crate) fn supplies(batches: &[Batch], seed: u64) -> [Supply; 2] {
    let [mut client, mut server] =
        extensions(Transfers::both(Extension::SoftSpoken(FieldBits::new(4).unwrap())), seed);
    let (client, server) = together(
        |connection| Supply::prepare(connection, Role::Client, &mut client, batches).unwrap(),
        |connection| Supply::prepare(connection, Role::Server, &mut server, batches).unwrap(),
    );
    [client, server]
}

/// Halves of `count` correlated OTs.
pub(super) fn cots(width: Width, count: usize, seed: u64) -> (CotSender, CotReceiver) {
    let [mut client, mut server] =
        supplies(&[Batch { kind: CorrelationKind::Cot(Role::Client, width), count }], seed);
    (server.cot_sender(width, count).unwrap(), client.cot_receiver(width, count).unwrap())
}

/// The client's and the server's masks for `count` products.
pub(super) fn bit_products(width: Width, count: usize, seed: u64) -> [BitProducts; 2] {
    let supplies = supplies(&[Batch { kind: CorrelationKind::BitProduct(width), count }], seed);
    supplies.map(|mut supply| supply.bit_products(width, count).unwrap())
}

/// The client's and the server's masks for `count` products of numbers.
pub(super) fn number_products(products: Products, count: usize, seed: u64) -> [NumberProducts; 2] {
    let supplies = supplies(&[Batch { kind: CorrelationKind::NumberProduct(products), count }], seed);
    supplies.map(|mut supply| supply.number_products(products, count).unwrap())
}

/// The client's and the server's masks for `count` evaluations.
pub(super) fn masked(formula: Formula, count: usize, seed: u64) -> [Masked; 2] {
    let supplies = supplies(&[Batch { kind: CorrelationKind::Masked(formula), count }], seed);
    supplies.map(|mut supply| supply.masked(formula, count).unwrap())
}

/// The receiver's blocks are those that its choices name, and not the others.
pub(super) fn matching(sent: &SentOts, received: &ReceivedOts) {
    assert_eq!((sent.len(), received.choices.len()), (received.len(), received.len()));
    for ((pair, &choice), block) in sent.blocks.iter().zip(&*received.choices).zip(&*received.blocks) {
        assert_eq!(pair[usize::from(choice)], *block);
        assert_ne!(pair[usize::from(!choice)], *block);
    }
}

/// Values below `cells` are spread over them as uniform ones are: the statistic has the mean cells − 1 and
/// the variance twice that.
pub(super) fn uniform(cells: usize, values: impl Iterator<Item = usize>) {
    let mut counts = vec![0u32; cells];
    values.for_each(|value| counts[value] += 1);
    let expected = f64::from(counts.iter().sum::<u32>()) / cells as f64;
    assert!(expected >= 20.0, "too few values to tell");
    let statistic: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    let freedom = (cells - 1) as f64;
    assert!(
        (statistic - freedom).abs() < 7.0 * (2.0 * freedom).sqrt() + 10.0,
        "χ² = {statistic}: {counts:?}"
    );
}
