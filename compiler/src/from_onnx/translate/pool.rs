//! Pooling.

use super::linear::window;
use super::site::Site;
use super::view::{Axis, View};
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{Affine, Op, Pool, PoolDivisor, Shape, Window};
use tract_onnx::tract_core::ops::cnn::{MaxPool, PaddingSpec, SumPool};
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};

impl Translator<'_> {
    pub(super) fn max_pool(&mut self, pool: &MaxPool, site: &Site) -> Found {
        let (mut id, shape) = self.image(site, 0)?;
        let mut window = window(&pool.pool_spec, [shape.height, shape.width], &site.output)?;
        // Zeros around what is never negative change no maximum.
        if let Some((source, wider)) =
            self.unpadded_pool(id, &window).filter(|&(id, _)| self.is_nonnegative(id))
        {
            (id, window) = (source, wider);
        }
        self.plain(&site.name, Op::MaxPool(window), &[id])
    }

    pub(super) fn average_pool(&mut self, pool: &SumPool, site: &Site) -> Found {
        let (mut id, shape) = self.image(site, 0)?;
        let mut window = window(&pool.pool_spec, [shape.height, shape.width], &site.output)?;
        let padded = window.pad_before != [0; 2] || window.pad_after != [0; 2];
        let divisor = match pool.count_include_pad || !padded {
            true => PoolDivisor::Kernel,
            false => PoolDivisor::Inside,
        };
        if divisor == PoolDivisor::Kernel && !declares(&pool.pool_spec.padding, &window) {
            return Err(Refusal::new(
                "ceil_mode makes windows reach beyond the padding that count_include_pad counts",
                "set count_include_pad or ceil_mode to 0",
            ));
        }
        // Zeros around the image count, whatever the pooling says of its own padding.
        if divisor == PoolDivisor::Kernel
            && let Some((source, wider)) = self.unpadded_pool(id, &window)
        {
            (id, window) = (source, wider);
        }
        self.plain(&site.name, Op::AveragePool(Pool { window, divisor }), &[id])
    }

    /// Σ or maximum over height and width. A sum is an average times the number of pixels; the division that
    /// makes it a mean follows as an operation of its own and cancels exactly.
    pub(super) fn global(&mut self, reduce: &Reduce, site: &Site) -> Found {
        let view = site.computed(0)?;
        let shape = self.graph.shape(view.id);
        let known = matches!(reduce.reducer, Reducer::Sum | Reducer::Max);
        if !known || !leaves_channels(reduce, &view, &site.inputs[0].dims, shape) {
            let what = format!("{:?} over axes {:?} is not supported", reduce.reducer, reduce.axes);
            return Err(Refusal::new(
                what,
                "only means and maxima over height and width can be compiled; replace LayerNorm and the like by BatchNormalization",
            ));
        }
        let window = Window::dense([shape.height, shape.width]);
        if reduce.reducer == Reducer::Max {
            return self.plain(&site.name, Op::MaxPool(window), &[view.id]);
        }
        let pool = Pool { window, divisor: PoolDivisor::Kernel };
        let average = self.append(&site.name, Op::AveragePool(pool), &[view.id])?;
        let sum =
            Affine { scale: vec![shape.plane() as f32; shape.channels], shift: vec![0.0; shape.channels] };
        self.plain(&site.name, Op::Affine(sum), &[average])
    }
}

/// Whether the axes that are not reduced are the channels.
fn leaves_channels(reduce: &Reduce, view: &View, dims: &[usize], shape: Shape) -> bool {
    let Some(groups) = view.split(dims) else { return false };
    let kept: Vec<Axis> = (0..dims.len())
        .filter(|axis| !reduce.axes.contains(axis))
        .flat_map(|axis| groups[axis].clone())
        .collect();
    let channels = Axis { size: shape.channels, stride: shape.plane() };
    View::new(view.id, kept) == View::new(view.id, vec![channels])
}

/// Whether the window's padding is what the model declares, not enlarged.
fn declares(padding: &PaddingSpec, window: &Window) -> bool {
    match padding {
        PaddingSpec::Explicit(_, after) | PaddingSpec::ExplicitOnnxPool(_, after, _) => {
            window.pad_after.ends_with(after)
        }
        PaddingSpec::Valid | PaddingSpec::SameUpper | PaddingSpec::SameLower => true,
    }
}
