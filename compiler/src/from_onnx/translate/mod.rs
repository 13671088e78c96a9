//! From tract's typed model to a [`Graph`].
//!
//! tract's tensors have axes that come and go and change places; a graph's value has channels, height
//! and width. A tract tensor stands for a [`View`] of a graph value, so reshapes and transpositions cost
//! nothing; an operation that needs a certain arrangement (an image, a vector) asks for it. What cannot be said is reported with the ONNX node's name, and whatever
//! depends on it is passed over in silence, so that one look finds every cause.

mod arithmetic;
mod curves;
mod deconv;
mod ending;
mod linear;
mod moved;
mod moves;
mod pool;
mod positions;
mod products;
mod reduce;
mod resize;
mod roles;
pub(super) mod rows;
mod sampling;
mod shapes;
mod site;
mod view;

use super::refusal::Refusal;
use super::typed::Names;
use crate::activation::{Fineness, approximate_all};
use crate::error::Diagnostic;
use crate::graph::{Graph, NodeId, Op, Real, RealFact, Shape};
use runtime::plan::OutputPart;
use site::{Operand, Site, Value};
use std::collections::HashMap;
use tract_onnx::prelude::{IntoArcTensor, IntoTValue, OutletId, TypedModel};
use tract_onnx::tract_core::internal::EvalContext;
use tract_onnx::tract_core::model::TypedNode;

pub(super) use view::View;

type Found = Result<View, Refusal>;

/// How one of the parts into which tract takes an operator is put into the graph, if it depends on the image.
pub(super) type Translate = fn(&mut Translator<'_>, &TypedNode, &Site) -> Found;

/// How an operator, as ONNX spells it, is translated, or why it isn't.
pub(super) type Lookup = fn(&str) -> Result<Translate, Refusal>;

/// How the model's image, of this shape, lies in tract's tensor.
pub(super) type Arrangement = fn(NodeId, Shape) -> View;

/// What a model means.
pub(super) struct Translated {
    /// Gives the elements of all outputs, one output after the other.
    pub(super) graph: Graph<Real>,
    /// The model's outputs.
    pub(super) outputs: Vec<OutputPart>,
    /// What could not be put into the graph, which is complete only where there is nothing.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// The graph of a model whose outputs have these names.
pub(super) fn translate(
    model: &TypedModel,
    names: &Names,
    outputs: &[String],
    lookup: Lookup,
    shape: Shape,
    arranged: Arrangement,
) -> Translated {
    let graph = Graph::new("input", RealFact { shape });
    let image = arranged(graph.input(), shape);
    let mut translator =
        Translator { model, lookup, names, image, graph, values: HashMap::new(), diagnostics: Vec::new() };
    let outputs = translator.run(outputs);
    let Translator { graph, mut diagnostics, .. } = translator;
    diagnostics.sort_by_key(|diagnostic| names.position(&diagnostic.node));
    Translated { graph, outputs, diagnostics }
}

pub(super) struct Translator<'a> {
    model: &'a TypedModel,
    lookup: Lookup,
    names: &'a Names,
    image: View,
    graph: Graph<Real>,
    values: HashMap<OutletId, Value>,
    diagnostics: Vec<Diagnostic>,
}

impl Translator<'_> {
    fn run(&mut self, outputs: &[String]) -> Vec<OutputPart> {
        let order = match self.model.eval_order() {
            Ok(order) => order,
            Err(error) => {
                self.report("model", "graph", Refusal::from(format!("{error:#}")));
                return Vec::new();
            }
        };
        for id in order {
            let values = self.node(self.model.node(id));
            self.values
                .extend(values.into_iter().enumerate().map(|(slot, value)| (OutletId::new(id, slot), value)));
        }
        self.finish(outputs)
    }

    /// The values that a node defines; reports what it cannot express.
    fn node(&mut self, node: &TypedNode) -> Vec<Value> {
        let mut values = vec![Value::Unknown; node.outputs.len()];
        let (name, op) = self.names.origin(&node.name).unwrap_or((&node.name, "graph"));
        let (name, op) = (name.to_string(), op.to_string());
        let site = Site {
            name: name.clone(),
            inputs: self.operands(node),
            output: site::dims(&node.outputs[0].fact),
        };
        match self.value(node, &op, &site) {
            Ok(value) => values[0] = value,
            Err(refusal) => self.report(&name, &op, refusal),
        }
        values
    }

    fn value(&mut self, node: &TypedNode, op: &str, site: &Site) -> Result<Value, Refusal> {
        if let Some(constant) = &node.outputs[0].fact.konst {
            return Ok(Value::Constant(constant.clone()));
        }
        if node.inputs.is_empty() {
            self.graph.node_mut(self.graph.input()).name.clone_from(&node.name);
            return Ok(Value::Computed(self.image.clone()));
        }
        if site.inputs.iter().any(|operand| matches!(operand.value, Value::Unknown)) {
            self.reads_softmax(site, None);
            return Ok(Value::Unknown);
        }
        match site.constants() {
            Some(constants) => {
                let inputs = constants.into_iter().map(|constant| constant.clone().into_tvalue()).collect();
                let outputs = node
                    .op
                    .eval(&EvalContext::out_of_plan(), inputs)
                    .map_err(|error| format!("{error:#}"))?;
                let first = outputs.into_iter().next().ok_or_else(|| "it gives no value".to_string())?;
                Ok(Value::Constant(first.into_arc_tensor()))
            }
            None => {
                let view = (self.lookup)(op)?(self, node, site)?;
                Ok(if self.reads_softmax(site, Some(&view)) { Value::Unknown } else { Value::Computed(view) })
            }
        }
    }

    fn operands(&self, node: &TypedNode) -> Vec<Operand> {
        let operand = |outlet: &OutletId| Operand {
            value: self.values.get(outlet).cloned().unwrap_or(Value::Unknown),
            dims: self.model.outlet_fact(*outlet).map(site::dims).unwrap_or_default(),
        };
        node.inputs.iter().map(operand).collect()
    }

    /// The outputs become one vector, one after the other; what nothing needs goes.
    fn finish(&mut self, outputs: &[String]) -> Vec<OutputPart> {
        let parts = self.outputs(outputs);
        if self.diagnostics.is_empty() {
            self.graph.remove_dead();
            self.merge_affine_chains();
            self.split_products();
            self.check_activations();
        }
        parts
    }

    /// Affine maps one after the other, with no other reader in between, become one.
    fn merge_affine_chains(&mut self) {
        for id in self.graph.ids_in_order() {
            let Op::Affine(second) = self.graph.op(id).clone() else { continue };
            let producer = self.graph.sole_input(id);
            let Op::Affine(first) = self.graph.op(producer) else { continue };
            if self.graph.sole_consumer(producer) == Some(id)
                && let Some(both) = arithmetic::composed(first, &second)
            {
                self.graph.node_mut(id).op = Op::Affine(both);
                self.graph.bypass(producer);
            }
        }
    }

    /// Reports activations that no sum of ReLUs follows.
    fn check_activations(&mut self) {
        for id in self.graph.ids_in_order() {
            let Op::Activation(curve) = self.graph.op(id) else { continue };
            if let Err(what) = approximate_all(curve, self.graph.shape(id).channels, Fineness::Percent, None)
            {
                let refusal = Refusal::new(
                    format!("{curve} cannot be written with ReLUs: {what}"),
                    "retrain with ReLU",
                );
                let name = self.graph.node(id).name.clone();
                let op = self.names.op(&name).unwrap_or("Activation").to_string();
                self.report(&name, &op, refusal);
            }
        }
    }

    fn report(&mut self, node: &str, op: &str, refusal: Refusal) {
        self.diagnostics.push(refusal.about(node, op));
    }

    fn append(&mut self, name: &str, op: Op<Real>, inputs: &[NodeId]) -> Result<NodeId, Refusal> {
        self.graph.append(name, op, inputs).map_err(Refusal::from)
    }

    /// A new value, in the graph's own order.
    fn plain(&mut self, name: &str, op: Op<Real>, inputs: &[NodeId]) -> Found {
        let id = self.append(name, op, inputs)?;
        Ok(View::plain(id, self.graph.shape(id)))
    }

    /// Something that works element by element, so the order stays.
    fn each(&mut self, name: &str, op: Op<Real>, view: &View) -> Found {
        Ok(view.with_value(self.append(name, op, &[view.id])?))
    }

    /// The elements as tract lists them, as a vector.
    fn in_order(&mut self, name: &str, view: &View) -> Result<NodeId, Refusal> {
        match view.is_plain() {
            true => self.flat(name, view.id),
            false => self.ordered(name, view, &[1, self.graph.shape(view.id).elements()]),
        }
    }

    /// The same elements as a vector.
    fn flat(&mut self, name: &str, id: NodeId) -> Result<NodeId, Refusal> {
        if self.graph.shape(id).plane() == 1 { Ok(id) } else { self.append(name, Op::Flatten, &[id]) }
    }
}
