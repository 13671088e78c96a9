//! How often a model and its plan are right, how often they agree, and how far apart maps are.

use super::Dataset;
use crate::calibration::Prepared;
use crate::error::{Error, Result};
use rayon::prelude::*;
use runtime::plan::ValidPlan;
use runtime::roles::client::Prediction;
use runtime::roles::plain;
use serde::Serialize;

/// Largest signal-to-noise ratio that is told, where nothing is off.
const MOST_DECIBELS: f64 = 200.0;

/// What plan and model give for the same images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// Images that were looked at.
    pub images: usize,
    /// Share of them, 0 to 1, whose label is the float model's first choice; `None` without labels, or where the first
    /// output is not one score for each class.
    pub float_accuracy: Option<f64>,
    /// The same of the plan's first choice.
    pub plan_accuracy: Option<f64>,
    /// Share of the images, or of the positions of a map of scores, for which the two have the same first choice; `None`
    /// where the first output has no classes.
    pub agreement: Option<f64>,
    /// Of all outputs: root mean square of the errors, relative to that of what the model gives; `None` where labels alone are
    /// revealed.
    pub error: Option<f64>,
    /// Peak signal-to-noise ratio in decibels: the square of the range of what the model gives over the mean square of the
    /// errors. `None` where the first output has classes.
    pub psnr: Option<f64>,
}

/// Told about each image as it is done, from several threads.
pub trait Progress: Sync {
    /// One more image is done.
    fn image_done(&self);
}

/// Nobody listens.
impl Progress for () {
    fn image_done(&self) {}
}

/// Runs `float` (raw pixels already preprocessed → logits) and `plan` over the first `limit` images.
///
/// # Errors
/// [`Error::Option`] for no images; a pixel outside the plan's raw range, or an error of `float`.
pub fn evaluate(
    plan: &ValidPlan,
    float: &(dyn Fn(&[f32]) -> Result<Vec<f32>> + Sync),
    data: &Dataset,
    limit: usize,
    progress: &dyn Progress,
) -> Result<Accuracy> {
    let images = data.len().min(limit);
    if images == 0 {
        return Err(Error::Option("an evaluation needs at least one image".into()));
    }
    let answers: Vec<Answers> = (0..images)
        .into_par_iter()
        .map(|index| {
            let answers = answers(plan, float, &data.image(index));
            progress.image_done();
            answers
        })
        .collect::<Result<_>>()?;
    Ok(summarize(&answers, data.labels()))
}

/// What both say of one image.
#[derive(Clone, Debug, Default, PartialEq)]
struct Answers {
    /// First choices, by position of the first output.
    float: Vec<usize>,
    plan: Vec<usize>,
    values: Values,
}

/// Elements of all outputs, where the plan reveals them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Values {
    count: usize,
    squares: f64,
    squared_errors: f64,
    least: f64,
    most: f64,
}

fn answers(
    plan: &ValidPlan,
    float: &(dyn Fn(&[f32]) -> Result<Vec<f32>> + Sync),
    raw: &[f32],
) -> Result<Answers> {
    let image = Prepared::new(&plan.client_view().input, raw)?;
    let model = float(&image.preprocessed)?;
    let output = &plan.plan().output;
    let prediction = Prediction::new(output, plain::run(plan, &image.integers));
    let float = output.parts.first().map_or_else(Vec::new, |part| part.choices(&model));
    Ok(Answers { float, plan: prediction.labels().to_vec(), values: Values::new(&model, &prediction.logits) })
}

impl Values {
    fn new(model: &[f32], plan: &[f64]) -> Self {
        let none = Self { least: f64::INFINITY, most: f64::NEG_INFINITY, ..Self::default() };
        model.iter().zip(plan).fold(none, |values, (&model, plan)| {
            let model = f64::from(model);
            values.with(Self {
                count: 1,
                squares: model.powi(2),
                squared_errors: (plan - model).powi(2),
                least: model,
                most: model,
            })
        })
    }

    fn with(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            squares: self.squares + other.squares,
            squared_errors: self.squared_errors + other.squared_errors,
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }

    /// Relative error.
    fn error(&self) -> Option<f64> {
        (self.count > 0).then(|| match self.squared_errors {
            0.0 => 0.0,
            errors => (errors / self.squares.max(f64::MIN_POSITIVE)).sqrt(),
        })
    }

    fn psnr(&self) -> Option<f64> {
        let ratio = (self.most - self.least).powi(2) * self.count as f64 / self.squared_errors;
        (self.count > 0).then(|| (10.0 * ratio.log10()).min(MOST_DECIBELS))
    }
}

/// The class that `plan` names for the integers of an image; 0 where it names none.
pub(crate) fn class(plan: &ValidPlan, image: &[i64]) -> usize {
    Prediction::new(&plan.plan().output, plain::run(plan, image)).label()
}

/// Position of the largest value; the first of several.
pub(crate) fn largest<T: PartialOrd>(values: &[T]) -> Option<usize> {
    (0..values.len()).reduce(|best, i| if values[i] > values[best] { i } else { best })
}

/// At how many positions both are the same.
pub(super) fn agreeing(choices: &[usize], others: &[usize]) -> usize {
    choices.iter().zip(others).filter(|(choice, other)| choice == other).count()
}

fn summarize(answers: &[Answers], labels: Option<&[i64]>) -> Accuracy {
    let share = |count: usize, of: usize| (of > 0).then(|| count as f64 / of as f64);
    let of_images = answers.iter().all(|answers| answers.float.len() == 1);
    let labels = labels.filter(|_| of_images);
    let right = |choices: &dyn Fn(&Answers) -> &[usize]| {
        let is_right = |(answers, label): &(&Answers, &i64)| {
            choices(answers).first().is_some_and(|&class| class as i64 == **label)
        };
        labels.and_then(|labels| share(answers.iter().zip(labels).filter(is_right).count(), answers.len()))
    };
    let positions = answers.iter().map(|answers| answers.float.len()).sum();
    let same = answers.iter().map(|answers| agreeing(&answers.float, &answers.plan)).sum();
    let values = answers.iter().map(|answers| answers.values).reduce(Values::with).unwrap_or_default();
    Accuracy {
        images: answers.len(),
        float_accuracy: right(&|answers| &answers.float),
        plan_accuracy: right(&|answers| &answers.plan),
        agreement: share(same, positions),
        error: values.error(),
        psnr: if positions == 0 { values.psnr() } else { None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_images_looked_at() {
        let answers = [(1, 1), (2, 3), (0, 0), (4, 4)].map(|(float, plan)| Answers {
            float: vec![float],
            plan: vec![plan],
            ..Answers::default()
        });
        let found = summarize(&answers, Some(&[1, 2, 0, 7, 9]));
        assert_eq!(
            (found.images, found.float_accuracy, found.plan_accuracy, found.agreement),
            (4, Some(0.75), Some(0.5), Some(0.75))
        );
        assert_eq!((found.error, found.psnr), (None, None));
        assert_eq!(summarize(&answers, None).float_accuracy, None);
        assert_eq!(summarize(&[], None).agreement, None);
    }

    #[test]
    fn maps_have_errors_in_decibels() {
        let map = |plan: &[f64]| Answers {
            values: Values::new(&[0.0, 10.0, 5.0, 5.0], plan),
            ..Answers::default()
        };
        let found = summarize(&[map(&[0.0, 10.0, 5.0, 5.0]), map(&[0.1, 10.0, 5.0, 4.9])], Some(&[0, 0]));
        assert_eq!((found.float_accuracy, found.agreement), (None, None));
        let (error, psnr) = (found.error.unwrap(), found.psnr.unwrap());
        assert!((error - (0.02f64 / 300.0).sqrt()).abs() < 1e-6, "{error}");
        assert!((psnr - 10.0 * (100.0f64 * 8.0 / 0.02).log10()).abs() < 1e-6, "{psnr}");
        assert_eq!(summarize(&[map(&[0.0, 10.0, 5.0, 5.0])], None).psnr, Some(MOST_DECIBELS));
    }

    #[test]
    fn the_first_of_equals_is_chosen() {
        assert_eq!(largest(&[1, 3, 3]), Some(1));
        assert_eq!(largest::<f32>(&[]), None);
    }
}
