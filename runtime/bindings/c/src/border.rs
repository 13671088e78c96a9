//! Where C ends and Rust begins: panics stop here, failures become errors that C can read.

use std::any::Any;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Once;

/// How a call ended: `POPCORN_STATUS_OK`, or whose fault it was that it failed.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// Yours: an argument or a file cannot be used. Nothing was sent, and a client remains usable.
    InvalidInput = 1,
    /// The server sent what the protocol does not allow, or hung up. The session is over.
    PeerMisbehaved = 2,
    /// The server said that it will not go on: it is full, it ends, it has another plan, it does not know the token. The session is
    /// over.
    Refused = 3,
    /// The session lasted as long as sessions may, nothing was asked for too long, or a call has failed before. Connect again.
    SessionOver = 4,
    /// `popcorn_cancel` was called. The session is over.
    Cancelled = 5,
    /// The system's: a file, a socket, the source of randomness.
    System = 6,
    /// A defect of this library. The client is unusable; free it.
    Internal = 7,
}

/// Why a call failed. Its owner frees it with `popcorn_error_free`; any thread may read it.
pub struct Error {
    status: Status,
    message: CString,
}

/// Why a call from C fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0} is NULL")]
    Null(&'static str),
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
    #[error("{0} is not aligned")]
    NotAligned(&'static str),
    #[error("{what} has {got} elements, not {expected}")]
    Length { what: &'static str, got: usize, expected: usize },
    #[error("{what}: {why}")]
    Value { what: &'static str, why: String },
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
    #[error("internal error: {0}")]
    Panic(String),
}

impl From<runtime::error::InvalidInput> for Failure {
    fn from(invalid: runtime::error::InvalidInput) -> Self {
        Self::Runtime(invalid.into())
    }
}

impl Failure {
    /// Who is to blame.
    pub(crate) const fn status(&self) -> Status {
        use runtime::Error;
        use runtime::error::InvalidInput;
        match self {
            Self::Runtime(
                Error::SessionOver(_) | Error::Idle(_) | Error::InvalidInput(InvalidInput::SessionEnded),
            ) => Status::SessionOver,
            Self::Null(_)
            | Self::NotUtf8(_)
            | Self::NotAligned(_)
            | Self::Length { .. }
            | Self::Value { .. }
            | Self::Runtime(Error::InvalidInput(_)) => Status::InvalidInput,
            Self::Runtime(Error::PeerMisbehaved(_)) => Status::PeerMisbehaved,
            Self::Runtime(Error::Refused(_) | Error::Busy(_) | Error::OverBudget(_) | Error::Ending) => {
                Status::Refused
            }
            Self::Runtime(Error::Cancelled) => Status::Cancelled,
            Self::Runtime(Error::Io { .. } | Error::Randomness(_)) => Status::System,
            Self::Runtime(Error::Bug(_)) | Self::Panic(_) => Status::Internal,
        }
    }

    /// What a thread said that panicked.
    fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Panic(text.unwrap_or("a panic without a message").to_owned())
    }
}

impl From<&Failure> for Error {
    fn from(failure: &Failure) -> Self {
        let text = failure.to_string().replace('\0', "\u{fffd}");
        Self { status: failure.status(), message: CString::new(text).unwrap_or_default() }
    }
}

/// Does `call`, and tells C how it ended; every function that can fail goes through here. `error`, where it is not null, is set to
/// null or to an error that C frees.
///
/// # Safety
/// `error` is null or may be written to.
pub(crate) unsafe fn guard(error: *mut *mut Error, call: impl FnOnce() -> Result<(), Failure>) -> Status {
    let outcome = catch_unwind(AssertUnwindSafe(call));
    let failure = outcome.unwrap_or_else(|panic| Err(Failure::of_panic(&*panic))).err();
    let told = failure.as_ref().map_or(ptr::null_mut(), |failure| Box::into_raw(Box::new(failure.into())));
    if !error.is_null() {
        // SAFETY: as the caller promises.
        unsafe { error.write(told) };
    } else if !told.is_null() {
        // SAFETY: it was made above, and nobody else knows it.
        drop(unsafe { Box::from_raw(told) });
    }
    failure.map_or(Status::Ok, |failure| failure.status())
}

/// Frees what `into_raw` gave to C; null is nothing. A panic in its end is dropped: C could do nothing about it.
///
/// # Safety
/// `handle` is null or came from `Box::into_raw`, and nobody uses it any more.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: as the caller promises.
        let owned = unsafe { Box::from_raw(handle) };
        let _ = catch_unwind(AssertUnwindSafe(|| drop(owned)));
    }
}

/// Makes GMP overwrite what it frees from now on; before anything that makes numbers.
pub(crate) fn wipe_numbers() {
    static ONCE: Once = Once::new();
    // SAFETY: every function of this library that makes numbers waits here first, so none of them uses GMP meanwhile. The shared
    // library has a GMP of its own; who links the static one and uses GMP himself is told to call this library first (README.md).
    ONCE.call_once(|| unsafe { runtime::wipe_freed_numbers() });
}

/// How the call ended; `POPCORN_STATUS_OK` where `error` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_error_status(error: *const Error) -> Status {
    // SAFETY: the header's rules: null, or an error that was not freed.
    unsafe { error.as_ref() }.map_or(Status::Ok, |error| error.status)
}

/// What went wrong, in English; valid until the error is freed. "" where `error` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_error_message(error: *const Error) -> *const c_char {
    // SAFETY: as above.
    unsafe { error.as_ref() }.map_or(c"", |error| &error.message).as_ptr()
}

/// Frees an error; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_error_free(error: *mut Error) {
    // SAFETY: the header's rules: null, or an error that was not freed.
    unsafe { free(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn panics_end_at_the_border() {
        let mut error = ptr::null_mut();
        // SAFETY: `error` may be written to.
        let status = unsafe { guard(&raw mut error, || panic!("a defect")) };
        // SAFETY: it was just made.
        let message = unsafe { CStr::from_ptr(popcorn_error_message(error)) };
        assert_eq!((status, message.to_str()), (Status::Internal, Ok("internal error: a defect")));
        // SAFETY: likewise, and nobody uses it afterwards.
        unsafe { popcorn_error_free(error) };
        // SAFETY: null is allowed.
        assert_eq!(unsafe { guard(ptr::null_mut(), || panic!("{}", 7)) }, Status::Internal);
    }
}
