//! The fixed inputs of a search, and the plans that it has tried.

use super::labelled::Labelled;
use super::{Budget, LayerOutcome, Trial};
use crate::calibration::Calibration;
use crate::error::Result;
use crate::evaluation::Dataset;
use crate::from_onnx::Model;
use crate::graph::{Graph, Real};
use crate::options::CompileOptions;
use runtime::plan::{InputSpec, ValidPlan};

/// What does not change during a search.
pub(super) struct Setting<'a> {
    pub model: &'a Model,
    pub options: &'a CompileOptions,
    pub budget: &'a Budget,
    /// The input as fine as the options ask for.
    pub fine: &'a InputSpec,
    /// The input, perhaps coarser, that the candidates have.
    pub input: &'a InputSpec,
    pub graph: &'a Graph<Real>,
    pub labelled: Labelled,
    pub float: f64,
}

impl Setting<'_> {
    pub(super) fn calibration(&self) -> Result<Calibration> {
        Calibration::new(self.calibration_data(), self.options.calibration_images, self.graph, self.input)
    }

    /// How many calibration images are used.
    pub(super) fn calibration_images(&self) -> usize {
        self.options.calibration_images.min(self.calibration_data().len())
    }

    fn calibration_data(&self) -> &Dataset {
        self.options.calibration.as_ref().unwrap_or(&self.budget.data)
    }
}

/// A plan that was tried.
pub(super) struct Tried {
    pub trial: Trial,
    /// The plan, kept only where it is within the budget.
    pub plan: Option<ValidPlan>,
    pub layers: Vec<LayerOutcome>,
}
