//! How fast this machine is, each figure beside a baseline of the same run.
//!
//! * [`cases`]: the operations of Paillier, and the same with GMP as most programs use it;
//! * [`kernels`]: these on one core; [`scaling`]: on all;
//! * [`plans`]: whole inferences, against the way of the paper's program ([`paper_style`]);
//! * [`profile`]: what one unit of each cost takes here, by which [`crate::cost::prediction`] predicts.

pub mod cases;
pub mod kernels;
pub mod paper_style;
pub mod plans;
pub mod profile;
pub mod scaling;
mod timing;

use crate::error::Error;

/// An error that only a defect of this library explains.
fn bug(error: impl ToString) -> Error {
    Error::Bug(error.to_string())
}
