//! What the operating system would keep of a process's memory, or show to others.

use crate::error::{Error, Result};
#[cfg(target_os = "linux")]
use std::io;

/// Keeps this process's memory, in which there are keys and images, out of core dumps, and other processes of the same user from
/// reading it (debuggers, `/proc/PID/mem`). Linux: `RLIMIT_CORE` is 0, which children inherit, and the process is not *dumpable*
/// (`prctl(2)`), so that its files in `/proc` belong to root. Elsewhere nothing is done.
///
/// Who is root reads the memory all the same, and it may be swapped out.
///
/// The programs `popcorn infer`, `run`, `keygen` and `serve` call it first. An application calls it at its beginning; to run under a
/// debugger, it does not.
///
/// # Errors
/// The system does not allow it.
pub fn harden_process() -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: reads a limit from a valid place, and numbers; neither touches memory of this process.
        let done = unsafe {
            libc::setrlimit(libc::RLIMIT_CORE, &raw const none) == 0
                && libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
        };
        if !done {
            return Err(Error::io("cannot forbid core dumps", io::Error::last_os_error()));
        }
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_hardened_process_leaves_no_core_and_is_not_dumpable() {
        harden_process().unwrap();
        harden_process().unwrap();
        let mut limit = libc::rlimit { rlim_cur: 1, rlim_max: 1 };
        // SAFETY: writes a limit to a valid place.
        assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_CORE, &raw mut limit) }, 0);
        // SAFETY: asks for a number.
        let dumpable = unsafe { libc::prctl(libc::PR_GET_DUMPABLE, 0, 0, 0, 0) };
        assert_eq!((limit.rlim_cur, limit.rlim_max, dumpable), (0, 0, 0));
    }
}
