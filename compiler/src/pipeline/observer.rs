//! Who is told what a compilation does.

use super::Ran;
use std::ops::ControlFlow;

/// Told what a compilation does, as it does it.
pub trait Observer {
    /// What is being done now, for people who wait.
    fn working(&mut self, _what: &str) {}

    /// A pass has run. Graphs are compiled several times, so most passes run more than once. `Break` ends the compilation
    /// with [`Error::Stopped`](crate::error::Error::Stopped).
    fn ran(&mut self, _pass: &Ran<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Nobody.
pub struct Silent;

impl Observer for Silent {}
