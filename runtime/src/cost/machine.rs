//! The machine on which figures were measured.

use crate::paillier::KernelKind;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::thread::available_parallelism;

/// The machine on which figures were measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Name of the processor, as the operating system gives it.
    pub processor: String,
    /// Operating system and architecture.
    pub system: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Number of threads that compute.
    pub threads: usize,
    /// The kernel of products: `ifma`, `adx` or `portable`.
    pub kernel: String,
}

impl Machine {
    /// This one, computing with `threads` threads.
    pub fn this(threads: usize) -> Self {
        Self {
            processor: processor(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: available_parallelism().map_or(1, usize::from),
            threads,
            kernel: KernelKind::of_process().to_string(),
        }
    }
}

/// `Intel(R) Xeon(R) Processor, linux x86_64, 2 cores, 2 threads, kernel ifma`
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, system, cores, threads, kernel } = self;
        let (cores, threads) = (counted(*cores, "core"), counted(*threads, "thread"));
        write!(f, "{processor}, {system}, {cores}, {threads}, kernel {kernel}")
    }
}

/// `1 core`, `2 cores`
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn processor() -> String {
    let described = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = described.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| "unknown processor".into(), |(_, name)| name.trim().into())
}
