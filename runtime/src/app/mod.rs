//! What an application holds: a client, its key, a server, a plan in a file. They own what they need, are `Send`, and know
//! nothing of the kind of stream beneath them.

mod client;
mod key;
mod plan;
mod server;

pub use client::{Client, ClientBuilder};
pub use key::ClientKey;
pub use server::{Running, Server, ServerBuilder};
