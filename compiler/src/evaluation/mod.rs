//! Labelled images, how well models and plans do on them, and where plans lose.

mod accuracy;
mod compare;
mod deviation;
mod labels;

pub use accuracy::{Accuracy, Progress, evaluate};
pub use compare::{Comparison, NodeComparison, Sides, WRONG, compare};
pub use deviation::Deviation;
pub use labels::odd_labels;
pub use runtime::data::Dataset;

pub(crate) use accuracy::{class, largest};
