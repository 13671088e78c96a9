//! Which iterations a direction's OTs take: public numbers that both parties count alike.
//!
//! The first iteration grows the shallowest trees, whatever the depth of the others: its seeds, which the extension makes,
//! are the fewest, and what it makes seeds any other. COTs that are left stay for the session's next OTs; as many of
//! them as the next iteration takes are never given out.

use super::parameters::Parameters;
use crate::plan::TreeDepth;

/// The COTs of one direction that are made and not used yet.
#[derive(Clone, Copy)]
pub(in crate::ot) struct Account {
    depth: TreeDepth,
    /// Iterations so far.
    begun: u64,
    left: usize,
}

/// An iteration that has to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ot) struct Due {
    /// Its number, from 0 on; the first one takes its seeds from the extension.
    pub(in crate::ot) number: u64,
    pub(in crate::ot) parameters: Parameters,
}

impl Account {
    /// A session's beginning.
    pub(in crate::ot) fn new(depth: TreeDepth) -> Self {
        Self { depth, begun: 0, left: 0 }
    }

    /// COTs that are left.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// The iteration that has to begin before `count` COTs can be used, as if it had begun; `None` where enough are left.
    pub(in crate::ot) fn next(&mut self, count: usize) -> Option<Due> {
        let parameters = Parameters::new(self.depth);
        let number = self.begun;
        let due = match number {
            0 if count == 0 => return None,
            0 => Due { number, parameters: Parameters::new(self.depth.min(TreeDepth::MIN)) },
            _ if count + parameters.seeds() <= self.left => return None,
            _ => {
                self.left -= parameters.seeds();
                Due { number, parameters }
            }
        };
        self.left += due.parameters.outputs();
        self.begun += 1;
        Some(due)
    }

    /// Uses `count` COTs, for which no iteration is due.
    pub(in crate::ot) fn spend(&mut self, count: usize) {
        self.left -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(depth: u32) -> TreeDepth {
        TreeDepth::new(depth).unwrap()
    }

    /// The depths of the iterations that are due.
    fn due(account: &mut Account, count: usize) -> Vec<usize> {
        let due = std::iter::from_fn(|| account.next(count)).map(|due| due.parameters.depth).collect();
        account.spend(count);
        due
    }

    #[test]
    fn iterations_begin_when_they_must() {
        let mut account = Account::new(depth(11));
        assert!(due(&mut account, 0).is_empty());
        assert_eq!(due(&mut account, 870_400 - 144_000), [10]);
        assert_eq!(account.left(), 144_000);
        assert!(due(&mut account, 0).is_empty());
        assert_eq!(due(&mut account, 128), [11]);
        assert_eq!(account.left(), 2_396_160 - 128);
        assert_eq!(due(&mut account, 5_000_000), [11, 11]);
        assert_eq!(due(&mut Account::new(depth(12)), 1), [10]);
        assert_eq!(due(&mut Account::new(depth(7)), 13_000), [7, 7]);
    }

    /// However the COTs are asked for, piece by piece or at once, the same iterations serve them.
    #[test]
    fn pieces_take_what_the_whole_takes() {
        for (level, pieces) in
            [(7, [128, 7000, 0, 640]), (10, [1 << 20, 1, 5, 1 << 17]), (12, [1, 2, 3, 1 << 22])]
        {
            let (mut whole, mut piecewise) = (Account::new(depth(level)), Account::new(depth(level)));
            let by_pieces: Vec<usize> = pieces.iter().flat_map(|&piece| due(&mut piecewise, piece)).collect();
            assert_eq!(due(&mut whole, pieces.iter().sum()), by_pieces);
            assert_eq!(whole.left(), piecewise.left());
        }
    }
}
