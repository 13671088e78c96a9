//! COTs of one direction that are made and not used yet, most of them not expanded.

use super::account::{Account, Due};
use super::iteration::{Iteration, Trees};
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

    /// The iteration that has to [`begin`](Self::begin) before `count` COTs can be taken.
    pub(super) fn due(&mut self, count: usize) -> Option<Due> {
        self.account.next(count)
    }

    /// The COTs that the iteration `due` takes, after all others before it: what is left of the iteration before is
    /// expanded.
    pub(super) fn seeds(&mut self, due: Due) -> Zeroizing<Vec<Block>> {
        let left = self.account.left() - due.parameters.outputs();
        self.expand(left + due.parameters.seeds());
        Zeroizing::new(self.expanded.split_off(left))
    }

    /// From now on COTs come of `iteration`.
    pub(super) fn begin(&mut self, iteration: Iteration<T>) {
        self.iteration = Some(iteration);
    }

    /// The next `count` COTs, for which no iteration is due.
    pub(super) fn take(&mut self, count: usize) -> Zeroizing<Vec<Block>> {
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
