//! Many correlated OTs from few and hardly any bytes: silent OT.
//!
//! Ferret (Yang, Weng, Lan, Zhang and Wang, CCS 2020, eprint 2020/924) with regular noise and correlated trees (Half-Tree,
//! EUROCRYPT 2023, eprint 2022/1431), for parties that follow the protocol. In a correlated OT (COT) the sender has a block
//! q, the receiver a random bit x and m = q ⊕ x·Δ; Δ is the sender's secret, the same for all of a session, with lowest bit
//! 1, and x is the lowest bit of m (low_bit.rs). Notation: h, t, n, N of `parameters`.
//!
//! ```text
//! receiver (m)                                             sender (Δ, q)
//!    COTs of the extension, not hashed, or of the iteration before: these and no others
//! 1  n of them: the table; h for each of t trees           likewise
//!                                                          2 grows t trees of leaves v (tree.rs),
//!                                                    ◀──     h − 1 corrections for each
//! 3  α of each tree, from its COTs' choices
//! for each tree, when COTs are needed:
//! 4  climbs: leaves w = v ⊕ e·Δ, e = 1 at α alone          grows it again: leaves v
//! 5  adds ten blocks of the table to each leaf (code.rs)   likewise
//! ```
//!
//! so that N new COTs come of n + h·t: with A the code's matrix, the choices are e ⊕ A·x. Of these the last ones become the
//! next iteration's (account.rs). What an iteration makes is expanded tree by tree, and never exists as a whole; what
//! an iteration has not given out stays for the session's next OTs.
//!
//! # Who learns what
//!
//! The receiver: the corrections, which look uniform to who does not know Δ (tree.rs): of Δ it learns nothing.
//! The sender: nothing is sent to it but what makes the extension's COTs. Once the OTs are used it sees their
//! choices, masked, and has to take e ⊕ A·x for uniform bits: **learning parity with noise**, primal, with regular noise (one
//! random position in each of t equal parts) and A ten-local, drawn by a public key that is new in every session and iteration.
//! x and e are choices of COTs: of the extension's, which it hides, or of the iteration before's, which look uniform by
//! the same assumption.
//!
//! # Memory
//!
//! Of a direction's iteration n + t blocks are kept at the sender, n + 2·h·t at the receiver, 4.8 MB at most; of COTs
//! the 262,144 that are in use (4.2 MB) and, while an iteration begins, as many as it takes (4.5 MB at most).

mod account;
mod circular_hash;
mod code;
mod cost;
mod iteration;
mod low_bit;
mod parameters;
mod receiver;
#[cfg(test)]
mod secrecy;
mod sender;
mod stock;
#[cfg(test)]
mod tests;
mod tree;

pub(super) use cost::cost;
pub use receiver::SilentReceiver;
pub use sender::SilentSender;
