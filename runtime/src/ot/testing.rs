//! What the tests of this layer share.

use super::block::Block;
use super::extension::{ExtensionReceiver, ExtensionSender};
use super::field::{BASE_OTS, FieldBits};
use super::pool::{ReceivedOts, SentOts};
use super::wire::Sent;
use crate::channel::{Connection, Traffic, memory};
use crate::paillier::randomness::TestRng;
use std::thread;

pub(crate) type Memory = Connection<memory::MemoryTransport>;

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
    let (mut sent, mut received) = (SentOts::default(), ReceivedOts::default());
    for _ in 0..count {
        let mut pair: [Block; 2] = Default::default();
        rng.fill(pair.as_flattened_mut());
        let choice = rng.bool();
        sent.blocks.push(pair);
        received.choices.push(choice);
        received.blocks.push(pair[usize::from(choice)]);
    }
    (sent, received)
}

/// Random OTs from an extension.
pub(super) fn extended(count: usize, seed: u64) -> (SentOts, ReceivedOts) {
    let field = FieldBits::new(4).unwrap();
    let (base_sent, base_received) = dealt(BASE_OTS, seed);
    together(
        move |connection| {
            let mut sender = ExtensionSender::begin(connection, base_received, field).unwrap();
            sender.extend(connection, count).unwrap().take(count).unwrap()
        },
        move |connection| {
            let mut receiver = ExtensionReceiver::begin(connection, base_sent, field).unwrap();
            receiver.extend(connection, count).unwrap().take(count).unwrap()
        },
    )
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
