//! Sums and maxima over some axes: poolings over the whole plane of an image whose channels are the other axes.

use super::site::Site;
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{Affine, Op, Pool, PoolDivisor, Window};
use runtime::plan::validate::MAX_WINDOW;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};

impl Translator<'_> {
    /// A sum is an average times the number of pixels; the division that makes it a mean follows as an operation of its own
    /// and cancels exactly.
    pub(super) fn reduce(&mut self, reduce: &Reduce, site: &Site) -> Found {
        if !matches!(reduce.reducer, Reducer::Sum | Reducer::Max) {
            return Err(Refusal::new(
                format!("{:?} over axes {:?} is not supported", reduce.reducer, reduce.axes),
                "only sums, means and maxima can be compiled; replace LayerNorm and the like by BatchNormalization",
            ));
        }
        let long = |axis: &usize| site.inputs[0].dims[*axis] > 1;
        let (taken, kept): (Vec<usize>, Vec<usize>) =
            (0..site.inputs[0].dims.len()).filter(long).partition(|axis| reduce.axes.contains(axis));
        let id = self.with_axes_first(site, 0, &kept, &taken)?;
        let shape = self.graph.shape(id);
        if shape.height.max(shape.width) > MAX_WINDOW {
            return Err(Refusal::new(format!("it takes {} elements at once", shape.plane()), "pool before"));
        }
        let window = Window::dense([shape.height, shape.width]);
        if reduce.reducer == Reducer::Max {
            return self.plain(&site.name, Op::MaxPool(window), &[id]);
        }
        let pool = Pool { window, divisor: PoolDivisor::Kernel };
        let average = self.append(&site.name, Op::AveragePool(pool), &[id])?;
        let sum =
            Affine { scale: vec![shape.plane() as f32; shape.channels], shift: vec![0.0; shape.channels] };
        self.plain(&site.name, Op::Affine(sum), &[average])
    }
}
