//! What a user should know of a plan that was made all the same.

use crate::numeric::median;
use crate::options::LEAST_AGREEMENT;
use runtime::plan::{Check, CheckImages};

/// Errors of the logits above this are told: on other images they may be twice as large.
const ERROR: f64 = 0.025;
/// The same on synthetic images.
const SYNTHETIC_ERROR: f64 = 0.05;
/// Fewer other labels are a tie here and there.
const OTHER_LABELS: f64 = 2.0;
/// Fewer images may be alike by chance.
const IMAGES: usize = 8;
/// Logits that differ from the median ones by less than this share of their size, squared, are the same.
const VARIATION: f64 = 1e-4;
/// Share of the images for which a model may not give the same.
const MOST: f64 = 0.75;

/// The doubts about a plan with this `check`, of whose images the model gives `outputs`.
pub(crate) fn doubts(check: &Check, outputs: &[Vec<f32>]) -> Vec<String> {
    let doubts = [deviation(check), indifference(outputs)];
    doubts.into_iter().flatten().collect()
}

/// Of a plan that differs from its model.
fn deviation(check: &Check) -> Option<String> {
    let agreement = check.agreement.unwrap_or(1.0);
    let other = ((1.0 - agreement) * f64::from(check.images)).round();
    let most = if check.source == CheckImages::Synthetic { SYNTHETIC_ERROR } else { ERROR };
    let differs = check.error > most || (agreement < LEAST_AGREEMENT && other >= OTHER_LABELS);
    let images = check.images;
    let what = match check.agreement {
        Some(agreement) => {
            format!(
                "of the {images} images of its check, {:.1} % get the model's label, and logits are off",
                100.0 * agreement
            )
        }
        None => format!("on the {images} images of its check the map is off"),
    };
    differs.then(|| {
        format!(
            "the plan differs from the model: {what} by {:.1} %; measure its accuracy (popcornc eval); --activation-bits 12 or \
             more calibration images may help",
            100.0 * check.error,
        )
    })
}

/// Of a model that gives the same for most images.
fn indifference(outputs: &[Vec<f32>]) -> Option<String> {
    let count = outputs.len();
    if count < IMAGES {
        return None;
    }
    let scores = |class: usize| outputs.iter().map(move |output| f64::from(output[class]));
    let middle: Vec<f64> = (0..outputs[0].len()).filter_map(|class| median(scores(class))).collect();
    let alike = |output: &&Vec<f32>| {
        let off: f64 = output.iter().zip(&middle).map(|(&x, y)| (f64::from(x) - y).powi(2)).sum();
        off <= VARIATION * middle.iter().map(|x| x * x).sum::<f64>()
    };
    let alike = outputs.iter().filter(alike).count();
    (alike as f64 >= MOST * count as f64).then(|| {
        format!(
            "the model gives nearly the same scores for {alike} of the {count} images of the check; do they look to it as \
             in training (--input-scale, --input-mean, --input-std), and are they of its kind?"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(images: u32, agreement: f64, error: f64) -> Check {
        let source = CheckImages::HeldBack;
        Check {
            images,
            source,
            agreement: Some(agreement),
            error,
            worst: String::new(),
            finer: 0,
            headroom: None,
        }
    }

    #[test]
    fn large_errors_and_other_labels_are_told() {
        assert!(deviation(&check(64, 1.0, 0.02)).is_none());
        assert!(deviation(&check(64, 1.0, 0.04)).is_some());
        assert!(deviation(&Check { source: CheckImages::Synthetic, ..check(64, 1.0, 0.04) }).is_none());
        assert!(deviation(&check(12, 11.0 / 12.0, 0.01)).is_none(), "one tie");
        assert!(deviation(&check(12, 10.0 / 12.0, 0.01)).is_some());
    }

    #[test]
    fn a_model_that_ignores_the_image_is_told() {
        let outputs = |spread: f32| -> Vec<Vec<f32>> {
            (0..10).map(|image| vec![1.0, -1.0 + spread * image as f32, 0.5]).collect()
        };
        assert!(indifference(&outputs(0.0)).is_some());
        assert!(indifference(&outputs(0.001)).is_some());
        assert!(indifference(&outputs(0.1)).is_none());
        assert!(indifference(&outputs(0.0)[..4]).is_none(), "too few to say");
        let mut one_other = outputs(0.0);
        one_other[3] = vec![5.0, -2.0, 7.0];
        assert!(indifference(&one_other).is_some());
    }
}
