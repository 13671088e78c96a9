//! The runtime from outside: plans, sessions between honest and hostile parties, the program `popcorn`.

mod support;

mod admin;
mod admission;
mod app;
mod cli;
mod cli_store;
mod damage;
mod drain;
mod encrypted;
mod faults;
mod fuzz;
mod hostile;
mod kept;
#[cfg(unix)]
mod logs;
mod masks;
mod offers;
mod opening;
mod overlap;
mod plan;
mod reconnect;
mod report;
mod shared;
#[cfg(unix)]
mod signals;
mod soak;
mod stored;
mod tls;
mod views;
mod wire;
