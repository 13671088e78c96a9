//! The network as a picture: a box for each step, from top to bottom, branches side by side.

mod arrange;
mod draw;
mod heat;
mod label;
mod standalone;

pub(super) use draw::{Drawing, MAX_NAME};
