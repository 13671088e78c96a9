//! GMP's memory, overwritten before it is freed.
//!
//! Every operation on numbers leaves copies in blocks that GMP gives back: intermediate results, and what a number held before it
//! grew. [`SecretInteger`](super::wipe::SecretInteger) overwrites the numbers that this library names; the functions here
//! overwrite all others, of the whole process, whoever made them.

use gmp_mpfr_sys::gmp;
use std::ffi::c_void;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{Ordering, compiler_fence};

/// What GMP allocated with before.
struct Functions {
    allocate: unsafe extern "C" fn(usize) -> *mut c_void,
    free: unsafe extern "C" fn(*mut c_void, usize),
}

static BEFORE: OnceLock<Functions> = OnceLock::new();

/// From now on GMP overwrites all memory that it frees, in this process, for this library and for everybody else who uses GMP.
/// Memory comes from where it came from before, so numbers that exist already stay valid. Further calls do nothing.
///
/// The programs `popcorn infer`, `run`, `keygen` and `serve` call it first; it costs them no time that can be measured.
///
/// # Safety
/// No other thread uses GMP, directly or by a crate such as `rug` or this one, until this returns: GMP reads the functions that
/// are exchanged here without a lock. Call it at the beginning of `main`.
pub unsafe fn wipe_freed_numbers() {
    if BEFORE.get().is_some() {
        return;
    }
    let (mut allocate, mut reallocate, mut free) = (None, None, None);
    // SAFETY: writes three pointers to functions, which are valid places for them.
    unsafe { gmp::get_memory_functions(&mut allocate, &mut reallocate, &mut free) };
    if let (Some(allocate), Some(free)) = (allocate, free)
        && BEFORE.set(Functions { allocate, free }).is_ok()
    {
        // SAFETY: these do what GMP demands of such functions, with memory of the functions before; nobody else uses
        // GMP meanwhile, as the caller promises.
        unsafe { gmp::set_memory_functions(Some(allocate), Some(grow), Some(give_back)) };
    }
}

/// Of GMP: a block of `new` bytes with what the old one of `old` bytes began with.
unsafe extern "C" fn grow(block: *mut c_void, old: usize, new: usize) -> *mut c_void {
    let Some(before) = BEFORE.get() else { return ptr::null_mut() };
    // SAFETY: GMP passes a block of `old` bytes that it owns, and the functions before never return null; the two blocks are
    // different ones.
    unsafe {
        let larger = (before.allocate)(new);
        ptr::copy_nonoverlapping(block.cast::<u8>(), larger.cast(), old.min(new));
        give_back(block, old);
        larger
    }
}

/// Of GMP: the end of a block of `size` bytes.
unsafe extern "C" fn give_back(block: *mut c_void, size: usize) {
    let Some(before) = BEFORE.get() else { return };
    // SAFETY: GMP passes a block of `size` bytes that it owns and will not use again. That the call goes through a pointer keeps
    // the compiler from leaving the writes out.
    unsafe {
        ptr::write_bytes(block.cast::<u8>(), 0, size);
        compiler_fence(Ordering::SeqCst);
        (before.free)(block, size);
    }
}
