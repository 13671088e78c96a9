//! Ending calls from another thread.

use crate::border::free;
use runtime::channel::CancellationToken;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Ends calls that are under way in other threads. Any thread may use it.
#[derive(Default)]
pub struct Cancellation(pub(crate) CancellationToken);

/// A cancellation that nobody has called. It is named in `popcorn_options`.
#[unsafe(no_mangle)]
pub extern "C" fn popcorn_cancellation_new() -> *mut Cancellation {
    Box::into_raw(Box::default())
}

/// Ends `popcorn_connect` and the calls of all clients that were connected with this cancellation, for good: they fail with
/// `POPCORN_STATUS_CANCELLED`, at once where they wait for the server, after looking up a name or making a key otherwise. NULL is
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_cancel(cancellation: *mut Cancellation) {
    // SAFETY: the header's rules: null, or a cancellation that was not freed.
    if let Some(cancellation) = unsafe { cancellation.as_ref() } {
        // A panic could not be told to anybody.
        let _ = catch_unwind(AssertUnwindSafe(|| cancellation.0.cancel()));
    }
}

/// Frees a cancellation; clients that were connected with it go on. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_cancellation_free(cancellation: *mut Cancellation) {
    // SAFETY: the header's rules: null, or a cancellation that was not freed.
    unsafe { free(cancellation) }
}
