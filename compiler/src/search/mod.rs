//! The cheapest plan within an accuracy budget.
//!
//! # What it does
//! 1. The dense 8-bit plan is the baseline.
//! 2. *Input.* The image is made as coarse as a small share of the budget allows.
//! 3. *Channels.* A few graphs are made from the float graph by removing whole channels, first those with the least
//!    loss for the time they take ([`mod@crate::passes::prune_channels`]), until a share of the budget is spent.
//!    Removing a channel also saves its comparisons, which sparse weights do not.
//! 4. *Layers.* For each of these graphs, the width and the share of zeros of every linear layer, and the width of
//!    every truncated value, are those with the least predicted time plus Lagrange multiplier times predicted error of
//!    the logits. All share one multiplier, found by bisection on the measured accuracy. How a layer's error affects
//!    the logits is measured, once for each layer, with only this layer compressed; for a value's error it follows from
//!    the gradients of the logits. A bit costs the time that it adds to the comparisons and slots after it, up to the
//!    next truncation.
//! 5. *Single layers.* From the cheapest plan so far, layers and their values get a smaller multiplier one by one, the
//!    dearest first, in smaller and smaller steps, as long as the accuracy stays within the budget.
//! 6. The plan found is run in exact integers on all images. Should it miss the budget there, the next
//!    dearer one takes its place.
//!
//! The search overfits to the images that guide it: measure the accuracy on others.
//!
//! Equal input gives equal trials and an equal plan, on any number of threads.

mod budget;
mod channels;
mod input;
mod labelled;
mod ladder;
mod outcome;
mod price;
mod run;
mod sensitivity;
mod setting;
mod verdict;

pub use budget::{Budget, Event, Found, LayerOutcome, Trial};
pub use run::search;

/// Share of the budget that a coarser image may spend.
const INPUT_SHARE: f64 = 0.1;
/// Shares of the budget that have been spent, at most, once channels are gone.
const CHANNEL_SHARES: [f64; 4] = [INPUT_SHARE, 0.4, 0.6, 0.8];
