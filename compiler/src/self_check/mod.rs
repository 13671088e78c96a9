//! The compiler's check of its own work: the plan beside the model, on images that did not choose the plan.
//!
//! `images` keeps some calibration images back, `fidelity` runs plan and model on them, `headroom` looks how full rings are,
//! `doubts` says what the user should know.

mod doubts;
mod fidelity;
mod headroom;
mod images;

pub use fidelity::Fidelity;

pub(crate) use doubts::doubts;
pub(crate) use headroom::headroom;
pub(crate) use images::{Images, keep_back};
