//! Translates the nodes of an integer graph to the steps of a plan.

use super::{fuse, layout, transfers};
use crate::error::{Diagnostic, Error, Result};
use crate::graph::{
    Add, Conv, Dense, Graph, Integer, NodeId, Op, Rescale, Scale, Shape, is_fused, position_bits, sum_pool,
};
use crate::options::CompileOptions;
use runtime::plan::validate::MAX_NAME;
use runtime::plan::{
    self, Conv2d, Cost, IndexMap, InputSpec, MaxPool, OutputPart, OutputSpec, Plan, Revealed, Salt, Step,
    StepId,
};

/// The plan that computes `graph`, unpriced, whose value is that of `outputs`, one after the other. Flattening vanishes
/// (elements keep their positions), dropped bits before a ReLU become a part of it (suite `shared`).
///
/// # Errors
/// [`Error::Unsupported`] with a node whose slots do not fit the key.
pub fn lower(
    graph: &Graph<Integer>,
    name: &str,
    input: &InputSpec,
    outputs: &[OutputPart],
    options: &CompileOptions,
) -> Result<Plan> {
    let mut lowering = Lowering { graph, options, steps: Vec::new(), made: vec![None; graph.id_bound()] };
    for id in graph.ids_in_order() {
        lowering.visit(id)?;
    }
    let output = lowering.reveal(outputs)?;
    let plan = Plan {
        name: shorten(name),
        suite: options.suite,
        key_bits: options.key_bits,
        input: input.clone(),
        steps: lowering.steps,
        output,
        setup: Cost::default(),
        batches: Vec::new(),
        check: None,
        salt: Salt::NONE,
    };
    Ok(transfers::choose(layout::lay_out(plan, &options.unit_costs())?, options))
}

struct Lowering<'a> {
    graph: &'a Graph<Integer>,
    options: &'a CompileOptions,
    steps: Vec<Step>,
    /// By node: the step that holds its value.
    made: Vec<Option<StepId>>,
}

impl Lowering<'_> {
    fn visit(&mut self, id: NodeId) -> Result<()> {
        if is_fused(self.graph, id) {
            return Ok(()); // with the ReLU that reads it
        }
        let inputs: Vec<StepId> = self.read(id).iter().filter_map(|input| self.made[input.index()]).collect();
        let step = match self.operation(id)? {
            Some(op) => {
                let inputs = self.in_shape(id, inputs);
                self.push(id, op, inputs)
            }
            None => inputs[0],
        };
        self.made[id.index()] = Some(step);
        Ok(())
    }

    /// The nodes whose values the step of `id` reads.
    fn read(&self, id: NodeId) -> Vec<NodeId> {
        let inputs = self.graph.inputs(id);
        match inputs[..] {
            [input] if is_fused(self.graph, input) => self.graph.inputs(input),
            _ => inputs,
        }
    }

    /// The step's operation; `None` where the value is its input's.
    fn operation(&self, id: NodeId) -> Result<Option<plan::Op>> {
        Ok(Some(match self.graph.op(id) {
            Op::Input => plan::Op::Input,
            Op::Conv(conv) => match fuse::shift(conv).filter(|_| self.options.has_rings()) {
                Some(shift) => plan::Op::Add(shift),
                None => plan::Op::Conv2d(conv2d(conv)),
            },
            Op::Dense(weights) => plan::Op::Dense(dense(weights)),
            Op::AveragePool(pool) => {
                let image = self.graph.shape(self.graph.sole_input(id));
                let sum =
                    sum_pool(pool, image, self.graph.shape(id)).map_err(|what| self.refuse(id, what))?;
                plan::Op::SumPool(sum.sum)
            }
            Op::MaxPool(window) => {
                let compared = self.graph.node(id).fact.compared.map_or(0, |ring| ring.bits() - 1);
                plan::Op::MaxPool(MaxPool { window: *window, compared })
            }
            Op::Relu => match *self.graph.op(self.graph.sole_input(id)) {
                Op::Rescale(Rescale { bits }) if is_fused(self.graph, self.graph.sole_input(id)) => {
                    plan::Op::ReluRescale { bits }
                }
                _ => plan::Op::Relu,
            },
            Op::Sign => plan::Op::Sign,
            Op::Add(add) => match add.multipliers[..] {
                [1] => return Ok(None),
                _ => plan::Op::Add(add.multipliers.clone().into()),
            },
            Op::Mul => plan::Op::Mul,
            Op::Rescale(rescale) => plan::Op::Rescale { bits: rescale.bits },
            Op::Gather(gather) => plan::Op::Gather(plan::Gather { map: gather.map.clone() }),
            Op::Concat if self.graph.inputs(id).len() > 1 => plan::Op::Concat,
            Op::Concat | Op::Flatten => return Ok(None),
            Op::Affine(_) | Op::Activation(_) | Op::Clip(_) => {
                return Err(Error::Bug(format!("{id} ({}) reached lowering", self.graph.op(id).name())));
            }
        }))
    }

    /// `inputs` in the shapes that `id` reads. A flattened image keeps its shape in the plan, where what does not look at shapes
    /// reads it; for the others its elements become a vector in a step of their own, which costs nothing.
    fn in_shape(&mut self, id: NodeId, inputs: Vec<StepId>) -> Vec<StepId> {
        let held: Vec<Shape> = inputs.iter().map(|input| self.steps[input.index()].shape).collect();
        let fits = match self.graph.op(id) {
            Op::Dense(_) | Op::Gather(_) | Op::Relu | Op::Sign | Op::Rescale(_) => true,
            Op::Add(Add { .. }) => held.iter().all(|&shape| shape == held[0]),
            Op::Mul => held[1] == held[0] || held == self.graph.input_shapes(id),
            _ => held == self.graph.input_shapes(id),
        };
        if fits {
            return inputs;
        }
        let wanted = self.graph.input_shapes(id);
        inputs.into_iter().zip(wanted).map(|(input, shape)| self.reshaped(input, shape)).collect()
    }

    /// The same elements in another shape.
    fn reshaped(&mut self, input: StepId, shape: Shape) -> StepId {
        let Step { shape: held, bits, ref name, .. } = self.steps[input.index()];
        if held == shape {
            return input;
        }
        let (name, positions) = (name.clone(), (0..shape.elements()).map(Some));
        let map = IndexMap::from_positions(shape, positions);
        self.append(&name, plan::Op::Gather(plan::Gather { map }), vec![input], shape, bits)
    }

    fn push(&mut self, id: NodeId, op: plan::Op, inputs: Vec<StepId>) -> StepId {
        let node = self.graph.node(id);
        let shape = match op {
            plan::Op::Relu
            | plan::Op::ReluRescale { .. }
            | plan::Op::Sign
            | plan::Op::Rescale { .. }
            | plan::Op::Mul
            | plan::Op::Add(_) => self.steps[inputs[0].index()].shape,
            _ => node.fact.shape,
        };
        self.append(&node.name, op, inputs, shape, node.fact.bits())
    }

    fn append(&mut self, name: &str, op: plan::Op, inputs: Vec<StepId>, shape: Shape, bits: u32) -> StepId {
        let name = shorten(name);
        let (layout, offline, cost) = (None, Cost::default(), Cost::default());
        self.steps.push(Step { name, op, inputs, shape, bits, layout, offline, cost });
        StepId::new(self.steps.len() - 1)
    }

    /// The last steps, and how the client interprets the integers that it receives.
    fn reveal(&mut self, outputs: &[OutputPart]) -> Result<OutputSpec> {
        let id = self.graph.output();
        let fact = &self.graph.node(id).fact;
        let Scale::PerTensor(scale) = fact.scale else {
            return Err(Error::Bug("the logits have different scales".into()));
        };
        let last = self.made[id.index()].ok_or_else(|| Error::Bug("the output has no step".into()))?;
        let elements = self.steps[last.index()].shape.elements();
        let scores = outputs.iter().find_map(OutputPart::scores);
        let revealed = self.options.reveal;
        let (last, shape, bits) = match (revealed, scores) {
            (Revealed::Logits, _) | (_, None) => (last, Shape::vector(elements), fact.bits()),
            (Revealed::Label, Some(scores)) => {
                let labels = Shape::vector(scores.positions(elements));
                let bits = position_bits(scores.classes);
                (self.append("", plan::Op::ArgMax(scores), vec![last], labels, bits), labels, bits)
            }
        };
        self.append("", plan::Op::Reveal, vec![last], shape, bits);
        let part = |part: &OutputPart| OutputPart { scale: part.scale * scale, ..part.clone() };
        Ok(OutputSpec { parts: outputs.iter().map(part).collect(), revealed })
    }

    fn refuse(&self, id: NodeId, what: impl Into<String>) -> Error {
        let node = self.graph.node(id);
        let (node, op) = (node.name.clone(), node.op.name().into());
        Error::Unsupported(vec![Diagnostic { node, op, what: what.into(), hint: String::new() }])
    }
}

/// A convolution as plans hold it.
pub fn conv2d(conv: &Conv<Integer>) -> Conv2d {
    Conv2d { window: conv.window, groups: conv.groups, weights: conv.weights.clone(), bias: bias(&conv.bias) }
}

/// A dense layer as plans hold it.
pub fn dense(dense: &Dense<Integer>) -> plan::Dense {
    plan::Dense { weights: dense.weights.clone(), bias: bias(&dense.bias) }
}

fn bias(bias: &[i128]) -> Vec<i128> {
    if bias.iter().all(|&b| b == 0) { Vec::new() } else { bias.to_vec() }
}

/// The longest beginning that a plan can hold.
pub fn shorten(name: &str) -> String {
    let end = (0..=MAX_NAME.min(name.len())).rev().find(|&end| name.is_char_boundary(end)).unwrap_or(0);
    name[..end].to_owned()
}
