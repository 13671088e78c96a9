//! Where an integer graph departs from its float graph: value by value, over images.
//!
//! Each value of the float graph is compared with its counterpart, integers times their scales. Beside
//! the error that has gathered up to a node stands the node's own: what it computes from its quantised
//! inputs against what the float operation makes of the same inputs.

use super::accuracy::agreeing;
use super::deviation::{Deviation, Sums};
use super::{Dataset, Progress};
use crate::calibration::Prepared;
use crate::calibration::{Batch, apply};
use crate::error::{Error, Result};
use crate::graph::{Graph, IntegerFact, NodeId, Op, Real};
use crate::passes::Quantized;
use crate::reference::integer;
use rayon::prelude::*;
use runtime::plan::{InputSpec, OutputPart};
use serde::Serialize;
use std::ops::Range;

/// The relative error from which on a value counts as wrong.
pub const WRONG: f64 = 0.1;
/// Elements of all values together that are held at one time.
const ELEMENTS: usize = 1 << 25;

/// A node of the float graph against its counterpart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeComparison {
    /// Name of the node in the model.
    pub node: String,
    /// The operation of the float graph.
    pub op: &'static str,
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// Width of the integers: the least b with |x| < 2^b for all of them, without the sign.
    pub bits: u32,
    /// How far the integers times their scales are from the value of the float graph.
    #[serde(flatten)]
    pub deviation: Deviation,
    /// The part of the relative error that arises here: against the float operation on the same inputs.
    pub own_error: f64,
}

/// The comparison of all nodes, in order of execution, and of the classes that are chosen in the end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Images that were looked at.
    pub images: usize,
    /// Flattening, which changes no value, is left out.
    pub nodes: Vec<NodeComparison>,
    /// The share of images, or of positions of a map of scores, for which float graph and integers have the same first
    /// choice; `None` where the first output has no classes.
    pub agreement: Option<f64>,
    /// The share for which the float graph has the first choice of the model as trained; they differ
    /// where activations are approximated.
    pub model_agreement: Option<f64>,
}

impl Comparison {
    /// The first node whose relative error exceeds [`WRONG`].
    pub fn first_wrong(&self) -> Option<&NodeComparison> {
        self.nodes.iter().find(|node| node.deviation.relative_error > WRONG)
    }

    /// The node with the largest error of its own; the first of several.
    pub fn worst(&self) -> Option<&NodeComparison> {
        self.nodes.iter().reduce(|worst, node| if node.own_error > worst.own_error { node } else { worst })
    }
}

/// A float graph and what it was quantised to.
#[derive(Clone, Copy)]
pub struct Sides<'a> {
    /// The float graph.
    pub float: &'a Graph<Real>,
    /// Its counterparts.
    pub integer: &'a Quantized,
    /// How images become the integers that both read.
    pub input: &'a InputSpec,
    /// The first output, along which classes are chosen.
    pub output: &'a OutputPart,
}

/// Runs both sides, and `model` (preprocessed pixels → logits), over the first `limit` images.
///
/// # Errors
/// [`Error::Option`] for no images; a pixel outside the range of the input; an error of `model`.
pub fn compare(
    sides: Sides<'_>,
    model: &(dyn Fn(&[f32]) -> Result<Vec<f32>> + Sync),
    data: &Dataset,
    limit: usize,
    progress: &dyn Progress,
) -> Result<Comparison> {
    let images = data.len().min(limit);
    if images == 0 {
        return Err(Error::Option("a comparison needs at least one image".into()));
    }
    let float = sides.float;
    let comparer = Comparer { sides, model, progress };
    let mut totals = Totals { nodes: vec![Default::default(); float.id_bound()], ..Totals::default() };
    let elements: usize = float.ids().map(|id| float.shape(id).elements()).sum();
    let chunk = (ELEMENTS / elements).clamp(1, 64);
    for first in (0..images).step_by(chunk) {
        comparer.add(data, first..images.min(first + chunk), &mut totals)?;
    }
    Ok(comparer.report(images, &totals))
}

struct Comparer<'a> {
    sides: Sides<'a>,
    model: &'a (dyn Fn(&[f32]) -> Result<Vec<f32>> + Sync),
    progress: &'a dyn Progress,
}

#[derive(Default)]
struct Totals {
    /// By node of the float graph: against the float graph, and against the float operation alone.
    nodes: Vec<(Sums, Sums)>,
    /// Positions that a class is chosen for, and at how many of them the others chose the float graph's.
    choices: usize,
    agreeing: usize,
    agreeing_with_model: usize,
}

/// One image by every means.
struct Image {
    preprocessed: Vec<f32>,
    /// By node of the float graph: the counterpart in real units.
    quantized: Vec<Vec<f32>>,
    /// First choices of the model.
    model_choices: Vec<usize>,
    /// First choices of the integers.
    choices: Vec<usize>,
}

impl Comparer<'_> {
    fn add(&self, data: &Dataset, images: Range<usize>, totals: &mut Totals) -> Result<()> {
        let images: Vec<Image> =
            images.into_par_iter().map(|index| self.image(&data.image(index))).collect::<Result<_>>()?;
        let mut floats: Vec<Option<Batch>> = vec![None; self.sides.float.id_bound()];
        let mut ours: Vec<Option<Batch>> = vec![None; self.sides.float.id_bound()];
        for id in self.sides.float.ids_in_order() {
            let shape = self.sides.float.shape(id);
            let got = Batch::new(
                shape,
                images.iter().flat_map(|image| image.quantized[id.index()].clone()).collect(),
            );
            let (expected, own) = if id == self.sides.float.input() {
                let images = images.iter().flat_map(|image| image.preprocessed.clone());
                let images = Batch::new(shape, images.collect());
                (images.clone(), images)
            } else {
                (self.apply(id, &floats), self.apply(id, &ours))
            };
            for image in 0..images.len() {
                let (gathered, alone) = &mut totals.nodes[id.index()];
                gathered.join(&Sums::new(expected.image(image), got.image(image)));
                alone.join(&Sums::new(own.image(image), got.image(image)));
            }
            floats[id.index()] = Some(expected);
            ours[id.index()] = Some(got);
        }
        let output = floats[self.sides.float.output().index()].as_ref();
        for (index, image) in images.iter().enumerate() {
            let float = output.map_or_else(Vec::new, |output| self.sides.output.choices(output.image(index)));
            totals.choices += float.len();
            totals.agreeing += agreeing(&float, &image.choices);
            totals.agreeing_with_model += agreeing(&float, &image.model_choices);
        }
        Ok(())
    }

    fn image(&self, raw: &[f32]) -> Result<Image> {
        let Prepared { integers, preprocessed } = Prepared::new(self.sides.input, raw)?;
        let values = integer::values(&self.sides.integer.graph, &integers);
        let mut quantized = vec![Vec::new(); self.sides.float.id_bound()];
        for (id, counterpart) in self.counterparts() {
            let fact = &self.sides.integer.graph.node(counterpart).fact;
            quantized[id.index()] = in_real_units(&values[counterpart.index()], fact);
        }
        let model_choices = self.sides.output.choices(&(self.model)(&preprocessed)?);
        let choices = self.sides.output.choices(&values[self.sides.integer.graph.output().index()]);
        self.progress.image_done();
        Ok(Image { preprocessed, quantized, model_choices, choices })
    }

    /// Nodes of the float graph, in order, and their counterparts.
    fn counterparts(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        let ids = self.sides.float.ids_in_order().into_iter();
        ids.filter_map(|id| Some((id, self.sides.integer.counterpart(id)?)))
    }

    fn apply(&self, id: NodeId, values: &[Option<Batch>]) -> Batch {
        let inputs = self.sides.float.inputs(id);
        let inputs: Vec<&Batch> = inputs.iter().filter_map(|input| values[input.index()].as_ref()).collect();
        apply(self.sides.float.op(id), &inputs, self.sides.float.shape(id))
    }

    fn report(&self, images: usize, totals: &Totals) -> Comparison {
        let nodes = self.counterparts().filter(|&(id, _)| !matches!(self.sides.float.op(id), Op::Flatten));
        let nodes = nodes.map(|(id, counterpart)| {
            let (node, shape) = (self.sides.float.node(id), self.sides.float.shape(id));
            let (gathered, alone) = &totals.nodes[id.index()];
            NodeComparison {
                node: node.name.clone(),
                op: node.op.name(),
                shape: [shape.channels, shape.height, shape.width],
                bits: self.sides.integer.graph.node(counterpart).fact.bits(),
                deviation: gathered.deviation(),
                own_error: alone.deviation().relative_error,
            }
        });
        let share = |count: usize| (totals.choices > 0).then(|| count as f64 / totals.choices as f64);
        Comparison {
            images,
            nodes: nodes.collect(),
            agreement: share(totals.agreeing),
            model_agreement: share(totals.agreeing_with_model),
        }
    }
}

fn in_real_units(integers: &[i128], fact: &IntegerFact) -> Vec<f32> {
    let plane = fact.shape.plane();
    integers.iter().enumerate().map(|(i, &x)| (x as f64 * fact.scale.channel(i / plane)) as f32).collect()
}
