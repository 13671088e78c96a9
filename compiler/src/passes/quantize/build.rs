//! Builds the integer graph in a walk over the float graph.

use super::constraints::{self, ScaleConstraint};
use super::curvature::Curvature;
use super::fit::{Fit, FittedRow};
use super::grid::Grid;
use super::layer::Layer;
use super::scales::UnscaledRow;
use super::value::{Value, scale, spread, unbounded};
use super::{Choices, Narrowing, Noise, Preparation, ValueEstimate, exact, scales};
use crate::calibration::{Activations, Calibration, Channel};
use crate::error::{Diagnostic, Error, Result};
use crate::graph::sum_pool;
use crate::graph::{
    Add, Clip, Conv, Gather, Graph, Integer, IntegerFact, NodeId, Op, Pool, Real, Rescale, Scale, Shape,
    Sources, Window,
};
use crate::options::LayerChoice;

/// State of the walk over the float graph: what is known of it, and the integer graph as far as it has grown.
pub(super) struct Quantizer<'a> {
    pub(super) preparation: &'a Preparation<'a>,
    pub(super) float: &'a Graph<Real>,
    choices: &'a Choices,
    pub(super) narrowing: &'a Narrowing,
    activations: Option<Activations<'a>>,
    pub(super) one_scale: Vec<bool>,
    scale_constraints: Vec<Option<ScaleConstraint>>,
    pub(super) out: Graph<Integer>,
    pub(super) estimates: Vec<ValueEstimate>,
    pub(super) noise: Vec<Noise>,
    /// By node of the float graph: its counterpart, once it has been visited.
    pub(super) values: Vec<Option<Value>>,
}

impl<'a> Quantizer<'a> {
    pub(super) fn new(
        preparation: &'a Preparation<'a>,
        calibration: Option<&Calibration>,
        choices: &'a Choices,
        narrowing: &'a Narrowing,
    ) -> Self {
        let (float, input) = (preparation.graph, preparation.input);
        let source = float.input();
        let out =
            Graph::new(float.node(source).name.clone(), unbounded(input.shape, scale(input.step.clone())));
        let mut values = vec![None; float.id_bound()];
        values[source.index()] = Some(Value { id: out.input(), zero: vec![false; input.shape.channels] });
        let (one_scale, scale_constraints) =
            (constraints::one_scale(float), constraints::scale_constraints(float));
        let activations = calibration.map(|calibration| Activations::new(float, calibration));
        let estimates = vec![ValueEstimate::default()];
        Self {
            preparation,
            float,
            choices,
            narrowing,
            activations,
            one_scale,
            scale_constraints,
            out,
            estimates,
            noise: Vec::new(),
            values,
        }
    }

    pub(super) fn visit(&mut self, id: NodeId) -> Result<()> {
        let value = match self.float.op(id) {
            Op::Conv(_) | Op::Dense(_) => self.linear(id)?,
            Op::AveragePool(pool) => self.average(id, pool)?,
            Op::Add(add) => self.add(id, add)?,
            Op::Mul => self.product(id),
            Op::Concat => self.concat(id)?,
            Op::MaxPool(window) => self.keep(id, Op::MaxPool(*window)),
            Op::Relu => self.keep(id, Op::Relu),
            Op::Clip(clip) => self.clip(id, clip),
            Op::Flatten => self.flatten(id)?,
            Op::Gather(gather) => self.gather(id, gather)?,
            Op::Sign => self.sign(id),
            Op::Input | Op::Affine(_) | Op::Activation(_) | Op::Rescale(_) => {
                return Err(Error::Bug(format!("{id} ({}) reached quantisation", self.float.op(id).name())));
            }
        };
        if !matches!(self.float.op(id), Op::Conv(_) | Op::Dense(_)) {
            self.record(id, self.float.op(id));
        }
        let value = if id == self.float.output() { self.with_one_scale(id, value)? } else { value };
        let value = self.narrowed(id, value);
        if id == self.float.output() {
            self.out.set_output(value.id);
        }
        self.values[id.index()] = Some(value);
        Ok(())
    }

    fn linear(&mut self, id: NodeId) -> Result<Value> {
        let input = self.input_value(id);
        let op = Layer::without(self.float.op(id), self.input_shape(id), &input.zero);
        let layer = Layer::of_op(&op, self.input_shape(id));
        let layer = layer.ok_or_else(|| Error::Bug(format!("{id} is not linear")))?;
        let input_scale = self.scale(&input).clone();
        let sizes = self.sizes(self.float.sole_input(id), &input_scale);
        let mut choice = self.choices.get(id);
        let exact = exact::scales(&layer, &input_scale, &sizes, Grid::with_bits(choice.bits).largest());
        let exact = exact.filter(|_| !self.one_scale[id.index()]);
        if layer.columns() == 1 {
            choice.sparsity = 0.0; // every weight is a whole channel
        }
        let is_exact = exact.is_some();
        let curvature = self.curvature(id, &layer, &input_scale);
        let removals = self.preparation.layer(id).and_then(|prepared| prepared.removals.as_ref());
        let fit = Fit::new(&layer, &input_scale, &curvature, choice, removals);
        let (output, rows) = match exact {
            Some(output) => (output.clone(), FitRows { fitted: Vec::new(), fine: output }),
            None => self.output_scales(id, &layer, &sizes, &fit, choice),
        };
        if !is_exact {
            self.record_weight_noise(id, &layer, &input_scale, &output);
        }
        let quantized = fit.round(&output, rows.fitted, &rows.fine);
        if self.activations.is_some() {
            self.record(id, &layer.real_op(&quantized, &input_scale, &output, self.float.op(id)));
        }
        let zero = quantized.zero_rows();
        let fact = unbounded(self.float.shape(id), scale(output));
        Ok(self.push(id, quantized.op(self.float.op(id)), &[input.id], fact, zero))
    }

    /// Root mean squares of the integers of the channels of `id`, where they have `scale`.
    fn sizes(&self, id: NodeId, scale: &Scale) -> Vec<f64> {
        let channels = self.preparation.statistics.channels(id).iter().enumerate();
        channels.map(|(channel, seen)| seen.rms() / scale.channel(channel)).collect()
    }

    /// Scales for the outputs of a linear layer, and its rows where they have been rounded on the way.
    fn output_scales(
        &self,
        id: NodeId,
        layer: &Layer,
        sizes: &[f64],
        fit: &Fit,
        choice: LayerChoice,
    ) -> (Vec<f64>, FitRows) {
        let one_scale = self.one_scale[id.index()];
        let fitted = if one_scale { Vec::new() } else { fit.rows() };
        let fine: Vec<f64> = if one_scale {
            vec![fit.common_scale(); layer.outputs()]
        } else {
            fitted.iter().map(|row| row.scale).collect()
        };
        let rows = self.rows(id, layer, sizes, &fine, choice.bits);
        let output = if one_scale { scales::common(&rows, fine[0]) } else { scales::per_row(&rows) };
        let output = match &self.scale_constraints[id.index()] {
            Some(constraint) => self.follow(constraint, output, &rows, one_scale, choice),
            None => output,
        };
        (output, FitRows { fitted, fine })
    }

    /// The rows of the linear layer `id`, with what their scales depend on.
    fn rows(&self, id: NodeId, layer: &Layer, sizes: &[f64], fine: &[f64], bits: u32) -> Vec<UnscaledRow> {
        let excess = self.preparation.excess.of_node(id);
        let seen = self.preparation.statistics.channels(id).iter().zip(excess);
        let channels = seen.map(|(seen, excess)| Channel { variance: seen.variance + excess, ..*seen });
        let weights = self.preparation.tolerance.weights(id);
        let of_row = |(row, (channel, (&weight, &fine)))| {
            let read = layer.channels(row).map(|channel| sizes[channel].powi(2)).sum();
            UnscaledRow { fine, channel, weight, read, bits }
        };
        channels.zip(weights.iter().zip(fine)).enumerate().map(of_row).collect()
    }

    fn curvature(&self, id: NodeId, layer: &Layer, input: &Scale) -> Curvature {
        let (Some(activations), Some(prepared)) = (&self.activations, self.preparation.layer(id)) else {
            return Curvature::guessed(layer, input);
        };
        let batch = &activations.inputs(id)[0];
        let inputs = prepared.sampling.all_inputs(batch);
        let excess = self.preparation.excess.of_node(self.float.sole_input(id));
        Curvature::measured(layer, &inputs, &prepared.outputs, excess)
    }

    /// Evaluates `op`, what the quantised network computes for `id`, on the calibration images.
    fn record(&mut self, id: NodeId, op: &Op<Real>) {
        if let Some(activations) = &mut self.activations {
            activations.record(id, op);
        }
    }

    fn average(&mut self, id: NodeId, pool: &Pool) -> Result<Value> {
        let input = self.input_value(id);
        let sum = sum_pool(pool, self.input_shape(id), self.float.shape(id))
            .map_err(|what| self.refuse(id, what))?;
        let scales = self.scales(&input).into_iter().map(|scale| scale / sum.divisor as f64).collect();
        let fact = unbounded(self.float.shape(id), scale(scales));
        Ok(self.push(id, Op::AveragePool(pool.clone()), &[input.id], fact, input.zero))
    }

    /// An operation that changes neither scale nor channels.
    fn keep(&mut self, id: NodeId, op: Op<Integer>) -> Value {
        let input = self.input_value(id);
        let fact = unbounded(self.float.shape(id), self.scale(&input).clone());
        self.push(id, op, &[input.id], fact, input.zero)
    }

    /// min(max(x, 0), high) = y − max(y − high, 0) with y = max(x, 0), which has lost its low bits already: the second
    /// comparison is over a narrow ring.
    fn clip(&mut self, id: NodeId, clip: &Clip) -> Value {
        let from = self.float.sole_input(id);
        let (input, shape) = (self.input_value(id), self.float.shape(id));
        let (scales, fact) = (self.scales(&input), unbounded(shape, self.scale(&input).clone()));
        let relu = self.push(from, Op::Relu, &[input.id], fact.clone(), input.zero);
        let ends =
            clip.high.iter().zip(scales).map(|(&high, scale)| -(f64::from(high) / scale).round() as i128);
        let (weights, bias, groups) = (vec![1; shape.channels], ends.collect(), shape.channels);
        let shift = Op::Conv(Conv { window: Window::dense([1, 1]), groups, weights, bias });
        let above = self.push(from, shift, &[relu.id], fact.clone(), vec![false; shape.channels]);
        let excess = self.push(from, Op::Relu, &[above.id], fact.clone(), vec![false; shape.channels]);
        for part in [&relu, &above, &excess] {
            self.out.node_mut(part.id).name = self.float.node(id).name.clone();
        }
        let difference = Op::Add(Add { multipliers: vec![1, -1] });
        self.push(id, difference, &[relu.id, excess.id], fact, relu.zero)
    }

    fn flatten(&mut self, id: NodeId) -> Result<Value> {
        let mut input = self.input_value(id);
        if self.one_scale[id.index()] {
            // After it, channels can no longer be told from pixels.
            input = self.with_one_scale(id, input)?;
        }
        let plane = self.input_shape(id).plane();
        let scales = scale(spread(self.scales(&input), plane));
        let fact = unbounded(self.float.shape(id), scales);
        Ok(self.push(id, Op::Flatten, &[input.id], fact, spread(input.zero, plane)))
    }

    /// Channels that meet need one scale.
    fn gather(&mut self, id: NodeId, gather: &Gather) -> Result<Value> {
        let mut input = self.input_value(id);
        let sources = gather.sources(self.input_shape(id));
        let zero = input.zero.clone();
        let live =
            |of: &Sources| of.channels.iter().map(|&(channel, _)| channel).find(|&channel| !zero[channel]);
        let scales = self.scales(&input);
        let agree = |of: &Sources| {
            let first = live(of).map(|first| scales[first]);
            of.channels.iter().all(|&(channel, _)| zero[channel] || Some(scales[channel]) == first)
        };
        if self.one_scale[id.index()] || !sources.iter().all(agree) {
            input = self.with_one_scale(id, input)?;
        }
        let scales = self.scales(&input);
        let scale = scale(sources.iter().map(|of| scales[live(of).unwrap_or(0)]).collect());
        let zero = sources.iter().map(|of| live(of).is_none()).collect();
        Ok(self.push(id, Op::Gather(gather.clone()), &[input.id], unbounded(gather.shape, scale), zero))
    }

    fn sign(&mut self, id: NodeId) -> Value {
        let input = self.input_value(id);
        let shape = self.float.shape(id);
        self.push(
            id,
            Op::Sign,
            &[input.id],
            unbounded(shape, Scale::PerTensor(1.0)),
            vec![false; shape.channels],
        )
    }

    fn product(&mut self, id: NodeId) -> Value {
        let [x, y] = [0, 1].map(|position| self.value(self.float.inputs(id)[position]));
        let scales = self.scales(&x).into_iter().zip(self.scales(&y)).map(|(x, y)| x * y).collect();
        let zero = x.zero.iter().zip(&y.zero).map(|(&x, &y)| x || y).collect();
        self.push(id, Op::Mul, &[x.id, y.id], unbounded(self.float.shape(id), scale(scales)), zero)
    }

    /// Integers of all branches are brought to about one size, relative to the noise that they tolerate, since the next
    /// layer multiplies all of them by weights of few bits.
    fn concat(&mut self, id: NodeId) -> Result<Value> {
        let mut inputs = self.input_values(id);
        let sizes: Vec<f64> =
            self.float.inputs(id).iter().zip(&inputs).map(|(&from, value)| self.level(from, value)).collect();
        for (input, factor) in inputs.iter_mut().zip(scales::balance(&sizes)) {
            if factor > 1 {
                *input = self.times(id, input, factor);
            }
        }
        let scales = inputs.iter().flat_map(|input| self.scales(input)).collect();
        let zero = inputs.iter().flat_map(|input| input.zero.clone()).collect();
        let ids: Vec<NodeId> = inputs.iter().map(|input| input.id).collect();
        Ok(self.push(id, Op::Concat, &ids, unbounded(self.float.shape(id), scale(scales)), zero))
    }

    /// How large the integers of `value`, of the float graph's `from`, are relative to the noise that readers tolerate:
    /// the root mean square over channels, weighted by their effect on the readers.
    fn level(&self, from: NodeId, value: &Value) -> f64 {
        let weights = self.preparation.tolerance.weights(from);
        let channels = self.preparation.statistics.channels(from);
        let signal: f64 = weights.iter().zip(channels).map(|(weight, seen)| weight * seen.variance).sum();
        let unit = weights.iter().zip(self.scales(value)).map(|(weight, scale)| weight * scale * scale);
        (signal / unit.sum::<f64>()).sqrt()
    }

    pub(super) fn push(
        &mut self,
        from: NodeId,
        op: Op<Integer>,
        inputs: &[NodeId],
        fact: IntegerFact,
        zero: Vec<bool>,
    ) -> Value {
        let estimate = self.estimate(from, &fact.scale);
        let id = self.out.add(self.float.node(from).name.clone(), op, inputs, fact);
        self.estimates.resize(id.index() + 1, ValueEstimate::default());
        self.estimates[id.index()] = estimate;
        Value { id, zero }
    }

    /// The estimate for the value `from` of the float graph, as integers of this scale.
    fn estimate(&self, from: NodeId, scale: &Scale) -> ValueEstimate {
        let channels = self.preparation.statistics.channels(from);
        // A node made on the way to `from` may have other channels.
        if matches!(scale, Scale::PerChannel(scales) if scales.len() != channels.len()) {
            return ValueEstimate::default();
        }
        let scales: Vec<f64> = (0..channels.len()).map(|channel| scale.channel(channel)).collect();
        let peak = channels.iter().zip(&scales).map(|(seen, scale)| seen.peak / scale).fold(0.0, f64::max);
        ValueEstimate { peak, spare: self.spare_bits(from, &scales, peak) }
    }

    /// Low bits that the value of `id`, integers of these scales and of at most `peak`, may lose; one bit is kept.
    fn spare_bits(&self, id: NodeId, scales: &[f64], peak: f64) -> u32 {
        let most = if peak > 2.0 { peak.log2() as u32 } else { 0 };
        let noise = self.narrowing.noise(id);
        self.preparation.tolerance.spare_bits(id, scales, noise).map_or(most, |bits| bits.min(most))
    }

    /// `value` without the low bits that it may lose, where it loses any.
    fn narrowed(&mut self, id: NodeId, value: Value) -> Value {
        let free = self.narrowing.terms.is_free(self.float, id);
        let last = id == self.float.output();
        if last || !(free || self.narrowing.is_place(id)) {
            return value;
        }
        let bits = self.estimates[value.id.index()].spare;
        if bits < self.narrowing.terms.least(self.float, id) {
            return value;
        }
        self.rescale(id, &value, bits)
    }

    /// `value` without its lowest `bits`.
    fn rescale(&mut self, id: NodeId, value: &Value, bits: u32) -> Value {
        let factor = f64::from(bits).exp2();
        let scales: Vec<f64> = self.scales(value).into_iter().map(|scale| scale * factor).collect();
        if let Some(activations) = &mut self.activations {
            activations.round(id, &scales);
        }
        self.record_value_noise(id, &scales);
        let fact = unbounded(self.float.shape(id), scale(scales));
        self.push(id, Op::Rescale(Rescale { bits }), &[value.id], fact, value.zero.clone())
    }

    fn input_shape(&self, id: NodeId) -> Shape {
        self.float.shape(self.float.sole_input(id))
    }

    fn input_value(&self, id: NodeId) -> Value {
        self.value(self.float.sole_input(id))
    }

    pub(super) fn input_values(&self, id: NodeId) -> Vec<Value> {
        self.float.inputs(id).into_iter().map(|input| self.value(input)).collect()
    }

    /// Panics unless `id` has been visited, as every input of a visited node has.
    fn value(&self, id: NodeId) -> Value {
        self.values[id.index()].clone().unwrap_or_else(|| panic!("{id} is read before it is quantised"))
    }

    fn scale(&self, value: &Value) -> &Scale {
        &self.out.node(value.id).fact.scale
    }

    pub(super) fn scales(&self, value: &Value) -> Vec<f64> {
        let fact = &self.out.node(value.id).fact;
        (0..fact.shape.channels).map(|channel| fact.scale.channel(channel)).collect()
    }

    pub(super) fn refuse(&self, id: NodeId, what: impl Into<String>) -> Error {
        let node = self.float.node(id);
        let (node, op) = (node.name.clone(), node.op.name().into());
        Error::Unsupported(vec![Diagnostic { node, op, what: what.into(), hint: String::new() }])
    }
}

/// Rows of a layer on the way to integers.
struct FitRows {
    /// Rounded at their own scales, where every row has one.
    fitted: Vec<FittedRow>,
    /// Scales that suit their weights.
    fine: Vec<f64>,
}
