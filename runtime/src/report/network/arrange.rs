//! Where the boxes of a network lie.
//!
//! Rows are depths: a step stands below everything that it reads. In its row it takes the lane of what it reads from the row above, or
//! the nearest free one; of several readers of a value the one with the longest way to the end keeps the lane. A value that is read
//! further down goes there along a line that crosses no box: in its own lane, where nothing follows there, else in a *channel* left of all
//! lanes, one for all of its readers.

use std::cmp::Reverse;

/// A step's box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Counted from the top.
    pub(super) row: usize,
    /// Counted from the left.
    pub(super) lane: usize,
}

/// The way of a value to a step that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// The step that makes the value.
    pub(super) from: usize,
    /// The step that reads it.
    pub(super) to: usize,
    /// The channel that it goes through; none where it stays in the lane of its step.
    pub(super) channel: Option<usize>,
}

/// All of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arrangement {
    /// By step.
    pub(super) places: Vec<Place>,
    /// By the step that reads, then by the one that is read.
    pub(super) edges: Vec<Edge>,
    /// Number of rows.
    pub(super) rows: usize,
    /// Number of lanes.
    pub(super) lanes: usize,
    /// Number of channels.
    pub(super) channels: usize,
}

impl Arrangement {
    /// Of steps that read these earlier ones, each once.
    pub(super) fn new(inputs: &[Vec<usize>]) -> Self {
        let rows = rows(inputs);
        let places = places(inputs, &rows);
        let channels = channels(inputs, &rows);
        let count = |numbers: &mut dyn Iterator<Item = usize>| numbers.max().map_or(0, |most| most + 1);
        let way = |from: usize, to: usize| Edge {
            from,
            to,
            channel: channels[from].filter(|_| rows[to] > rows[from] + 1),
        };
        let edges =
            inputs.iter().enumerate().flat_map(|(to, inputs)| inputs.iter().map(move |&from| way(from, to)));
        Self {
            edges: edges.collect(),
            rows: count(&mut rows.iter().copied()),
            lanes: count(&mut places.iter().map(|place| place.lane)),
            channels: count(&mut channels.iter().copied().flatten()),
            places,
        }
    }
}

/// Depths of steps.
fn rows(inputs: &[Vec<usize>]) -> Vec<usize> {
    let mut rows: Vec<usize> = Vec::with_capacity(inputs.len());
    for inputs in inputs {
        rows.push(inputs.iter().map(|&input| rows[input] + 1).max().unwrap_or(0));
    }
    rows
}

/// Steps on the longest way to the end, from each step on.
fn remaining(inputs: &[Vec<usize>]) -> Vec<usize> {
    let mut remaining = vec![0; inputs.len()];
    for (step, inputs) in inputs.iter().enumerate().rev() {
        for &input in inputs {
            remaining[input] = remaining[input].max(remaining[step] + 1);
        }
    }
    remaining
}

/// By step: the first row below it where it is read, and the last.
fn readers(inputs: &[Vec<usize>], rows: &[usize]) -> Vec<Option<[usize; 2]>> {
    let mut readers: Vec<Option<[usize; 2]>> = vec![None; inputs.len()];
    for (step, inputs) in inputs.iter().enumerate() {
        for &input in inputs {
            let [first, last] = readers[input].unwrap_or([rows[step]; 2]);
            readers[input] = Some([first.min(rows[step]), last.max(rows[step])]);
        }
    }
    readers
}

fn places(inputs: &[Vec<usize>], rows: &[usize]) -> Vec<Place> {
    let (remaining, readers) = (remaining(inputs), readers(inputs, rows));
    let mut places = vec![Place { row: 0, lane: 0 }; inputs.len()];
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|&step| (rows[step], Reverse(remaining[step])));
    // The first row in which each lane is free.
    let mut free: Vec<usize> = Vec::new();
    for step in order {
        let row = rows[step];
        let above = inputs[step].iter().filter(|&&input| rows[input] + 1 == row);
        let wanted = above.map(|&input| places[input].lane).min().unwrap_or(0);
        let lane = nearest_free(&free, row, wanted);
        free.resize(free.len().max(lane + 1), 0);
        // Without a reader in the next row its line goes down the lane.
        free[lane] = readers[step].filter(|[first, _]| *first > row + 1).map_or(row + 1, |[_, last]| last);
        places[step] = Place { row, lane };
    }
    places
}

/// The lane nearest to `wanted` that is free in `row`, of two the right one; a new one where all are taken.
fn nearest_free(free: &[usize], row: usize, wanted: usize) -> usize {
    let is_free = |&lane: &usize| free.get(lane).is_none_or(|&first| first <= row);
    let near = (0..=free.len()).flat_map(|way| [Some(wanted + way), wanted.checked_sub(way)]).flatten();
    near.into_iter().find(is_free).unwrap_or(free.len())
}

/// By step: the channel of its value, if it takes one.
fn channels(inputs: &[Vec<usize>], rows: &[usize]) -> Vec<Option<usize>> {
    let readers = readers(inputs, rows);
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|&step| rows[step]);
    let mut free: Vec<usize> = Vec::new();
    let mut channels = vec![None; inputs.len()];
    for step in order {
        let row = rows[step];
        let Some([_, last]) = readers[step].filter(|[first, last]| *first == row + 1 && *last > row + 1)
        else {
            continue;
        };
        let channel = free.iter().position(|&first| first <= row + 1).unwrap_or(free.len());
        free.resize(free.len().max(channel + 1), 0);
        free[channel] = last;
        channels[step] = Some(channel);
    }
    channels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arranged(inputs: &[&[usize]]) -> Arrangement {
        Arrangement::new(&inputs.iter().map(|inputs| inputs.to_vec()).collect::<Vec<_>>())
    }

    fn lanes(arrangement: &Arrangement) -> Vec<[usize; 2]> {
        arrangement.places.iter().map(|place| [place.row, place.lane]).collect()
    }

    #[test]
    fn a_chain_is_one_lane() {
        let chain = arranged(&[&[], &[0], &[1]]);
        assert_eq!(lanes(&chain), [[0, 0], [1, 0], [2, 0]]);
        assert_eq!((chain.rows, chain.lanes, chain.channels), (3, 1, 0));
    }

    /// A residual block: the value itself goes past its two layers in a channel.
    #[test]
    fn what_skips_layers_goes_beside_them() {
        let block = arranged(&[&[], &[0], &[1], &[2, 0]]);
        assert_eq!((block.lanes, block.channels), (1, 1));
        let long = block.edges.iter().filter(|edge| edge.channel.is_some());
        assert_eq!(long.collect::<Vec<_>>(), [&Edge { from: 0, to: 3, channel: Some(0) }]);
    }

    /// A residual block with a projection: the longer branch is straight on, the other waits in its own lane.
    #[test]
    fn the_longer_branch_goes_straight_on() {
        let block = arranged(&[&[], &[0], &[0], &[2], &[3, 1], &[4]]);
        assert_eq!(lanes(&block), [[0, 0], [1, 1], [1, 0], [2, 0], [3, 0], [4, 0]]);
        assert_eq!(block.channels, 0);
    }

    /// Five branches between a fork and a join, twice: lanes are used again.
    #[test]
    fn branches_lie_side_by_side() {
        let mut inputs: Vec<Vec<usize>> = vec![vec![]];
        for fork in [0, 6] {
            inputs.extend((0..5).map(|_| vec![fork]));
            inputs.push((fork + 1..fork + 6).collect());
        }
        let network = Arrangement::new(&inputs);
        assert_eq!((network.rows, network.lanes, network.channels), (5, 5, 0));
        let mut taken: Vec<[usize; 2]> = lanes(&network);
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), inputs.len(), "no two boxes at a place");
    }

    /// A dense block: every value is read by all that follow.
    #[test]
    fn values_with_many_readers_take_a_channel_each() {
        let inputs: Vec<Vec<usize>> = (0..10).map(|step| (0..step).collect()).collect();
        let network = Arrangement::new(&inputs);
        assert_eq!((network.lanes, network.channels, network.edges.len()), (1, 8, 45));
    }
}
