//! Channels that are zero whatever the image.

use super::{Graph, Integer, Op};

/// By node, by channel of `graph`: whether all its integers are always zero. Its scale then means nothing.
pub fn zero_channels(graph: &Graph<Integer>) -> Vec<Vec<bool>> {
    let mut zeros: Vec<Vec<bool>> = vec![Vec::new(); graph.id_bound()];
    for id in graph.ids_in_order() {
        let inputs: Vec<&[bool]> =
            graph.inputs(id).iter().map(|input| zeros[input.index()].as_slice()).collect();
        zeros[id.index()] = match graph.op(id) {
            Op::Input | Op::Activation(_) | Op::Affine(_) => vec![false; graph.shape(id).channels],
            Op::Conv(conv) => zero_rows(&conv.weights, &conv.bias),
            Op::Dense(dense) => zero_rows(&dense.weights, &dense.bias),
            Op::Add(_) => {
                let channels = 0..graph.shape(id).channels;
                channels.map(|channel| inputs.iter().all(|input| input[channel])).collect()
            }
            Op::Mul => inputs[0].iter().zip(inputs[1]).map(|(&x, &y)| x || y).collect(),
            Op::Concat => inputs.concat(),
            Op::Flatten => {
                let plane = graph.input_shapes(id)[0].plane();
                inputs[0].iter().flat_map(|&zero| std::iter::repeat_n(zero, plane)).collect()
            }
            Op::Gather(gather) => {
                let sources = gather.sources(graph.input_shapes(id)[0]).into_iter();
                sources.map(|from| from.channels.iter().all(|&(channel, _)| inputs[0][channel])).collect()
            }
            Op::AveragePool(_) | Op::MaxPool(_) | Op::Relu | Op::Clip(_) | Op::Sign | Op::Rescale(_) => {
                inputs[0].to_vec()
            }
        };
    }
    zeros
}

/// Which rows of a linear layer give zero whatever they read.
pub fn zero_rows(weights: &[i32], bias: &[i128]) -> Vec<bool> {
    let rows = weights.chunks_exact((weights.len() / bias.len()).max(1)).zip(bias);
    rows.map(|(row, &bias)| bias == 0 && row.iter().all(|&weight| weight == 0)).collect()
}
