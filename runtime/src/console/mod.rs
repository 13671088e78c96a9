//! What `popcorn` and `popcornc` say to who runs them, beside their results: on standard error, in colour on terminals alone, as much as is
//! asked for. Results go to standard output and are no business of this module.
//!
//! * `advice`: what to do about an error;
//! * `voice`: errors, warnings, notes, details;
//! * `bars`: what is shown while something takes long;
//! * `manual`: completions for shells, and manual pages.

mod advice;
mod bars;
mod manual;
mod voice;

pub use advice::{advice, of_system};
pub use bars::{busy, items, steps, task};
pub use manual::{Completions, Manual};
pub use voice::{Verbosity, detail, error, is_quiet, note, tell, warn};
