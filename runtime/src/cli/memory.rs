//! Memory that goes back to the system after a burst of clients. glibc's allocator has up to eight arenas for each core, and
//! keeps what was freed in them: hundreds of megabytes of a server that has nothing to do.

/// Bounds the allocator's arenas by the number of cores, before threads have made any. Elsewhere than with glibc nothing is to
/// be done.
pub(crate) fn bound_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // SAFETY: sets a number in the allocator, whatever else it does; where it cannot, it says so, and nothing has changed.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, i32::try_from(cores).unwrap_or(i32::MAX)) };
    }
}

/// Gives memory that is free in all arenas back to the system.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Bytes of a size such as `200MB`, `512MiB` or `2GB`; the unit must be there.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim() {
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "" => return Err(format!("'{text}' has no unit; write {text}MB, say, or kB, GB, KiB, MiB, GiB")),
        other => return Err(format!("'{other}' is no unit; write kB, MB, GB, KiB, MiB or GiB")),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    bytes.ok_or_else(|| format!("'{text}' is no size, such as 200MB"))
}
