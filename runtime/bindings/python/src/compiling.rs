//! From an ONNX file to a plan.

use crate::errors::{of_compiler, raise};
use crate::interruptible;
use crate::plan::Plan;
use compiler::activation::Fineness;
use compiler::compile::compile_in_stages;
use compiler::from_onnx::{Model, Reading, read_as};
use compiler::pipeline::{Observer, Ran};
use compiler::search::{Budget, search};
use compiler::{CompileOptions, Dataset, Error, InputOptions, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use runtime::data::Pictures;
use runtime::plan::{Colours, InputSpec, KeyBits, Processor, Revealed};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is compiled, and how, beside [`CompileOptions`].
struct Order {
    model: PathBuf,
    outputs: Vec<String>,
    names: Vec<String>,
    reveal: Option<Revealed>,
    calibration: Option<PathBuf>,
    /// Whether the range of raw pixels was said; otherwise it is that of the model's input, where that is an integer.
    has_range: bool,
    budget: Option<Points>,
    options: CompileOptions,
}

/// An accuracy budget: percentage points, the labelled images, how many of them candidates are tried on.
struct Points {
    points: f64,
    images: PathBuf,
    most: usize,
}

/// Compiles the model in the file `model`; `options` are those of `popcorn.compile`, each of which is there, by name.
///
/// # Errors
/// What [`Model::compile`] fails with; an option of another type or value.
#[pyfunction]
pub(crate) fn compile(py: Python<'_>, model: PathBuf, options: &Bound<'_, PyDict>) -> PyResult<Plan> {
    let order = Order::new(model, options)?;
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&stopped);
    let cancel = move || stop.store(true, Ordering::Relaxed);
    let plan = interruptible::run(py, cancel, move || order.compile(&mut Watch(stopped)))?;
    plan.map_err(|error| of_compiler(py, &error))
}

/// Ends the compilation after the pass that runs, once somebody wants that.
struct Watch(Arc<AtomicBool>);

impl Observer for Watch {
    fn ran(&mut self, _pass: &Ran<'_>) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Order {
    fn new(model: PathBuf, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let given = Given(options);
        let points: Option<f64> = given.get("max_accuracy_drop")?;
        let images: Option<PathBuf> = given.get("evaluation")?;
        let most = given.get("evaluation_images")?;
        let range: Option<(f64, f64)> = given.get("input_range")?;
        Ok(Self {
            model,
            outputs: given.get("model_output")?,
            names: given.get("labels")?,
            reveal: given.choice("reveal", &[("logits", Revealed::Logits), ("label", Revealed::Label)])?,
            calibration: given.get("calibration")?,
            has_range: range.is_some(),
            budget: points.zip(images).map(|(points, images)| Points { points, images, most }),
            options: given.options(range)?,
        })
    }

    fn compile(self, watch: &mut Watch) -> Result<Plan> {
        let Self { model, outputs, names, reveal, calibration, has_range, budget, mut options } = self;
        options.check()?;
        let reading = Reading { outputs, image: Some(options.input.preprocessed_range()) };
        let mut model = read_as(&model, &reading)?;
        options.reveal = model.revealed(reveal, &options.suite)?;
        name(&mut model, names)?;
        if let (false, Some(range)) = (has_range, model.pixels) {
            options.input.range = range;
        }
        let input = model.input_spec(&options.input)?;
        if let Some(path) = calibration {
            options.calibration = Some(images(&path, &input, options.calibration_images)?.into());
        }
        let notes = std::mem::take(&mut model.notes);
        match budget {
            Some(Points { points, images: path, most }) => {
                let budget = Budget { points, data: images(&path, &input, most)?.into(), images: most };
                let found = search(&model, &options, &budget, &mut |_| ())?;
                Ok(Plan::new(found.plan, notes))
            }
            None => {
                let compiled = compile_in_stages(&model, &options, watch)?;
                Ok(Plan::new(compiled.plan, [notes, compiled.warnings].concat()))
            }
        }
    }
}

/// Calls the classes of the model's first output so, where there are names.
fn name(model: &mut Model, names: Vec<String>) -> Result<()> {
    if let (Some(output), false) = (model.outputs.first_mut(), names.is_empty()) {
        output.accepts(&names).map_err(Error::Option)?;
        output.names = names;
    }
    Ok(())
}

/// Images in a file, or in a folder of pictures, of which `most` are taken.
fn images(path: &Path, input: &InputSpec, most: usize) -> Result<Dataset> {
    let images = if path.is_dir() {
        Pictures::read(path, input, most).map(|pictures| pictures.images)
    } else {
        Dataset::read(path, input.shape)
    };
    Ok(images.map_err(runtime::Error::from)?)
}

/// Options by name.
struct Given<'a, 'py>(&'a Bound<'py, PyDict>);

impl<'py> Given<'_, 'py> {
    fn get<T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>>(&self, name: &str) -> PyResult<T> {
        let value = self.0.get_item(name)?;
        let value = value.unwrap_or_else(|| self.0.py().None().into_bound(self.0.py()));
        value.extract().map_err(|error: T::Error| self.refuse(&format!("{name}: {}", error.into())))
    }

    /// One of a few names; none for `None`.
    fn choice<T: Clone>(&self, name: &str, choices: &[(&str, T)]) -> PyResult<Option<T>> {
        let Some(given) = self.get::<Option<String>>(name)? else { return Ok(None) };
        let chosen = choices.iter().find(|(choice, _)| *choice == given).map(|(_, value)| value.clone());
        let choices: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
        let wrong = || self.refuse(&format!("{name} is {}, not {given:?}", choices.join(" or ")));
        chosen.map(Some).ok_or_else(wrong)
    }

    fn options(&self, range: Option<(f64, f64)>) -> PyResult<CompileOptions> {
        let (shared, blinded) = (CompileOptions::default(), CompileOptions::blinded());
        let base =
            self.choice("suite", &[("shared", shared.clone()), ("blinded", blinded)])?.unwrap_or(shared);
        let key_bits = KeyBits::try_from(self.get::<u32>("key_bits")?);
        let machines = [("ifma", Processor::Ifma), ("adx", Processor::Adx)];
        Ok(CompileOptions {
            key_bits: key_bits.map_err(|error| self.refuse(&error.to_string()))?,
            processor: self.choice("machine", &machines)?.unwrap_or_default(),
            input: self.input(range)?,
            weight_bits: self.get("weight_bits")?,
            sparsity: self.get("sparsity")?,
            channel_sparsity: self.get("channel_sparsity")?,
            activation_bits: self.get("activation_bits")?,
            margin_bits: self.get("margin_bits")?,
            silent_transfers: self.get("silent_transfers")?,
            max_batch: self.get("max_batch")?,
            activations: self
                .get::<Option<usize>>("activation_pieces")?
                .map_or(Fineness::Percent, Fineness::Pieces),
            calibration_images: self.get("calibration_images")?,
            max_error: self.get("max_error")?,
            accept_error: self.get("accept_error")?,
            reproducible: self.get("reproducible")?,
            ..base
        })
    }

    fn input(&self, range: Option<(f64, f64)>) -> PyResult<InputOptions> {
        let base = InputOptions::default();
        let colours = self.choice("input_colours", &[("rgb", Colours::Rgb), ("bgr", Colours::Bgr)])?;
        Ok(InputOptions {
            scale: self.get("input_scale")?,
            mean: self.get("input_mean")?,
            std: self.get("input_std")?,
            range: range.unwrap_or(base.range),
            colours: colours.unwrap_or_default(),
            ..base
        })
    }

    fn refuse(&self, what: &str) -> PyErr {
        raise(self.0.py(), "InvalidInput", what)
    }
}
