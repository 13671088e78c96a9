//! The crates' errors as the exceptions of `popcorn.errors`.

use compiler::error::Diagnostic;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// An exception of the class `name` of `popcorn.errors`.
pub(crate) fn raise(py: Python<'_>, name: &str, message: impl Into<String>) -> PyErr {
    class(py, name).map_or_else(|error| error, |class| PyErr::from_type(class, message.into()))
}

/// The exception that stands for an error of the runtime.
pub(crate) fn of_runtime(py: Python<'_>, error: &runtime::Error) -> PyErr {
    use runtime::Error;
    use runtime::error::InvalidInput;
    let name = match error {
        Error::InvalidInput(InvalidInput::SessionEnded) => "SessionOver",
        Error::InvalidInput(_) => "InvalidInput",
        Error::PeerMisbehaved(_) => "PeerError",
        Error::Refused(_) | Error::Busy(_) | Error::OverBudget(_) => "Refused",
        Error::SessionOver(_) | Error::Idle(_) | Error::Ending => "SessionOver",
        Error::Cancelled => "Cancelled",
        Error::Io { .. } | Error::Randomness(_) => "SystemFailure",
        Error::Bug(_) => "InternalError",
    };
    raise(py, name, error.to_string())
}

/// The exception that stands for an error of the compiler.
pub(crate) fn of_compiler(py: Python<'_>, error: &compiler::Error) -> PyErr {
    use compiler::Error;
    let name = match error {
        Error::Runtime(error) => return of_runtime(py, error),
        Error::Unsupported(diagnostics) => return unsupported(py, &error.to_string(), diagnostics),
        Error::File { .. } => "SystemFailure",
        Error::Malformed { .. } | Error::Option(_) => "InvalidInput",
        Error::Inaccurate(_) | Error::Budget(_) => "Inaccurate",
        Error::Stopped { .. } => "Cancelled",
        Error::Bug(_) => "InternalError",
    };
    raise(py, name, error.to_string())
}

/// With what was found, node by node: name, operator, what is wrong, what to do.
fn unsupported(py: Python<'_>, message: &str, diagnostics: &[Diagnostic]) -> PyErr {
    let found: Vec<_> =
        diagnostics.iter().map(|found| (&found.node, &found.op, &found.what, &found.hint)).collect();
    let exception = class(py, "Unsupported").and_then(|class| class.call1((message, found)));
    exception.map_or_else(|error| error, PyErr::from_value)
}

fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    Ok(py.import("popcorn.errors")?.getattr(name)?.cast_into::<PyType>()?)
}
