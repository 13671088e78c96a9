//! Float weights become integers, and every value gets a scale.
//!
//! # What it does
//! Weights are symmetric integers of the chosen width. Each output channel has its own scale, the one at which the
//! rounded row has the least loss, even if that clips the largest weights. The loss is the squared error of the layer's
//! output on calibration images or, without images, that of the weights. Weights of one bit are −1 or 1; only a row for
//! which zeros have less loss, at a scale that is prescribed, is zero.
//!
//! With images, each layer in turn reads what the quantised layers before it give. Its weights are first fitted to give
//! the float network's output from that input; the error of rounding each weight is then compensated for in those still
//! to be rounded (GPTQ: Frantar et al. 2022), and the bias corrects the mean error. Where a share of zeros is asked
//! for, the weights whose removal costs least in the float network become zero and the others are fitted again (OBC:
//! Frantar, Singh & Alistarh 2022; SparseGPT: Frantar & Alistarh 2023). In a layer of which at least a tenth is zero,
//! zeros stay zero.
//!
//! What does not depend on widths and sparsities, such as statistics of the float network's values and the order of
//! pruning, is computed once, by a [`Preparation`].
//!
//! Integers are not rescaled after a layer. ReLU, pooling and flattening commute with scales, so a value has a scale
//! per channel, and the next linear layer's weights are multiplied by it before they are quantised themselves. Biases
//! are integers at the output's scale.
//!
//! * A layer of one weight per row (a shift, a batch normalisation that folds nowhere) keeps its weights
//!   exactly, as integers as small as its biases allow; no share of them becomes zero.
//! * A layer's scales take its readers into account ([`tolerance`]): a row whose rounding noise hardly affects them
//!   gets a coarser scale, and may become zero. The branches of a concatenation are multiplied by powers of two where
//!   their integers are much smaller, compared with the noise that they tolerate, than those of the largest branch.
//! * Where [`Narrowing`] says so, values lose the low bits that their readers can do without (truncation).
//! * Averages become sums, their divisor part of the scale.
//! * Values whose scale reaches the logits have one scale for all channels, so that the largest integer is the largest
//!   logit; where no choice of scales achieves this, a depthwise 1×1 convolution with integer multipliers does.
//! * The branches of a sum need the same scale. The layer from which the last branch comes follows the others: in suite
//!   `shared` its scales are theirs times one power of two, with weights as wide as that needs; in suite `blinded` each
//!   channel's scale has a ratio of small integers to theirs and is at most a sixteenth coarser than its weights need.
//!   Branches are then multiplied by integers, exactly; by a depthwise 1×1 convolution where the multipliers differ
//!   between channels. Where no layer is free to follow, the multipliers are rounded, with a relative error of at most
//!   1/512. A branch's channel that hardly affects the readers of the sum is left out.
//! * A clip becomes two ReLUs, the second on integers that have been truncated.
//!
//! # Requires
//! A float graph without [`Op::Affine`].
//!
//! # Guarantees
//! No integer weight exceeds the chosen width, except in layers before sums in suite `shared`. Scales are exact:
//! integers times their scales are what the quantised weights give in real numbers, except for truncation, rounded
//! multipliers and channels left out of sums. The ranges say nothing yet; see [`super::range`]. On the calibration
//! images compensated rounding is never worse than rounding to nearest at the same scale. Equal input gives equal
//! integers, on any number of threads.
//!
//! # Example
//! See the test `a_residual_block`.

mod build;
mod choice;
mod constraints;
mod counterparts;
mod curvature;
mod estimate;
mod exact;
mod excess;
mod fit;
mod grid;
mod join;
mod layer;
mod narrowing;
mod noise;
mod obs;
mod predicted;
mod preparation;
mod prune_order;
mod ratio;
mod refit;
mod round;
mod scales;
mod search;
mod sensitivity;
mod spend;
mod sum;
mod support;
mod tolerance;
mod value;
mod walk;

pub use choice::Choices;
pub use counterparts::{Quantized, ValueEstimate};
pub use narrowing::{Narrowing, Places};
pub use noise::{Noise, Rounding};
pub use preparation::Preparation;
pub use spend::{Precision, spend, spend_everywhere};

pub(super) use curvature::damped_covariances;
pub(super) use refit::refit;

#[cfg(test)]
mod tests {
    use super::{Choices, Narrowing, Preparation, Quantized};
    use crate::error::Result;
    use crate::graph::{Add, Conv, Graph, Op, Real, RealFact, Shape, Window};
    use crate::options::LayerChoice;
    use crate::options::{CompileOptions, InputOptions};
    use crate::passes::range;
    use runtime::plan::InputSpec;

    fn quantized(graph: &Graph<Real>, input: &InputSpec) -> Result<Quantized> {
        let choices = Choices::uniform(LayerChoice { bits: 8, sparsity: 0.0 });
        Preparation::new(graph, input, None)?.quantize(&choices, &Narrowing::free(&CompileOptions::blinded()))
    }

    fn conv(weights: [f32; 4], bias: [f32; 2]) -> Op<Real> {
        Op::Conv(Conv {
            window: Window::dense([1, 1]),
            groups: 1,
            weights: weights.to_vec(),
            bias: bias.to_vec(),
        })
    }

    #[test]
    fn a_residual_block() {
        let shape = Shape::new(2, 4, 4);
        let mut graph = Graph::new("image", RealFact { shape });
        let first =
            graph.append("first", conv([1.0, -0.5, 0.25, 0.25], [0.0, 1.0]), &[graph.input()]).unwrap();
        let relu = graph.append("relu", Op::Relu, &[first]).unwrap();
        let second = graph.append("second", conv([0.1, 0.9, -0.3, 0.7], [0.0, 0.0]), &[relu]).unwrap();
        let sum =
            graph.append("sum", Op::Add(Add { multipliers: vec![1.0, -1.0] }), &[relu, second]).unwrap();
        graph.append("last", conv([0.5, 0.5, -1.0, 1.0], [0.0, 0.0]), &[sum]).unwrap();
        let input = InputOptions { scale: 1.0 / 255.0, ..InputOptions::default() }.spec(shape).unwrap();
        let quantized = quantized(&graph, &input).unwrap();
        let counterparts = [relu, second, sum].map(|id| quantized.counterpart(id).unwrap().to_string());
        assert_eq!(counterparts, ["n2", "n3", "n5"]);
        let graph = range(quantized.graph, &input, &CompileOptions::blinded()).unwrap();
        insta::assert_snapshot!(format!("{graph:#}"), @r"
        integer graph, output n6
        n0 = input : 2x4x4 scale 0.003922 range [0, 255] bits 8  # image
        n1 = conv n0 1x1 weights 2x2x1x1 (4 of 4, #cdc8abf5) bias 2 (1 of 2, #2b82043a) : 2x4x4 scale 7.72e-6..3.088e-5 per channel range [-16320, 194310] bits 18  # first
        n2 = relu n1 : 2x4x4 scale 7.72e-6..3.088e-5 per channel range [0, 194310] bits 18  # relu
        n3 = conv n2 1x1 weights 2x2x1x1 (4 of 4, #cec979a6) bias 0 : 2x4x4 scale 5.475e-8..7.352e-8 per channel range [5375910, 26490930] bits 25  # second
        n4 = conv n2 1x1 groups 2 weights 2x1x1x1 (2 of 2, #1698a192) bias 0 : 2x4x4 scale 5.475e-8..7.352e-8 per channel range [0, 20402550] bits 25  # sum
        n5 = add n4 n3 times 1,-1 : 2x4x4 scale 5.475e-8..7.352e-8 per channel range [-26490930, 15026640] bits 25  # sum
        n6 = conv n5 1x1 weights 2x2x1x1 (4 of 4, #3fa5435b) bias 0 : 2x4x4 scale 5.789e-10 range [-1282381230, 4425021630] bits 33  # last
        ");
    }

    #[test]
    fn an_affine_map_is_a_defect() {
        let shape = Shape::vector(1);
        let mut graph = Graph::new("image", RealFact { shape });
        let affine = crate::graph::Affine { scale: vec![1.0], shift: vec![0.0] };
        graph.append("a", Op::Affine(affine), &[graph.input()]).unwrap();
        let input = InputOptions::default().spec(shape).unwrap();
        assert!(quantized(&graph, &input).unwrap_err().to_string().starts_with("internal error"));
    }
}
