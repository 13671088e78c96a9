//! Random ONNX models in the forms that exporters write.
//!
//! A [`Recipe`] is a list of layers, each with dice from which its details follow; what does not fit the
//! value before it is left out. [`build`] makes the protobuf.

mod activations;
mod dense;
mod grower;
mod layers;
mod moves;
mod plumbing;
mod reduced;

use grower::Grower;
use proptest::collection::vec;
use proptest::prelude::*;
use tract_onnx::pb::ModelProto;

/// A model in words.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// Channels, height, width.
    pub(crate) input: [i64; 3],
    /// As declared: a number, 0 for an unnamed open axis, −1 for a named one.
    pub(crate) batch: i64,
    pub(crate) opset: i64,
    /// Whether the model takes height × width × channels.
    pub(crate) channels_last: bool,
    /// Whether initializers are listed among the graph's inputs.
    pub(crate) weights_are_inputs: bool,
    /// Whether the model normalises its image.
    pub(crate) normalizes: bool,
    pub(crate) layers: Vec<Layer>,
    pub(crate) ending: Layer,
    pub(crate) seed: u64,
}

/// One layer.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) kind: Kind,
    pub(crate) dice: [u8; 12],
}

impl Layer {
    /// Die `index` as a number below `faces`.
    pub(crate) fn roll(&self, index: usize, faces: u8) -> u8 {
        self.dice[index] % faces
    }

    /// Whether die `index` shows its top, one time in `faces`.
    pub(crate) fn rarely(&self, index: usize, faces: u8) -> bool {
        self.roll(index, faces) == faces - 1
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Conv,
    BatchNormalization,
    PerChannel,
    MaxPool,
    AveragePool,
    GlobalAverage,
    Residual,
    Concat,
    PiecewiseLinear,
    Smooth,
    TransposeAndBack,
    Plumbing,
    Dense,
    Moved,
    Enlarged,
    Reduced,
    Sequence,
    Gated,
}

use Kind::{
    AveragePool, BatchNormalization, Concat, Conv, Dense, Enlarged, Gated, GlobalAverage, MaxPool, Moved,
    PerChannel, PiecewiseLinear, Plumbing, Reduced, Residual, Sequence, Smooth, TransposeAndBack,
};

/// Models that every suite compiles: without products of computed values.
pub(crate) fn recipes() -> impl Strategy<Value = Recipe> {
    recipes_of(KINDS)
}

#[allow(dead_code, reason = "damaged models need none")]
/// Models that are read, with gates among their layers.
pub(crate) fn gated_recipes() -> impl Strategy<Value = Recipe> {
    recipes_of(&[KINDS, &[Gated]].concat())
}

fn recipes_of(kinds: &[Kind]) -> impl Strategy<Value = Recipe> + use<> {
    let form =
        (prop::array::uniform3(3..9_i64), prop_oneof![Just(1), Just(0), Just(-1), 2..5_i64], 7..22_i64);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (form, flags, vec(layers(kinds), 0..6), dice(), any::<u64>()).prop_map(
        |(([channels, height, width], batch, opset), flags, layers, ending, seed)| Recipe {
            input: [channels % 4 + 1, height, width],
            batch,
            opset,
            channels_last: flags.0,
            weights_are_inputs: flags.1,
            normalizes: flags.2,
            layers,
            ending: Layer { kind: Dense, dice: ending },
            seed,
        },
    )
}

const KINDS: &[Kind] = &[
    Conv,
    Conv,
    Conv,
    BatchNormalization,
    PerChannel,
    MaxPool,
    AveragePool,
    GlobalAverage,
    Residual,
    Concat,
    PiecewiseLinear,
    PiecewiseLinear,
    Smooth,
    TransposeAndBack,
    Plumbing,
    Plumbing,
    Dense,
    Moved,
    Moved,
    Enlarged,
    Enlarged,
    Sequence,
    Reduced,
];

fn layers(kinds: &[Kind]) -> impl Strategy<Value = Layer> + use<> {
    (prop::sample::select(kinds.to_vec()), dice()).prop_map(|(kind, dice)| Layer { kind, dice })
}

fn dice() -> impl Strategy<Value = [u8; 12]> {
    prop::array::uniform12(any::<u8>())
}

/// The model of a recipe.
pub(crate) fn build(recipe: &Recipe) -> ModelProto {
    let mut grower = Grower::new(recipe);
    if recipe.normalizes {
        grower = grower.normalization();
    }
    if recipe.channels_last {
        grower = grower.channels_first();
    }
    for layer in &recipe.layers {
        grower = grower.layer(layer);
    }
    let mut proto = grower.ending(&recipe.ending).build();
    if recipe.weights_are_inputs {
        list_weights(&mut proto);
    }
    proto
}

fn list_weights(proto: &mut ModelProto) {
    let Some(graph) = &mut proto.graph else { return };
    for (position, weight) in graph.initializer.iter().enumerate() {
        let listed = crate::testing::value_info(&weight.name, &weight.dims, weight.data_type);
        graph.input.insert(position / 2, listed);
    }
}
