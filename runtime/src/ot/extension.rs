//! From 128 base OTs to as many random OTs as wanted: SoftSpokenOT.
//!
//! Lawrence Roy, "SoftSpokenOT: Quieter OT Extension from Small-Field Silent VOLE in the Minicrypt Model"
//! (CRYPTO 2022, eprint 2022/192), for parties that follow the protocol. Notation: k the bits of the small
//! field, Δ the sender's secret 128 bits; trees t of depth k (the last one of what remains), n = ⌈128/k⌉ of
//! them; Δ is the sequence of the trees' missing leaves α_t. k = 1 is the protocol of Ishai, Kilian, Nissim
//! and Petrank (CRYPTO 2003).
//!
//! ```text
//! receiver (sender of the base OTs)                          sender (their receiver: bits b)
//! 1  grows n trees (tree.rs); their levels' sums
//!    masked with the base OTs' blocks                  ──▶ 2 α = the complement of b, climbs the trees
//! for each chunk, in rows of bits, one per OT:
//! 3  u_t, v_t of each tree (vole.rs)
//!    choices x = u_0;  c_t = u_t ⊕ u_0 for t > 0       ──▶ 4 w_t;  q_t = w_t ⊕ α_t·c_t  (= v_t ⊕ α_t·x)
//! 5  columns (transpose.rs): v_j, 128 bits for OT j        6 columns: q_j = v_j ⊕ x_j·Δ
//! 7  r_j = H(v_j, j)                                       8 r_j0 = H(q_j, j), r_j1 = H(q_j ⊕ Δ, j)
//! ```
//!
//! so r_j is r_j0 for x_j = 0 and r_j1 for x_j = 1. A chunk sends n − 1 bits per OT: because the choices
//! may be anything random, the first tree needs no correction.
//!
//! # Who learns what
//!
//! The sender: per tree u_t plus the choices. Each u_t has the missing row r_α in it, so the n − 1
//! corrections and the choices look uniform and independent together: it learns nothing about x. The
//! receiver: nothing is sent to it. The block that it does not choose is H(v_j ⊕ Δ, j), which looks uniform
//! to who knows v_j but not Δ (hash.rs); Δ is made of the base OTs' choices, which these hide. Semi-honest: a
//! receiver who sends other corrections could learn bits of Δ.

use super::block::{Block, sum};
use super::chunk::{FRAME, Job, Numbers, ReceivedChunk, Scratch, SentChunk, share};
use super::field::BASE_OTS;
use super::hash;
use super::pool::{ReceivedOts, SentOts};
use super::tree::{Tree, climb};
use super::vole::LeafStreams;
use crate::channel::{Connection, Limit};
use crate::error::{Error, Result};
use crate::message::{self, Message, Role};
use crate::plan::FieldBits;
use zeroize::Zeroizing;

/// Who has two blocks of each OT; the receiver of the base OTs.
pub struct ExtensionSender {
    /// Which party it is.
    role: Role,
    field: FieldBits,
    trees: Vec<LeafStreams>,
    delta: Zeroizing<Block>,
    numbers: Numbers,
}

/// Who has one block of each OT; the sender of the base OTs.
pub struct ExtensionReceiver {
    field: FieldBits,
    trees: Vec<LeafStreams>,
    numbers: Numbers,
}

impl ExtensionReceiver {
    /// Step 1, with [`BASE_OTS`] OTs of the other direction.
    ///
    /// # Errors
    /// The peer hung up or does not read; or these are more or fewer base OTs.
    pub fn begin(connection: &mut Connection, base: SentOts, field: FieldBits) -> Result<Self> {
        expect_base(base.len())?;
        let mut sums = Vec::with_capacity(field.tree_bytes() as usize);
        let mut trees = Vec::with_capacity(field.trees());
        for range in field.ranges() {
            let tree = Tree::grow(base.blocks[range.start], range.len());
            for ([left, right], masks) in tree.sums.iter().zip(&base.blocks[range.start + 1..]) {
                sums.extend([sum(left, &masks[0]), sum(right, &masks[1])].into_iter().flatten());
            }
            trees.push(LeafStreams::all(&tree.leaves));
        }
        let hash_key = hash::key(&sums);
        message::send(connection, Message::TreeSums, sums)?;
        Ok(Self { field, trees, numbers: Numbers::new(hash_key) })
    }

    /// Steps 3, 5 and 7 for chunks of so many OTs: what `make` makes of each of them, with its number, in order. The
    /// sender calls its [`extend`](ExtensionSender::extend) with the same chunks.
    ///
    /// # Errors
    /// The peer hung up or does not read.
    pub(super) fn extend<R: Send>(
        &mut self,
        connection: &mut Connection,
        chunks: &[usize],
        make: impl Fn(usize, ReceivedChunk<'_>) -> R + Sync,
    ) -> Result<Vec<R>> {
        self.each_chunk(connection, chunks, |scratch, job| make(job.index, scratch.hash_received(job)))
    }

    /// Steps 3 and 5 for chunks of so many OTs: what `make` makes of the choices x_j and the columns v_j of each, in order.
    /// They are hashed nowhere.
    ///
    /// # Errors
    /// As [`extend`](Self::extend).
    pub(super) fn correlated<R: Send>(
        &mut self,
        connection: &mut Connection,
        chunks: &[usize],
        make: impl Fn(ReceivedChunk<'_>) -> R + Sync,
    ) -> Result<Vec<R>> {
        self.each_chunk(connection, chunks, |scratch, _| make(scratch.received()))
    }

    /// How OTs are numbered, those of others under the same Δ too.
    pub(super) fn numbers(&mut self) -> &mut Numbers {
        &mut self.numbers
    }

    /// Steps 3 and 5 for chunks; of each what `take` takes from where they are.
    fn each_chunk<R: Send>(
        &mut self,
        connection: &mut Connection,
        chunks: &[usize],
        take: impl Fn(&mut Scratch<'_>, &Job<'_>) -> R + Sync,
    ) -> Result<Vec<R>> {
        let Self { field, trees, numbers } = self;
        let mut scratches = Scratch::of_threads(trees, chunks.len());
        let mut results = Vec::with_capacity(chunks.len());
        for sizes in chunks.chunks(FRAME) {
            let jobs: Vec<Job<'_>> = numbers.jobs(results.len(), sizes).collect();
            let made =
                share(&mut scratches, &jobs, |scratch, job| (scratch.receive(job), take(scratch, job)));
            let length = field.correction_bytes(sizes.iter().sum());
            let mut frame = message::begin(connection, Message::Corrections, length)?;
            for (corrections, result) in made {
                connection.push(&mut frame, corrections)?;
                results.push(result);
            }
        }
        Ok(results)
    }
}

impl ExtensionSender {
    /// Step 2 at `role`, with [`BASE_OTS`] OTs of the other direction.
    ///
    /// # Errors
    /// The peer's message has another length or does not come; or these are more or fewer base OTs.
    pub fn begin(
        connection: &mut Connection,
        role: Role,
        base: ReceivedOts,
        field: FieldBits,
    ) -> Result<Self> {
        expect_base(base.len())?;
        let limit = Limit::Exactly(field.tree_bytes());
        let sums = message::receive_at(connection, role, Message::TreeSums, limit)?;
        let mut masked = sums.as_chunks().0.as_chunks::<2>().0.iter();
        let mut trees = Vec::with_capacity(field.trees());
        let mut delta = Zeroizing::new(0u128);
        for range in field.ranges() {
            let path = Zeroizing::new(base.choices[range.clone()].iter().map(|b| !b).collect::<Vec<_>>());
            let mut known = Zeroizing::new(base.blocks[range.clone()].to_vec());
            for ((known, &right), sums) in known.iter_mut().zip(path.iter()).skip(1).zip(masked.by_ref()) {
                *known = sum(known, &sums[usize::from(!right)]);
            }
            let alpha = path.iter().fold(0, |alpha, &right| alpha << 1 | usize::from(right));
            trees.push(LeafStreams::all_but(&climb(&path, &known), alpha));
            *delta |= (alpha as u128) << range.start;
        }
        let hash_key = hash::key(&sums);
        Ok(Self {
            role,
            field,
            trees,
            delta: Zeroizing::new(delta.to_le_bytes()),
            numbers: Numbers::new(hash_key),
        })
    }

    /// Steps 4, 6 and 8 for chunks of so many OTs: what `make` makes of each of them, with its number, in order.
    ///
    /// # Errors
    /// The peer's message has another length or does not come.
    pub(super) fn extend<R: Send>(
        &mut self,
        connection: &mut Connection,
        chunks: &[usize],
        make: impl Fn(usize, SentChunk<'_>) -> R + Sync,
    ) -> Result<Vec<R>> {
        let delta = self.delta.clone();
        self.each_chunk(connection, chunks, |scratch, job| make(job.index, scratch.hash_sent(job, &delta)))
    }

    /// Steps 4 and 6 for chunks of so many OTs: what `make` makes of the columns q_j of each, in order. They are hashed
    /// nowhere.
    ///
    /// # Errors
    /// As [`extend`](Self::extend).
    pub(super) fn correlated<R: Send>(
        &mut self,
        connection: &mut Connection,
        chunks: &[usize],
        make: impl Fn(&[Block]) -> R + Sync,
    ) -> Result<Vec<R>> {
        self.each_chunk(connection, chunks, |scratch, _| make(scratch.columns()))
    }

    /// Δ.
    pub(super) fn delta(&self) -> &Block {
        &self.delta
    }

    /// How OTs are numbered, those of others under the same Δ too.
    pub(super) fn numbers(&mut self) -> &mut Numbers {
        &mut self.numbers
    }

    /// Steps 4 and 6 for chunks; of each what `take` takes from where they are.
    fn each_chunk<R: Send>(
        &mut self,
        connection: &mut Connection,
        chunks: &[usize],
        take: impl Fn(&mut Scratch<'_>, &Job<'_>) -> R + Sync,
    ) -> Result<Vec<R>> {
        let Self { role, field, trees, delta, numbers } = self;
        let mut scratches = Scratch::of_threads(trees, chunks.len());
        let mut results = Vec::with_capacity(chunks.len());
        for sizes in chunks.chunks(FRAME) {
            let limit = Limit::Exactly(field.correction_bytes(sizes.iter().sum()));
            let corrections = message::receive_at(connection, *role, Message::Corrections, limit)?;
            let mut rest = &corrections[..];
            let with_corrections = |job: Job<'static>| {
                let (corrections, after) = rest.split_at(field.correction_bytes(job.ots) as usize);
                rest = after;
                Job { corrections, ..job }
            };
            let jobs: Vec<Job<'_>> = numbers.jobs(results.len(), sizes).map(with_corrections).collect();
            results.extend(share(&mut scratches, &jobs, |scratch, job| {
                scratch.send(job, delta);
                take(scratch, job)
            }));
        }
        Ok(results)
    }
}

fn expect_base(count: usize) -> Result<()> {
    if count == BASE_OTS {
        return Ok(());
    }
    Err(Error::Bug(format!("an extension begins with {BASE_OTS} OTs, not {count}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::PeerFault;
    use crate::ot::Sent;
    use crate::ot::block::{BLOCK_BITS, bit};
    use crate::ot::chunk::CHUNK;
    use crate::ot::random::{OtReceiver, OtSender};
    use crate::ot::testing::{Memory, chunks, dealt, matching, receive_raw, send_raw, together, traffic};

    const COUNTS: [usize; 4] = [1, 128, 0, 64 * 128 * 2 + 130];

    fn raw_receiver(connection: &mut Memory, base: SentOts, field: FieldBits) -> OtReceiver {
        OtReceiver::SoftSpoken(ExtensionReceiver::begin(connection, base, field).unwrap())
    }

    fn run(k: u32) -> (Vec<SentOts>, Vec<ReceivedOts>) {
        let field = FieldBits::new(k).unwrap();
        let (base_sent, base_received) = dealt(BASE_OTS, 80 + u64::from(k));
        let sending = move |connection: &mut Memory| {
            let (begun, spent) =
                traffic(connection, |c| ExtensionSender::begin(c, Role::Client, base_received, field));
            assert_eq!(spent.received, field.tree_cost());
            let mut sender = OtSender::SoftSpoken(begun.unwrap());
            COUNTS.map(|count| {
                let (ots, spent) = traffic(connection, |c| send_raw(&mut sender, c, count));
                assert_eq!((spent.received, spent.sent), (field.cost(&chunks(count)), Sent::default()));
                ots
            })
        };
        let receiving = move |connection: &mut Memory| {
            let mut receiver = raw_receiver(connection, base_sent, field);
            COUNTS.map(|count| receive_raw(&mut receiver, connection, count))
        };
        let (sent, received) = together(sending, receiving);
        (sent.into(), received.into())
    }

    #[test]
    fn every_field_gives_random_ots() {
        for k in 1..=8 {
            let (sent, received) = run(k);
            for ((sent, received), count) in sent.iter().zip(&received).zip(COUNTS) {
                assert_eq!(sent.len(), count.next_multiple_of(BLOCK_BITS));
                matching(sent, received);
            }
            // 2·σ is about 130 of 16,640: ±6.5 standard deviations; no block comes twice.
            let chosen = received[3].choices.iter().filter(|&&choice| choice).count();
            assert!(chosen.abs_diff(received[3].len() / 2) < 420, "k = {k}: {chosen}");
            let mut blocks: Vec<&Block> = sent.iter().flat_map(|sent| sent.blocks.as_flattened()).collect();
            let count = blocks.len();
            blocks.sort();
            blocks.dedup();
            assert_eq!(blocks.len(), count);
        }
    }

    /// What the receiver sends for an OT, and its choice: 15 + 1 bits for k = 8, all alike whatever the
    /// choice.
    #[test]
    fn corrections_do_not_depend_on_the_choices() {
        const COUNT: usize = 1 << 15;
        let field = FieldBits::new(8).unwrap();
        let (base, _) = dealt(BASE_OTS, 91);
        let (body, ots) = together(
            |connection: &mut Memory| {
                message::receive(connection, Message::TreeSums, Limit::AtMost(u64::MAX)).unwrap();
                message::receive(connection, Message::Corrections, Limit::AtMost(u64::MAX)).unwrap()
            },
            |connection: &mut Memory| {
                let mut receiver = raw_receiver(connection, base, field);
                receive_raw(&mut receiver, connection, COUNT)
            },
        );
        // Chunks of 128 blocks; in each the 15 trees' rows, one after the other.
        let mut agreements = [0usize; 15];
        for (batch, choices) in body.chunks_exact(15 * CHUNK / 8).zip(ots.choices.chunks_exact(CHUNK)) {
            for (row, agreements) in batch.as_chunks().0.chunks_exact(CHUNK / BLOCK_BITS).zip(&mut agreements)
            {
                let bits = row.iter().flat_map(|block| (0..128).map(|index| bit(block, index)));
                *agreements += bits.zip(choices).filter(|(bit, choice)| bit == *choice).count();
            }
        }
        // 16,384 ± 6.5 standard deviations of 90.5.
        assert!(agreements.iter().all(|count| count.abs_diff(COUNT / 2) < 588), "{agreements:?}");
    }

    #[test]
    fn hostile_lengths_end_with_a_typed_error() {
        let field = FieldBits::new(2).unwrap();
        for length in [0, 1, field.tree_bytes() - 1, field.tree_bytes() + 1, 1 << 20] {
            let (error, ()) = together(
                |connection: &mut Memory| {
                    ExtensionSender::begin(connection, Role::Client, dealt(BASE_OTS, 1).1, field)
                        .err()
                        .unwrap()
                },
                |connection: &mut Memory| {
                    drop(message::send(connection, Message::TreeSums, vec![0; length as usize]));
                },
            );
            let fault = PeerFault::WrongLength {
                message: "sums of trees",
                expected: field.tree_bytes(),
                got: length,
            };
            assert_eq!(error.to_string(), Error::from(fault).to_string());
        }
        assert!(expect_base(127).is_err());
    }
}
