//! Which channels can only be removed together.

use crate::graph::{Domain, Graph, NodeId, Op};

/// A channel of a value.
pub(super) type Channel = (NodeId, usize);

/// The channels of all values, in classes: those that an operation reads and gives as one channel, adds
/// up, or holds in one group of a convolution.
pub(super) struct Classes {
    /// By node: the number of its first channel.
    first: Vec<usize>,
    /// By channel's number: another one of its class, or itself for the representative.
    parent: Vec<usize>,
}

impl Classes {
    pub(super) fn new<D: Domain>(graph: &Graph<D>) -> Self {
        let mut first = vec![0; graph.id_bound()];
        let mut count = 0;
        for id in graph.ids() {
            first[id.index()] = count;
            count += graph.shape(id).channels;
        }
        let mut classes = Self { first, parent: (0..count).collect() };
        for id in graph.ids() {
            for (one, other) in tied(graph, id) {
                let (one, other) = (classes.class(one), classes.class(other));
                classes.parent[one.max(other)] = one.min(other);
            }
        }
        classes
    }

    /// The number of the class of a channel, less than [`Self::bound`].
    pub(super) fn class(&self, (id, channel): Channel) -> usize {
        let mut number = self.first[id.index()] + channel;
        while self.parent[number] != number {
            number = self.parent[number];
        }
        number
    }

    /// More than any class's number.
    pub(super) fn bound(&self) -> usize {
        self.parent.len()
    }
}

/// Pairs of channels that the operation of `id` ties together.
fn tied<D: Domain>(graph: &Graph<D>, id: NodeId) -> Vec<(Channel, Channel)> {
    let (inputs, channels) = (graph.inputs(id), graph.shape(id).channels);
    let first_channels = |position: usize| graph.shape(inputs[position]).channels;
    match graph.op(id) {
        Op::Input | Op::Dense(_) | Op::Gather(_) => Vec::new(),
        Op::Conv(conv) if conv.groups == 1 => Vec::new(),
        Op::Conv(conv) => {
            let (read, given) = (first_channels(0) / conv.groups, channels / conv.groups);
            let with_first = (0..channels).map(|c| ((id, c), (id, c / given * given)));
            let inputs = (0..first_channels(0)).map(|c| ((inputs[0], c), (id, c / read * given)));
            with_first.chain(inputs).collect()
        }
        Op::Flatten => {
            let plane = graph.shape(inputs[0]).plane();
            (0..channels).map(|c| ((id, c), (inputs[0], c / plane))).collect()
        }
        Op::Concat => {
            let all =
                inputs.iter().flat_map(|&input| (0..graph.shape(input).channels).map(move |c| (input, c)));
            all.enumerate().map(|(c, channel)| ((id, c), channel)).collect()
        }
        Op::Affine(_)
        | Op::AveragePool(_)
        | Op::MaxPool(_)
        | Op::Relu
        | Op::Clip(_)
        | Op::Activation(_)
        | Op::Sign
        | Op::Rescale(_)
        | Op::Add(_)
        | Op::Mul => {
            inputs.iter().flat_map(|&input| (0..channels).map(move |c| ((id, c), (input, c)))).collect()
        }
    }
}
