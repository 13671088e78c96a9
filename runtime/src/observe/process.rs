//! What this process takes of the machine, where the system tells.

use std::time::Duration;

/// The most memory that this process has held at a time (resident, with code and stacks), in bytes; `None`
/// where the system does not tell.
pub fn peak_memory() -> Option<u64> {
    of_status("VmHWM:")
}

/// The memory that this process holds now (resident, with code and stacks), in bytes; `None` where the system does not tell.
pub fn resident_memory() -> Option<u64> {
    of_status("VmRSS:")
}

/// Bytes that Linux states of the process under this name.
fn of_status(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let size = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = size.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// Time that all cores together have worked for this process; `None` where the system does not tell.
pub fn cpu_time() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes one `timespec`, which `time` is.
        let told = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
        let (seconds, nanoseconds) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
        (told == 0).then(|| Duration::new(seconds, nanoseconds))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_peak_covers_what_was_held_once() {
        const HELD: usize = 64 << 20;
        drop(std::hint::black_box(vec![1u8; HELD]));
        let peak = peak_memory().unwrap();
        assert!(peak > HELD as u64 && peak >= resident_memory().unwrap());
        assert!(cpu_time().unwrap() > Duration::ZERO);
    }
}
