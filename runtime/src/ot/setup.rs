//! From nothing to random OTs in both directions, for one session.
//!
//! Only the client has a Paillier key, so only it can be the receiver of base OTs. These make it the sender
//! of a first extension, of which 128 OTs are the base OTs of a second one with roles swapped:
//!
//! ```text
//! client (key)                                        server
//! 1  base OTs (base.rs): receiver              ◀─▶    sender
//! 2  extension (extension.rs): sender          ◀──    receiver: sums of trees
//! 3  128 OTs of it: sender                     ◀──    receiver: corrections
//! 4  extension from these: receiver            ──▶    sender: sums of trees
//! ```
//!
//! # Who learns what
//!
//! What the parts state: an OT of step 3 is as good as one of step 1, for the parts hide what an OT hides.

use super::base;
use super::chunk::ReceivedChunk;
use super::cost::Sent;
use super::extension::{ExtensionReceiver, ExtensionSender};
use super::field::BASE_OTS;
use super::pool::{ReceivedOts, SentOts};
use super::random::{self, OtReceiver, OtSender};
use crate::channel::Connection;
use crate::error::Result;
use crate::message::{Deferred, Role};
use crate::paillier::{HolderKey, Randomisers, SecureRng};
use crate::plan::{FieldBits, KeyBits, Transfers};

/// A party's halves of both directions.
pub struct Extensions {
    /// Makes OTs in which this party has two blocks.
    pub sender: OtSender,
    /// Makes OTs in which it has one of the peer's two.
    pub receiver: OtReceiver,
}

impl Extensions {
    /// At `role`, as `transfers` say, of what SoftSpokenOT has begun.
    pub(super) fn new(
        role: Role,
        sender: ExtensionSender,
        receiver: ExtensionReceiver,
        transfers: Transfers,
    ) -> Self {
        Self {
            sender: OtSender::new(sender, random::chosen_by(transfers, role.peer())),
            receiver: OtReceiver::new(role, receiver, random::chosen_by(transfers, role)),
        }
    }
}

impl Extensions {
    /// At `role`, from now on as `transfers` say, which the session's transfers so far may become
    /// ([`Transfers::may_become`]). Nothing is sent. What SoftSpokenOT has hashed before has other tweaks than what follows.
    pub fn become_silent(self, role: Role, transfers: Transfers) -> Self {
        Self {
            sender: self.sender.become_silent(random::chosen_by(transfers, role.peer())),
            receiver: self.receiver.become_silent(role, random::chosen_by(transfers, role)),
        }
    }
}

/// The fields of the first extension, in which the server chooses, and of the second.
fn fields(transfers: Transfers) -> [FieldBits; 2] {
    [Role::Server, Role::Client].map(|chooser| random::field(random::chosen_by(transfers, chooser)))
}

/// What each party sends in a setup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetupCost {
    /// What the client sends.
    pub by_client: Sent,
    /// What the server sends.
    pub by_server: Sent,
}

/// What [`client`] and [`server`] send each other.
pub fn cost(bits: KeyBits, transfers: Transfers) -> SetupCost {
    let [first, second] = fields(transfers);
    let base = base::cost(BASE_OTS, bits);
    SetupCost {
        by_client: base.by_receiver + second.tree_cost(),
        by_server: base.by_sender + first.tree_cost() + first.cost(&[BASE_OTS]),
    }
}

/// The client's half. Base OTs that were not made under its key are noted in `faults`.
///
/// # Errors
/// A frame of the peer's is another one or has another length or holds no ciphertexts, or it hung up.
pub fn client(
    connection: &mut Connection,
    key: &HolderKey,
    transfers: Transfers,
    faults: &mut Deferred,
    rng: &mut SecureRng,
) -> Result<Extensions> {
    let base = base::receive(connection, key, BASE_OTS, faults, rng)?;
    client_from(connection, base, transfers)
}

/// Steps 2 to 4 of the client.
pub(crate) fn client_from(
    connection: &mut Connection,
    base: ReceivedOts,
    transfers: Transfers,
) -> Result<Extensions> {
    let [first, second] = fields(transfers);
    let mut sender = ExtensionSender::begin(connection, Role::Client, base, first)?;
    let swapped = sender.extend(connection, &[BASE_OTS], |_, chunk| SentOts::from_chunk(&chunk))?.remove(0);
    let receiver = ExtensionReceiver::begin(connection, swapped, second)?;
    Ok(Extensions::new(Role::Client, sender, receiver, transfers))
}

/// The server's half, with randomisers under the client's key.
///
/// # Errors
/// As [`client`].
pub fn server(
    connection: &mut Connection,
    randomisers: &dyn Randomisers,
    transfers: Transfers,
    rng: &mut SecureRng,
) -> Result<Extensions> {
    let base = base::send(connection, randomisers, BASE_OTS, rng)?;
    server_from(connection, base, transfers)
}

/// Steps 2 to 4 of the server.
pub(crate) fn server_from(
    connection: &mut Connection,
    base: SentOts,
    transfers: Transfers,
) -> Result<Extensions> {
    let [first, second] = fields(transfers);
    let mut receiver = ExtensionReceiver::begin(connection, base, first)?;
    let make = |_, chunk: ReceivedChunk<'_>| ReceivedOts::from_chunk(&chunk);
    let swapped = receiver.extend(connection, &[BASE_OTS], make)?.remove(0);
    let sender = ExtensionSender::begin(connection, Role::Server, swapped, second)?;
    Ok(Extensions::new(Role::Server, sender, receiver, transfers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::testing::{Spent, matching, receive_raw, send_raw, together, traffic};
    use crate::paillier::randomness::TestRng;
    use crate::paillier::{PublicRandomisers, test_keys};
    use crate::plan::{Extension, TreeDepth};
    use std::time::Instant;

    #[test]
    fn both_directions_give_random_ots() {
        let key = test_keys::holder(512);
        let randomisers = PublicRandomisers::for_uses(key.public(), 50);
        let field = |k| Extension::SoftSpoken(FieldBits::new(k).unwrap());
        let silent = Extension::Silent(TreeDepth::new(7).unwrap());
        let same = [field(1), field(3), field(8), silent].map(Transfers::both);
        let mixed = [[field(3), silent], [silent, field(2)]]
            .map(|[client_chooses, server_chooses]| Transfers { client_chooses, server_chooses });
        for transfers in same.into_iter().chain(mixed) {
            let ((at_client, spent), at_server) = together(
                |connection| {
                    let (extensions, spent) = traffic(connection, |c| {
                        client(c, &key, transfers, &mut Deferred::default(), &mut TestRng::new(41)).unwrap()
                    });
                    let Extensions { mut sender, mut receiver } = extensions;
                    let sent = send_raw(&mut sender, connection, 200);
                    ((sent, receive_raw(&mut receiver, connection, 300)), spent)
                },
                |connection| {
                    let Extensions { mut sender, mut receiver } =
                        server(connection, &randomisers, transfers, &mut TestRng::new(42)).unwrap();
                    let received = receive_raw(&mut receiver, connection, 200);
                    (send_raw(&mut sender, connection, 300), received)
                },
            );
            matching(&at_client.0, &at_server.1);
            matching(&at_server.0, &at_client.1);
            let cost = cost(key.public().bits(), transfers);
            assert_eq!(spent, Spent { sent: cost.by_client, received: cost.by_server });
        }
    }

    /// Equal generators give equal OTs, on any number of threads.
    #[test]
    fn a_session_is_determined_by_its_randomness() {
        let field = Transfers::both(Extension::SoftSpoken(FieldBits::new(4).unwrap()));
        let key = test_keys::holder(512);
        let session = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (ours, theirs) = together(
                |connection| {
                    let mut extensions =
                        client(connection, &key, field, &mut Deferred::default(), &mut TestRng::new(43))
                            .unwrap();
                    send_raw(&mut extensions.sender, connection, 70_000)
                },
                |connection| {
                    pool.install(|| {
                        let rng = &mut TestRng::new(44);
                        let randomisers = PublicRandomisers::for_uses(key.public(), 50);
                        let mut extensions = server(connection, &randomisers, field, rng).unwrap();
                        receive_raw(&mut extensions.receiver, connection, 70_000)
                    })
                },
            );
            (ours.blocks.to_vec(), theirs.choices.to_vec(), theirs.blocks.to_vec())
        };
        assert!(session(1) == session(3));
    }

    /// How long: `cargo test --release -p runtime --lib -- --ignored --nocapture seconds_of_a_setup`.
    #[test]
    #[ignore = "a measurement"]
    fn seconds_of_a_setup() {
        for (bits, k) in [(2048, 4), (3072, 4), (3072, 8)] {
            let field = Transfers::both(Extension::SoftSpoken(FieldBits::new(k).unwrap()));
            let key = test_keys::holder(bits);
            let randomisers = PublicRandomisers::for_uses(key.public(), 1000);
            let start = Instant::now();
            together(
                |connection| {
                    client(connection, &key, field, &mut Deferred::default(), &mut TestRng::new(46))
                        .map(drop)
                        .unwrap()
                },
                |connection| {
                    server(connection, &randomisers, field, &mut TestRng::new(47)).map(drop).unwrap()
                },
            );
            let (seconds, cost) = (start.elapsed().as_secs_f64(), cost(key.public().bits(), field));
            println!("{bits} bits, k = {k}: {seconds:.3} s, {cost:?}");
        }
    }
}
