//! Oblivious transfer: of two messages of one party the other receives the one that it chooses, and neither
//! learns more.
//!
//! Both parties follow the protocols (semi-honest). Paillier is the only public-key cryptography, AES-128
//! the rest, and learning parity with noise where a plan names silent OT. Much is made ahead, before inputs are known, and
//! little is left to send when they are:
//!
//! ```text
//! ahead   setup: base (Paillier) ──▶ extension        supply: extension ──▶ (silent ──▶) correlated · mask_products · bit_product · number_product
//! online  bits and numbers of the parties' own                              correlated · masked · bit_product · number_product
//! ```
//!
//! | files | what |
//! |---|---|
//! | `block`, `bits`, `numbers`, `words` | 128 bits; vectors of bits and of short numbers |
//! | `cipher`, `prg`, `hash`, `transpose`, `tree`, `vole`, `wide` | what extension is made of |
//! | [`base`], [`extension`] (`field`, `chunk`), [`setup`] | random OTs, in both directions |
//! | [`silent`], `random` | many of few, where a plan says so |
//! | [`pool`] | their two halves |
//! | [`correlated`], [`mask_products`] (`recipe`) and [`masked`] (`formula`), [`bit_product`], [`number_product`] | what is made of them ahead, and what it does online |
//! | [`supply`] (`correlation_kind`, `correlations`, `corrections`, `inputs`, `turns`, `framed`) | all that an inference uses, each used once |
//! | `kept` | the same as bytes, for a party that keeps them longer than a session |
//! | `cost` | what is sent |
//!
//! For n of them, in bits beside the headers of frames:
//!
//! | | random OTs | receiver sends | sender sends | receiver keeps | sender keeps |
//! |---|---|---|---|---|---|
//! | [`correlated`], modulo 2^w | 1 | 1 | w | 1 + 32 (64 for w > 32) | 64 (128) |
//! | [`masked`], a formula of m bits each that takes C OTs and P products of masks | C | m | m | P at most | P at most |
//! | [`bit_product`], modulo 2^w | 1 | 1 | 1 | 1 + 32 (64 for w > 32) | 1 + 32 (64) |
//! | [`number_product`], modulo 2^w, the second factor for itself | 2·w | 2·w | 2·w | 96 (192 for w > 32) | 96 (192) |
//!
//! Ahead, beside the OTs, products of masks take corrections of both parties (`recipe`), products of bits w bits of the
//! sender's, products of numbers w·(w + 1)/2 bits of each party's.
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
pub mod bit_product;
mod bits;
mod block;
mod chunk;
mod cipher;
mod corrections;
pub mod correlated;
mod correlation_kind;
mod correlations;
mod cost;
pub mod extension;
mod field;
mod formula;
mod framed;
mod gather;
mod hash;
mod inputs;
mod kept;
pub mod mask_products;
pub mod masked;
pub mod number_product;
mod numbers;
mod per_party;
pub mod pool;
mod prg;
mod random;
mod recipe;
#[cfg(test)]
mod secrecy;
pub mod setup;
pub mod silent;
pub mod supply;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod transpose;
mod tree;
mod turns;
mod vole;
mod wide;
mod words;

pub use crate::message::Role;
pub use bits::Bits;
pub use correlation_kind::{Batch, CorrelationKind};
pub use cost::{OtMessages, Sent};
pub use field::BASE_OTS;
pub use formula::{Formula, MAX_ADDED, MAX_JOINED};
pub(crate) use inputs::Inputs;
pub(crate) use kept::{Reader, Writer};
pub use mask_products::evaluation_bits;
pub use masked::Masked;
pub use number_product::Products;
pub use numbers::Width;
pub(crate) use numbers::{CHUNK, Packed, pack};
pub use per_party::PerParty;
pub use pool::{ReceivedOts, SentOts};
pub use random::{OtReceiver, OtSender};
pub use setup::Extensions;
pub use supply::{Supply, prepare_cost};
