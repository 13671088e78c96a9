//! Numbers in memory whose neighbours cannot be touched: assembly that reads or writes beyond its operands ends the process, which
//! the address sanitizer does not see.

use std::ops::{Deref, DerefMut};
use std::ptr;

/// Which end of the numbers lies at the end of what may be touched.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flush {
    Start,
    End,
}

/// Numbers between two pages that nobody may touch.
pub(crate) struct Guarded {
    mapping: *mut libc::c_void,
    bytes: usize,
    numbers: *mut u64,
    len: usize,
}

impl Guarded {
    /// A copy of `numbers`.
    pub(crate) fn new(numbers: &[u64], flush: Flush) -> Self {
        // SAFETY: asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let size = size_of_val(numbers);
        let inner = size.next_multiple_of(page);
        let bytes = inner + 2 * page;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: maps fresh memory wherever the system wants.
        let mapping = unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(mapping, libc::MAP_FAILED);
        let offset = match flush {
            Flush::Start => page,
            Flush::End => page + inner - size,
        };
        // SAFETY: whole pages within the mapping, which nobody else knows, become accessible; the numbers lie in them, aligned,
        // because pages and `size` are multiples of eight bytes.
        let numbers_at = unsafe {
            let accessible = mapping.byte_add(page);
            assert_eq!(libc::mprotect(accessible, inner, libc::PROT_READ | libc::PROT_WRITE), 0);
            let numbers_at = mapping.byte_add(offset).cast::<u64>();
            ptr::copy_nonoverlapping(numbers.as_ptr(), numbers_at, numbers.len());
            numbers_at
        };
        Self { mapping, bytes, numbers: numbers_at, len: numbers.len() }
    }
}

impl Deref for Guarded {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        // SAFETY: as many numbers were written there, and the mapping lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.numbers, self.len) }
    }
}

impl DerefMut for Guarded {
    fn deref_mut(&mut self) -> &mut [u64] {
        // SAFETY: as in `deref`; borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.numbers, self.len) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: what `new` mapped, once.
        unsafe { libc::munmap(self.mapping, self.bytes) };
    }
}
