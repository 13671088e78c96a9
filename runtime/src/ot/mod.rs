//! Oblivious transfer: of two messages of one party the other receives the one that it chooses, and neither
//! learns more.
//!
//! Both parties follow the protocols (semi-honest). Paillier is the only public-key cryptography, AES-128
//! the rest, and learning parity with noise where a plan names silent OT. Much is made ahead, before inputs are known, and little is left to send when they are:
//!
//! ```text
//! ahead   setup: base (Paillier) ──▶ extension        supply: extension ──▶ (silent ──▶) sixteen · correlated · triples
//! online  choices and messages of the parties' own                          sixteen · correlated · triples
//! ```
//!
//! | files | what |
//! |---|---|
//! | `block`, `bits`, `numbers`, `words` | 128 bits; vectors of bits and of short numbers |
//! | `cipher`, `prg`, `hash`, `transpose`, `tree`, `vole`, `wide` | what extension is made of |
//! | [`base`], [`extension`] (`field`, `chunk`), [`setup`] | random OTs, in both directions |
//! | [`silent`], `random` | many of few, where a plan says so |
//! | [`pool`] | their two halves |
//! | [`correlated`], [`sixteen`] (`sixteen_word`), [`triples`] | what is made of them ahead, and what it does online |
//! | [`supply`] (`each`, `kind`, `correlations`) | all that an inference uses, each used once |
//! | `cost` | what is sent |
//!
//! For n of them, in bits beside the headers of frames:
//!
//! | | random OTs | receiver sends | sender sends | receiver keeps | sender keeps |
//! |---|---|---|---|---|---|
//! | [`correlated`], modulo 2^w | 1 | 1 | w | 1 + 32 (64 for w > 32) | 64 (128) |
//! | [`sixteen`], w = 1, 2 bits | 4 | 4 | 16·w | 8 | 32 |
//! | [`triples`], a bit times w bits | 1 each way | 1 + w | 1 + w | 1 + 2·w | 1 + 2·w |
//!
//! Online steps are functions of (state, message), for all n at once and on all threads. Equal randomness gives equal
//! bytes on any number of threads.
//!
//! # Secrets
//!
//! Random OTs, seeds and keys are wiped on drop; copies left when a vector grew are out of reach. Choices
//! decide which memory is read, which the peer does not see; the sequence of operations does not depend on
//! them.

pub mod base;
mod bits;
mod block;
mod chunk;
mod cipher;
pub mod correlated;
mod correlation_kind;
mod correlations;
mod cost;
pub mod extension;
mod field;
mod gather;
mod hash;
mod numbers;
mod per_party;
pub mod pool;
mod prg;
mod random;
pub mod setup;
pub mod silent;
pub mod sixteen;
mod sixteen_word;
pub mod supply;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod transpose;
mod tree;
pub mod triples;
mod vole;
mod wide;
mod words;

pub use crate::message::Role;
pub use bits::Bits;
pub use correlation_kind::{Batch, CorrelationKind, prepare_cost};
pub use cost::{OtMessages, Sent};
pub use field::BASE_OTS;
pub use numbers::Width;
pub(crate) use numbers::{CHUNK, Packed, pack};
pub use per_party::PerParty;
pub use pool::{ReceivedOts, SentOts};
pub use random::{OtReceiver, OtSender};
pub use setup::Extensions;
pub use supply::Supply;
pub use triples::Triples;
