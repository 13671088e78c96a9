//! Overwriting secrets in memory before it is given back.
//!
//! `zeroize` does not reach numbers that GMP owns, so [`SecretInteger`] overwrites their limbs.
//! What GMP copies for itself inside one operation lies in blocks that it frees, which
//! [`wipe_freed_numbers`](super::wipe_freed_numbers) overwrites, and on the stack, which [`wipe_stack`] does.

use std::hint::black_box;
use std::ops::Deref;
use std::sync::atomic::{Ordering, compiler_fence};

use rug::Integer;

/// An integer that is overwritten with zeros when it is dropped. It has no `Debug`.
pub(crate) struct SecretInteger(Integer);

impl SecretInteger {
    /// Takes the number over; the caller must keep no copy.
    pub(crate) fn new(value: Integer) -> Self {
        Self(value)
    }
}

impl From<Integer> for SecretInteger {
    fn from(value: Integer) -> Self {
        Self::new(value)
    }
}

impl Deref for SecretInteger {
    type Target = Integer;

    fn deref(&self) -> &Integer {
        &self.0
    }
}

impl Drop for SecretInteger {
    fn drop(&mut self) {
        wipe_integer(&mut self.0);
    }
}

/// Sets the integer to zero and overwrites all the memory that it holds.
pub(crate) fn wipe_integer(value: &mut Integer) {
    let raw = value.as_raw_mut();
    // SAFETY: GMP owns `alloc` limbs at `d`, all inside one allocation; zero is a valid limb and
    // size 0 a valid number. The writes are volatile, so they are not optimised away.
    unsafe {
        let limbs = (*raw).d.as_ptr();
        for index in 0..usize::try_from((*raw).alloc).unwrap_or(0) {
            limbs.add(index).write_volatile(0);
        }
        (*raw).size = 0;
    }
    compiler_fence(Ordering::SeqCst);
}

/// Overwrites 32 KiB of the stack below the caller's frame: what functions that have returned left there. GMP's take some KiB for
/// numbers of a key's size, and leave operands there (divisions, greatest common divisors).
#[inline(never)]
pub(crate) fn wipe_stack() {
    black_box(&mut [0u8; 32 << 10]);
}

/// Writes `value` over the old one, which is forgotten without being dropped (memory that it owns
/// would leak), and makes sure that the write happens.
pub(crate) fn overwrite<T>(place: &mut T, value: T) {
    // SAFETY: `place` is a valid, aligned, exclusive reference; forgetting a value is safe.
    unsafe { std::ptr::write_volatile(place, value) };
    compiler_fence(Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wiped_integer_is_zero_in_all_its_memory() {
        let mut value = Integer::from(Integer::u_pow_u(2, 4000));
        let limbs = value.as_limbs().as_ptr();
        let capacity = value.capacity() / 64;
        wipe_integer(&mut value);
        assert_eq!(value, 0);
        // SAFETY: `value` still owns its allocation of `capacity` limbs.
        let memory = unsafe { std::slice::from_raw_parts(limbs, capacity) };
        assert!(memory.iter().all(|limb| *limb == 0));
    }

    #[test]
    fn a_number_without_memory_can_be_wiped() {
        let mut value = Integer::new();
        wipe_integer(&mut value);
        assert_eq!(value + 7u32, 7);
    }
}
