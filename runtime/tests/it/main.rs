//! The runtime from outside: plans, sessions between honest and hostile parties, the program `popcorn`.

mod support;

mod app;
mod cli;
mod damage;
mod encrypted;
mod faults;
mod fuzz;
mod hostile;
mod masks;
mod overlap;
mod plan;
mod shared;
mod soak;
mod tls;
mod views;
