//! How often a model and its plan are right, and how often they agree.

use super::Dataset;
use crate::calibration::Prepared;
use crate::error::{Error, Result};
use rayon::prelude::*;
use runtime::plan::{Revealed, ValidPlan};
use runtime::roles::plain;
use serde::Serialize;

/// Shares of images, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// Images that were looked at.
    pub images: usize,
    /// The float model's first choice is the label; `None` without labels.
    pub float_accuracy: Option<f64>,
    /// The plan's first choice is the label; `None` without labels.
    pub plan_accuracy: Option<f64>,
    /// The two have the same first choice.
    pub agreement: f64,
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
    let choices: Vec<Choices> = (0..images)
        .into_par_iter()
        .map(|index| {
            let choices = choose(plan, float, &data.image(index));
            progress.image_done();
            choices
        })
        .collect::<Result<_>>()?;
    Ok(summarize(&choices, data.labels()))
}

/// First choices for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Choices {
    float: Option<usize>,
    plan: Option<usize>,
}

fn choose(
    plan: &ValidPlan,
    float: &(dyn Fn(&[f32]) -> Result<Vec<f32>> + Sync),
    raw: &[f32],
) -> Result<Choices> {
    let image = Prepared::new(&plan.client_view().input, raw)?;
    Ok(Choices { float: largest(&float(&image.preprocessed)?), plan: class(plan, &image.integers) })
}

/// The class that `plan` names for the integers of an image.
pub(crate) fn class(plan: &ValidPlan, image: &[i64]) -> Option<usize> {
    let revealed = plain::run(plan, image);
    match plan.plan().output.revealed {
        Revealed::Logits => largest(&revealed),
        Revealed::Label => revealed.first().and_then(|&class| usize::try_from(class).ok()),
    }
}

/// Position of the largest value; the first of several.
pub(crate) fn largest<T: PartialOrd>(values: &[T]) -> Option<usize> {
    (0..values.len()).reduce(|best, i| if values[i] > values[best] { i } else { best })
}

fn summarize(choices: &[Choices], labels: Option<&[i64]>) -> Accuracy {
    let share = |holds: &dyn Fn(usize, &Choices) -> bool| {
        let count = choices.iter().enumerate().filter(|(index, choices)| holds(*index, choices)).count();
        count as f64 / choices.len().max(1) as f64
    };
    let right = |choice: &dyn Fn(&Choices) -> Option<usize>| {
        labels.map(|labels| {
            share(&|index, choices| choice(choices).is_some_and(|class| class as i64 == labels[index]))
        })
    };
    Accuracy {
        images: choices.len(),
        float_accuracy: right(&|choices| choices.float),
        plan_accuracy: right(&|choices| choices.plan),
        agreement: share(&|_, choices| choices.float == choices.plan),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_images_looked_at() {
        let choices = [(1, 1), (2, 3), (0, 0), (4, 4)]
            .map(|(float, plan)| Choices { float: Some(float), plan: Some(plan) });
        let expected =
            Accuracy { images: 4, float_accuracy: Some(0.75), plan_accuracy: Some(0.5), agreement: 0.75 };
        assert_eq!(summarize(&choices, Some(&[1, 2, 0, 7, 9])), expected);
        assert_eq!(summarize(&choices, None).float_accuracy, None);
        assert_eq!(summarize(&[], None).agreement, 0.0);
    }

    #[test]
    fn the_first_of_equals_is_chosen() {
        assert_eq!(largest(&[1, 3, 3]), Some(1));
        assert_eq!(largest::<f32>(&[]), None);
    }
}
