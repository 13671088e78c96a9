//! What is compiled of a model: its graph, with several outputs made equally large, and what is revealed of them.

use crate::error::{Diagnostic, Error, Result};
use crate::from_onnx::Model;
use crate::from_onnx::layout::Layout;
use crate::graph::{Affine, Graph, NodeId, Op, Real};
use runtime::plan::{ClassAxes, OutputPart, Revealed};
use std::borrow::Cow;

/// What is compiled of a model.
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    /// The model's own, or one with larger outputs.
    pub(super) graph: Cow<'a, Graph<Real>>,
    /// With classes where labels are revealed; scales are those of the graph.
    pub(super) outputs: Vec<OutputPart>,
}

impl<'a> Source<'a> {
    /// Of a model of which `outputs` are revealed, and which gives `values` for some images: a graph whose outputs are of about
    /// one size on these. Errors of the smallest would otherwise not count beside the largest. Each is multiplied by a power of
    /// two, which its scale makes good.
    ///
    /// # Errors
    /// A defect of the compiler.
    pub(super) fn new(model: &'a Model, outputs: Vec<OutputPart>, values: &[Vec<f32>]) -> Result<Self> {
        let mut source = Self { name: &model.name, graph: Cow::Borrowed(&model.graph), outputs };
        if source.outputs.len() > 1 {
            source.balance(values)?;
        }
        Ok(source)
    }

    fn balance(&mut self, values: &[Vec<f32>]) -> Result<()> {
        let Self { graph, outputs, .. } = self;
        let graph = graph.to_mut();
        let parts = graph.inputs(graph.output());
        let mut scaled = Vec::with_capacity(parts.len());
        let factors = factors(outputs, values);
        for ((&part, output), factor) in parts.iter().zip(outputs).zip(factors) {
            output.scale /= f64::from(factor);
            scaled.push(times(graph, part, factor)?);
        }
        let all = graph.append("outputs", Op::Concat, &scaled).map_err(Error::Bug)?;
        graph.set_output(all);
        graph.remove_dead();
        Ok(())
    }
}

/// The outputs, with classes where labels are revealed.
///
/// # Errors
/// [`Error::Unsupported`] where labels are to be revealed of several outputs, or of a map without classes.
pub(super) fn revealed(model: &Model, reveal: Revealed) -> Result<Vec<OutputPart>> {
    let outputs = model.outputs.clone();
    if reveal == Revealed::Logits {
        return Ok(outputs);
    }
    match &outputs[..] {
        [part] => match part.classes.or_else(|| channels(&part.axes, model.layout)) {
            Some(classes) => Ok(vec![OutputPart { classes: Some(classes), ..part.clone() }]),
            None => Err(refuse(model, "the model gives a map without classes")),
        },
        _ => Err(refuse(model, "labels are revealed of one output, not of several")),
    }
}

/// The axis of the channels of an image with these axes.
fn channels(axes: &[usize], layout: Layout) -> Option<ClassAxes> {
    let first = match layout {
        Layout::ChannelsFirst => 0,
        Layout::ChannelsLast => axes.len() - 1,
    };
    (axes.len() == 3 && axes[first] > 1).then_some(ClassAxes { first, end: first + 1 })
}

fn refuse(model: &Model, what: &str) -> Error {
    let node = model.graph.node(model.graph.output());
    Error::Unsupported(vec![Diagnostic {
        node: node.name.clone(),
        op: node.op.name().into(),
        what: what.into(),
        hint: "compile with --reveal logits".into(),
    }])
}

fn times(graph: &mut Graph<Real>, value: NodeId, factor: f32) -> Result<NodeId> {
    if factor == 1.0 {
        return Ok(value);
    }
    let (name, channels) = (graph.node(value).name.clone(), graph.shape(value).channels);
    let affine = Affine { scale: vec![factor; channels], shift: vec![0.0; channels] };
    graph.append(name, Op::Affine(affine), &[value]).map_err(Error::Bug)
}

/// By output: the power of two that makes it about as large as the largest.
fn factors(outputs: &[OutputPart], values: &[Vec<f32>]) -> Vec<f32> {
    /// No output is doubled more often.
    const MOST: f64 = 30.0;
    let mut sizes = vec![0.0; outputs.len()];
    for values in values {
        for (size, (output, own)) in sizes.iter_mut().zip(OutputPart::split(outputs, values)) {
            *size += own.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / output.elements() as f64;
        }
    }
    let largest = sizes.iter().copied().fold(0.0, f64::max);
    let factor = |size: f64| {
        let doublings = (largest / size.max(f64::MIN_POSITIVE)).log2() / 2.0;
        doublings.round().clamp(0.0, MOST).exp2() as f32
    };
    sizes.into_iter().map(factor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_outputs_are_made_larger() {
        let outputs = [OutputPart::vector(2), OutputPart::vector(1), OutputPart::vector(1)];
        let values = [vec![30.0, -40.0, 1.0, 0.0], vec![-40.0, 30.0, -1.0, 0.0]];
        assert_eq!(factors(&outputs, &values), [1.0, 32.0, 2f32.powi(30)]);
    }
}
