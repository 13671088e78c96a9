//! How tests see what code does beside its results: the times that it takes, the branches and addresses that it chooses by secrets, and
//! memory beyond its operands.

#[cfg(target_os = "linux")]
pub(crate) mod guarded;
pub(crate) mod taint;
pub(crate) mod timing;
