//! The walk over the float graph that grows the integer graph.

use super::curvature::Curvature;
use super::demand::{self, Follower};
use super::fit::{Fit, Row};
use super::grid::Grid;
use super::layer::Layer;
use super::value::{Value, scale, typical_input, unbounded};
use super::{Choices, Preparation, Quantized, exact, scales};
use crate::calibration::{Activations, Sample};
use crate::error::{Diagnostic, Error, Result};
use crate::graph::{Graph, Integer, IntegerFact, NodeId, Op, Pool, Real, Rescale, Scale, Shape};
use crate::lower::sum_pool;
use crate::passes::rescale::Shifts;

/// What [`Preparation::quantize`] promises.
pub(super) fn build(preparation: &Preparation<'_>, choices: &Choices, shifts: &Shifts) -> Result<Quantized> {
    let mut quantizer = Quantizer::new(preparation, choices, shifts);
    for id in quantizer.float.ids_in_order() {
        if id != quantizer.float.input() {
            quantizer.visit(id)?;
        }
    }
    let counterparts = quantizer.values.into_iter().map(|value| Some(value?.id)).collect();
    Ok(Quantized { graph: quantizer.out, counterparts })
}

/// The walk.
pub(super) struct Quantizer<'a> {
    preparation: &'a Preparation<'a>,
    pub(super) float: &'a Graph<Real>,
    choices: &'a Choices,
    shifts: &'a Shifts,
    activations: Option<Activations<'a>>,
    pub(super) one_scale: Vec<bool>,
    followers: Vec<Option<Follower>>,
    pub(super) out: Graph<Integer>,
    /// By node of the float graph.
    pub(super) values: Vec<Option<Value>>,
}

impl<'a> Quantizer<'a> {
    fn new(preparation: &'a Preparation<'a>, choices: &'a Choices, shifts: &'a Shifts) -> Self {
        let (float, input) = (preparation.graph, preparation.input);
        let source = float.input();
        let out =
            Graph::new(float.node(source).name.clone(), unbounded(input.shape, scale(input.step.clone())));
        let mut values = vec![None; float.id_bound()];
        values[source.index()] = Some(Value { id: out.input(), typical: typical_input(input) });
        let (one_scale, followers) = (demand::one_scale(float), demand::followers(float, shifts));
        let activations = preparation.calibration.map(|calibration| Activations::new(float, calibration));
        Self { preparation, float, choices, shifts, activations, one_scale, followers, out, values }
    }

    fn visit(&mut self, id: NodeId) -> Result<()> {
        let value = match self.float.op(id) {
            Op::Conv(_) | Op::Dense(_) => self.linear(id)?,
            Op::AveragePool(pool) => self.average(id, pool)?,
            Op::Add(add) => self.add(id, add)?,
            Op::Concat => self.concat(id)?,
            Op::MaxPool(window) => self.keep(id, Op::MaxPool(*window)),
            Op::Relu => self.keep(id, Op::Relu),
            Op::Softmax(kind) => self.keep(id, Op::Softmax(*kind)),
            Op::Flatten => self.flatten(id)?,
            Op::Sign => self.sign(id),
            Op::Input | Op::Affine(_) | Op::Activation(_) | Op::Rescale(_) => {
                return Err(Error::Bug(format!("{id} ({}) reached quantisation", self.float.op(id).name())));
            }
        };
        if !matches!(self.float.op(id), Op::Conv(_) | Op::Dense(_)) {
            self.record(id, self.float.op(id));
        }
        let value = if self.is_logits(id) { self.with_one_scale(id, value)? } else { value };
        let value = self.shifts.of(id).map_or(value.clone(), |bits| self.rescale(id, &value, bits));
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

    fn linear(&mut self, id: NodeId) -> Result<Value> {
        let layer = Layer::of(self.float, id).ok_or_else(|| Error::Bug(format!("{id} is not linear")))?;
        let input = self.input_value(id);
        let input_scale = self.scale(&input).clone();
        let mut choice = self.choices.of(id);
        let exact = exact::scales(&layer, &input_scale, &input.typical, Grid::of(choice.bits).largest());
        let exact = exact.filter(|_| !self.one_scale[id.index()]);
        if layer.columns() == 1 {
            choice.sparsity = 0.0; // every weight is a whole channel
        }
        let curvature = self.curvature(id, &layer, &input_scale);
        let removals = self.preparation.layer(id).and_then(|prepared| prepared.removals.as_ref());
        let fit = Fit::new(&layer, &input_scale, &curvature, choice, removals);
        let (output, rows) = match exact {
            Some(output) => (output, Vec::new()),
            None => self.output_scales(id, &layer, &input, &fit),
        };
        let typical = scales::typical(&layer, &input_scale, &input.typical, &output);
        let quantized = fit.round(&output, rows);
        if self.activations.is_some() {
            self.record(id, &layer.real_op(&quantized, &input_scale, &output, self.float.op(id)));
        }
        let fact = unbounded(self.float.shape(id), scale(output));
        Ok(self.push(id, quantized.op(self.float.op(id)), &[input.id], fact, typical))
    }

    /// Scales for the outputs of a linear layer, and its rows where they have been rounded on the way.
    fn output_scales(&self, id: NodeId, layer: &Layer, input: &Value, fit: &Fit) -> (Vec<f64>, Vec<Row>) {
        let (one_scale, input_scale) = (self.one_scale[id.index()], self.scale(input));
        let (fine, rows) = if one_scale {
            (vec![fit.common_scale(); layer.outputs()], Vec::new())
        } else {
            let rows = fit.rows();
            (rows.iter().map(|row| row.scale).collect(), rows)
        };
        let mut output = scales::per_channel(layer, input_scale, &input.typical, &fine);
        if one_scale {
            output = scales::one(&output);
        }
        if let Some(follower) = &self.followers[id.index()] {
            let sizes = scales::sizes(layer, input_scale, &input.typical);
            output = self.follow(follower, output, &sizes, one_scale);
        }
        (output, rows)
    }

    fn curvature(&self, id: NodeId, layer: &Layer, input: &Scale) -> Curvature {
        let (Some(activations), Some(prepared)) = (&self.activations, self.preparation.layer(id)) else {
            return Curvature::guessed(layer, input);
        };
        let batch = &activations.inputs(id)[0];
        let inputs: Vec<Sample> =
            (0..layer.groups()).map(|group| prepared.sampling.inputs(batch, group)).collect();
        Curvature::measured(layer, &inputs, &prepared.outputs)
    }

    /// Tells the calibration data how the quantised copy computes `id`.
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

    pub(super) fn push(
        &mut self,
        from: NodeId,
        op: Op<Integer>,
        inputs: &[NodeId],
        mut fact: IntegerFact,
        typical: Vec<f64>,
    ) -> Value {
        fact.peak = self.preparation.peaks.integer(from, &fact.scale);
        Value { id: self.out.add(self.float.node(from).name.clone(), op, inputs, fact), typical }
    }

    /// `value` without its lowest `bits`.
    fn rescale(&mut self, id: NodeId, value: &Value, bits: u32) -> Value {
        let factor = f64::from(bits).exp2();
        let scales = self.scales(value).into_iter().map(|scale| scale * factor).collect();
        let typical = value.typical.iter().map(|typical| typical / factor).collect();
        let fact = unbounded(self.float.shape(id), scale(scales));
        self.push(id, Op::Rescale(Rescale { bits }), &[value.id], fact, typical)
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
