//! What `popcornc check` says of a model.

use super::operator_report::OperatorReport;
use super::scan::Findings;
use crate::activation::Approximated;
use crate::error::Diagnostic;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;

/// Every operator of a model, supported or not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The graph's name in the file, or the name of the file.
    pub model: String,
    /// One entry per node, in the order of the file.
    pub operators: Vec<OperatorReport>,
    /// What a user should know of how the model was read.
    pub notes: Vec<String>,
    /// What concerns no single operator: inputs, outputs.
    pub problems: Vec<String>,
    /// Activations that are followed by linear segments, with the error of doing so.
    pub approximated: Vec<Approximated>,
}

impl Report {
    pub(super) fn new(model: String, notes: Vec<String>, findings: Findings) -> Self {
        let problems = findings.problems.iter().map(ToString::to_string).collect();
        Self { model, notes, operators: findings.operators, problems, approximated: Vec::new() }
    }

    /// Whether the whole model can be compiled.
    pub fn supported(&self) -> bool {
        self.problems.is_empty() && self.operators.iter().all(|operator| operator.supported)
    }

    /// Enters findings of a later stage.
    pub(super) fn add(&mut self, diagnostics: Vec<Diagnostic>) {
        for diagnostic in diagnostics {
            let same = |operator: &&mut OperatorReport| {
                operator.node == diagnostic.node && operator.op == diagnostic.op
            };
            match self.operators.iter_mut().find(same) {
                Some(operator) => {
                    operator.supported = false;
                    operator.what = diagnostic.what;
                    operator.hint = diagnostic.hint;
                }
                None => self.problems.push(diagnostic.to_string()),
            }
        }
    }
}

/// One line per operator, then the problems, then the approximated activations, then the verdict. A reason stands where it
/// first applies; further nodes refer to that one.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons = HashMap::new();
        for operator in &self.operators {
            let mark = if operator.supported { "ok  " } else { "NO  " };
            write!(f, "{mark}{} '{}'", operator.op, operator.node)?;
            let reason = (&operator.op, &operator.what, &operator.hint);
            match reasons.get(&reason) {
                Some(first) => write!(f, "; as '{first}'")?,
                None => {
                    for part in [&operator.what, &operator.hint].into_iter().filter(|part| !part.is_empty()) {
                        write!(f, "; {part}")?;
                    }
                }
            }
            if !operator.supported {
                reasons.entry(reason).or_insert(&operator.node);
            }
            writeln!(f)?;
        }
        for problem in &self.problems {
            writeln!(f, "NO  {problem}")?;
        }
        for activation in &self.approximated {
            writeln!(f, "~   {activation}")?;
        }
        let refused =
            self.operators.iter().filter(|operator| !operator.supported).count() + self.problems.len();
        match refused {
            0 => write!(f, "{}: all {} operators are supported", self.model, self.operators.len()),
            n => write!(f, "{}: {n} of {} operators cannot be compiled", self.model, self.operators.len()),
        }
    }
}
