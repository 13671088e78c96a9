//! COTs of one direction that are made and not used yet, most of them not expanded.

use super::account::{Account, Due};
use super::iteration::{Iteration, Trees};
use crate::error::Result;
use crate::ot::block::Block;
use crate::plan::TreeDepth;
use zeroize::Zeroizing;

/// One party's COTs, each given out once. No `Clone`, no `Debug`; wiped on drop.
pub(super) struct Stock<T> {
    account: Account,
    iteration: Option<Iteration<T>>,
    /// Expanded, and the next to be used.
    expanded: Zeroizing<Vec<Block>>,
}

impl<T: Trees> Stock<T> {
    pub(super) fn new(depth: TreeDepth) -> Self {
        Self { account: Account::new(depth), iteration: None, expanded: Zeroizing::default() }
    }

    /// The next `count` COTs. Before, each iteration that has to begin is made by `begin` of the seeds that are left from the
    /// one before it; the first is given none.
    pub(super) fn cots(
        &mut self,
        count: usize,
        mut begin: impl FnMut(Due, Option<Zeroizing<Vec<Block>>>) -> Result<Iteration<T>>,
    ) -> Result<Zeroizing<Vec<Block>>> {
        while let Some(due) = self.account.next(count) {
            let seeds = (due.number > 0).then(|| self.seeds(due));
            self.iteration = Some(begin(due, seeds)?);
        }
        Ok(self.take(count))
    }

    /// The COTs that the iteration `due` takes, after all others before it: what is left of the iteration before is
    /// expanded.
    fn seeds(&mut self, due: Due) -> Zeroizing<Vec<Block>> {
        let left = self.account.left() - due.parameters.outputs();
        self.expand(left + due.parameters.seeds());
        Zeroizing::new(self.expanded.split_off(left))
    }

    /// The next `count` COTs, for which no iteration is due.
    fn take(&mut self, count: usize) -> Zeroizing<Vec<Block>> {
        self.account.spend(count);
        self.expand(count);
        let rest = Zeroizing::new(self.expanded.split_off(count));
        std::mem::replace(&mut self.expanded, rest)
    }

    /// Expands as many as make `count`.
    fn expand(&mut self, count: usize) {
        let missing = count.saturating_sub(self.expanded.len());
        if let Some(iteration) = &mut self.iteration {
            iteration.expand(missing, &mut self.expanded);
        }
    }
}

/// The blocks of all parts, one part after another.
pub(super) fn concat(parts: &[Zeroizing<Vec<Block>>]) -> Zeroizing<Vec<Block>> {
    let mut whole = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    whole
}
