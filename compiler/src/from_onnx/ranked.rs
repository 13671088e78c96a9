//! Layers that tract reads beyond the axes of: it takes the second axis, and those after it, without looking whether they are
//! there. Here they are looked for first.

use tract_onnx::tract_hir::internal::*;

/// The layers, and how many axes their input has at least.
pub(super) const RANKED: [(&str, i64); 5] =
    [("AveragePool", 3), ("BatchNormalization", 2), ("Conv", 3), ("ConvTranspose", 3), ("MaxPool", 3)];

/// A layer whose input has so many axes at least.
#[derive(Clone, Debug)]
struct Ranked {
    layer: Box<dyn Expansion>,
    least: i64,
}

/// `layer`, which is refused where its input has fewer axes than `least`.
pub(super) fn ranked(layer: Box<dyn InferenceOp>, least: i64) -> TractResult<Box<dyn InferenceOp>> {
    let layer = layer.as_op().downcast_ref::<Box<dyn Expansion>>().cloned();
    let layer = layer.context("tract has another form of this layer")?;
    Ok(expand(Ranked { layer, least }))
}

impl Expansion for Ranked {
    fn name(&self) -> StaticName {
        self.layer.as_ref().name()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        self.layer.as_ref().nboutputs()
    }

    /// What is known of an axis is unknown to the layer's own rules until these two are content: input and result have as many
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
        self.layer.as_ref().rules(s, inputs, outputs)
    }

    fn wire(&self, name: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        self.layer.as_ref().wire(name, model, inputs)
    }

    fn runs_out_of_plan(&self) -> bool {
        self.layer.as_ref().runs_out_of_plan()
    }
}
