//! The messages between client and server, and the interactive protocols.
//!
//! Protocols are functions of (state, message); [`message`], [`stream`] and the dialogue of [`shared`] alone touch a
//! connection, and the order of messages is the business of [`crate::roles`]. A session:
//!
//! ```text
//! client                                   server
//! Hello{version, plan?}              ──▶
//!                                    ◀──   Welcome{limit, view}       or Refusal{reason}
//! Key{N}                             ──▶
//! suite blinded, for each image:
//!   Input{Enc(x)}                    ──▶
//!   for each exchange of the view:
//!                                    ◀──   Question{packed}
//!     Answer{Enc(g), …}              ──▶
//!                                    ◀──   Logits{packed}
//! suite shared, ahead, for each image:
//!   Prepare                          ──▶
//!   the first time: OT's setup       ◀─▶
//!   random OTs for all activations   ◀─▶
//!   for each linear step:
//!     Mask{Enc(r)}                   ──▶
//!                                    ◀──   Product{Enc(W·r + mask)}
//! suite shared, for each image:
//!   Infer                            ──▶
//!   flights                          ◀─▶   the last: shares of the logits
//! closes the stream
//! ```
//!
//! Messages of ciphertexts are sent and handled part by part, so that the client answers the beginning of
//! a question whose end the server is still computing, and the server uses the beginning of the answer
//! while the client makes its end. Parts do not show on the wire.

pub mod blinded;
pub mod hello;
pub mod shared;
pub mod stream;

pub use crate::message::{self, Message};
