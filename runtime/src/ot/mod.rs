//! Oblivious transfer: of two messages of one party the other receives the one that it chooses, and neither
//! learns more.
//!
//! Both parties follow the protocols (semi-honest). Paillier is the only public-key cryptography, AES-128
//! the rest. Much is made ahead, before inputs are known, and little is left to send when they are:
//!
//! ```text
//! ahead   setup ── base (Paillier) ──▶ extension ──▶ pool: random OTs ──▶ triples
//! online  pool ── choose ──▶ chosen · correlated · sixteen            triples ──▶ products
//! ```
//!
//! | files | what |
//! |---|---|
//! | `block`, `bits` | 128 bits; short numbers side by side in bytes |
//! | `prg`, `hash`, `transpose`, `tree`, `vole` | what extension is made of |
//! | [`base`], [`extension`] (`field`, `batch`), [`setup`] | random OTs, in both directions |
//! | [`pool`] | their two halves, each used once |
//! | [`choose`], [`chosen`], [`correlated`], [`sixteen`] | from random OTs to those of use |
//! | [`triples`] | AND of shared bits |
//! | `wire` | frames and their cost |
//!
//! Online, with n OTs, in bits beside the headers of frames; each is one frame of the receiver's and one of
//! the sender's:
//!
//! | | random OTs | receiver sends | sender sends |
//! |---|---|---|---|
//! | [`chosen`], l bits | 1 | 1 | 2·l |
//! | [`correlated`], modulo 2^l | 1 | 1 | l |
//! | [`sixteen`], l bits | 4 | 4 | 16·l |
//! | [`triples`], a bit times w bits | 1 each way | 1 + w | 1 + w |
//!
//! A protocol's steps are functions of (state, message); functions with a connection put them into frames.
//! Who wants several messages in one frame takes the steps. Equal randomness gives equal bytes on any
//! number of threads.
//!
//! # Secrets
//!
//! Random OTs, seeds and keys are wiped on drop; copies left when a vector grew are out of reach. Choices
//! decide which memory is read, which the peer does not see; the sequence of operations does not depend on
//! them.

pub mod base;
mod batch;
mod bits;
mod block;
pub mod choose;
pub mod chosen;
pub mod correlated;
pub mod extension;
mod field;
mod hash;
pub mod pool;
mod prg;
pub mod setup;
pub mod sixteen;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod transpose;
mod tree;
pub mod triples;
mod vole;
mod wire;

pub use bits::Width;
pub use field::{BASE_OTS, FieldBits};
pub use pool::{ReceivedOts, SentOts};
pub use setup::Extensions;
pub use triples::Triples;
pub use wire::{Cost, Sent, Turn};
