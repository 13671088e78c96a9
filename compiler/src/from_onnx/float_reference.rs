//! tract as the float reference: what the model gives, computed by other code than ours. Values that the model
//! quantises are rounded and cut off as it says.

use super::Model;
use super::guard::quietly;
use super::layout::Layout;
use crate::error::{Error, Result};
use crate::graph::{Affine, Graph, Real, Shape};
use crate::reference::real;
use std::path::Path;
use std::sync::Arc;
use tract_onnx::prelude::{
    DatumType, IntoRunnable, IntoTValue, Tensor, TractResult, TypedModel, TypedRunnableModel, tvec,
};

/// Numbers that differ by less, as a share of the largest, are the same but for rounding.
const SAME: f32 = 1e-3;

/// A float model, ready to run one image at a time from any number of threads.
pub struct FloatReference {
    engine: Engine,
    input: Shape,
    layout: Layout,
    normalization: Option<Affine>,
}

/// What computes the logits.
enum Engine {
    Tract(Tract),
    /// For a model without a file: its float graph.
    Interpreter(Graph<Real>),
}

struct Tract {
    plan: Arc<TypedRunnableModel>,
    /// The model's own shape of the input, batch included.
    dims: Vec<usize>,
    /// The model's own type of the input.
    datum_type: DatumType,
}

impl FloatReference {
    /// Reads a model.
    ///
    /// # Errors
    /// As [`crate::from_onnx::read`].
    pub fn load(path: &Path) -> Result<Self> {
        Self::new(&crate::from_onnx::read(path)?)
    }

    /// Prepares a model that has been read.
    ///
    /// # Errors
    /// [`Error::Bug`] where tract cannot run what it has typed.
    pub fn new(imported: &Model) -> Result<Self> {
        let engine = match &imported.typed {
            Some(typed) => Engine::Tract(caught(|| Tract::new(typed.clone()))?),
            None => Engine::Interpreter(imported.graph.clone()),
        };
        let (input, layout, normalization) =
            (imported.input, imported.layout, imported.normalization.clone());
        Ok(Self { engine, input, layout, normalization })
    }

    /// The outputs of the model (after their softmax, if they end in one), one after the other, for one image,
    /// preprocessed and normalised as [`Model::graph`] takes it, row-major (channels, height, width).
    ///
    /// # Errors
    /// [`Error::Option`] for an image of the wrong size, [`Error::Bug`] where tract fails.
    pub fn run(&self, preprocessed: &[f32]) -> Result<Vec<f32>> {
        if preprocessed.len() != self.input.elements() {
            return Err(Error::Option(format!(
                "the model takes images of {}, not {} values",
                self.input,
                preprocessed.len()
            )));
        }
        match &self.engine {
            Engine::Tract(tract) => caught(|| tract.evaluate(self.arranged(preprocessed))),
            Engine::Interpreter(graph) => {
                let image: Vec<f64> = preprocessed.iter().map(|&x| x.into()).collect();
                Ok(real::evaluate(graph, &image).into_iter().map(|x| x as f32).collect())
            }
        }
    }

    /// The image as the model itself takes it: before its own normalisation, in its own order.
    fn arranged(&self, image: &[f32]) -> Vec<f32> {
        let plane = self.input.plane();
        let mut image = image.to_vec();
        if let Some(Affine { scale, shift }) = &self.normalization {
            for (index, pixel) in image.iter_mut().enumerate() {
                *pixel = (*pixel - shift[index / plane]) / scale[index / plane];
            }
        }
        match self.layout {
            Layout::ChannelsFirst => image,
            Layout::ChannelsLast => {
                (0..plane).flat_map(|pixel| image.iter().skip(pixel).step_by(plane).copied()).collect()
            }
        }
    }
}

impl Tract {
    /// The model as tract rearranges it for speed, where that gives the same numbers. It fails for some products of matrices,
    /// and is wrong for some depthwise convolutions with strides (0.23.9); onnxruntime tells.
    fn new(typed: TypedModel) -> TractResult<Self> {
        let plain = Self::as_it_is(typed.clone())?;
        match typed.into_optimized().and_then(Self::as_it_is) {
            Ok(quick) if quick.gives_what(&plain)? => Ok(quick),
            _ => Ok(plain),
        }
    }

    /// Whether both give the same for images in either of the ranges that are common.
    fn gives_what(&self, other: &Self) -> TractResult<bool> {
        let mut same = true;
        for largest in [1.0, 255.0] {
            let mut state = 1_u32;
            let mut pixel = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                largest * (state >> 8) as f32 / (1 << 24) as f32
            };
            let image: Vec<f32> = (0..self.dims.iter().product()).map(|_| pixel()).collect();
            let (own, others) = (self.evaluate(image.clone())?, other.evaluate(image)?);
            let scale = others.iter().fold(f32::MIN_POSITIVE, |scale, x| scale.max(x.abs()));
            same &= own.len() == others.len()
                && own.iter().zip(&others).all(|(a, b)| (a - b).abs() <= SAME * scale);
        }
        Ok(same)
    }

    fn as_it_is(model: TypedModel) -> TractResult<Self> {
        let fact = model.input_fact(0)?;
        let dims = fact.shape.as_concrete().map(<[usize]>::to_vec).unwrap_or_default();
        let datum_type = fact.datum_type;
        Ok(Self { plan: model.into_runnable()?, dims, datum_type })
    }

    fn evaluate(&self, mut image: Vec<f32>) -> TractResult<Vec<f32>> {
        if self.datum_type.is_integer() {
            image.iter_mut().for_each(|pixel| *pixel = pixel.round());
        }
        let image = Tensor::from_shape(&self.dims, &image)?.cast_to_dt(self.datum_type)?.into_owned();
        let outputs = self.plan.run(tvec!(image.into_tvalue()))?;
        let mut values = Vec::new();
        for output in outputs.iter() {
            values.extend_from_slice(output.cast_to::<f32>()?.try_as_plain_ram()?.as_slice::<f32>()?);
        }
        Ok(values)
    }
}

/// What tract gives, or its failure or panic as a defect.
fn caught<T>(run: impl FnOnce() -> TractResult<T>) -> Result<T> {
    let made = quietly(run).and_then(|made| made.map_err(|error| format!("{error:#}")));
    made.map_err(|what| Error::Bug(format!("the float reference: {what}")))
}
