//! Observers, which are told what a compilation does.

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

/// A pass that has run, and whose graph keeps all invariants.
pub struct Ran<'a> {
    /// Name of the pass, as in [`PassInfo::name`](super::PassInfo::name).
    pub name: &'static str,
    /// Time that the pass took, without the check of the invariants.
    pub time: Duration,
    /// Its graph, in the form of [`crate::graph`]; `{:#}` adds what the model calls each node.
    pub graph: &'a dyn fmt::Display,
}

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

/// An observer that ignores everything and stops nothing.
pub struct Silent;

impl Observer for Silent {}
