//! Labelled images, and how well models and plans do on them.

mod accuracy;

pub use accuracy::{Accuracy, Progress, evaluate};
pub use runtime::data::Dataset;
