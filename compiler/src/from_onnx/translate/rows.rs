//! How the operators of the registry are translated: for each a function of the parts into which tract takes it apart.
//!
//! Around what is particular to an operator, tract puts arithmetic and changes of axes, so every function ends in
//! [`element_wise`], that in [`arrangement`], and that in a refusal.

use super::moves::moves;
use super::sampling;
use super::site::Site;
use super::{Found, Translator};
use crate::from_onnx::refusal::Refusal;
use tract_onnx::prelude::TypedOp;
use tract_onnx::tract_core::model::TypedNode;
use tract_onnx::tract_core::ops::array::{Pad, TypedConcat};
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::change_axes::AxisOp;
use tract_onnx::tract_core::ops::cnn::{Conv, Deconv, MaxPool, SumPool};
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::identity::Identity;
use tract_onnx::tract_core::ops::logic::Iff;
use tract_onnx::tract_core::ops::nn::{Reduce, Softmax};
use tract_onnx_opl::resize::Resize;

/// Changes of axes, of places and of float types.
pub(in crate::from_onnx) fn arrangement(
    translator: &mut Translator<'_>,
    node: &TypedNode,
    site: &Site,
) -> Found {
    if let Some(axes) = node.op.downcast_ref::<AxisOp>() {
        translator.axes(axes, site)
    } else if let Some(cast) = node.op.downcast_ref::<Cast>() {
        translator.cast(cast.to, site)
    } else if moves(&*node.op) {
        translator.moved_by(&*node.op, site)
    } else if node.op.is::<Identity>() {
        site.computed(0)
    } else {
        Err(Refusal::new(
            format!("its part '{}' is not supported", node.op.name()),
            "simplify the model with onnx-simplifier",
        ))
    }
}

pub(in crate::from_onnx) fn element_wise(
    translator: &mut Translator<'_>,
    node: &TypedNode,
    site: &Site,
) -> Found {
    if let Some(binary) = node.op.downcast_ref::<TypedBinOp>() {
        translator.binary(binary.0.name(), site)
    } else if let Some(unary) = node.op.downcast_ref::<ElementWiseOp>() {
        translator.unary(&*unary.0, site)
    } else if node.op.is::<Iff>() {
        translator.choice(site)
    } else {
        arrangement(translator, node, site)
    }
}

/// What `own` makes of a part that tract calls `T`, and the rest element by element.
fn own_or_element_wise<T: TypedOp>(
    translator: &mut Translator<'_>,
    node: &TypedNode,
    site: &Site,
    own: impl FnOnce(&mut Translator<'_>, &T, &Site) -> Found,
) -> Found {
    match node.op.downcast_ref::<T>() {
        Some(part) => own(translator, part, site),
        None => element_wise(translator, node, site),
    }
}

pub(in crate::from_onnx) fn convolution(
    translator: &mut Translator<'_>,
    node: &TypedNode,
    site: &Site,
) -> Found {
    own_or_element_wise(translator, node, site, |translator, conv: &Conv, site| translator.conv(conv, site))
}

pub(in crate::from_onnx) fn transposed_convolution(
    translator: &mut Translator<'_>,
    node: &TypedNode,
    site: &Site,
) -> Found {
    own_or_element_wise(translator, node, site, |translator, deconv: &Deconv, site| {
        translator.deconv(deconv, site)
    })
}

pub(in crate::from_onnx) fn resize(translator: &mut Translator<'_>, node: &TypedNode, site: &Site) -> Found {
    own_or_element_wise(translator, node, site, |translator, resize: &Resize, site| {
        sampling::check(resize, site)?;
        translator.resize(resize, site)
    })
}

pub(in crate::from_onnx) fn dense(translator: &mut Translator<'_>, node: &TypedNode, site: &Site) -> Found {
    own_or_element_wise(translator, node, site, |translator, product: &EinSum, site| {
        translator.matrix_product(product, site)
    })
}

pub(in crate::from_onnx) fn max_pool(
    translator: &mut Translator<'_>,
    node: &TypedNode,
    site: &Site,
) -> Found {
    own_or_element_wise(translator, node, site, |translator, pool: &MaxPool, site| {
        translator.max_pool(pool, site)
    })
}

pub(in crate::from_onnx) fn average_pool(
    translator: &mut Translator<'_>,
    node: &TypedNode,
    site: &Site,
) -> Found {
    own_or_element_wise(translator, node, site, |translator, pool: &SumPool, site| {
        translator.average_pool(pool, site)
    })
}

/// Sums and maxima over some axes.
pub(in crate::from_onnx) fn reduce(translator: &mut Translator<'_>, node: &TypedNode, site: &Site) -> Found {
    own_or_element_wise(translator, node, site, |translator, reduce: &Reduce, site| {
        translator.reduce(reduce, site)
    })
}

pub(in crate::from_onnx) fn concat(translator: &mut Translator<'_>, node: &TypedNode, site: &Site) -> Found {
    own_or_element_wise(translator, node, site, |translator, concat: &TypedConcat, site| {
        translator.concat(concat, site)
    })
}

pub(in crate::from_onnx) fn pad(translator: &mut Translator<'_>, node: &TypedNode, site: &Site) -> Found {
    own_or_element_wise(translator, node, site, |translator, pad: &Pad, site| translator.pad(pad, site))
}

pub(in crate::from_onnx) fn softmax(translator: &mut Translator<'_>, node: &TypedNode, site: &Site) -> Found {
    own_or_element_wise(translator, node, site, |translator, softmax: &Softmax, site| {
        translator.softmax(softmax, site)
    })
}

pub(in crate::from_onnx) fn dropout(translator: &mut Translator<'_>, _: &TypedNode, site: &Site) -> Found {
    translator.dropout(site)
}
