//! What a client is told where the server does not do now what it may do later.

use crate::error::Error;
use crate::message;

/// The reason, if `error` is one of these.
pub(super) fn reason(error: &Error) -> Option<String> {
    match error {
        Error::OverBudget(what) => {
            Some(format!("the budget of {what} for a day is spent; come again tomorrow"))
        }
        Error::Busy(what) => Some(format!("it has too much {what}; {}", message::TRY_LATER)),
        _ => None,
    }
}
