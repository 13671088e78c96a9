//! Constant channels, moved into the biases of the layers that read them.

use super::Constants;
use super::rows::RowLayout;
use crate::graph::{Add, Conv, Dense, Graph, NodeId, Op, Sources};

/// By channel of a value: what all its elements are, whatever the image.
type Known<D> = Vec<Option<<D as Constants>::Wide>>;

/// Moves what is constant into the biases of its linear readers, whose weights on it become zero, and
/// takes branches that are zero out of sums. A padded convolution cannot take a constant, because
/// padding would have to be as large; it only forgets zeros.
pub(super) fn fold_constants<D: Constants>(graph: &mut Graph<D>) {
    let mut known: Vec<Known<D>> = vec![Vec::new(); graph.id_bound()];
    for id in graph.ids_in_order() {
        drop_zero_branches(graph, id, &known);
        absorb(graph, id, &known);
        known[id.index()] = constants(graph, id, &known);
    }
}

fn drop_zero_branches<D: Constants>(graph: &mut Graph<D>, id: NodeId, known: &[Known<D>]) {
    let Op::Add(add) = graph.op(id) else { return };
    let zero = |input: NodeId| known[input.index()].iter().all(|&x| x == Some(D::Wide::default()));
    let branches = graph.inputs(id).into_iter().zip(add.multipliers.clone());
    let (inputs, multipliers): (Vec<NodeId>, Vec<D::Multiplier>) =
        branches.filter(|&(input, _)| !zero(input)).unzip();
    if !inputs.is_empty() {
        graph.set_inputs(id, &inputs);
        graph.node_mut(id).op = Op::Add(Add { multipliers });
    }
}

/// Makes the linear layer `id` independent of those channels of its input that are constant.
fn absorb<D: Constants>(graph: &mut Graph<D>, id: NodeId, known: &[Known<D>]) {
    let Some(&input) = graph.inputs(id).first() else { return };
    let padded = matches!(graph.op(id), Op::Conv(conv) if conv.window.is_padded());
    let can_go = |&x: &D::Wide| !padded || x == D::Wide::default();
    let constants: Known<D> = known[input.index()].iter().map(|x| x.filter(can_go)).collect();
    if constants.iter().all(Option::is_none) {
        return;
    }
    let Some(rows) = RowLayout::from_op(graph.op(id), graph.shape(input)) else { return };
    let (Op::Conv(Conv { weights, bias, .. }) | Op::Dense(Dense { weights, bias })) =
        &mut graph.node_mut(id).op
    else {
        return;
    };
    for (row, (weights, bias)) in weights.chunks_exact_mut(rows.columns).zip(bias).enumerate() {
        let taps = weights.chunks_exact_mut(rows.taps).zip(&constants[rows.channels(row)]);
        absorb_row::<D>(taps.filter_map(|(taps, x)| Some((taps, (*x)?))).collect(), bias);
    }
}

/// Moves (weights, the constant that they multiply) into `bias`, unless that cannot hold the sum.
fn absorb_row<D: Constants>(found: Vec<(&mut [D::Weight], D::Wide)>, bias: &mut D::Bias) {
    let terms = found.iter().flat_map(|(taps, x)| taps.iter().map(move |&weight| (weight.into(), *x)));
    let sum = D::dot(terms.chain([((*bias).into(), D::ONE)]));
    if let Some(sum) = sum.and_then(D::bias) {
        *bias = sum;
        found.into_iter().for_each(|(taps, _)| taps.fill(D::Weight::default()));
    }
}

/// Which channels of the value of `id` are constant.
fn constants<D: Constants>(graph: &Graph<D>, id: NodeId, known: &[Known<D>]) -> Known<D> {
    let inputs: Vec<&Known<D>> = graph.inputs(id).into_iter().map(|input| &known[input.index()]).collect();
    let zero = D::Wide::default();
    let each = |map: &dyn Fn(D::Wide) -> Option<D::Wide>| inputs[0].iter().map(|x| x.and_then(map)).collect();
    match graph.op(id) {
        Op::Input | Op::Affine(_) | Op::Activation(_) | Op::Clip(_) => {
            vec![None; graph.shape(id).channels]
        }
        Op::Conv(_) | Op::Dense(_) => biases(graph, id),
        Op::AveragePool(pool) => {
            let (image, output) = (graph.input_shapes(id)[0], graph.shape(id));
            each(&|x| D::pooled(pool, image, output, x))
        }
        Op::MaxPool(_) => inputs[0].clone(),
        Op::Relu => each(&|x| Some(if x > zero { x } else { zero })),
        Op::Sign => each(&|x| Some(if x > zero { D::ONE } else { zero })),
        // Other constants may come out one larger.
        Op::Rescale(_) => each(&|x| (x == zero).then_some(zero)),
        Op::Add(add) => {
            (0..graph.shape(id).channels).map(|channel| sum::<D>(add, &inputs, channel)).collect()
        }
        Op::Mul => (0..graph.shape(id).channels).map(|channel| product::<D>(&inputs, channel)).collect(),
        Op::Concat => inputs.iter().flat_map(|known| known.iter().copied()).collect(),
        Op::Gather(gather) => {
            let sources = gather.sources(graph.input_shapes(id)[0]);
            sources.iter().map(|of| gathered::<D>(of, inputs[0])).collect()
        }
        Op::Flatten => {
            let plane = graph.input_shapes(id)[0].plane();
            inputs[0].iter().flat_map(|&x| std::iter::repeat_n(x, plane)).collect()
        }
    }
}

/// What all elements of a gather's channel are, where that is known and the same.
fn gathered<D: Constants>(of: &Sources, input: &Known<D>) -> Option<D::Wide> {
    let mut values = of.channels.iter().map(|&(channel, _)| input[channel]);
    let zeros = of.zeros.then(|| Some(D::Wide::default()));
    let first = zeros.or_else(|| values.next())??;
    values.all(|value| value == Some(first)).then_some(first)
}

/// The biases of the rows without weights.
fn biases<D: Constants>(graph: &Graph<D>, id: NodeId) -> Known<D> {
    let Some(rows) = RowLayout::from_op(graph.op(id), graph.input_shapes(id)[0]) else { return Vec::new() };
    let (Op::Conv(Conv { weights, bias, .. }) | Op::Dense(Dense { weights, bias })) = graph.op(id) else {
        return Vec::new();
    };
    let constant = |row: usize| rows.read(weights, row).next().is_none();
    bias.iter().enumerate().map(|(row, &bias)| constant(row).then(|| bias.into())).collect()
}

fn product<D: Constants>(factors: &[&Known<D>], channel: usize) -> Option<D::Wide> {
    let zero = D::Wide::default();
    match [factors[0][channel], factors[1][channel]] {
        [Some(x), Some(y)] => D::dot(std::iter::once((x, y))),
        [x, y] => (x == Some(zero) || y == Some(zero)).then_some(zero),
    }
}

fn sum<D: Constants>(add: &Add<D>, inputs: &[&Known<D>], channel: usize) -> Option<D::Wide> {
    let values: Option<Vec<D::Wide>> = inputs.iter().map(|known| known[channel]).collect();
    D::dot(add.multipliers.iter().map(|&by| D::Wide::from(by)).zip(values?))
}
