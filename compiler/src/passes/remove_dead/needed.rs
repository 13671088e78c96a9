//! Which channels have to stay because the output depends on them.

use super::classes::{Channel, Classes};
use super::rows::{RowLayout, weights};
use crate::graph::{Domain, Graph, NodeId, Op, Sources};

/// Which channels of a graph have to stay, in classes that stay or go together.
pub(super) struct Needed<'a, D: Domain> {
    graph: &'a Graph<D>,
    classes: Classes,
    /// By class: the rows of linear layers, and the channels of gathers, that belong to it.
    rows: Vec<Vec<Channel>>,
    /// By node that is a gather: what its channels are made of.
    gathered: Vec<Vec<Sources>>,
    /// By class: whether it has to stay.
    needed: Vec<bool>,
}

impl<'a, D: Domain> Needed<'a, D> {
    /// The classes of the output and the image, those that they depend on, and at least one channel of every value that
    /// stays.
    pub(super) fn new(graph: &'a Graph<D>) -> Self {
        let classes = Classes::new(graph);
        let mut rows = vec![Vec::new(); classes.bound()];
        let mut gathered = vec![Vec::new(); graph.id_bound()];
        for id in graph.ids() {
            match graph.op(id) {
                Op::Gather(gather) => {
                    gathered[id.index()] = gather.sources(graph.shape(graph.sole_input(id)));
                }
                op if weights(op).is_some() => {}
                _ => continue,
            }
            (0..graph.shape(id).channels).for_each(|row| rows[classes.class((id, row))].push((id, row)));
        }
        let mut needed = Self { graph, needed: vec![false; classes.bound()], classes, rows, gathered };
        for id in graph.ids() {
            let whole = matches!(graph.op(id), Op::Input | Op::Activation(_)) || id == graph.output();
            (0..graph.shape(id).channels).filter(|_| whole).for_each(|channel| needed.need((id, channel)));
        }
        while let Some(empty) = needed.nodes().into_iter().find(|&id| needed.channels(id).is_empty()) {
            needed.need((empty, 0));
        }
        needed
    }

    /// The channels of `id` that stay, rising.
    pub(super) fn channels(&self, id: NodeId) -> Vec<usize> {
        let stays = |&channel: &usize| self.needed[self.classes.class((id, channel))];
        (0..self.graph.shape(id).channels).filter(stays).collect()
    }

    /// The nodes that stay, each before those that it reads.
    pub(super) fn nodes(&self) -> Vec<NodeId> {
        let mut stays = vec![false; self.graph.id_bound()];
        stays[self.graph.output().index()] = true;
        let mut nodes = self.graph.ids_in_order();
        nodes.reverse();
        nodes.retain(|id| {
            if stays[id.index()] {
                self.inputs(*id).into_iter().for_each(|input| stays[input.index()] = true);
            }
            stays[id.index()]
        });
        nodes
    }

    /// The values that `id` still has to read: of those that it joins, the ones with a channel that stays.
    pub(super) fn inputs(&self, id: NodeId) -> Vec<NodeId> {
        let mut inputs = self.graph.inputs(id);
        if matches!(self.graph.op(id), Op::Concat) && !self.channels(id).is_empty() {
            inputs.retain(|&input| !self.channels(input).is_empty());
        }
        inputs
    }

    /// Marks the class of `channel` and all that its rows read.
    fn need(&mut self, channel: Channel) {
        let mut waiting = vec![self.classes.class(channel)];
        while let Some(class) = waiting.pop() {
            if !std::mem::replace(&mut self.needed[class], true) {
                for &(id, row) in &self.rows[class] {
                    waiting.extend(self.read(id, row).map(|channel| self.classes.class(channel)));
                }
            }
        }
    }

    /// The channels that channel `row` of the linear layer or gather `id` depends on.
    fn read(&self, id: NodeId, row: usize) -> impl Iterator<Item = Channel> {
        let (input, op) = (self.graph.sole_input(id), self.graph.op(id));
        let rows = RowLayout::from_op(op, self.graph.shape(input)).zip(weights(op));
        let weighed = rows.into_iter().flat_map(move |(rows, weights)| rows.read(weights, row));
        let gathered = self.gathered[id.index()].get(row).into_iter().flat_map(|of| &of.channels);
        weighed.chain(gathered.map(|&(channel, _)| channel)).map(move |channel| (input, channel))
    }
}
