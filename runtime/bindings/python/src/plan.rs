//! Compiled plans.

use crate::errors::{of_runtime, raise};
use crate::interruptible;
use crate::pixels::{Answer, answer, floats};
use pyo3::prelude::*;
use rayon::prelude::*;
use runtime::channel::Link;
use runtime::cost::forecast::Forecast;
use runtime::plan::{ClientPlan, Suite};
use runtime::report::Report;
use runtime::roles::plain;
use runtime::{Plan as ValidPlan, Prediction};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A plan with its weights.
#[pyclass(frozen, module = "popcorn._native")]
pub(crate) struct Plan {
    pub(crate) plan: Arc<ValidPlan>,
    /// What its compilation said of it.
    #[pyo3(get)]
    warnings: Vec<String>,
}

impl Plan {
    pub(crate) fn new(plan: ValidPlan, warnings: Vec<String>) -> Self {
        Self { plan: plan.into(), warnings }
    }
}

#[pymethods]
impl Plan {
    /// The plan in a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let plan = interruptible::run(py, || (), move || ValidPlan::read(&path))?;
        plan.map(|plan| Self::new(plan, Vec::new())).map_err(|error| of_runtime(py, &error))
    }

    /// Writes a file.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.plan.write(&path).map_err(|error| of_runtime(py, &error))
    }

    /// What clients are told of it, as JSON.
    fn description(&self) -> String {
        describe(self.plan.client_view())
    }

    /// What an inference takes, in all and online, as JSON.
    fn cost(&self) -> String {
        let plan = self.plan.plan();
        json!({ "total": plan.total_cost(), "offline": plan.offline_cost(), "online": plan.online_cost() })
            .to_string()
    }

    /// Writes a page of HTML about it, with seconds by a profile's machine or by the typical one, over a link of `MBIT/MS`.
    fn report(
        &self,
        py: Python<'_>,
        path: PathBuf,
        profile: Option<PathBuf>,
        link: Option<&str>,
    ) -> PyResult<()> {
        let link = link.map(str::parse::<Link>).transpose();
        let link = link.map_err(|error| raise(py, "InvalidInput", error.to_string()))?;
        let plan = Arc::clone(&self.plan);
        let write = move || {
            let forecast = match profile {
                Some(profile) => Forecast::from_file(&plan, &profile, link)?,
                None => Forecast::typical(&plan, Some(link.unwrap_or(Link::TYPICAL))),
            };
            let written = std::fs::write(&path, Report::new(&plan, &forecast).html());
            written.map_err(|error| runtime::Error::cannot("write", &path, error))
        };
        interruptible::run(py, || (), write)?.map_err(|error| of_runtime(py, &error))
    }

    /// What encrypted runs give, computed in the clear, for images one after the other in bytes of `f32`.
    fn predict(&self, py: Python<'_>, images: &[u8]) -> PyResult<Vec<Answer>> {
        let (plan, pixels) = (Arc::clone(&self.plan), floats(py, images)?);
        let elements = plan.client_view().input.shape.elements();
        if !pixels.len().is_multiple_of(elements) {
            return Err(raise(py, "InvalidInput", format!("images of this plan have {elements} values")));
        }
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let run = move || {
            let of_image = |image: &[f32]| {
                if stopped.load(Ordering::Relaxed) {
                    return Err(runtime::Error::Cancelled);
                }
                let integers = plan.client_view().input.quantize(image);
                let integers = integers.map_err(runtime::error::InvalidInput::from)?;
                Ok(answer(&Prediction::new(&plan.plan().output, plain::run(&plan, &integers))))
            };
            pixels.par_chunks(elements).map(of_image).collect::<runtime::Result<Vec<Answer>>>()
        };
        let answers = interruptible::run(py, move || stop.store(true, Ordering::Relaxed), run)?;
        answers.map_err(|error| of_runtime(py, &error))
    }
}

/// What clients are told of a plan, as JSON.
pub(crate) fn describe(plan: &ClientPlan) -> String {
    let shape = plan.input.shape;
    let suite = match plan.suite {
        Suite::Shared(_) => "shared",
        Suite::Blinded(_) => "blinded",
    };
    json!({
        "id": plan.id.to_string(),
        "suite": suite,
        "key_bits": plan.key_bits.get(),
        "input": { "shape": [shape.channels, shape.height, shape.width], "preprocessing": plan.input.preprocessing },
        "output": plan.output,
    })
    .to_string()
}
