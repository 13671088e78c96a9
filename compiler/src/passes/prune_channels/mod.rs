//! # What it does
//! Removes whole channels, which saves their comparisons, and fits the layers that read them again to compensate.
//!
//! A layer's channels can be removed where only linear layers read them, through activations and poolings. The error
//! that this causes in such a reader follows from the covariance H of the reader's input on calibration images: with S
//! the reader's columns on the channel, it is the optimal brain surgeon's loss, the sum over rows of
//! w_Sᵀ·((H⁻¹)_SS)⁻¹·w_S, once the other columns are adjusted to compensate (OBC for groups of weights: Frantar, Singh
//! & Alistarh 2022). The channel with the least loss goes first, the other weights and H⁻¹ are updated, and so on:
//! [`channel_orders`] gives for every layer the order of removal and the loss after each one.
//!
//! [`remove_channels`] then goes through the network and fits every layer whose input has changed again: by least
//! squares, so that from its new input it gives what it gave in the whole network; the bias corrects the mean.
//!
//! # Requires
//! The passes up to [`super::remove_dead`], and calibration images.
//!
//! # Guarantees
//! No reader has a weight on a removed channel, so that [`super::remove_dead`] takes it away; every layer keeps one
//! channel at least. A layer whose input has not changed keeps its weights. Nodes and shapes stay, and so do zero
//! weights in a layer that has at least a tenth of them. Equal input gives equal weights, on any number of threads.
//!
//! # Example
//! See the test `channels_that_others_can_stand_for_go_without_loss` in `compiler/tests/it/calibration.rs`.

mod choice;
mod order;
mod remove;
mod sites;
mod surgeon;

pub use choice::ChannelChoice;
pub use order::{ChannelOrder, ChannelOrders, Removal, channel_orders};
pub use remove::remove_channels;

use crate::calibration::Calibration;
use crate::error::{Error, Result};
use crate::graph::{Graph, Real};

/// `graph` without `share` (0 to below 1) of the values of those layers that can lose channels; see
/// [`ChannelChoice::share`].
///
/// # Errors
/// [`Error::Option`] where there are no calibration images.
pub fn prune_channels(
    graph: &Graph<Real>,
    share: f64,
    calibration: Option<&Calibration>,
) -> Result<Graph<Real>> {
    if share == 0.0 {
        return Ok(graph.clone());
    }
    let calibration = calibration.ok_or_else(|| {
        let what = "channels are chosen after calibration images; give some (--calibration)";
        Error::Option(what.into())
    })?;
    let orders = channel_orders(graph, calibration);
    let choice = ChannelChoice::share(&orders, share);
    Ok(remove_channels(graph, &orders, &choice, calibration))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::Batch;
    use crate::graph::testing::{conv, dense, pattern};
    use crate::graph::{Op, RealFact, Shape, Window};
    use crate::passes::remove_dead;

    #[test]
    fn half_of_the_values_go() {
        let shape = Shape::new(2, 4, 4);
        let mut graph = Graph::new("image", RealFact { shape });
        let first = graph.append("first", conv(2, 4, Window::dense([3, 3])), &[graph.input()]).unwrap();
        let relu = graph.append("relu", Op::Relu, &[first]).unwrap();
        let second = graph.append("second", conv(4, 2, Window::dense([1, 1])), &[relu]).unwrap();
        let flat = graph.append("flat", Op::Flatten, &[second]).unwrap();
        graph.append("logits", dense(8, 3), &[flat]).unwrap();
        let images = Batch::new(shape, pattern(20 * shape.elements()));
        let thin = prune_channels(&graph, 0.5, Some(&Calibration::from_images(images))).unwrap();
        insta::assert_snapshot!(format!("{:#}", remove_dead(thin).unwrap()), @r"
        real graph, output n5
        n0 = input : 2x4x4  # image
        n1 = conv n0 3x3 weights 2x2x3x3 (36 of 36, #2879acf7) bias 2 (2 of 2, #7f936285) : 2x2x2  # first
        n2 = relu n1 : 2x2x2  # relu
        n3 = conv n2 1x1 weights 1x2x1x1 (2 of 2, #1affb55d) bias 1 (1 of 1, #0d2e1049) : 1x2x2  # second
        n4 = flatten n3 : 4  # flat
        n5 = dense n4 weights 3x4 (12 of 12, #3f08df51) bias 3 (3 of 3, #8bc75000) : 3  # logits
        ");
    }
}
