//! Sessions in place of those that were lost.

use runtime::channel::CancellationToken;
use runtime::roles::client::{Patience, Session};
use runtime::{Error, Result};

/// What opens a session in place of one that was lost.
pub(crate) struct Again<F> {
    pub(crate) patience: Patience,
    pub(crate) open: F,
}

impl<F: FnMut() -> Result<Session>> Again<F> {
    /// A session after an `error`; where something was `achieved` since the last one, time for it begins anew.
    ///
    /// # Errors
    /// As [`Patience::pause`].
    pub(crate) fn session(&mut self, error: Error, achieved: bool) -> Result<Session> {
        let Self { patience, open } = self;
        if achieved {
            patience.reset();
        }
        let never = CancellationToken::new();
        patience.pause(error, &never)?;
        patience.keep_trying(&never, open)
    }
}
