//! Plan and model on the same images.

use crate::data::{Prepared, largest};
use crate::error::Result;
use rayon::prelude::*;
use runtime::plan::{Op, Postprocessing, ValidPlan};
use runtime::roles::plain;

/// Probabilities below this are this, before their logarithm is taken.
const LEAST: f32 = 1e-35;
/// Logits that differ by less than this share of their squares are equal, up to the model's own rounding.
const ROUNDING: f64 = 1e-10;
/// Errors are not told beyond this.
const WORST: f64 = 1e6;

/// Errors that are tried, as powers of √2 below the present ones.
const STEPS: i32 = 24;

/// How close a plan is to its model.
#[derive(Clone, Debug, PartialEq)]
pub struct Fidelity {
    /// Share of the images for which both name the same class (one logit: for which both have the same sign).
    pub agreement: f64,
    /// Root mean square of the errors of the logits, relative to that of the model's logits, each image's mean taken
    /// away (one logit: as it is).
    pub error: f64,
    /// By image: by how much the model's largest logit exceeds the next, in standard deviations of a difference of two
    /// errors.
    margins: Vec<f64>,
}

impl Fidelity {
    /// The share of the present errors, 0 to 1, at which plan and model are expected to name the same class for
    /// `agreement` of the images: errors are taken for normal and equally large everywhere, and the model's margins say
    /// how likely each label is to change.
    pub(crate) fn bearable(&self, agreement: f64) -> f64 {
        let shares = (0..=STEPS).map(|step| (-f64::from(step) / 2.0).exp2());
        shares
            .clone()
            .find(|&share| self.expected(share) >= agreement)
            .unwrap_or_else(|| (-f64::from(STEPS) / 2.0).exp2())
    }

    /// The agreement to expect at so large a share of the present errors.
    fn expected(&self, share: f64) -> f64 {
        let kept = self.margins.iter().map(|margin| normal(margin / share)).sum::<f64>();
        if self.margins.is_empty() { 1.0 } else { kept / self.margins.len() as f64 }
    }
}

/// The cumulative normal distribution, within 2·10^-4 (Page, "Approximations to the Cumulative Normal Function", 1977).
fn normal(x: f64) -> f64 {
    1.0 / (1.0 + (-1.5976 * x - 0.070_565_992 * x.powi(3)).exp())
}

/// Of `plan` and `model` (raw pixels already preprocessed → the model's output) on `images` of raw pixels.
///
/// # Errors
/// A pixel outside the plan's raw range, or an error of `model`.
pub(crate) fn measure(
    plan: &ValidPlan,
    model: &(dyn Fn(&[f32]) -> Result<Vec<f32>> + Sync),
    images: &[Vec<f32>],
) -> Result<Fidelity> {
    let outputs: Vec<Outputs> =
        images.par_iter().map(|raw| Outputs::of(plan, model, raw)).collect::<Result<_>>()?;
    let agreeing = outputs.iter().filter(|outputs| outputs.agree()).count();
    let errors = outputs.iter().map(Outputs::squared_error).sum::<f64>();
    let sizes =
        outputs.iter().map(|outputs| squares(&outputs.model).max(outputs.whole * ROUNDING)).sum::<f64>();
    let error = if errors == 0.0 { 0.0 } else { (errors / sizes).sqrt().min(WORST) };
    let logits: usize = outputs.iter().map(|outputs| outputs.model.len()).sum();
    let deviation = (2.0 * errors / logits.max(1) as f64).sqrt().max(f64::MIN_POSITIVE);
    let margins = outputs.iter().map(|outputs| outputs.margin() / deviation).collect();
    Ok(Fidelity { agreement: agreeing as f64 / images.len().max(1) as f64, error, margins })
}

/// Logits of one image, their mean taken away.
struct Outputs {
    plan: Vec<f64>,
    model: Vec<f64>,
    /// Sum of the squares of the model's logits as they are.
    whole: f64,
}

impl Outputs {
    fn of(
        plan: &ValidPlan,
        model: &(dyn Fn(&[f32]) -> Result<Vec<f32>> + Sync),
        raw: &[f32],
    ) -> Result<Self> {
        let image = Prepared::new(&plan.client_view().input, raw)?;
        let output = &plan.plan().output;
        let integers = logits(plan, &image.integers).into_iter().map(|x| x as f64 * output.scale);
        let model = model(&image.preprocessed)?.into_iter().map(|x| match output.postprocessing {
            Postprocessing::Softmax => f64::from(x.max(LEAST).ln()),
            Postprocessing::None | Postprocessing::LogSoftmax => x.into(),
        });
        let model: Vec<f64> = model.collect();
        let whole = squares(&model);
        let is_relative = output.postprocessing != Postprocessing::None;
        Ok(Self { plan: centred(integers.collect(), is_relative), model: centred(model, is_relative), whole })
    }

    /// Whether both name the same class; where several have the model's largest logit, any of them.
    fn agree(&self) -> bool {
        match (&self.plan[..], &self.model[..]) {
            ([plan], [model]) => (*plan > 0.0) == (*model > 0.0),
            (plan, model) => {
                let best = model.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                largest(plan).is_some_and(|class| model[class] >= best)
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
        squares(&self.plan.iter().zip(&self.model).map(|(x, y)| x - y).collect::<Vec<f64>>())
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
        let fidelity = |margins: Vec<f64>| Fidelity { agreement: 1.0, error: 0.1, margins };
        assert_eq!(fidelity(vec![5.0; 100]).bearable(0.98), 1.0);
        let half = fidelity([vec![0.5; 50], vec![50.0; 50]].concat()).bearable(0.98);
        assert!((0.15..0.3).contains(&half), "{half}");
        assert!((normal(1.96) - 0.975).abs() < 1e-3 && normal(f64::INFINITY) == 1.0);
    }
}
