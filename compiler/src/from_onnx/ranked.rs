//! Operators of which tract is too trusting: it takes the second axis of layers, and those after it, without looking whether they
//! are there, computes with shapes of any length until it has no stack left, and with sizes that are no numbers (of operands that
//! cannot be broadcast, say) in terms that grow from layer to layer. Here these are looked at first.

use tract_onnx::tract_hir::internal::*;

/// The layers, and how many axes their input has at least.
pub(super) const RANKED: [(&str, i64); 5] =
    [("AveragePool", 3), ("BatchNormalization", 2), ("Conv", 3), ("ConvTranspose", 3), ("MaxPool", 3)];

/// Larger sizes in shapes are refused.
const MAX_SIZE: i64 = 1 << 40;
/// So are shapes with more axes.
const MAX_AXES: usize = 32;

/// An operator whose input has so many axes at least, and whose second operand holds no sizes beyond reason, if it is a shape.
#[derive(Clone, Debug)]
struct Ranked {
    layer: Box<dyn Expansion>,
    least: i64,
    shaped: bool,
}

/// `layer`, which is refused where its input has fewer axes than `least`.
pub(super) fn ranked(layer: Box<dyn InferenceOp>, least: i64) -> TractResult<Box<dyn InferenceOp>> {
    Ok(expand(Ranked { layer: expansion(layer)?, least, shaped: false }))
}

/// `layer`, which is refused where the shape that is its second operand has sizes beyond reason.
pub(super) fn shaped(layer: Box<dyn InferenceOp>) -> TractResult<Box<dyn InferenceOp>> {
    Ok(expand(Ranked { layer: expansion(layer)?, least: 0, shaped: true }))
}

fn expansion(layer: Box<dyn InferenceOp>) -> TractResult<Box<dyn Expansion>> {
    let layer = layer.as_op().downcast_ref::<Box<dyn Expansion>>().cloned();
    layer.context("tract has another form of this operator")
}

fn check_sizes(shape: &Tensor) -> TractResult<()> {
    ensure!(shape.len() <= MAX_AXES, "its shape has {} axes", shape.len());
    let shape = shape.cast_to::<i64>()?;
    for &size in shape.try_as_plain_ram()?.as_slice::<i64>()? {
        ensure!((-1..=MAX_SIZE).contains(&size), "its shape has the size {size}");
    }
    Ok(())
}

impl Expansion for Ranked {
    fn name(&self) -> StaticName {
        self.layer.as_ref().name()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        self.layer.as_ref().nboutputs()
    }

    /// What is known of an axis is unknown to the layer's own rules until these are content: input and result have as many
    /// axes, and nothing else tells of them.
    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        for value in inputs.iter().take(1).chain(outputs.iter().take(1)) {
            s.given(&value.rank, move |_, rank| {
                ensure!(
                    rank >= self.least,
                    "its input has {rank} axes, and should have {} at least",
                    self.least
                );
                Ok(())
            })?;
        }
        if !self.shaped {
            s.given(&inputs[0].shape, |_, shape| {
                let open = shape.iter().find(|size| size.to_i64().is_err());
                open.map_or(Ok(()), |size| bail!("its input has an axis of the size {size}"))
            })?;
        }
        if let Some(shape) = inputs.get(1).filter(|_| self.shaped) {
            s.given(&shape.value, |_, shape| check_sizes(&shape))?;
        }
        self.layer.as_ref().rules(s, inputs, outputs)
    }

    fn wire(&self, name: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        self.layer.as_ref().wire(name, model, inputs)
    }

    fn runs_out_of_plan(&self) -> bool {
        self.layer.as_ref().runs_out_of_plan()
    }
}
