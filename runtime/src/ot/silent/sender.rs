//! The sender's half: one party's Δ and blocks q. Step numbers of [`super`].

use super::iteration::{Iteration, Keys, SentTrees};
use super::low_bit;
use super::stock::{Stock, concat};
use crate::channel::Connection;
use crate::error::Result;
use crate::message::{self, Message};
use crate::ot::block::Block;
use crate::ot::chunk::{self, FRAME, SentChunk, hash_sent};
use crate::ot::extension::ExtensionSender;
use crate::plan::TreeDepth;
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Makes OTs in which this party has two blocks.
pub struct SilentSender {
    extension: ExtensionSender,
    delta: Zeroizing<Block>,
    stock: Stock<SentTrees>,
}

impl SilentSender {
    /// With the seeds that `extension` will make.
    pub(in crate::ot) fn new(extension: ExtensionSender, depth: TreeDepth) -> Self {
        let delta = Zeroizing::new(low_bit::with(extension.delta(), true));
        Self { extension, delta, stock: Stock::new(depth) }
    }

    /// Δ, with its lowest bit 1.
    #[cfg(test)]
    pub(super) fn delta(&self) -> &Block {
        &self.delta
    }

    /// What `make` makes of the OTs of each chunk, with its number, in order.
    ///
    /// # Errors
    /// The peer's message has another length or does not come, or it hung up.
    pub(in crate::ot) fn extend<R: Send>(
        &mut self,
        connection: &mut Connection,
        chunks: &[usize],
        make: impl Fn(usize, SentChunk<'_>) -> R + Sync,
    ) -> Result<Vec<R>> {
        let mut results = Vec::with_capacity(chunks.len());
        for sizes in chunks.chunks(FRAME) {
            let cots = self.cots(connection, sizes.iter().sum())?;
            let mut rest = &cots[..];
            let jobs = self.extension.numbers().jobs(results.len(), sizes).map(|job| {
                let (cots, after) = rest.split_at(job.ots);
                rest = after;
                (job, cots)
            });
            let jobs: Vec<_> = jobs.collect();
            let made = jobs.into_par_iter().map_init(Zeroizing::default, |pairs, (job, cots)| {
                make(job.index, hash_sent(&job, &self.delta, cots, pairs))
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
        let Self { extension, delta, stock } = self;
        stock.cots(count, |due, left| {
            let seeds = match left {
                Some(seeds) => seeds,
                None => first_seeds(extension, connection, due.parameters.seeds())?,
            };
            let keys = Keys::new(extension.numbers().key(), due.number);
            let (iteration, corrections) = Iteration::send(due.parameters, keys, &seeds, delta);
            message::send(connection, Message::SilentCorrections, corrections)?;
            Ok(iteration)
        })
    }
}

/// Step 1 for the first iteration.
fn first_seeds(
    extension: &mut ExtensionSender,
    connection: &mut Connection,
    count: usize,
) -> Result<Zeroizing<Vec<Block>>> {
    let chunks: Vec<usize> = chunk::sizes(count).collect();
    let parts = extension.correlated(connection, &chunks, |columns| {
        Zeroizing::new(columns.iter().map(|q| low_bit::with(q, false)).collect::<Vec<Block>>())
    })?;
    Ok(concat(&parts))
}
