//! Images from files: `.npy`, `.npz`, PNG and JPEG, as the raw pixels that a plan's
//! [`InputSpec`](crate::plan::InputSpec) takes.
//!
//! * [`ImageSource`]: what a user writes, `digit.png` or `test.npz#7`, read by [`ImageSource::read`];
//! * [`Dataset`]: all images of a file, with their labels, for evaluation;
//! * [`Pictures`]: those of a folder;
//! * [`write_npy`], [`write_npz`], [`Painted`]: answers, to files.
//!
//! Every file is read into memory whole, under a limit, and everything in it is checked against the
//! bytes that are there before memory is allocated for it. The kind of a file is told by its first
//! bytes, not by its name.

mod archive;
mod axes;
mod dataset;
mod file;
mod fit;
mod folder;
mod half;
mod npy;
mod painted;
mod picture;
mod saved;
mod source;
#[cfg(test)]
mod tests;
mod unfilled;

pub use dataset::Dataset;
pub use fit::Fit;
pub use folder::{Pictures, pictures};
pub use half::half_to_f32;
pub use painted::{Painted, Planes, as_raw, paint_classes};
pub use saved::{Array, Values, write_npy, write_npz};
pub use source::ImageSource;
pub use unfilled::Unfilled;
