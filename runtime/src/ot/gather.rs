//! Correlations in parts.

use super::numbers::Width;

/// Correlations that are made in parts.
pub(super) trait Gather: Sized {
    /// The first `count` of the parts', one part after another.
    fn gather(width: Width, parts: Vec<Self>, count: usize) -> Self;
}
