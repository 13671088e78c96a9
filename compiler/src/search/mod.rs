//! The cheapest plan within an accuracy budget.
//!
//! # What it does
//! 1. The dense 8-bit plan is the baseline.
//! 2. *Input.* The image is made as coarse as a small share of the budget allows.
//! 3. *Channels.* A few graphs are made from the float graph by taking out whole channels, those first
//!    that are missed least for the time they take ([`mod@crate::passes::prune_channels`]), until a share
//!    of the budget is spent. A channel takes its comparisons with it, which sparse weights
//!    do not.
//! 4. *Layers.* For each of these graphs every linear layer gets the width and the share of zeros that
//!    weigh predicted time against the predicted error of the logits best, and so does every value that loses low bits,
//!    with one Lagrange multiplier for all, found by bisection on the accuracy that is really left. How much of a layer's
//!    error reaches the logits is measured: once for each layer, with only this layer compressed; of a value's, it
//!    follows from the gradients of the logits. A bit is worth the comparisons and slots after it, up to where values
//!    lose bits again.
//! 5. *Single layers.* From the cheapest plan so far, layers and their values get a smaller multiplier one by one, the
//!    dearest first, in smaller and smaller steps, as long as the accuracy stays within the budget.
//! 6. The plan found is run in exact integers on all images. Should it miss the budget there, the next
//!    dearer one takes its place.
//!
//! The images that guide the search are fitted by it: measure the accuracy on others.
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
