//! The runtime from outside: plans, sessions between honest and hostile parties, the program `popcorn`.

mod support;

mod app;
mod cli;
mod cli_store;
mod damage;
mod encrypted;
mod fuzz;
mod hostile;
mod masks;
mod overlap;
mod plan;
mod shared;
mod stored;
mod tls;
mod views;
