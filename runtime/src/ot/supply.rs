//! All correlations of one inference, made ahead and used once, in the order of the protocols' message schedule.
//!
//! ```text
//! client                                            server
//! 1  OTs in which the client chooses (extension.rs, or silent/)
//! 2  OTs in which the server chooses, likewise
//! 3  each batch's correlations from its OTs         likewise
//! 4  corrections of those that have masks ◀─▶        likewise (corrections.rs)
//! ```
//!
//! The random OTs of a chunk become correlations as soon as they are made, in the processor's nearest memory: of each
//! thread one chunk's exist at a time.
//!
//! # Who learns what
//!
//! What [`super::extension`], [`super::silent`], [`super::mask_products`] and [`super::bit_product`] state; step 3 sends nothing.

use super::bit_product::BitProducts;
use super::chunk::{ReceivedChunk, SentChunk};
use super::corrections;
use super::correlated::{CotReceiver, CotSender};
use super::correlation_kind::{Batch, Chunk, CorrelationKind};
use super::correlations::{Correlations, Made, ReceivedPart, SentPart};
use super::cost::Sent;
use super::formula::Formula;
use super::masked::Masked;
use super::numbers::Width;
use super::per_party::PerParty;
use super::random;
use super::setup::Extensions;
use crate::channel::Connection;
use crate::error::{Error, Result};
use crate::message::Role;
use crate::plan::Transfers;
use std::collections::VecDeque;

/// One party's correlations for one inference. The peer's match. No `Clone`, no `Debug`; wiped on drop.
///
/// ```compile_fail,E0308
/// fn copied(supply: &runtime::ot::Supply) -> runtime::ot::Supply {
///     supply.clone()
/// }
/// ```
pub struct Supply {
    role: Role,
    batches: VecDeque<(Batch, Correlations)>,
}

impl Supply {
    /// Makes the correlations of `batches`, in order. The peer does the same.
    ///
    /// # Errors
    /// A frame of the peer's is another one or has another length, or it hung up; or a batch is of a kind that does
    /// not exist.
    pub fn prepare(
        connection: &mut Connection,
        role: Role,
        extensions: &mut Extensions,
        batches: &[Batch],
    ) -> Result<Self> {
        if let Some(unknown) = batches.iter().find(|batch| !batch.kind.exists()) {
            return Err(Error::Bug(format!("there are no correlations like {unknown:?}")));
        }
        let Extensions { sender, receiver } = extensions;
        let (mut sent, mut received) = (Vec::new(), Vec::new());
        for chooser in [Role::Client, Role::Server] {
            let chunks: Vec<Chunk> = batches.iter().flat_map(|batch| batch.chunks(chooser)).collect();
            let sizes: Vec<usize> = chunks.iter().map(|chunk| chunk.ots).collect();
            if chooser == role {
                let make =
                    |index: usize, ots: ReceivedChunk<'_>| ReceivedPart::new(role, chunks[index].kind, &ots);
                received = receiver.extend(connection, &sizes, make)?;
            } else {
                let make = |index: usize, ots: SentChunk<'_>| SentPart::new(role, chunks[index].kind, &ots);
                sent = sender.extend(connection, &sizes, make)?;
            }
        }
        let (mut sent, mut received) = (sent.into_iter(), received.into_iter());
        let gather = |&batch: &Batch| {
            let sent = sent.by_ref().take(batch.chunks(role.peer()).count());
            let received = received.by_ref().take(batch.chunks(role).count());
            Made::gather(role, batch, sent, received)
        };
        let made = batches.iter().map(gather).collect();
        let correlations = corrections::exchange(connection, role, batches, made)?;
        Ok(Self { role, batches: batches.iter().copied().zip(correlations).collect() })
    }

    /// The party whose halves of the correlations these are.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Whether all correlations are used up.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The next correlated OTs, for bits of the peer's.
    ///
    /// # Errors
    /// The message schedule has something else.
    pub(crate) fn cot_sender(&mut self, width: Width, count: usize) -> Result<CotSender> {
        let next = self.next(Batch { kind: CorrelationKind::Cot(self.role.peer(), width), count })?;
        if let Correlations::CotSender(next) = next { Ok(next) } else { Err(other()) }
    }

    /// The next correlated OTs, for bits of this party's.
    ///
    /// # Errors
    /// As [`cot_sender`](Self::cot_sender).
    pub(crate) fn cot_receiver(&mut self, width: Width, count: usize) -> Result<CotReceiver> {
        let next = self.next(Batch { kind: CorrelationKind::Cot(self.role, width), count })?;
        if let Correlations::CotReceiver(next) = next { Ok(next) } else { Err(other()) }
    }

    /// The next masks.
    ///
    /// # Errors
    /// As [`cot_sender`](Self::cot_sender).
    pub(crate) fn masked(&mut self, formula: Formula, count: usize) -> Result<Masked> {
        let next = self.next(Batch { kind: CorrelationKind::Masked(formula), count })?;
        if let Correlations::Masked(next) = next { Ok(next) } else { Err(other()) }
    }

    /// The next products of bits.
    ///
    /// # Errors
    /// As [`cot_sender`](Self::cot_sender).
    pub(crate) fn bit_products(&mut self, width: Width, count: usize) -> Result<BitProducts> {
        let next = self.next(Batch { kind: CorrelationKind::BitProduct(width), count })?;
        if let Correlations::BitProducts(next) = next { Ok(next) } else { Err(other()) }
    }

    fn next(&mut self, wanted: Batch) -> Result<Correlations> {
        match self.batches.pop_front() {
            Some((batch, next)) if batch == wanted => Ok(next),
            next => {
                let next = next.map(|(batch, _)| batch);
                Err(Error::Bug(format!("{wanted:?} is wanted where {next:?} is prepared")))
            }
        }
    }
}

/// What each party sends in a session's first `times` calls of [`Supply::prepare`] of these
/// batches.
pub fn prepare_cost(batches: &[Batch], transfers: Transfers, times: usize) -> PerParty<Sent> {
    let made = |chooser| {
        let sizes: Vec<usize> =
            batches.iter().flat_map(|b| b.chunks(chooser)).map(|chunk| chunk.ots).collect();
        random::cost(random::chosen_by(transfers, chooser), &sizes, times)
    };
    let corrected = |role| {
        let Sent { bytes, frames } = corrections::cost(batches, role);
        Sent { bytes: bytes * times as u64, frames: frames * times as u64 }
    };
    let [by_client, by_server] = [Role::Client, Role::Server].map(made);
    PerParty {
        client: by_client.by_receiver + by_server.by_sender + corrected(Role::Client),
        server: by_client.by_sender + by_server.by_receiver + corrected(Role::Server),
    }
}

fn other() -> Error {
    Error::Bug("a batch holds correlations of another kind".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::Bits;
    use crate::ot::testing::{extensions, supplies, together, traffic};
    use crate::plan::{Extension, FieldBits, TreeDepth};

    const BATCHES: [Batch; 7] = [
        Batch { kind: CorrelationKind::Masked(Formula::Sum { bits: 3 }), count: 5000 },
        Batch { kind: CorrelationKind::Cot(Role::Server, Width::BIT), count: 77 },
        Batch { kind: CorrelationKind::Masked(Formula::Join { spans: 4 }), count: 130 },
        Batch { kind: CorrelationKind::Masked(Formula::Lowest { spans: 4 }), count: 0 },
        Batch { kind: CorrelationKind::Cot(Role::Client, Width::BIT), count: 1 },
        Batch { kind: CorrelationKind::Masked(Formula::Sum { bits: 1 }), count: 9 },
        Batch { kind: CorrelationKind::BitProduct(Width::PAIR), count: 300 },
    ];

    #[test]
    fn batches_come_in_the_order_of_the_script_alone() {
        let [mut client, mut server] = supplies(&BATCHES, 5);
        assert!(server.cot_receiver(Width::BIT, 77).is_err());
        assert_eq!(client.masked(Formula::Sum { bits: 3 }, 5000).unwrap().len(), 5000);
        assert!(client.cot_sender(Width::BIT, 77).is_ok());
        assert!(client.masked(Formula::Join { spans: 4 }, 130).is_ok());
        assert!(client.masked(Formula::Lowest { spans: 4 }, 0).unwrap().is_empty());
        assert!(client.cot_receiver(Width::BIT, 1).is_ok());
        assert!(client.masked(Formula::Sum { bits: 1 }, 9).is_ok());
        assert!(client.bit_products(Width::PAIR, 300).is_ok() && client.is_empty());
        assert!(client.masked(Formula::Sum { bits: 1 }, 1).is_err());
    }

    /// Large batches take several frames.
    #[test]
    fn preparing_costs_what_is_stated() {
        let mut batches = BATCHES.to_vec();
        batches
            .extend(vec![Batch { kind: CorrelationKind::Cot(Role::Client, Width::PAIR), count: 40_000 }; 6]);
        let [one, three, eight] = [1, 3, 8].map(|k| Extension::SoftSpoken(FieldBits::new(k).unwrap()));
        let [toy, silent] = [7, 11].map(|depth| Extension::Silent(TreeDepth::new(depth).unwrap()));
        let mixed = Transfers { client_chooses: silent, server_chooses: three };
        for transfers in [one, three, eight, toy, silent].map(Transfers::both).into_iter().chain([mixed]) {
            let [mut at_client, mut at_server] = extensions(transfers, 6);
            for times in 1..=3 {
                let ((_, spent), _) = together(
                    |c| traffic(c, |c| Supply::prepare(c, Role::Client, &mut at_client, &batches).unwrap()),
                    |c| Supply::prepare(c, Role::Server, &mut at_server, &batches).unwrap(),
                );
                let [before, after] =
                    [times - 1, times].map(|times| prepare_cost(&batches, transfers, times));
                assert_eq!(before.client + spent.sent, after.client);
                assert_eq!(before.server + spent.received, after.server);
            }
        }
        let frames = |transfers| {
            let cost = prepare_cost(&batches, transfers, 1);
            (cost.client.frames, cost.server.frames)
        };
        assert_eq!(
            [Transfers::both(one), Transfers::both(silent), mixed].map(frames),
            [(4, 2), (4, 3), (3, 3)]
        );
    }

    /// Corrections of many masks take several frames, and are right.
    #[test]
    fn many_masks_are_corrected() {
        let formula = Formula::Sum { bits: 3 };
        let batches = [Batch { kind: CorrelationKind::Masked(formula), count: 600_001 }];
        let transfers = Transfers::default();
        let [mut at_client, mut at_server] = extensions(transfers, 8);
        let ((client, spent), server) = together(
            |c| traffic(c, |c| Supply::prepare(c, Role::Client, &mut at_client, &batches).unwrap()),
            |c| Supply::prepare(c, Role::Server, &mut at_server, &batches).unwrap(),
        );
        let cost = prepare_cost(&batches, transfers, 1);
        assert_eq!((spent.sent, spent.received), (cost.client, cost.server));
        assert_eq!(cost.server.frames, 2);
        let opened = [client, server].map(|mut supply| {
            let inputs = (0..3).map(|place| Bits::from_fn(600_001, |index| index >> place & 1 == 1));
            supply.masked(formula, 600_001).unwrap().open(&inputs.collect::<Vec<_>>())
        });
        let [(client, to_server), (server, to_client)] = opened;
        let ours = client.close(&to_client).unwrap();
        let theirs = server.close(&to_server).unwrap();
        let carries = ours[0].xor(&theirs[0]);
        assert!((0..600_001).all(|index| carries.get(index) == (index >> 2 & 1 == 1)));
    }

    #[test]
    fn formulas_are_small() {
        let [mut at_client, _] = extensions(Transfers::default(), 7);
        let wide = Batch { kind: CorrelationKind::Masked(Formula::Sum { bits: 5 }), count: 1 };
        let ((), refused) =
            together(|_| (), |c| Supply::prepare(c, Role::Client, &mut at_client, &[wide]).is_err());
        assert!(refused);
    }
}
