//! Pooling.

use super::linear::window;
use super::site::Site;
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{Op, Pool, PoolDivisor, Window};
use tract_onnx::tract_core::ops::cnn::{MaxPool, PaddingSpec, SumPool};

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
