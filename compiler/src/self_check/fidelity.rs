//! Two computations of the same logits on the same images: a plan's, or a graph's, beside the model's.

use crate::calibration::Batch;
use crate::calibration::integers;
use crate::error::Result;
use crate::evaluation::largest;
use crate::graph::{Graph, Real};
use crate::lower::postprocessing;
use rayon::prelude::*;
use runtime::plan::{Op, OutputSpec, Postprocessing, ValidPlan};
use runtime::roles::plain;
use std::f64::consts::PI;

/// Probabilities below this are this, before their logarithm is taken.
const LEAST: f32 = 1e-35;
/// Logits that differ by less than this share of their squares are equal, up to the model's own rounding.
const ROUNDING: f64 = 1e-10;
/// Errors are not told beyond this.
const WORST: f64 = 1e6;
/// Errors are not asked to fall below this share of what they are.
const LEAST_SHARE: f64 = 1e-3;

/// How close a plan, or a graph, is to its model.
#[derive(Clone, Debug, PartialEq)]
pub struct Fidelity {
    /// Share of the images for which both name the same class (one logit: for which both have the same sign); none where the
    /// output is a map.
    pub agreement: Option<f64>,
    /// Root mean square of the errors of the logits, relative to that of the model's logits, each image's mean taken
    /// away (one logit: as it is).
    pub error: f64,
    /// By image: by how much the model's largest logit exceeds the next, in standard deviations of a difference of two
    /// errors.
    margins: Vec<f64>,
}

impl Fidelity {
    /// The share of the present errors, 0 to 1, at which plan and model are expected to name the same class for
    /// `agreement` of all images like these. Errors are taken for normal and equally large everywhere; how many images
    /// have a margin near zero is told by the smallest margins, of √n among n images, so that one tie says little.
    pub(crate) fn bearable(&self, agreement: f64) -> f64 {
        let mut margins = self.margins.clone();
        margins.sort_by(f64::total_cmp);
        let smallest = (margins.len() as f64).sqrt().ceil();
        let Some(&margin) = margins.get((smallest as usize).saturating_sub(1)) else { return 1.0 };
        let density = smallest / (margins.len() as f64 * margin);
        // Of margins with this density a normal error of deviation σ turns E[max(σX, 0)] = σ/√(2π) around.
        ((1.0 - agreement) * (2.0 * PI).sqrt() / density).clamp(LEAST_SHARE, 1.0)
    }

    /// Compares `plan` with its model on `images` of raw pixels, for which the model gives `outputs`.
    ///
    /// # Errors
    /// A pixel outside the plan's raw range.
    pub(crate) fn of_plan(plan: &ValidPlan, images: &[Vec<f32>], outputs: &[Vec<f32>]) -> Result<Self> {
        let OutputSpec { scale, postprocessing, .. } = plan.plan().output;
        let is_map = plan.plan().output.is_map();
        let pair = |(raw, model): (&Vec<f32>, &Vec<f32>)| -> Result<Outputs> {
            let image = integers(&plan.client_view().input, raw)?;
            let logits = logits(plan, &image).into_iter().map(|x| x as f64 * scale).collect();
            Ok(Outputs::new(logits, model, postprocessing))
        };
        let pairs: Vec<Outputs> = images.par_iter().zip(outputs).map(pair).collect::<Result<_>>()?;
        let fidelity = Self::from_outputs(&pairs);
        Ok(if is_map { Self { agreement: None, margins: Vec::new(), ..fidelity } } else { fidelity })
    }

    /// Compares a graph with its model: its `logits` with the `outputs` that the model gives for the same images.
    pub(crate) fn of_graph(graph: &Graph<Real>, logits: &Batch, outputs: &[Vec<f32>]) -> Self {
        let postprocessing = postprocessing(graph.op(graph.output()));
        let pair = |(image, model): (usize, &Vec<f32>)| {
            let logits = logits.image(image).iter().map(|&x| x.into()).collect();
            Outputs::new(logits, model, postprocessing)
        };
        Self::from_outputs(&outputs.iter().enumerate().map(pair).collect::<Vec<Outputs>>())
    }

    fn from_outputs(outputs: &[Outputs]) -> Self {
        let agreeing = outputs.iter().filter(|outputs| outputs.agree()).count();
        let errors = outputs.iter().map(Outputs::squared_error).sum::<f64>();
        let sizes =
            outputs.iter().map(|outputs| squares(&outputs.model).max(outputs.whole * ROUNDING)).sum::<f64>();
        let error = if errors == 0.0 { 0.0 } else { (errors / sizes).sqrt().min(WORST) };
        let logits: usize = outputs.iter().map(|outputs| outputs.model.len()).sum();
        let deviation = (2.0 * errors / logits.max(1) as f64).sqrt().max(f64::MIN_POSITIVE);
        let margins = outputs.iter().map(|outputs| outputs.margin() / deviation).collect();
        Self { agreement: Some(agreeing as f64 / outputs.len().max(1) as f64), error, margins }
    }
}

/// Logits of one image, their mean taken away.
struct Outputs {
    ours: Vec<f64>,
    model: Vec<f64>,
    /// Sum of the squares of the model's logits as they are.
    whole: f64,
}

impl Outputs {
    fn new(ours: Vec<f64>, model: &[f32], postprocessing: Postprocessing) -> Self {
        let model = model.iter().map(|&x| match postprocessing {
            Postprocessing::Softmax => f64::from(x.max(LEAST).ln()),
            Postprocessing::None | Postprocessing::LogSoftmax => x.into(),
        });
        let model: Vec<f64> = model.collect();
        let whole = squares(&model);
        let is_relative = postprocessing != Postprocessing::None;
        Self { ours: centred(ours, is_relative), model: centred(model, is_relative), whole }
    }

    /// Whether both name the same class; where several have the model's largest logit, any of them.
    fn agree(&self) -> bool {
        match (&self.ours[..], &self.model[..]) {
            ([ours], [model]) => (*ours > 0.0) == (*model > 0.0),
            (ours, model) => {
                let best = model.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                largest(ours).is_some_and(|class| model[class] >= best)
            }
        }
    }

    /// By how much the model's largest logit exceeds the next.
    fn margin(&self) -> f64 {
        let mut logits = self.model.clone();
        logits.sort_by(|a, b| b.total_cmp(a));
        match logits[..] {
            [first, second, ..] => first - second,
            _ => f64::INFINITY,
        }
    }

    fn squared_error(&self) -> f64 {
        squares(&self.ours.iter().zip(&self.model).map(|(x, y)| x - y).collect::<Vec<f64>>())
    }
}

/// The integers of the logits, whatever of them is revealed.
fn logits(plan: &ValidPlan, image: &[i64]) -> Vec<i128> {
    let steps = &plan.plan().steps;
    match steps.iter().rev().find(|step| matches!(step.op, Op::ArgMax)) {
        None => plain::run(plan, image),
        Some(arg_max) => plain::values(plan, image).swap_remove(arg_max.inputs[0].index()),
    }
}

/// `logits` without their mean; a single one as it is, unless only differences matter.
fn centred(logits: Vec<f64>, is_relative: bool) -> Vec<f64> {
    let mean =
        if logits.len() > 1 || is_relative { logits.iter().sum::<f64>() / logits.len() as f64 } else { 0.0 };
    logits.into_iter().map(|x| x - mean).collect()
}

fn squares(numbers: &[f64]) -> f64 {
    numbers.iter().map(|x| x * x).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_margins_bear_small_errors_only() {
        let fidelity = |margins: Vec<f64>| Fidelity { agreement: Some(1.0), error: 0.1, margins };
        let even =
            |widest: f64| (0..100).map(|i| widest * (f64::from(i) + 0.5) / 100.0).collect::<Vec<f64>>();
        assert_eq!(fidelity(even(1000.0)).bearable(0.98), 1.0);
        let share = fidelity(even(1.0)).bearable(0.9);
        assert!((share / (0.1 * (2.0 * PI).sqrt()) - 1.0).abs() < 0.1, "{share}");
        let tie = [vec![1e-9], even(1000.0)].concat();
        assert_eq!((fidelity(tie).bearable(0.98), fidelity(Vec::new()).bearable(0.98)), (1.0, 1.0));
    }
}
