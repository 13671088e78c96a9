//! Two computations of the same logits on the same images: a plan's, or a graph's, beside the model's.

use crate::calibration::Batch;
use crate::calibration::integers;
use crate::error::Result;
use rayon::prelude::*;
use runtime::plan::{Op, OutputPart, OutputSpec, Postprocessing, Scores, ValidPlan};
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
    /// Share of the images, or of the positions of maps of scores, for which both name the same class (one logit: for which
    /// both have the same sign); none where no output has classes. Of several outputs the least.
    pub agreement: Option<f64>,
    /// Root mean square of the errors of the logits, relative to that of the model's logits, the mean of the scores of each
    /// image or position taken away (one logit: as it is). Of several outputs the largest.
    pub error: f64,
    /// By image, or position: by how much the model's largest logit exceeds the next, in standard deviations of a difference of two
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
        let OutputSpec { parts, .. } = &plan.plan().output;
        let pair = |(raw, model): (&Vec<f32>, &Vec<f32>)| -> Result<Vec<Compared>> {
            let image = integers(&plan.client_view().input, raw)?;
            let ours: Vec<f64> = logits(plan, &image).into_iter().map(|x| x as f64).collect();
            Ok(compared(parts, &ours, model))
        };
        let images: Vec<_> = images.par_iter().zip(outputs).map(pair).collect::<Result<_>>()?;
        Ok(Self::of_parts(parts.len(), &images))
    }

    /// Compares a graph with its model: its `logits`, which are those of `parts`, with the `outputs` that the model gives for
    /// the same images.
    pub(crate) fn of_graph(parts: &[OutputPart], logits: &Batch, outputs: &[Vec<f32>]) -> Self {
        let pair = |(image, model): (usize, &Vec<f32>)| {
            let ours: Vec<f64> = logits.image(image).iter().map(|&x| x.into()).collect();
            compared(parts, &ours, model)
        };
        Self::of_parts(parts.len(), &outputs.iter().enumerate().map(pair).collect::<Vec<_>>())
    }

    /// The worst of all outputs.
    fn of_parts(parts: usize, images: &[Vec<Compared>]) -> Self {
        let of_part = |part: usize| Self::of_part(images.iter().map(|image| &image[part]));
        let worst = |worst: Self, next: Self| Self {
            agreement: [worst.agreement, next.agreement].into_iter().flatten().reduce(f64::min),
            error: worst.error.max(next.error),
            margins: [worst.margins, next.margins].concat(),
        };
        let none = || Self { agreement: None, error: 0.0, margins: Vec::new() };
        (0..parts).map(of_part).reduce(worst).unwrap_or_else(none)
    }

    fn of_part<'c>(images: impl Iterator<Item = &'c Compared> + Clone) -> Self {
        let errors = images.clone().map(Compared::squared_error).sum::<f64>();
        let sizes = images
            .clone()
            .map(|compared| squares(&compared.model).max(compared.whole * ROUNDING))
            .sum::<f64>();
        let error = if errors == 0.0 { 0.0 } else { (errors / sizes).sqrt().min(WORST) };
        let logits: usize = images.clone().map(|compared| compared.model.len()).sum();
        let deviation = (2.0 * errors / logits.max(1) as f64).sqrt().max(f64::MIN_POSITIVE);
        let choices: Vec<Choice> = images.flat_map(Compared::choices).collect();
        let agreeing = choices.iter().filter(|choice| choice.agrees).count();
        let agreement = (!choices.is_empty()).then(|| agreeing as f64 / choices.len() as f64);
        let margins = choices.iter().map(|choice| choice.margin / deviation).collect();
        Self { agreement, error, margins }
    }
}

/// One output for one image, the mean of the scores of each position taken away.
struct Compared {
    ours: Vec<f64>,
    model: Vec<f64>,
    /// Sum of the squares of the model's elements as they are.
    whole: f64,
    /// Where it has classes.
    scores: Option<Scores>,
}

/// The class of one position.
struct Choice {
    agrees: bool,
    /// By how much the model's largest logit exceeds the next.
    margin: f64,
}

/// Each of `parts` of what plan and model give for one image; `ours` before scales.
fn compared(parts: &[OutputPart], ours: &[f64], model: &[f32]) -> Vec<Compared> {
    let of_part = |((part, ours), (_, model)): ((&OutputPart, &[f64]), (_, &[f32]))| {
        Compared::new(part, ours.iter().map(|x| x * part.scale).collect(), model)
    };
    OutputPart::split(parts, ours).into_iter().zip(OutputPart::split(parts, model)).map(of_part).collect()
}

impl Compared {
    fn new(part: &OutputPart, mut ours: Vec<f64>, model: &[f32]) -> Self {
        let model = model.iter().map(|&x| match part.postprocessing {
            Postprocessing::Softmax => f64::from(x.max(LEAST).ln()),
            Postprocessing::None | Postprocessing::LogSoftmax => x.into(),
        });
        let mut model: Vec<f64> = model.collect();
        let whole = squares(&model);
        let scores = part.scores();
        let centred = scores.unwrap_or(Scores::whole(model.len()));
        // A single score counts as it is, unless only differences matter.
        if centred.classes > 1 || part.postprocessing != Postprocessing::None {
            [&mut ours, &mut model].into_iter().for_each(|values| centre(values, centred));
        }
        Self { ours, model, whole, scores }
    }

    /// The class of each position; where several have the model's largest logit, any of them. Of one score, its sign.
    fn choices(&self) -> Vec<Choice> {
        let Some(scores) = self.scores else { return Vec::new() };
        let choice = |(position, ours): (usize, usize)| {
            let own: Vec<usize> = scores.of(position).collect();
            if let [only] = own[..] {
                let agrees = (self.ours[only] > 0.0) == (self.model[only] > 0.0);
                return Choice { agrees, margin: f64::INFINITY };
            }
            let mut model: Vec<f64> = own.iter().map(|&index| self.model[index]).collect();
            let agrees = model.iter().all(|&score| score <= model[ours]);
            model.sort_by(|a, b| b.total_cmp(a));
            Choice { agrees, margin: model[0] - model[1] }
        };
        scores.classes(&self.ours).into_iter().enumerate().map(choice).collect()
    }

    fn squared_error(&self) -> f64 {
        squares(&self.ours.iter().zip(&self.model).map(|(x, y)| x - y).collect::<Vec<f64>>())
    }
}

/// The integers of the logits, whatever of them is revealed.
fn logits(plan: &ValidPlan, image: &[i64]) -> Vec<i128> {
    let steps = &plan.plan().steps;
    match steps.iter().rev().find(|step| matches!(step.op, Op::ArgMax(_))) {
        None => plain::run(plan, image),
        Some(arg_max) => plain::values(plan, image).swap_remove(arg_max.inputs[0].index()),
    }
}

/// Takes the mean of the scores of each position away.
fn centre(values: &mut [f64], scores: Scores) {
    for position in 0..scores.positions(values.len()) {
        let mean = scores.of(position).map(|index| values[index]).sum::<f64>() / scores.classes as f64;
        scores.of(position).for_each(|index| values[index] -= mean);
    }
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
