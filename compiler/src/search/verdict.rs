//! Chooses the result of a search among the plans that were tried.

use super::labelled::Labelled;
use super::outcome::exact_accuracy;
use super::setting::{Setting, Tried};
use super::{Event, Found};
use crate::error::{Error, Result};
use crate::pipeline;

/// The cheapest plan that is within the budget on all images, in exact integers.
///
/// # Errors
/// [`Error::Budget`] where there is none, with the best found; `refused` where nothing could be compiled.
pub(super) fn verdict(
    setting: &Setting<'_>,
    tried: Vec<Tried>,
    refused: Option<Error>,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Found> {
    let data = &setting.budget.data;
    let float = if data.len() == setting.labelled.len() {
        setting.float
    } else {
        Labelled::new(data, usize::MAX, setting.fine)?.accuracy(&setting.model.graph)
    };
    let mut best = Best::new(&tried, setting);
    for (rank, index) in cheapest_first(&tried).into_iter().enumerate() {
        let Tried { trial, plan: Some(plan), layers } = &tried[index] else { continue };
        watch(Event::Working(&format!("running plan {} on all images, in exact integers", rank + 1)));
        let accuracy = exact_accuracy(plan, data)?;
        if accuracy >= setting.budget.least(float, 1.0) {
            return Ok(Found {
                plan: pipeline::with_batches(plan.plan().clone(), setting.options)?,
                calibration_images: setting.calibration_images(),
                images: data.len(),
                float_accuracy: float,
                accuracy,
                layers: layers.clone(),
                chosen: trial.clone(),
                trials: tried.into_iter().map(|tried| tried.trial).collect(),
            });
        }
        let exact = Best { step: trial.step.clone(), loss: float - accuracy, images: data.len() };
        best = best.filter(|best| rank > 0 && best.loss <= exact.loss).or(Some(exact));
    }
    Err(nothing_found(setting.budget.points, best, refused))
}

/// The plans within the budget on the labelled images, by index, cheapest first.
fn cheapest_first(tried: &[Tried]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tried.len()).filter(|&index| tried[index].trial.within).collect();
    order.sort_by(|&a, &b| tried[a].trial.seconds.total_cmp(&tried[b].trial.seconds).then(a.cmp(&b)));
    order
}

/// The most accurate plan tried.
struct Best {
    step: String,
    loss: f64,
    images: usize,
}

impl Best {
    /// The most accurate on the labelled images; the first of several.
    fn new(tried: &[Tried], setting: &Setting<'_>) -> Option<Self> {
        let accuracy = |tried: &Tried| tried.trial.accuracy;
        let better = |best, other| if accuracy(other) > accuracy(best) { other } else { best };
        let best = tried.iter().reduce(better)?;
        let loss = setting.float - accuracy(best);
        Some(Self { step: best.trial.step.clone(), loss, images: setting.labelled.len() })
    }
}

fn nothing_found(points: f64, best: Option<Best>, refused: Option<Error>) -> Error {
    match (best, refused) {
        (Some(Best { step, loss, images }), _) => Error::Budget(format!(
            "no plan tried loses at most {points} points; the best found, {step}, loses {:.2} on {images} images",
            100.0 * loss
        )),
        (None, Some(error)) => error,
        (None, None) => Error::Bug("a search has tried nothing".into()),
    }
}
