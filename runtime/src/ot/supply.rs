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
//! The client may begin evaluations ahead, where its bits are known before the image (`open_ahead`); the server keeps
//! what it is told then (`keep_told`).
//!
//! The random OTs of a chunk become correlations as soon as they are made, in the processor's nearest memory: of each
//! thread one chunk's exist at a time.
//!
//! # Who learns what
//!
//! What [`super::extension`], [`super::silent`], [`super::mask_products`] and [`super::bit_product`] state; step 3 sends nothing.

use super::bit_product::OpenProducts;
use super::bits::Bits;
use super::chunk::{ReceivedChunk, SentChunk};
use super::corrections;
use super::correlated::{CotReceiver, CotSender};
use super::correlation_kind::{Batch, Chunk, CorrelationKind};
use super::correlations::{Correlations, Made, ReceivedPart, SentPart};
use super::cost::Sent;
use super::formula::Formula;
use super::inputs::Inputs;
use super::kept::{Reader, Writer};
use super::masked::Opening;
use super::number_product::{NumberProducts, Products};
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
    batches: VecDeque<Prepared>,
}

/// The correlations of one batch.
struct Prepared {
    batch: Batch,
    correlations: Correlations,
    /// What the peer has told ahead.
    told: Option<Vec<u8>>,
}

/// An evaluation that this party has begun.
pub(crate) struct Begun<O> {
    pub(crate) opening: O,
    /// What the peer is to be told; none where it was told ahead.
    pub(crate) message: Option<Vec<u8>>,
    /// What the peer has told ahead.
    pub(crate) told: Option<Vec<u8>>,
    /// Bytes that either party tells.
    pub(crate) length: u64,
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
        let prepared = batches.iter().zip(correlations);
        let prepared = prepared.map(|(&batch, correlations)| Prepared { batch, correlations, told: None });
        Ok(Self { role, batches: prepared.collect() })
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

    /// Begins the evaluations of the next batch, with this party's bits of every place.
    ///
    /// # Errors
    /// As [`cot_sender`](Self::cot_sender).
    pub(crate) fn evaluate(&mut self, formula: Formula, inputs: &[Bits]) -> Result<Begun<Opening>> {
        let count = inputs.first().map_or(0, Bits::len);
        let Prepared { batch, correlations, told } =
            self.take(Batch { kind: CorrelationKind::Masked(formula), count })?;
        let (opening, message) = correlations.evaluate(formula, inputs)?;
        Ok(Begun { opening, message, told, length: batch.opening_bytes() })
    }

    /// Begins the next products of bits.
    ///
    /// # Errors
    /// As [`cot_sender`](Self::cot_sender).
    pub(crate) fn multiply(&mut self, width: Width, bits: &Bits) -> Result<Begun<OpenProducts>> {
        let Prepared { batch, correlations, told } =
            self.take(Batch { kind: CorrelationKind::BitProduct(width), count: bits.len() })?;
        let (opening, message) = correlations.multiply(width, bits)?;
        Ok(Begun { opening, message, told, length: batch.opening_bytes() })
    }

    /// The next masks of products of numbers.
    ///
    /// # Errors
    /// As [`cot_sender`](Self::cot_sender).
    pub(crate) fn number_products(&mut self, products: Products, count: usize) -> Result<NumberProducts> {
        let next = self.next(Batch { kind: CorrelationKind::NumberProduct(products), count })?;
        if let Correlations::NumberProducts(next) = next { Ok(next) } else { Err(other()) }
    }

    /// Begins the evaluations of the batches from number `first` on, which stay where they are: what the peer is to be told of
    /// them.
    ///
    /// # Errors
    /// The batches are others.
    pub(crate) fn open_ahead(&mut self, first: usize, inputs: &Inputs) -> Result<Vec<u8>> {
        let Inputs { formulas, products } = inputs;
        let mut told = Vec::new();
        let mut place = first..;
        for (formula, bits) in formulas {
            self.open_at(place.next(), &mut told, |correlations| {
                let (opening, message) = correlations.evaluate(*formula, bits)?;
                Ok((Correlations::Opened(opening), message))
            })?;
        }
        for (width, bits) in products {
            self.open_at(place.next(), &mut told, |correlations| {
                let (opening, message) = correlations.multiply(*width, bits)?;
                Ok((Correlations::OpenProducts(opening), message))
            })?;
        }
        Ok(told)
    }

    fn open_at(
        &mut self,
        place: Option<usize>,
        told: &mut Vec<u8>,
        open: impl FnOnce(Correlations) -> Result<(Correlations, Option<Vec<u8>>)>,
    ) -> Result<()> {
        let prepared = place.and_then(|place| Some((place, self.batches.remove(place)?)));
        let (place, Prepared { batch, correlations, .. }) = prepared.ok_or_else(other)?;
        let (correlations, message) = open(correlations)?;
        told.append(&mut message.ok_or_else(other)?);
        self.batches.insert(place, Prepared { batch, correlations, told: None });
        Ok(())
    }

    /// Keeps what the peer has told ahead of the batches at `places`, in order.
    ///
    /// # Errors
    /// It is longer or shorter.
    pub(crate) fn keep_told(
        &mut self,
        places: impl Iterator<Item = usize>,
        mut message: &[u8],
    ) -> Result<()> {
        for place in places {
            let prepared = self.batches.get_mut(place).ok_or_else(other)?;
            let length = usize::try_from(prepared.batch.opening_bytes()).map_err(|_| other())?;
            let (told, rest) = message.split_at_checked(length).ok_or_else(other)?;
            prepared.told = Some(told.to_vec());
            message = rest;
        }
        if message.is_empty() { Ok(()) } else { Err(other()) }
    }

    /// Adds all of it to what is kept: the correlations, without what was begun of them, then what the peer has told ahead.
    pub(crate) fn keep(&self, kept: &mut Writer) {
        self.batches.iter().for_each(|prepared| prepared.correlations.keep(kept));
        self.batches.iter().filter_map(|prepared| prepared.told.as_ref()).for_each(|told| kept.bytes(told));
    }

    /// The correlations of `batches` at `role`, as they were kept, with nothing begun and nothing told.
    ///
    /// # Errors
    /// There are fewer bytes.
    pub(crate) fn kept(role: Role, batches: &[Batch], kept: &mut Reader<'_>) -> Result<Self> {
        let prepared = batches.iter().map(|&batch| {
            let correlations = Correlations::kept(role, batch, kept)?;
            Ok(Prepared { batch, correlations, told: None })
        });
        Ok(Self { role, batches: prepared.collect::<Result<_>>()? })
    }

    fn next(&mut self, wanted: Batch) -> Result<Correlations> {
        Ok(self.take(wanted)?.correlations)
    }

    fn take(&mut self, wanted: Batch) -> Result<Prepared> {
        match self.batches.pop_front() {
            Some(next) if next.batch == wanted => Ok(next),
            next => {
                let next = next.map(|next| next.batch);
                Err(Error::Bug(format!("{wanted:?} is wanted where {next:?} is prepared")))
            }
        }
    }
}

impl Correlations {
    /// Begins evaluations, unless they are begun; with what the peer is to be told then.
    fn evaluate(self, formula: Formula, inputs: &[Bits]) -> Result<(Opening, Option<Vec<u8>>)> {
        match self {
            Self::Masked(masked) if masked.evaluates(formula, inputs) => {
                let (opening, message) = masked.open(inputs);
                Ok((opening, Some(message)))
            }
            Self::Opened(opening) => Ok((opening, None)),
            _ => Err(other()),
        }
    }

    /// As [`evaluate`](Self::evaluate), of products.
    fn multiply(self, width: Width, bits: &Bits) -> Result<(OpenProducts, Option<Vec<u8>>)> {
        match self {
            Self::BitProducts(products) if (products.width(), products.len()) == (width, bits.len()) => {
                let (opening, message) = products.open(bits);
                Ok((opening, Some(message)))
            }
            Self::OpenProducts(opening) => Ok((opening, None)),
            _ => Err(other()),
        }
    }
}

#[cfg(test)]
impl Supply {
    /// The next masks.
    pub(super) fn masked(&mut self, formula: Formula, count: usize) -> Result<super::Masked> {
        let next = self.next(Batch { kind: CorrelationKind::Masked(formula), count })?;
        if let Correlations::Masked(next) = next { Ok(next) } else { Err(other()) }
    }

    /// The next products of bits.
    pub(super) fn bit_products(
        &mut self,
        width: Width,
        count: usize,
    ) -> Result<super::bit_product::BitProducts> {
        let next = self.next(Batch { kind: CorrelationKind::BitProduct(width), count })?;
        if let Correlations::BitProducts(next) = next { Ok(next) } else { Err(other()) }
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

    const BATCHES: [Batch; 8] = [
        Batch { kind: CorrelationKind::Masked(Formula::Sum { bits: 3 }), count: 5000 },
        Batch { kind: CorrelationKind::Cot(Role::Server, Width::BIT), count: 77 },
        Batch { kind: CorrelationKind::Masked(Formula::Join { spans: 4 }), count: 130 },
        Batch { kind: CorrelationKind::Masked(Formula::Lowest { spans: 4 }), count: 0 },
        Batch { kind: CorrelationKind::Cot(Role::Client, Width::BIT), count: 1 },
        Batch { kind: CorrelationKind::Masked(Formula::Sum { bits: 1 }), count: 9 },
        Batch { kind: CorrelationKind::BitProduct(Width::PAIR), count: 300 },
        Batch {
            kind: CorrelationKind::NumberProduct(Products { width: Width::PAIR, shared: 7 }),
            count: 140,
        },
    ];

    #[test]
    fn batches_come_in_the_order_of_the_script_alone() {
        let [mut client, mut server] = supplies(&BATCHES, 5);
        assert!(server.cot_receiver(Width::BIT, 77).is_err());
        assert!(client.masked(Formula::Sum { bits: 3 }, 5000).is_ok());
        assert!(client.cot_sender(Width::BIT, 77).is_ok());
        assert!(client.masked(Formula::Join { spans: 4 }, 130).is_ok());
        assert!(client.masked(Formula::Lowest { spans: 4 }, 0).is_ok());
        assert!(client.cot_receiver(Width::BIT, 1).is_ok());
        assert!(client.masked(Formula::Sum { bits: 1 }, 9).is_ok());
        assert!(client.bit_products(Width::PAIR, 300).is_ok());
        let products = Products { width: Width::PAIR, shared: 7 };
        assert!(client.number_products(products, 140).is_ok() && client.is_empty());
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

    /// What is told ahead of some batches gives what it gives online; no other batches, and no other lengths, do.
    #[test]
    fn evaluations_begin_ahead() {
        let formula = Formula::Sum { bits: 3 };
        let bits = |seed: usize, place: u32, count| Bits::from_fn(count, |i| ((i * seed) >> place) & 1 == 1);
        let inputs = |seed: usize| Inputs {
            formulas: vec![(formula, (0..3).map(|place| bits(seed, place, 9)).collect())],
            products: vec![(Width::PAIR, bits(seed, 0, 5))],
        };
        let batches = [
            Batch { kind: CorrelationKind::Masked(Formula::Sum { bits: 1 }), count: 4 },
            Batch { kind: CorrelationKind::Masked(formula), count: 9 },
            Batch { kind: CorrelationKind::BitProduct(Width::PAIR), count: 5 },
        ];
        for first in [0, 2, 3, 100] {
            let [mut client, _] = supplies(&batches, 11);
            assert!(client.open_ahead(first, &inputs(1)).is_err(), "{first}");
        }
        let [mut client, mut server] = supplies(&batches, 11);
        let told = client.open_ahead(1, &inputs(5)).unwrap();
        assert_eq!(told.len() as u64, batches[1..].iter().map(Batch::opening_bytes).sum::<u64>());
        for length in [0, told.len() - 1, told.len() + 1] {
            let mut other = told.clone();
            other.resize(length, 0);
            assert!(server.keep_told(1..3, &other).is_err(), "{length}");
        }
        server.keep_told(1..3, &told).unwrap();
        assert!(
            client.masked(Formula::Sum { bits: 1 }, 4).is_ok()
                && server.masked(Formula::Sum { bits: 1 }, 4).is_ok()
        );
        let [ours, theirs] = [(&mut client, 5), (&mut server, 3)].map(|(supply, seed)| {
            let inputs = inputs(seed);
            supply.evaluate(formula, &inputs.formulas[0].1).unwrap()
        });
        assert!(ours.message.is_none() && ours.told.is_none());
        let ours = ours.opening.close(&theirs.message.unwrap()).unwrap();
        let theirs = theirs.opening.close(&theirs.told.unwrap()).unwrap();
        let carries = ours[0].xor(&theirs[0]);
        assert!((0..9).all(|i| carries.get(i) == ((i * 5) % 8 + (i * 3) % 8 > 7)));
        let [ours, theirs] = [(&mut client, 5), (&mut server, 3)].map(|(supply, seed)| {
            let inputs = inputs(seed);
            supply.multiply(Width::PAIR, &inputs.products[0].1).unwrap()
        });
        let ours = ours.opening.close(Role::Client, &theirs.message.unwrap()).unwrap();
        let theirs = theirs.opening.close(Role::Server, &theirs.told.unwrap()).unwrap();
        let product = |i: usize| ((i * 5) % 2 * ((i * 3) % 2)) as u64;
        assert!((0..5).all(|i| ours[i].wrapping_add(theirs[i]) & 3 == product(i)));
        assert!(client.is_empty() && server.is_empty());
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
