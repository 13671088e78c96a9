//! From nodes to steps.

use super::sum_pool;
use crate::error::{Diagnostic, Error, Result};
use crate::graph::{Add, Conv, Dense, Graph, Integer, NodeId, Op, Scale, Shape, Softmax, Window};
use crate::options::CompileOptions;
use runtime::plan::validate::MAX_NAME;
use runtime::plan::{self, Conv2d, Cost, InputSpec, OutputSpec, Plan, Postprocessing, Step, StepId};

/// The plan that computes `graph`, unpriced. Flattening vanishes (elements keep their positions), a
/// softmax at the end becomes the client's postprocessing.
///
/// # Errors
/// [`Error::Unsupported`] with a node that works on channels of a flattened image.
pub fn lower(
    graph: &Graph<Integer>,
    name: &str,
    input: &InputSpec,
    options: &CompileOptions,
) -> Result<Plan> {
    let mut lowering = Lowering { graph, steps: Vec::new(), made: vec![None; graph.id_bound()] };
    for id in graph.ids_in_order() {
        lowering.visit(id)?;
    }
    let output = lowering.reveal()?;
    Ok(Plan {
        name: shorten(name),
        suite: options.suite,
        key_bits: options.key_bits,
        input: input.clone(),
        steps: lowering.steps,
        output,
    })
}

struct Lowering<'a> {
    graph: &'a Graph<Integer>,
    steps: Vec<Step>,
    /// By node: the step that holds its value.
    made: Vec<Option<StepId>>,
}

impl Lowering<'_> {
    fn visit(&mut self, id: NodeId) -> Result<()> {
        let inputs: Vec<StepId> =
            self.graph.inputs(id).iter().filter_map(|input| self.made[input.index()]).collect();
        let step = match self.operation(id)? {
            Some(op) => {
                self.check_layout(id, &inputs)?;
                self.push(id, op, inputs)
            }
            None => inputs[0],
        };
        self.made[id.index()] = Some(step);
        Ok(())
    }

    /// The step's operation; `None` where the value is its input's.
    fn operation(&self, id: NodeId) -> Result<Option<plan::Op>> {
        Ok(Some(match self.graph.op(id) {
            Op::Input => plan::Op::Input,
            Op::Conv(conv) => plan::Op::Conv2d(conv2d(conv)),
            Op::Dense(weights) => plan::Op::Dense(dense(weights)),
            Op::AveragePool(pool) => {
                let image = self.graph.shape(self.graph.sole_input(id));
                let sum =
                    sum_pool(pool, image, self.graph.shape(id)).map_err(|what| self.refuse(id, what))?;
                plan::Op::SumPool(sum.sum)
            }
            Op::MaxPool(window) => plan::Op::MaxPool(*window),
            Op::Relu => plan::Op::Relu,
            Op::Sign => plan::Op::Sign,
            Op::Add(add) => match add.multipliers[..] {
                [1] => return Ok(None),
                [by] => plan::Op::Conv2d(
                    multiplication(by, self.graph.shape(id))
                        .ok_or_else(|| self.refuse(id, "too large a multiplier"))?,
                ),
                _ => plan::Op::Add { multipliers: add.multipliers.clone() },
            },
            Op::Rescale(rescale) => plan::Op::Rescale { bits: rescale.bits },
            Op::Concat if self.graph.inputs(id).len() > 1 => plan::Op::Concat,
            Op::Concat | Op::Flatten | Op::Softmax(_) => return Ok(None),
            Op::Affine(_) | Op::Activation(_) => {
                return Err(Error::Bug(format!("{id} ({}) reached lowering", self.graph.op(id).name())));
            }
        }))
    }

    /// A flattened image keeps its shape in the plan; only what does not look at shapes may read it.
    fn check_layout(&self, id: NodeId, inputs: &[StepId]) -> Result<()> {
        let held: Vec<Shape> = inputs.iter().map(|input| self.steps[input.index()].shape).collect();
        let fits = match self.graph.op(id) {
            Op::Dense(_) | Op::Relu | Op::Sign | Op::Rescale(_) => true,
            Op::Add(Add { .. }) => held.iter().all(|&shape| shape == held[0]),
            _ => held == self.graph.input_shapes(id),
        };
        if fits {
            Ok(())
        } else {
            Err(self.refuse(id, "it reads a flattened image, which only dense layers and activations can"))
        }
    }

    fn push(&mut self, id: NodeId, op: plan::Op, inputs: Vec<StepId>) -> StepId {
        let node = self.graph.node(id);
        let shape = match op {
            plan::Op::Relu | plan::Op::Sign | plan::Op::Rescale { .. } | plan::Op::Add { .. } => {
                self.steps[inputs[0].index()].shape
            }
            _ => node.fact.shape,
        };
        let bits = node.fact.bits();
        self.steps.push(Step { name: shorten(&node.name), op, inputs, shape, bits, cost: Cost::default() });
        StepId::new(self.steps.len() - 1)
    }

    /// The last step, and what the client makes of its integers.
    fn reveal(&mut self) -> Result<OutputSpec> {
        let id = self.graph.output();
        let fact = &self.graph.node(id).fact;
        let Scale::PerTensor(scale) = fact.scale else {
            return Err(Error::Bug("the logits have different scales".into()));
        };
        let last = self.made[id.index()].ok_or_else(|| Error::Bug("the output has no step".into()))?;
        let shape = self.steps[last.index()].shape.flattened();
        let step = Step {
            name: String::new(),
            op: plan::Op::Reveal,
            inputs: vec![last],
            shape,
            bits: fact.bits(),
            cost: Cost::default(),
        };
        self.steps.push(step);
        let postprocessing = match self.graph.op(id) {
            Op::Softmax(Softmax::Plain) => Postprocessing::Softmax,
            Op::Softmax(Softmax::Log) => Postprocessing::LogSoftmax,
            _ => Postprocessing::None,
        };
        Ok(OutputSpec { classes: shape.elements(), scale, postprocessing })
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

/// Every element times `by`, as a depthwise convolution; `None` where the factor is too large.
fn multiplication(by: i64, shape: Shape) -> Option<Conv2d> {
    let weights = vec![i32::try_from(by).ok()?; shape.channels];
    Some(Conv2d { window: Window::dense([1, 1]), groups: shape.channels, weights, bias: Vec::new() })
}

/// The longest beginning that a plan can hold.
fn shorten(name: &str) -> String {
    let end = (0..=MAX_NAME.min(name.len())).rev().find(|&end| name.is_char_boundary(end)).unwrap_or(0);
    name[..end].to_owned()
}
