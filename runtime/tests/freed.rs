//! What GMP frees is overwritten. A process of its own: GMP's functions are exchanged before anybody else uses it.

use gmp_mpfr_sys::gmp;
use rug::Integer;
use runtime::paillier::{SecretKey, SecureRng};
use runtime::plan::KeyBits;
use runtime::wipe_freed_numbers;
use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

static FREED: AtomicUsize = AtomicUsize::new(0);
static FREED_WITH_CONTENT: AtomicUsize = AtomicUsize::new(0);
static FREE: OnceLock<unsafe extern "C" fn(*mut c_void, usize)> = OnceLock::new();

/// Counts the blocks that are given back, and those of them that hold something.
unsafe extern "C" fn count(block: *mut c_void, size: usize) {
    // SAFETY: GMP gives back a block of `size` bytes.
    let content = unsafe { std::slice::from_raw_parts(block.cast::<u8>(), size) };
    FREED.fetch_add(1, Ordering::SeqCst);
    FREED_WITH_CONTENT.fetch_add(usize::from(content.iter().any(|&byte| byte != 0)), Ordering::SeqCst);
    let free = FREE.get().expect("set before");
    // SAFETY: the block came from the functions before.
    unsafe { free(block, size) };
}

/// Blocks that were given back since the last call, and those with content.
fn freed() -> [usize; 2] {
    [&FREED, &FREED_WITH_CONTENT].map(|counter| counter.swap(0, Ordering::SeqCst))
}

#[test]
fn no_block_that_gmp_frees_or_leaves_holds_anything() {
    let (mut allocate, mut reallocate, mut free) = (None, None, None);
    // SAFETY: this test is the only one of its process, so no other thread uses GMP.
    unsafe {
        gmp::get_memory_functions(&mut allocate, &mut reallocate, &mut free);
        FREE.set(free.expect("a function")).expect("set once");
        gmp::set_memory_functions(allocate, reallocate, Some(count));
    }
    let old = Integer::from(Integer::u_pow_u(3, 2000));
    drop(Integer::from(&old * 3u32));
    assert_eq!(freed(), [1, 1], "as it is without");
    // SAFETY: as before.
    unsafe {
        wipe_freed_numbers();
        wipe_freed_numbers();
    }
    let mut grown = Integer::from(&old * 3u32);
    grown <<= 100_000;
    assert_eq!((grown >> 100_000u32) / 3u32, old);
    drop(old);
    assert!(matches!(freed(), [3..=usize::MAX, 0]));
    let bits = KeyBits::try_from(2048).expect("a length");
    let key = SecretKey::generate(bits, &mut SecureRng::from_os().expect("randomness"));
    assert_eq!(*SecretKey::from_bytes(&key.to_bytes()).expect("a key").to_bytes(), *key.to_bytes());
    drop(key);
    assert!(matches!(freed(), [100..=usize::MAX, 0]));
    #[cfg(target_os = "linux")]
    residue::assert_none_of_a_key(bits);
}

/// What is left of a key in the whole memory of the process.
#[cfg(target_os = "linux")]
mod residue {
    use super::*;
    use std::fs::{File, read_to_string};
    use std::os::unix::fs::FileExt;

    /// The same byte eight times, so that what is looked for lies nowhere itself.
    const MASK: u64 = 0xa5a5_a5a5_a5a5_a5a5;

    /// That the last eight bytes of no secret number lie anywhere after a key was made, written and dropped; before, they do.
    pub(super) fn assert_none_of_a_key(bits: KeyBits) {
        let key = Box::new(SecretKey::generate(bits, &mut SecureRng::from_os().expect("randomness")));
        let masked = masked_words(&key);
        assert!(found(&masked).len() >= 4);
        drop(key);
        let left = found(&masked);
        assert!(left.is_empty(), "{left:#?}");
    }

    /// Of p, q, α_p and α_q: their last eight bytes, in both orders, masked.
    #[inline(never)]
    fn masked_words(key: &SecretKey) -> Vec<u64> {
        let bytes = key.to_bytes();
        // The file's header, then numbers of 128, 128, 32 and 32 bytes.
        let masked = [141, 269, 301, 333].map(|end| {
            u64::from_be_bytes(std::array::from_fn(|index| {
                bytes[end - 8 + index] ^ MASK.to_be_bytes()[index]
            }))
        });
        masked.into_iter().flat_map(|word| [word, word.swap_bytes()]).collect()
    }

    /// Every place of every word in the memory that can be written to.
    fn found(masked: &[u64]) -> Vec<String> {
        let memory = File::open("/proc/self/mem").expect("its own memory");
        let maps = read_to_string("/proc/self/maps").expect("its own maps");
        let mut buffer = vec![0; 1 << 16];
        let mut found = Vec::new();
        for map in maps.lines().filter(|line| line.contains(" rw")) {
            let range = map.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
            let [start, end] = [range.0, range.1].map(|at| u64::from_str_radix(at, 16).expect("an address"));
            for at in (start..end).step_by(buffer.len() - 8) {
                let length = buffer.len().min((end - at) as usize);
                let Ok(read) = memory.read_at(&mut buffer[..length], at) else { break };
                for (index, word) in buffer[..read].windows(8).enumerate() {
                    let word = u64::from_le_bytes(word.try_into().expect("eight bytes")) ^ MASK;
                    if let Some(which) = masked.iter().position(|masked| *masked == word) {
                        found.push(format!("word {which} at {:#x} in {map}", at + index as u64));
                    }
                }
                buffer.fill(0);
            }
        }
        found
    }
}
