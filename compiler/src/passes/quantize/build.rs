//! The walk over the float graph that grows the integer graph.

use super::curvature::Curvature;
use super::demand::{self, Follower};
use super::fit::{self, Fit};
use super::layer::Layer;
use super::{Choices, LayerChoice, exact, ratio, scales, sum};
use crate::calibration::{Activations, Calibration, Reading, moments};
use crate::error::{Diagnostic, Error, Result};
use crate::graph::{
    Add, Conv, Dense, Graph, Integer, IntegerFact, NodeId, Op, Pool, Range, Real, Scale, Shape, Window,
};
use crate::lower::sum_pool;
use runtime::plan::InputSpec;

/// The integer graph of `graph`, its layers compressed as `choices` say, after the example images of
/// `calibration` where there are some.
///
/// # Errors
/// [`Error::Unsupported`] with the node whose scales cannot be made to agree or whose averages have
/// no common divisor.
pub fn quantize(
    graph: &Graph<Real>,
    input: &InputSpec,
    choices: &Choices,
    calibration: Option<&Calibration>,
) -> Result<Graph<Integer>> {
    let mut quantizer = Quantizer::new(graph, input, choices, calibration);
    for id in graph.ids_in_order() {
        if id != graph.input() {
            quantizer.visit(id)?;
        }
    }
    Ok(quantizer.out)
}

struct Quantizer<'a> {
    float: &'a Graph<Real>,
    choices: &'a Choices,
    activations: Option<Activations<'a>>,
    one_scale: Vec<bool>,
    followers: Vec<Option<Follower>>,
    out: Graph<Integer>,
    /// By node of the float graph.
    values: Vec<Option<Value>>,
}

/// A value of the integer graph.
#[derive(Clone, Debug)]
struct Value {
    id: NodeId,
    /// Typical size of each channel's integers; a guess that only guides the choice of scales.
    typical: Vec<f64>,
}

impl<'a> Quantizer<'a> {
    fn new(
        float: &'a Graph<Real>,
        input: &InputSpec,
        choices: &'a Choices,
        calibration: Option<&Calibration>,
    ) -> Self {
        let source = float.input();
        let out =
            Graph::new(float.node(source).name.clone(), unbounded(input.shape, scale(input.step.clone())));
        let mut values = vec![None; float.id_bound()];
        values[source.index()] = Some(Value { id: out.input(), typical: typical_input(input) });
        let (one_scale, followers) = (demand::one_scale(float), demand::followers(float));
        let activations = calibration.map(|calibration| Activations::new(float, calibration));
        Self { float, choices, activations, one_scale, followers, out, values }
    }

    fn visit(&mut self, id: NodeId) -> Result<()> {
        let value = match self.float.op(id) {
            Op::Conv(conv) => self.linear(id, &Layer::conv(conv, self.input_shape(id))),
            Op::Dense(dense) => self.linear(id, &Layer::dense(dense, self.input_shape(id))),
            Op::AveragePool(pool) => self.average(id, pool)?,
            Op::Add(add) => self.add(id, add)?,
            Op::Concat => self.concat(id)?,
            Op::MaxPool(window) => self.keep(id, Op::MaxPool(*window)),
            Op::Relu => self.keep(id, Op::Relu),
            Op::Softmax(kind) => self.keep(id, Op::Softmax(*kind)),
            Op::Flatten => self.flatten(id)?,
            Op::Sign => self.sign(id),
            Op::Input | Op::Affine(_) | Op::Activation(_) => {
                return Err(Error::Bug(format!("{id} ({}) reached quantisation", self.float.op(id).name())));
            }
        };
        if !matches!(self.float.op(id), Op::Conv(_) | Op::Dense(_)) {
            self.record(id, self.float.op(id));
        }
        let value = if self.is_logits(id) { self.with_one_scale(id, value)? } else { value };
        if id == self.float.output() {
            self.out.set_output(value.id);
        }
        self.values[id.index()] = Some(value);
        Ok(())
    }

    /// The value before the final softmax, or the output where there is none.
    fn is_logits(&self, id: NodeId) -> bool {
        let output = self.float.output();
        match self.float.op(output) {
            Op::Softmax(_) => id == self.float.sole_input(output),
            _ => id == output,
        }
    }

    fn linear(&mut self, id: NodeId, layer: &Layer) -> Value {
        let mut choice = self.choices.of(id);
        let input = self.input_value(id);
        let input_scale = self.scale(&input).clone();
        let one_scale = self.one_scale[id.index()];
        let exact = exact::scales(layer, &input_scale, &input.typical, choice.largest());
        let exact = exact.filter(|_| !one_scale);
        if layer.columns() == 1 {
            choice.sparsity = 0.0; // every weight is a whole channel
        }
        let curvature = self.curvature(id, layer, &input, choice);
        let fit = Fit::new(layer, &input_scale, &curvature, choice);
        let output = exact.unwrap_or_else(|| {
            let fine = match one_scale {
                true => vec![fit.common_scale(); layer.outputs()],
                false => fit.scales(),
            };
            let output = scales::per_channel(layer, &input_scale, &input.typical, &fine);
            let output = if one_scale { scales::one(&output) } else { output };
            match &self.followers[id.index()] {
                Some(follower) => self.follow(follower, output, one_scale),
                None => output,
            }
        });
        let typical = scales::typical(layer, &input_scale, &input.typical, &output);
        let quantized = fit.round(&output);
        let real = layer.real(&quantized, &input_scale, &output, self.float.op(id));
        self.record(id, &real);
        let fact = unbounded(self.float.shape(id), scale(output));
        let op = match real {
            Op::Conv(conv) => Op::Conv(Conv {
                window: conv.window,
                groups: conv.groups,
                weights: quantized.weights,
                bias: quantized.bias,
            }),
            _ => Op::Dense(Dense { weights: quantized.weights, bias: quantized.bias }),
        };
        self.push(id, op, &[input.id], fact, typical)
    }

    fn curvature(&self, id: NodeId, layer: &Layer, input: &Value, choice: LayerChoice) -> Curvature {
        let measured = self.activations.as_ref().and_then(|activations| {
            let reading = Reading::of(self.float.op(id), self.float.shape(id))?;
            let inputs = activations.inputs(id);
            Some(Curvature::measured(moments(inputs.first()?, &reading, fit::block_size(layer, choice))))
        });
        measured.unwrap_or_else(|| Curvature::guessed(layer, self.scale(input)))
    }

    /// Tells the calibration data how the quantised copy computes `id`.
    fn record(&mut self, id: NodeId, op: &Op<Real>) {
        if let Some(activations) = &mut self.activations {
            activations.record(id, op);
        }
    }

    /// `least`, made coarser so that they agree with the other branches of a sum; unchanged where the
    /// others do not agree among themselves.
    fn follow(&self, follower: &Follower, least: Vec<f64>, one_scale: bool) -> Vec<f64> {
        let others: Option<Vec<Vec<f64>>> =
            follower.others.iter().map(|other| self.source_scales(other)).collect();
        let Some(agreed) = others.and_then(|others| sum::agree(&others, one_scale)) else { return least };
        let align =
            |(least, other): (&f64, &f64)| ratio::align(least * follower.factor, *other) / follower.factor;
        least.iter().zip(&agreed.scales).map(align).collect()
    }

    fn source_scales(&self, source: &demand::Source) -> Option<Vec<f64>> {
        let value = self.values[source.node.index()].as_ref()?;
        Some(self.scales(value).into_iter().map(|scale| scale * source.factor).collect())
    }

    fn average(&mut self, id: NodeId, pool: &Pool) -> Result<Value> {
        let input = self.input_value(id);
        let sum = sum_pool(pool, self.input_shape(id), self.float.shape(id))
            .map_err(|what| self.refuse(id, what))?;
        let scales = self.scales(&input).into_iter().map(|scale| scale / sum.divisor as f64).collect();
        let typical = input.typical.iter().map(|typical| typical * sum.divisor as f64).collect();
        let fact = unbounded(self.float.shape(id), scale(scales));
        Ok(self.push(id, Op::AveragePool(pool.clone()), &[input.id], fact, typical))
    }

    /// An operation that changes neither scale nor channels.
    fn keep(&mut self, id: NodeId, op: Op<Integer>) -> Value {
        let input = self.input_value(id);
        let fact = unbounded(self.float.shape(id), self.scale(&input).clone());
        self.push(id, op, &[input.id], fact, input.typical)
    }

    fn flatten(&mut self, id: NodeId) -> Result<Value> {
        let mut input = self.input_value(id);
        if self.one_scale[id.index()] {
            // Behind it, channels can no longer be told from pixels.
            input = self.with_one_scale(id, input)?;
        }
        let plane = self.input_shape(id).plane();
        let spread =
            |channels: Vec<f64>| channels.into_iter().flat_map(|x| std::iter::repeat_n(x, plane)).collect();
        let fact = unbounded(self.float.shape(id), scale(spread(self.scales(&input))));
        Ok(self.push(id, Op::Flatten, &[input.id], fact, spread(input.typical)))
    }

    fn sign(&mut self, id: NodeId) -> Value {
        let input = self.input_value(id);
        let shape = self.float.shape(id);
        self.push(
            id,
            Op::Sign,
            &[input.id],
            unbounded(shape, Scale::PerTensor(1.0)),
            vec![1.0; shape.channels],
        )
    }

    /// Integers of all branches are brought to about one size, since the next layer sees all of them
    /// through weights of few bits.
    fn concat(&mut self, id: NodeId) -> Result<Value> {
        let mut inputs = self.input_values(id);
        let factors = scales::balance(inputs.iter().map(|input| input.typical.as_slice()));
        for (input, factor) in inputs.iter_mut().zip(factors) {
            if factor > 1 {
                let channels = input.typical.len();
                let scales: Vec<f64> = self.scales(input).iter().map(|scale| scale / factor as f64).collect();
                *input = self.multiply(id, input, &vec![factor; channels], &scales);
            }
        }
        let scales = inputs.iter().flat_map(|input| self.scales(input)).collect();
        let typical = inputs.iter().flat_map(|input| input.typical.clone()).collect();
        let ids: Vec<NodeId> = inputs.iter().map(|input| input.id).collect();
        Ok(self.push(id, Op::Concat, &ids, unbounded(self.float.shape(id), scale(scales)), typical))
    }

    fn add(&mut self, id: NodeId, add: &Add<Real>) -> Result<Value> {
        let factors = add.multipliers.iter().map(|&by| f64::from(by));
        let branches: Vec<(Value, f64)> =
            self.input_values(id).into_iter().zip(factors).filter(|&(_, by)| by != 0.0).collect();
        if branches.is_empty() {
            return Err(self.refuse(id, "all its branches are multiplied by zero"));
        }
        let scales: Vec<Vec<f64>> = branches
            .iter()
            .map(|(value, by)| self.scales(value).into_iter().map(|scale| scale * by.abs()).collect())
            .collect();
        let agreement = sum::agree(&scales, self.one_scale[id.index()]).ok_or_else(|| {
            self.refuse(id, "the sizes of its branches differ by a factor of more than 2^30")
        })?;
        let mut inputs = Vec::new();
        let mut multipliers = Vec::new();
        for ((value, by), factors) in branches.iter().zip(&agreement.multipliers) {
            let sign = by.signum() as i64;
            let uniform = factors.iter().all(|factor| *factor == factors[0]);
            let value =
                if uniform { value.clone() } else { self.multiply(id, value, factors, &agreement.scales) };
            inputs.push(value);
            multipliers.push(if uniform { sign * factors[0] } else { sign });
        }
        Ok(self.join(id, &inputs, multipliers, agreement.scales))
    }

    fn join(&mut self, id: NodeId, inputs: &[Value], multipliers: Vec<i64>, scales: Vec<f64>) -> Value {
        let square = |input: &Value, by: i64, channel: usize| (input.typical[channel] * by as f64).powi(2);
        let typical = (0..scales.len())
            .map(|channel| {
                inputs
                    .iter()
                    .zip(&multipliers)
                    .map(|(input, &by)| square(input, by, channel))
                    .sum::<f64>()
                    .sqrt()
            })
            .collect();
        let ids: Vec<NodeId> = inputs.iter().map(|input| input.id).collect();
        let fact = unbounded(self.float.shape(id), scale(scales));
        self.push(id, Op::Add(Add { multipliers }), &ids, fact, typical)
    }

    /// `value` brought to one scale for all channels.
    fn with_one_scale(&mut self, id: NodeId, value: Value) -> Result<Value> {
        if matches!(scale(self.scales(&value)), Scale::PerTensor(_)) {
            return Ok(value);
        }
        let agreement = sum::agree(&[self.scales(&value)], true).ok_or_else(|| {
            self.refuse(id, "the sizes of its outputs differ by a factor of more than 2^30")
        })?;
        Ok(self.multiply(id, &value, &agreement.multipliers[0], &agreement.scales))
    }

    /// `value` with each channel multiplied by its own integer, at most 2^30.
    fn multiply(&mut self, id: NodeId, value: &Value, factors: &[i64], scales: &[f64]) -> Value {
        let conv = Conv {
            window: Window::dense([1, 1]),
            groups: factors.len(),
            weights: factors.iter().map(|&factor| factor as i32).collect(),
            bias: vec![0; factors.len()],
        };
        let typical =
            value.typical.iter().zip(factors).map(|(typical, &factor)| typical * factor as f64).collect();
        let fact = unbounded(*self.out.node(value.id).fact.as_ref(), scale(scales.to_vec()));
        self.push(id, Op::Conv(conv), &[value.id], fact, typical)
    }

    fn push(
        &mut self,
        from: NodeId,
        op: Op<Integer>,
        inputs: &[NodeId],
        fact: IntegerFact,
        typical: Vec<f64>,
    ) -> Value {
        Value { id: self.out.add(self.float.node(from).name.clone(), op, inputs, fact), typical }
    }

    fn input_shape(&self, id: NodeId) -> Shape {
        self.float.shape(self.float.sole_input(id))
    }

    fn input_value(&self, id: NodeId) -> Value {
        self.value(self.float.sole_input(id))
    }

    fn input_values(&self, id: NodeId) -> Vec<Value> {
        self.float.inputs(id).into_iter().map(|input| self.value(input)).collect()
    }

    /// Panics unless `id` has been visited, as every input of a visited node has.
    fn value(&self, id: NodeId) -> Value {
        self.values[id.index()].clone().unwrap_or_else(|| panic!("{id} is read before it is quantised"))
    }

    fn scale(&self, value: &Value) -> &Scale {
        &self.out.node(value.id).fact.scale
    }

    fn scales(&self, value: &Value) -> Vec<f64> {
        let fact = &self.out.node(value.id).fact;
        (0..fact.shape.channels).map(|channel| fact.scale.channel(channel)).collect()
    }

    fn refuse(&self, id: NodeId, what: impl Into<String>) -> Error {
        let node = self.float.node(id);
        let (node, op) = (node.name.clone(), node.op.name().into());
        Error::Unsupported(vec![Diagnostic { node, op, what: what.into(), hint: String::new() }])
    }
}

/// The shortest form of these scales.
fn scale(channels: Vec<f64>) -> Scale {
    match channels.first() {
        Some(&first) if channels.iter().all(|&scale| scale == first) => Scale::PerTensor(first),
        _ => Scale::PerChannel(channels),
    }
}

/// A fact before ranges are known.
fn unbounded(shape: Shape, scale: Scale) -> IntegerFact {
    IntegerFact { shape, scale, range: vec![Range { low: i128::MIN, high: i128::MAX }; shape.channels] }
}

/// Root mean square of pixels that are spread evenly over their range.
fn typical_input(input: &InputSpec) -> Vec<f64> {
    (0..input.shape.channels)
        .map(|channel| input.bounds(channel))
        .map(|(low, high)| low.unsigned_abs().max(high.unsigned_abs()).max(1) as f64 / 3f64.sqrt())
        .collect()
}
