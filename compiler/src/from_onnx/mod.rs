//! From an ONNX file to a float graph.
//!
//! 1. `file` reads the bytes, within bounds, and decodes the protobuf;
//! 2. `scan` holds every operator against the [`registry`] and reports all that are not supported at
//!    once, before anything else is tried;
//! 3. `auto_pad` settles how layers are padded, `quantized` removes the rounding from models of integer
//!    toolchains, `batch` fixes the batch axis to one image;
//! 4. tract infers types and shapes and folds constants (`typed`);
//! 5. `translate` turns the typed model into a [`Graph`], again reporting all that it cannot say;
//! 6. `normalization` takes the arithmetic on the image itself out of the graph.

mod attributes;
mod auto_pad;
mod batch;
mod constants;
mod file;
mod finite;
pub(crate) mod guard;
pub(crate) mod layout;
mod normalization;
mod quantized;
mod refusal;
pub mod registry;
mod report;
mod scan;
#[cfg(test)]
pub(crate) mod testing;
mod translate;
mod typed;

#[cfg(test)]
mod tests;

pub use report::{OperatorReport, Report};

use crate::error::{Diagnostic, Error, Result};
use crate::graph::{Affine, Graph, Real, Shape, verify};
use crate::options::InputOptions;
use crate::passes::expand_activations::{Fineness, Ranges, approximated};
use runtime::plan::InputSpec;
use std::path::Path;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::TypedModel;

/// A model as read.
pub struct Imported {
    /// What the model means, from the normalised image on.
    pub graph: Graph<Real>,
    /// The graph's name in the file, or the file's own name.
    pub name: String,
    /// Shape of one input image.
    pub input: Shape,
    /// What the model itself does to each channel first; plans do it as part of their preprocessing.
    pub normalization: Option<Affine>,
    /// How the model itself arranges the image; `graph` and plans have channels first.
    pub(crate) layout: layout::Layout,
    /// The same model as tract sees it, for [`crate::reference::FloatReference`].
    pub(crate) typed: TypedModel,
}

impl Imported {
    /// The border of the model's plans: raw images as the user's options say, then the model's own
    /// normalisation.
    ///
    /// # Errors
    /// As [`InputOptions::spec`].
    pub fn input_spec(&self, options: &InputOptions) -> Result<InputSpec> {
        match &self.normalization {
            None => options.spec(self.input),
            Some(affine) => options.followed_by(affine, self.input)?.spec(self.input),
        }
    }
}

/// Reads a model, one image per run.
///
/// # Errors
/// [`Error::File`] and [`Error::Malformed`] about the file, [`Error::Unsupported`] with every node
/// that cannot be compiled.
pub fn read(path: &Path) -> Result<Imported> {
    import(file::decode(path)?, path)
}

/// Says of every operator of a model whether it is supported.
///
/// # Errors
/// [`Error::File`] and [`Error::Malformed`] about the file; an unsupported operator is no error here.
pub fn check(path: &Path) -> Result<Report> {
    check_model(file::decode(path)?, path)
}

fn check_model(proto: ModelProto, path: &Path) -> Result<Report> {
    let mut report = Report::new(model_name(&proto, path), scan::scan(&proto, path)?);
    if report.supported() {
        match import(proto, path) {
            Err(Error::Unsupported(diagnostics)) => report.add(diagnostics),
            other => report.approximated = approximated(&other?.graph, Fineness::default(), &Ranges::new()),
        }
    }
    Ok(report)
}

fn import(mut proto: ModelProto, path: &Path) -> Result<Imported> {
    let name = model_name(&proto, path);
    refuse(scan::scan(&proto, path)?.into_diagnostics())?;
    auto_pad::prefer(&mut proto);
    refuse(quantized::remove(&mut proto))?;
    let names = typed::name_nodes(&mut proto);
    let input = batch::single_image(&mut proto).map_err(|diagnostic| Error::Unsupported(vec![diagnostic]))?;
    let typed = typed::load(&proto, path, &names)?;
    let (mut graph, diagnostics) = guard::quietly(|| translate::translate(&typed, input, &names))
        .map_err(|what| Error::Malformed { path: path.into(), what })?;
    refuse(diagnostics)?;
    let normalization = normalization::take(&mut graph);
    verify::check(&graph, "import")?;
    let (input, layout) = (input.shape(), input.layout());
    Ok(Imported { graph, name, input, normalization, layout, typed })
}

fn refuse(diagnostics: Vec<Diagnostic>) -> Result<()> {
    if diagnostics.is_empty() { Ok(()) } else { Err(Error::Unsupported(diagnostics)) }
}

fn model_name(proto: &ModelProto, path: &Path) -> String {
    match &proto.graph {
        Some(graph) if !graph.name.is_empty() => graph.name.clone(),
        _ => path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
    }
}
