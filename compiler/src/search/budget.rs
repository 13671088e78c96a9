//! The accuracy budget of a search, and the results and events that it reports.

use crate::error::{Error, Result};
use crate::evaluation::Dataset;
use crate::options::LayerChoice;
use runtime::plan::{Cost, ValidPlan};
use serde::Serialize;
use std::sync::Arc;

/// Accuracies this near are equal.
const ROUNDING: f64 = 1e-9;

/// How much accuracy a plan may cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// Percentage points below the float model's accuracy.
    pub points: f64,
    /// The labelled images on which accuracy is measured.
    pub data: Arc<Dataset>,
    /// How many of them candidates are tried on; the plan that is returned has been run on all.
    pub images: usize,
}

impl Budget {
    /// Refuses budgets that make no sense.
    ///
    /// # Errors
    /// [`Error::Option`].
    pub(super) fn check(&self) -> Result<()> {
        if (0.0..=100.0).contains(&self.points) {
            return Ok(());
        }
        Err(Error::Option(format!("the accuracy budget is 0 to 100 points, not {}", self.points)))
    }

    /// The least accuracy that spends `share` of the budget at most, where the float model's is `float`.
    pub(super) fn least(&self, float: f64, share: f64) -> f64 {
        float - share * self.points / 100.0 - ROUNDING
    }
}

/// One plan that was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// What the search changed to get to this plan, in words.
    pub step: String,
    /// Weights' mean width in bits.
    pub bits: f64,
    /// Mean of the bits that results of layers keep.
    pub value_bits: f64,
    /// Share of the model's weights that are zero or belong to a removed channel.
    pub sparsity: f64,
    /// Share of the model's channels that have been removed.
    pub channels: f64,
    /// Share, 0 to 1, of the images that candidates are tried on whose label is right.
    pub accuracy: f64,
    /// Operations, bytes and rounds of one inference.
    pub cost: Cost,
    /// Predicted time of one inference, one core, nothing overlapping.
    pub seconds: f64,
    /// Whether the accuracy is within the budget.
    pub within: bool,
}

/// What a search tells while it runs.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// What is being done, in words.
    Working(&'a str),
    /// A plan has been tried.
    Tried(&'a Trial),
}

/// What was chosen for a linear layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerOutcome {
    /// Its name in the model.
    pub name: String,
    /// Output channels that are left.
    pub channels: usize,
    /// Output channels before any was taken out.
    pub channels_before: usize,
    /// Width of its weights, and the share of zeros that was asked for.
    #[serde(flatten)]
    pub choice: LayerChoice,
    /// Bits that its results keep beyond the usual, or fewer.
    pub value_bits: i32,
}

/// The plan that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The cheapest plan tried that is within the budget.
    pub plan: ValidPlan,
    /// Calibration images after which its weights are rounded, and on which its rings rest.
    pub calibration_images: usize,
    /// Images that it and the float model were run on.
    pub images: usize,
    /// Share that the float model gets right.
    pub float_accuracy: f64,
    /// Share that the plan gets right, in exact integers.
    pub accuracy: f64,
    /// What was chosen for each linear layer, in the order of the graph.
    pub layers: Vec<LayerOutcome>,
    /// The plan that was found, as it was tried.
    pub chosen: Trial,
    /// All plans that were tried, the dense 8-bit plan first where it fits the key.
    pub trials: Vec<Trial>,
}

impl Found {
    /// The step of the dense 8-bit plan.
    pub(super) const DENSE: &str = "dense, 8 bits";

    /// The plan that others are compared with, where it fits the key.
    pub fn dense(&self) -> Option<&Trial> {
        self.trials.first().filter(|trial| trial.step == Self::DENSE)
    }
}
