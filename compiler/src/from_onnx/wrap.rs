//! Padding with what comes from the other side, for tract.

use tract_onnx::tract_core::ops::array::Gather;
use tract_onnx::tract_hir::internal::*;

/// The operands: the value, the pads and, where there are any, the axes.
#[derive(Clone, Debug)]
pub(super) struct Wrap {
    /// Which operand says the axes.
    pub(super) axes: Option<usize>,
}

/// Elements before and after, by axis.
fn ends(rank: usize, pads: &Tensor, axes: Option<&Tensor>) -> TractResult<Vec<(usize, usize)>> {
    let list = |tensor: &Tensor| -> TractResult<Vec<i64>> {
        Ok(tensor.cast_to::<i64>()?.try_as_plain_ram()?.as_slice::<i64>()?.to_vec())
    };
    let (pads, axes) = (list(pads)?, axes.map_or_else(|| Ok((0..rank as i64).collect()), list)?);
    ensure!(pads.len() == 2 * axes.len(), "{} pads for {} axes", pads.len(), axes.len());
    let mut ends = vec![(0, 0); rank];
    for (index, axis) in axes.iter().enumerate() {
        let axis = usize::try_from(if *axis < 0 { axis + rank as i64 } else { *axis })?;
        let place = ends.get_mut(axis).context("there is no such axis")?;
        *place = (usize::try_from(pads[index])?, usize::try_from(pads[index + axes.len()])?);
    }
    Ok(ends)
}

impl Expansion for Wrap {
    fn name(&self) -> StaticName {
        "Wrap".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        s.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
        s.equals(&inputs[0].rank, &outputs[0].rank)?;
        // Without axes the pads stand in their place, and have not that meaning.
        let axes = &inputs[self.axes.unwrap_or(1)].value;
        s.given_3(&inputs[0].shape, &inputs[1].value, axes, move |s, shape, pads, axes| {
            let axes = self.axes.map(|_| &*axes);
            for (axis, (before, after)) in ends(shape.len(), &pads, axes)?.into_iter().enumerate() {
                s.equals(&outputs[0].shape[axis], shape[axis].clone() + before.to_dim() + after.to_dim())?;
            }
            Ok(())
        })
    }

    fn wire(&self, name: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let constant = |model: &TypedModel, input: usize| -> TractResult<Arc<Tensor>> {
            let fact = model.outlet_fact(inputs[input])?;
            fact.konst.clone().context("the pads must be constant")
        };
        let (pads, axes) = (constant(model, 1)?, self.axes.map(|axes| constant(model, axes)).transpose()?);
        let shape = model.outlet_fact(inputs[0])?.shape.as_concrete().context("a fixed shape")?.to_vec();
        let mut wire = tvec!(inputs[0]);
        for (axis, (before, after)) in ends(shape.len(), &pads, axes.as_deref())?.into_iter().enumerate() {
            let size = shape[axis];
            ensure!(before.max(after) <= size, "it pads with more than there is");
            let places: Vec<i64> =
                (0..before + size + after).map(|at| ((at + size - before) % size) as i64).collect();
            let places = model.add_const(format!("{name}.places.{axis}"), tensor1(&places))?;
            wire = model.wire_node(format!("{name}.{axis}"), Gather::new(axis), &[wire[0], places])?;
        }
        Ok(wire)
    }
}
