//! How a model ends: a softmax, which the client takes in the clear, and outputs, one or several.

use super::site::{Site, Value};
use super::view::View;
use super::{Found, Translator, site};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{NodeId, Op};
use runtime::plan::{ClassAxes, OutputPart, Postprocessing, are_of_map, is_deceptive};
use tract_onnx::tract_core::ops::nn::{Softmax, SoftmaxKind};

/// What can be done where a softmax is in the middle.
const NOT_LAST: &str = "attention and gating by a softmax cannot be compiled";

/// Letters of an output's name that plans hold.
const MAX_LETTERS: usize = 200;

impl Translator<'_> {
    /// The logits; that a softmax is taken of them is noted.
    pub(super) fn softmax(&mut self, softmax: &Softmax, site: &Site) -> Found {
        let kind = match softmax.kind {
            SoftmaxKind::Softmax => Postprocessing::Softmax,
            SoftmaxKind::LogSoftmax => Postprocessing::LogSoftmax,
        };
        let (view, dims) = (site.computed(0)?, &site.inputs[0].dims);
        if view.softmax().is_some() {
            return Err(Refusal::new("it reads the result of another softmax", NOT_LAST));
        }
        let view = match view.split(dims) {
            Some(_) => view,
            None => {
                let id = self.ordered(&site.name, &view, dims)?;
                View::plain(id, self.graph.shape(id))
            }
        };
        let over = softmax.axes.to_vec();
        let noted = view.with_softmax(&site.name, kind, dims, &over);
        noted.ok_or_else(|| format!("it is taken over axes {over:?} of {dims:?}").into())
    }

    /// Whether a node computes something from the result of a softmax, which is reported: all but what carries the softmax on
    /// in its `result`.
    pub(super) fn reads_softmax(&mut self, site: &Site, result: Option<&View>) -> bool {
        let softmax = site.inputs.iter().find_map(|operand| match &operand.value {
            Value::Computed(view) => view.softmax(),
            Value::Constant(_) | Value::Unknown => None,
        });
        let Some(softmax) = softmax.filter(|_| result.and_then(View::softmax).is_none()) else {
            return false;
        };
        let op = self.names.op(&softmax.node).unwrap_or("Softmax").to_owned();
        if !self.diagnostics.iter().any(|found| found.node == softmax.node) {
            self.report(&softmax.node, &op, Refusal::new("it is not the last operator", NOT_LAST));
        }
        true
    }

    /// Makes the elements of all outputs of these names the graph's output.
    pub(super) fn outputs(&mut self, names: &[String]) -> Vec<OutputPart> {
        let outlets = self.model.output_outlets().unwrap_or_default().to_vec();
        let (mut parts, mut vectors) = (Vec::new(), Vec::new());
        for (outlet, name) in outlets.iter().zip(names) {
            let dims = self.model.outlet_fact(*outlet).map(site::dims).unwrap_or_default();
            let made = match self.values.get(outlet).cloned() {
                Some(Value::Computed(view)) => self.output(name, &view, &dims, names.len() > 1),
                Some(Value::Unknown) if !self.diagnostics.is_empty() => continue,
                _ => Err(Refusal::from("the output does not depend on the input".to_string())),
            };
            match made {
                Ok((part, id)) => {
                    parts.push(part);
                    vectors.push(id);
                }
                Err(refusal) => self.report("output", "Output", refusal),
            }
        }
        match vectors[..] {
            [] => {}
            [one] => self.graph.set_output(one),
            _ => match self.append("outputs", Op::Concat, &vectors) {
                Ok(all) => self.graph.set_output(all),
                Err(refusal) => self.report("output", "Output", refusal),
            },
        }
        parts
    }

    /// One output, and its elements as a vector: where there are several, which are joined, in the plan, too.
    fn output(
        &mut self,
        name: &str,
        view: &View,
        dims: &[usize],
        several: bool,
    ) -> Result<(OutputPart, NodeId), Refusal> {
        let elements = self.graph.shape(view.id).elements();
        let axes = match dims {
            [1, axes @ ..] if !axes.is_empty() && axes.iter().product::<usize>() == elements => axes.to_vec(),
            _ => vec![elements],
        };
        let classes = match view.softmax() {
            None => (!are_of_map(&axes)).then_some(ClassAxes::all(axes.len())),
            Some(softmax) => Some(view.class_axes(&axes).ok_or_else(|| {
                Refusal::new(
                    format!("its axes are not those of the softmax '{}' before it", softmax.node),
                    "end the model with the softmax",
                )
            })?),
        };
        let postprocessing = view.softmax().map_or(Postprocessing::None, |softmax| softmax.kind);
        let name: String =
            name.chars().take(MAX_LETTERS).map(|c| if is_deceptive(c) { '_' } else { c }).collect();
        let id =
            if several { self.ordered(&name, view, &[1, elements])? } else { self.in_order(&name, view)? };
        Ok((OutputPart { name, axes, classes, scale: 1.0, postprocessing, names: Vec::new() }, id))
    }
}
