//! How fast this machine is, each figure beside a baseline of the same run.
//!
//! * [`kernels`]: the operations of Paillier, against GMP as most programs use it;
//! * [`plans`]: whole inferences, against the way of the paper's program ([`paper_style`]);
//! * [`profile`]: what one unit of each cost takes here, for predictions.

pub mod kernels;
pub mod paper_style;
pub mod plans;
pub mod profile;
mod timing;

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::thread::available_parallelism;

/// What the figures are of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// As the operating system names it.
    pub processor: String,
    /// Operating system and architecture.
    pub system: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Threads that compute.
    pub threads: usize,
}

impl Machine {
    /// This one, computing with `threads` threads.
    pub fn this(threads: usize) -> Self {
        Self {
            processor: processor(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: available_parallelism().map_or(1, usize::from),
            threads,
        }
    }
}

fn processor() -> String {
    let described = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = described.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| "unknown processor".into(), |(_, name)| name.trim().into())
}

/// An error that only a defect of this library explains.
fn bug(error: impl ToString) -> Error {
    Error::Bug(error.to_string())
}
