//! Resizes whose meaning runtimes do not agree on: ONNX's own reference, onnxruntime and tract read the standard differently
//! where a scale gives no whole number of pixels, and at the edge of rounding. These are refused.

use super::site::{Site, floats};
use crate::from_onnx::refusal::Refusal;
use tract_onnx::tract_core::ops::nn::resize::{CoordTransformer, Interpolator};
use tract_onnx_opl::resize::{AspectRatio, CoordTransform, Nearest, Resize};

/// A length that is nearer to a whole number is one.
const NEAR: f32 = 1e-3;

/// Refuses what is read differently.
pub(super) fn check(resize: &Resize, site: &Site) -> Result<(), Refusal> {
    let CoordTransform::Plain(transform) = &resize.coord_transformer else { return Ok(()) };
    let differs = |what: String, hint: &str| Err(Refusal::new(format!("runtimes differ in {what}"), hint));
    let lengths = match transform {
        CoordTransformer::AlignCorners | CoordTransformer::PytorchHalfPixel => lengths(resize, site)?,
        _ => Vec::new(),
    };
    if let Some(length) = lengths.iter().find(|length| (*length - length.round()).abs() > NEAR) {
        let what = format!("{} where a scale makes {length} pixels of an axis", transform.as_str());
        return differs(what, "give sizes instead of scales");
    }
    let to_one = || site.inputs[0].dims.iter().zip(&site.output).any(|(&from, &to)| from > 1 && to == 1);
    if *transform == CoordTransformer::PytorchHalfPixel && to_one() {
        return differs("pytorch_half_pixel where an axis becomes one pixel".into(), "use half_pixel");
    }
    let steps = resize.interpolator == Interpolator::Nearest
        && matches!(resize.nearest, Nearest::Floor | Nearest::Ceil);
    if *transform == CoordTransformer::HalfPixelSymmetric && steps {
        let what = "half_pixel_symmetric where nearest_mode is floor or ceil";
        return differs(what.into(), "use nearest_mode = round_prefer_floor, or half_pixel");
    }
    let from_the_back = resize.axes.iter().flatten().any(|&axis| axis < 0);
    if resize.keep_aspect_ratio_policy != AspectRatio::Stretch && from_the_back {
        return differs("keep_aspect_ratio_policy with negative axes".into(), "count axes from the front");
    }
    Ok(())
}

/// The lengths that scales, where they are given, make of the axes.
fn lengths(resize: &Resize, site: &Site) -> Result<Vec<f32>, Refusal> {
    let dims = &site.inputs[0].dims;
    let Some(position) = resize.optional_scales_input else { return Ok(Vec::new()) };
    let scales = floats(site.constant(position)?)?;
    let axes = resize.resized_axes(dims.len()).map_err(|error| format!("{error:#}"))?;
    Ok(axes.iter().zip(&scales).map(|(&axis, scale)| scale * dims[axis] as f32).collect())
}
