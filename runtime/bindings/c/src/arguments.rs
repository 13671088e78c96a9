//! What comes from C, checked before it is used.

use crate::border::Failure;
use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::slice;

/// The text at `text`; `None` where that is null.
///
/// # Errors
/// It is not UTF-8.
///
/// # Safety
/// `text` is null or ends with a zero byte, and lives and stays as it is for `'a`.
pub(crate) unsafe fn optional_text<'a>(
    text: *const c_char,
    what: &'static str,
) -> Result<Option<&'a str>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|_| Failure::NotUtf8(what))
}

/// The text at `text`.
///
/// # Errors
/// It is null, or not UTF-8.
///
/// # Safety
/// As for [`optional_text`].
pub(crate) unsafe fn text<'a>(text: *const c_char, what: &'static str) -> Result<&'a str, Failure> {
    // SAFETY: as the caller promises.
    unsafe { optional_text(text, what) }?.ok_or(Failure::Null(what))
}

/// What is behind a handle, or a structure of the caller's.
///
/// # Errors
/// It is null.
///
/// # Safety
/// `handle` is null or points to a `T` that lives for `'a`, and that nobody changes.
pub(crate) unsafe fn handle<'a, T>(handle: *const T, what: &'static str) -> Result<&'a T, Failure> {
    // SAFETY: as the caller promises.
    unsafe { handle.as_ref() }.ok_or(Failure::Null(what))
}

/// Where a result goes.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// A place for a result.
    ///
    /// # Errors
    /// It is null.
    ///
    /// # Safety
    /// `place` is null, or valid for writing until the call ends.
    pub(crate) unsafe fn new(place: *mut T, what: &'static str) -> Result<Self, Failure> {
        let place = Self(place);
        if place.0.is_null() { Err(Failure::Null(what)) } else { Ok(place) }
    }

    /// Writes the result.
    pub(crate) fn put(self, value: T) {
        // SAFETY: `new`'s caller promised that it may be written to.
        unsafe { self.0.write(value) };
    }
}

impl<T> Out<*mut T> {
    /// As [`new`](Self::new), for a handle, which is null until it is put.
    ///
    /// # Errors
    /// It is null.
    ///
    /// # Safety
    /// As for [`new`](Self::new).
    pub(crate) unsafe fn for_handle(place: *mut *mut T, what: &'static str) -> Result<Self, Failure> {
        // SAFETY: as the caller promises.
        let out = unsafe { Self::new(place, what) }?;
        // SAFETY: it is not null, and may be written to, as the caller promises.
        unsafe { out.0.write(std::ptr::null_mut()) };
        Ok(out)
    }

    /// Gives the value to C.
    pub(crate) fn put_handle(self, value: T) {
        self.put(Box::into_raw(Box::new(value)));
    }
}

/// The `got` elements at `elements`, which have to be `expected`.
///
/// # Errors
/// They are another number, null, or not aligned.
///
/// # Safety
/// `elements` is null, or points to `got` of them that live for `'a` and that nobody changes.
pub(crate) unsafe fn elements<'a, T>(
    elements: *const T,
    got: usize,
    expected: usize,
    what: &'static str,
) -> Result<&'a [T], Failure> {
    check(elements, got, expected, what)?;
    // SAFETY: as the caller promises; a plan's images, of which there are few enough to be counted, fit into memory.
    Ok(unsafe { slice::from_raw_parts(elements, got) })
}

/// The room for `got` elements at `room`, which have to be `expected`; `None` where `room` is null, as the caller wants none.
///
/// # Errors
/// It is another number, or not aligned.
///
/// # Safety
/// `room` is null, or has room for `got` elements that nobody else uses for `'a`.
pub(crate) unsafe fn room<'a, T>(
    room: *mut T,
    got: usize,
    expected: usize,
    what: &'static str,
) -> Result<Option<&'a mut [MaybeUninit<T>]>, Failure> {
    if got == 0 && (room.is_null() || expected == 0) {
        return Ok(None);
    }
    check(room, got, expected, what)?;
    // SAFETY: as the caller promises; what was not written yet is read by nobody.
    Ok(Some(unsafe { slice::from_raw_parts_mut(room.cast(), got) }))
}

fn check<T>(elements: *const T, got: usize, expected: usize, what: &'static str) -> Result<(), Failure> {
    if got != expected {
        Err(Failure::Length { what, got, expected })
    } else if elements.is_null() {
        Err(Failure::Null(what))
    } else if !elements.is_aligned() {
        Err(Failure::NotAligned(what))
    } else {
        Ok(())
    }
}
