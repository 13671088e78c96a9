//! Tests that count what their process holds run in a process of their own.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Runs `body` of the test called `test` in a process in which nothing else runs; the allocator has as many arenas there as in
/// the programs.
pub(crate) fn alone(test: &str, body: impl FnOnce()) {
    const ALONE: &str = "POPCORN_ALONE";
    if std::env::var_os(ALONE).is_some_and(|running| running == *test) {
        return body();
    }
    let cores = thread::available_parallelism().map_or(1, usize::from).to_string();
    let run = Command::new(std::env::current_exe().expect("this program"))
        .env(ALONE, test)
        .env("MALLOC_ARENA_MAX", cores)
        .args(["--exact", test, "--include-ignored", "--nocapture"])
        .output()
        .expect("run");
    let [said, complained] = [run.stdout, run.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(run.status.success() && said.contains("1 passed"), "{said}{complained}");
    print!("{said}");
}

/// What this process holds of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
}

impl Held {
    pub(crate) fn now() -> Self {
        let entries = |path: &str| fs::read_dir(path).expect("a system that tells").count();
        // Reading the folder takes a descriptor.
        Self { descriptors: entries("/proc/self/fd") - 1, threads: entries("/proc/self/task") }
    }

    /// Waits until no more is held than `self`; panics where that takes absurdly long.
    pub(crate) fn comes_back(self) {
        let start = Instant::now();
        loop {
            let now = Self::now();
            if now.descriptors <= self.descriptors && now.threads <= self.threads {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{now:?} are held, {self:?} were");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Bytes of memory that this process takes.
pub(crate) fn memory() -> u64 {
    in_status("VmRSS:")
}

/// The most of it since [`forget_peak`].
pub(crate) fn peak_memory() -> u64 {
    in_status("VmHWM:")
}

pub(crate) fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("a system that forgets");
}

fn in_status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a system that tells");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of memory");
    let kilobytes = line.trim().trim_end_matches("kB").trim();
    1024 * kilobytes.parse::<u64>().expect("a number")
}
