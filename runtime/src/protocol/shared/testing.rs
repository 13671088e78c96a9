//! What the tests of this suite share: two parties in one process.

use super::party::{Party, Supply};
use super::transcript::{Cost, Each, Role};
use crate::channel::memory;
use crate::error::Result;
use crate::ot::testing::{Memory, together};
use crate::ot::{Extensions, FieldBits, Sent, setup};
use crate::paillier::randomness::TestRng;
use crate::paillier::{HolderKey, PublicRandomisers, test_keys};
use crate::plan::Ring;

type Peer<'a> = Party<'a, memory::MemoryTransport>;

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

/// Runs a protocol on the client's and the server's shares; what they get. It costs what is predicted, and uses up
/// the OTs of `cost`.
pub(super) fn both<R: Send>(
    cost: &Cost,
    seed: u64,
    shares: [Vec<u64>; 2],
    protocol: impl Fn(&mut Peer<'_>, &[u64]) -> Result<R> + Sync,
) -> [R; 2] {
    let [ours, theirs] = shares;
    let key = test_keys::holder(512);
    let act = |role: Role, connection: &mut Memory, shares: &[u64]| {
        let mut supply = supply(role, connection, &key, cost.choices, seed);
        let before = connection.traffic();
        let rng = &mut TestRng::new(seed ^ 1);
        let act = |party: &mut Peer<'_>| protocol(party, shares);
        let result = Party::act(role, connection, &mut supply, rng, cost, act).unwrap();
        let spent = connection.traffic() - before;
        let sent = Sent { bytes: spent.sent, frames: spent.frames_sent };
        assert_eq!(sent, *cost.sent.of(role), "what {role:?} sent");
        assert!(supply.sent.is_empty() && supply.received.is_empty(), "OTs are left");
        result
    };
    let (ours, theirs) = together(
        |connection| act(Role::Client, connection, &ours),
        |connection| act(Role::Server, connection, &theirs),
    );
    [ours, theirs]
}

/// As many random OTs as each party chooses in, from a setup.
fn supply(role: Role, connection: &mut Memory, key: &HolderKey, choices: Each<usize>, seed: u64) -> Supply {
    let field = FieldBits::new(4).unwrap();
    let rng = &mut TestRng::new(seed);
    let Extensions { mut sender, mut receiver } = match role {
        Role::Client => setup::client(connection, key, field, rng).unwrap(),
        Role::Server => {
            let randomisers = PublicRandomisers::for_uses(key.public(), 50, rng);
            setup::server(connection, &randomisers, field, rng).unwrap()
        }
    };
    let (mut sent, mut received);
    match role {
        Role::Client => {
            sent = sender.extend(connection, choices.server).unwrap();
            received = receiver.extend(connection, choices.client).unwrap();
        }
        Role::Server => {
            received = receiver.extend(connection, choices.server).unwrap();
            sent = sender.extend(connection, choices.client).unwrap();
        }
    }
    let peers = *choices.of(role.peer());
    Supply { sent: sent.take(peers).unwrap(), received: received.take(*choices.of(role)).unwrap() }
}
