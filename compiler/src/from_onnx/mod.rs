//! From an ONNX file to a float graph.
//!
//! 1. `file` reads the bytes, within bounds, and decodes the protobuf; `functions` writes out the model's own functions;
//!    `external` fetches weights from files beside it;
//! 2. small passes over the protobuf bring it into one form, a file each: `functions` writes out operators that are made of
//!    others, `conditions` takes the branches that are settled, `outputs` leaves the outputs that are wanted and what they
//!    need, `label` takes a choice of the best class off its end, `nearest` says how early resizes round, `order` sorts the
//!    nodes, `precision` makes all numbers f32;
//! 3. `scan` holds every operator against the [`registry`] and reports all that are not supported at
//!    once, before anything else is tried;
//! 4. further passes: `auto_pad` and `framework` settle how layers are padded, `batch` fixes the batch axis to one image,
//!    `quantized` takes models of integer toolchains for what they mean;
//! 5. tract, with a few operators more (`framework`), infers types and shapes and folds constants (`typed`);
//! 6. `translate` turns the typed model into a [`Graph`], again reporting all that it cannot say;
//! 7. `normalization` takes the arithmetic on the image itself out of the graph.

mod attributes;
mod auto_pad;
mod batch;
mod conditions;
mod constants;
mod external;
mod file;
mod finite;
mod float_reference;
mod framework;
mod functions;
pub(crate) mod guard;
mod label;
pub(crate) mod layout;
mod nearest;
mod normalization;
mod operator_report;
mod order;
mod outputs;
mod precision;
mod quantized;
mod ranges;
mod ranked;
mod refusal;
pub mod registry;
mod report;
mod scan;
mod steps;
mod stored;
mod tensor;
#[cfg(test)]
pub(crate) mod testing;
mod translate;
mod typed;
mod versions;
mod wrap;

#[cfg(test)]
mod tests;

pub use float_reference::FloatReference;
pub use operator_report::OperatorReport;
pub use report::Report;

use crate::activation::{Fineness, Ranges, approximated};
use crate::error::{Diagnostic, Error, Result};
use crate::graph::{Affine, Graph, Real, Shape, verify};
use crate::options::InputOptions;
use layout::Layout;
use runtime::plan::{InputSpec, OutputPart, Revealed, Suite};
use std::path::Path;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::TypedModel;
use translate::{Translated, View, translate};

/// How a model is read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The outputs that are compiled, or any values of the graph; by default the one that looks most like scores.
    pub outputs: Vec<String>,
    /// Smallest and largest number of a preprocessed image, where that is known: a model that cuts its image off
    /// further inside does so in its plan, too. Otherwise images are taken to lie in the model's range.
    pub image: Option<(f64, f64)>,
}

/// A model as read: its float graph, and what plans need to know beside it.
pub struct Model {
    /// What the model means, from the normalised image on.
    pub graph: Graph<Real>,
    /// The graph's name in the file, or the file's own name.
    pub name: String,
    /// Shape of one input image.
    pub input: Shape,
    /// Its outputs, whose elements the graph gives one output after the other; their scales are those of the graph.
    pub outputs: Vec<OutputPart>,
    /// What the model itself does to each channel first; plans do it as part of their preprocessing.
    pub normalization: Option<Affine>,
    /// Whether the model gives the label alone: it ended in a choice of the class with the highest score, which is
    /// no part of the graph.
    pub ends_in_label: bool,
    /// Smallest and largest raw pixel that the type of the model's input holds, where it is an integer of 8 bits.
    pub pixels: Option<(f64, f64)>,
    /// What a user should know of how the model was read.
    pub notes: Vec<String>,
    /// How the model itself arranges the image; `graph` and plans have channels first.
    pub(crate) layout: Layout,
    /// The same model as tract sees it, quantised values rounded as the file says, for [`crate::from_onnx::FloatReference`];
    /// `None` where there is no file.
    pub(crate) typed: Option<TypedModel>,
}

impl Model {
    /// Reads an ONNX file.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Malformed`] for the file; [`Error::Unsupported`] names every operator that is not
    /// supported, and what to do.
    pub fn read(path: &Path) -> Result<Self> {
        read(path)
    }

    /// A model that means `graph`, without a file.
    pub fn of_graph(name: impl Into<String>, graph: Graph<Real>) -> Self {
        Self {
            name: name.into(),
            input: graph.shape(graph.input()),
            outputs: vec![OutputPart::vector(graph.shape(graph.output()).elements())],
            normalization: None,
            ends_in_label: false,
            pixels: None,
            notes: Vec::new(),
            layout: Layout::ChannelsFirst,
            typed: None,
            graph,
        }
    }

    /// What the model gives where its graph gives `logits`: after each output's softmax, if it ends in one.
    pub fn finished(&self, logits: &[f64]) -> Vec<f64> {
        let outputs = OutputPart::split(&self.outputs, logits).into_iter();
        outputs.flat_map(|(output, own)| output.finished(own.to_vec())).collect()
    }

    /// Whether the model takes height × width × channels.
    pub fn takes_channels_last(&self) -> bool {
        self.layout == Layout::ChannelsLast
    }

    /// What a plan of a suite reveals: what is asked for, else what the model's own end implies.
    ///
    /// # Errors
    /// [`Error::Option`] where the model ends in the label, which suite `blinded` cannot reveal alone.
    pub fn revealed(&self, asked: Option<Revealed>, suite: &Suite) -> Result<Revealed> {
        match (asked, suite) {
            (Some(asked), _) => Ok(asked),
            (None, Suite::Shared(_)) if self.ends_in_label => Ok(Revealed::Label),
            (None, Suite::Blinded(_)) if self.ends_in_label => Err(Error::Option(
                "the model gives the label alone, which suite blinded cannot; use suite shared, or reveal the scores (--reveal logits)"
                    .into(),
            )),
            (None, _) => Ok(Revealed::default()),
        }
    }

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
pub fn read(path: &Path) -> Result<Model> {
    read_as(path, &Reading::default())
}

/// The same, with choices.
///
/// # Errors
/// As [`read`], and [`Error::Option`] for an output that is not there.
pub fn read_as(path: &Path, reading: &Reading) -> Result<Model> {
    import(file::decode(path)?, path, reading)
}

/// Says of every operator of a model whether it is supported.
///
/// # Errors
/// [`Error::File`], [`Error::Malformed`] and [`Error::Option`] as [`read_as`]; an unsupported operator is no error here.
pub fn check(path: &Path, reading: &Reading) -> Result<Report> {
    check_model(file::decode(path)?, path, reading)
}

fn check_model(proto: ModelProto, path: &Path, reading: &Reading) -> Result<Report> {
    let model = Parsed::new(proto, path, reading)?;
    let mut report = Report::new(model.name.clone(), model.notes.clone(), scan::scan(&model.proto));
    if report.supported() {
        match model.import(path) {
            Err(Error::Unsupported(diagnostics)) => report.add(diagnostics),
            other => {
                report.approximated = approximated(&other?.graph, Fineness::default(), &Ranges::new(), true)
            }
        }
    }
    Ok(report)
}

fn import(proto: ModelProto, path: &Path, reading: &Reading) -> Result<Model> {
    let model = Parsed::new(proto, path, reading)?;
    refuse(scan::scan(&model.proto).into_diagnostics())?;
    model.import(path)
}

/// A model in the form that everything further on expects: the outputs that are wanted, nodes in order, numbers in f32.
struct Parsed {
    proto: ModelProto,
    name: String,
    choice: Option<label::Choice>,
    image: Option<(f64, f64)>,
    notes: Vec<String>,
}

impl Parsed {
    fn new(mut proto: ModelProto, path: &Path, reading: &Reading) -> Result<Self> {
        let name = model_name(&proto, path);
        let graph = proto.graph.get_or_insert_default();
        functions::write_out_standard(graph).map_err(|found| Error::Unsupported(vec![found]))?;
        conditions::fold(graph);
        let mut notes: Vec<String> =
            outputs::choose(graph, &reading.outputs).map_err(Error::Option)?.into_iter().collect();
        let choice = label::strip(graph);
        if let Some(label::Choice { op, .. }) = &choice {
            notes.push(format!("the model ends in {op}: it gives the label alone"));
        }
        nearest::settle(&mut proto);
        let graph = proto.graph.get_or_insert_default();
        order::sort(graph).map_err(|what| Error::malformed(path, &what))?;
        precision::to_f32(graph);
        Ok(Self { proto, name, choice, image: reading.image, notes })
    }

    /// What the model means; the scan has found nothing against it.
    fn import(self, path: &Path) -> Result<Model> {
        let Self { mut proto, name, choice, image, mut notes } = self;
        auto_pad::prefer(&mut proto);
        framework::without_fillers(&mut proto);
        let names = typed::name_nodes(&mut proto);
        let input = batch::single_image(&mut proto).map_err(|found| Error::Unsupported(vec![found]))?;
        notes.extend(input.notes());
        let rounded = quantized::rounded(&proto).map(|rounded| typed::load(&rounded, path, &names));
        refuse(quantized::remove(&mut proto, image, &names))?;
        let typed = typed::load(&proto, path, &names)?;
        let outputs = outputs::names(proto.graph.get_or_insert_default());
        let arranged = match input.layout() {
            Layout::ChannelsFirst => View::plain,
            Layout::ChannelsLast => View::channels_last,
        };
        let translated =
            || translate(&typed, &names, &outputs, registry::translation, input.shape(), arranged);
        let Translated { mut graph, mut outputs, diagnostics } =
            guard::quietly(translated).map_err(|what| Error::Malformed { path: path.into(), what })?;
        refuse(diagnostics)?;
        if let Some(choice) = &choice {
            label::set_classes(choice, &mut outputs).map_err(|found| Error::Unsupported(vec![found]))?;
        }
        let normalization = normalization::take(&mut graph);
        verify::check(&graph, "import")?;
        Ok(Model {
            name,
            input: input.shape(),
            outputs,
            normalization,
            ends_in_label: choice.is_some(),
            pixels: input.pixels(),
            notes,
            layout: input.layout(),
            typed: Some(rounded.transpose()?.unwrap_or(typed)),
            graph,
        })
    }
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
