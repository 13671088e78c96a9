//! The receiver's half: one party's blocks m, whose lowest bits are its choices. Step numbers of [`super`].

use super::iteration::{Iteration, Keys, ReceivedTrees};
use super::low_bit;
use super::stock::{Stock, concat};
use crate::channel::{Connection, Limit};
use crate::error::Result;
use crate::message::{self, Message, Role};
use crate::ot::block::{BLOCK_BITS, Block, bit};
use crate::ot::chunk::{self, FRAME, ReceivedChunk, hash_received};
use crate::ot::extension::ExtensionReceiver;
use crate::plan::TreeDepth;
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Makes OTs in which this party has one of the peer's two blocks.
pub struct SilentReceiver {
    /// Which party it is.
    role: Role,
    extension: ExtensionReceiver,
    stock: Stock<ReceivedTrees>,
}

impl SilentReceiver {
    /// At `role`, with the seeds that `extension` will make.
    pub(in crate::ot) fn new(role: Role, extension: ExtensionReceiver, depth: TreeDepth) -> Self {
        Self { role, extension, stock: Stock::new(depth) }
    }

    /// What `make` makes of the OTs of each chunk, with its number, in order.
    ///
    /// # Errors
    /// The peer's message has another length or does not come, or it hung up.
    pub(in crate::ot) fn extend<R: Send>(
        &mut self,
        connection: &mut Connection,
        chunks: &[usize],
        make: impl Fn(usize, ReceivedChunk<'_>) -> R + Sync,
    ) -> Result<Vec<R>> {
        let mut results = Vec::with_capacity(chunks.len());
        for sizes in chunks.chunks(FRAME) {
            let mut cots = self.cots(connection, sizes.iter().sum())?;
            let mut rest = &mut cots[..];
            let mut jobs = Vec::with_capacity(sizes.len());
            for job in self.extension.numbers().jobs(results.len(), sizes) {
                let (cots, after) = rest.split_at_mut(job.ots);
                rest = after;
                jobs.push((job, cots));
            }
            let made =
                jobs.into_par_iter().map_init(Zeroizing::<Vec<Block>>::default, |choices, (job, cots)| {
                    choices.clear();
                    choices.extend(low_bit::of_all(cots));
                    make(job.index, hash_received(&job, choices, cots))
                });
            results.par_extend(made);
        }
        Ok(results)
    }

    /// Step 1 for the first iteration, alone.
    #[cfg(test)]
    pub(super) fn first_seeds(
        &mut self,
        connection: &mut Connection,
        count: usize,
    ) -> Result<Zeroizing<Vec<Block>>> {
        first_seeds(&mut self.extension, connection, count)
    }

    /// The next COTs.
    pub(super) fn cots(
        &mut self,
        connection: &mut Connection,
        count: usize,
    ) -> Result<Zeroizing<Vec<Block>>> {
        let Self { role, extension, stock } = self;
        stock.cots(count, |due, left| {
            let seeds = match left {
                Some(seeds) => seeds,
                None => first_seeds(extension, connection, due.parameters.seeds())?,
            };
            let limit = Limit::Exactly(due.parameters.correction_bytes());
            let corrections = message::receive_at(connection, *role, Message::SilentCorrections, limit)?;
            let keys = Keys::new(extension.numbers().key(), due.number);
            Ok(Iteration::receive(due.parameters, keys, &seeds, &corrections))
        })
    }
}

/// Step 1 for the first iteration.
fn first_seeds(
    extension: &mut ExtensionReceiver,
    connection: &mut Connection,
    count: usize,
) -> Result<Zeroizing<Vec<Block>>> {
    let chunks: Vec<usize> = chunk::sizes(count).collect();
    let parts = extension.correlated(connection, &chunks, |cots| {
        let choices = cots.choices.iter().flat_map(|x| (0..BLOCK_BITS).map(|index| bit(x, index)));
        let blocks = cots.blocks.iter().zip(choices).map(|(m, choice)| low_bit::with(m, choice));
        Zeroizing::new(blocks.collect::<Vec<Block>>())
    })?;
    Ok(concat(&parts))
}
