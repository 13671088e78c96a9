//! Who does what, in which order: the executors of a plan.
//!
//! * [`server`]: holds the weights; answers many clients at a time;
//! * [`client`]: holds the key and the image;
//! * `online`: what both do with shares, in suite `shared`; `values`: what later steps still read;
//! * `half`: what both have prepared of an inference;
//! * [`listener`]: a server for many clients over TCP; [`hall`]: those that are there, and their end;
//! * [`watch`]: what a server tells of its clients;
//! * [`local`]: both in one process;
//! * [`plain`]: the plan's meaning, without cryptography.

pub mod client;
mod half;
pub mod hall;
mod held;
pub mod listener;
pub mod local;
mod online;
pub mod plain;
pub mod server;
mod stopwatch;
mod values;
pub mod watch;
