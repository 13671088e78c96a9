//! What the tests of this suite share: two parties in one process.

use super::message_schedule::{Communication, MessageSchedule};
use super::party::Party;
use crate::error::Result;
use crate::ot::testing::{Memory, supplies, together};
use crate::ot::{Sent, Supply};
use crate::plan::Ring;

pub(super) type Peer<'a> = Party<'a>;

/// The cost of what a message schedule holds.
pub(super) fn cost(schedule: impl FnOnce(&mut MessageSchedule)) -> Communication {
    let mut messages = MessageSchedule::new();
    schedule(&mut messages);
    messages.finish()
}

/// What the client holds of pairs of shares, and what the server does.
pub(super) fn shares_of(pairs: &[[u64; 2]]) -> [Vec<u64>; 2] {
    [0, 1].map(|party| pairs.iter().map(|pair| pair[party]).collect())
}

/// What pairs of shares stand for.
pub(super) fn sums(ring: Ring, shares: [Vec<u64>; 2]) -> Vec<u64> {
    let [ours, theirs] = shares;
    assert!(ours.iter().chain(&theirs).all(|&share| share == ring.reduce(share)));
    ours.into_iter().zip(theirs).map(|(a, b)| ring.reduce(a.wrapping_add(b))).collect()
}

/// Runs protocols on the client's and the server's shares; what they get. It costs what is predicted, and uses up
/// the correlations of `cost`.
pub(super) fn both<R: Send>(
    cost: &Communication,
    seed: u64,
    shares: [Vec<u64>; 2],
    protocol: impl Fn(&mut Peer<'_>, &[u64]) -> Result<R> + Sync,
) -> [R; 2] {
    let [ours, theirs] = shares;
    let [client, server] = supplies(&cost.batches, seed);
    let act = |supply: Supply, connection: &mut Memory, shares: &[u64]| {
        let role = supply.role();
        let mut party = Party::new(&mut *connection, supply, cost.received_by(role));
        let result = protocol(&mut party, shares).unwrap();
        party.finish().unwrap();
        let spent = connection.traffic();
        let sent = Sent { bytes: spent.sent, frames: spent.frames_sent };
        assert_eq!(sent, *cost.sent.get(role), "what {role:?} sent");
        result
    };
    let (ours, theirs) =
        together(|connection| act(client, connection, &ours), |connection| act(server, connection, &theirs));
    [ours, theirs]
}
