//! Piecewise linear approximations of activations, and their errors.

mod approximate;
mod exact;
mod factors;
mod fit;
mod pieces;
mod report;
mod seen;

pub use approximate::{approximate, approximate_all, is_piecewise_linear};
pub use factors::{Factor, Factored, Form, form};
pub use fit::Seen;
pub use pieces::{Approximation, Bend, Fineness, PIECES, Pieces};
pub use report::{Approximated, approximated};
pub use seen::{Ranges, ranges};
