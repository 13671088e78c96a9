//! The messages between client and server, and the interactive protocols.
//!
//! The protocols of suite [`blinded`] are functions of state and message: they touch no connection. Those of suite
//! [`shared`] hold a dialogue with the peer ([`shared::party`]), because both parties speak many times in one step, and so
//! do the setup and the extension of [`crate::ot`]. Which step comes when is in either suite the business of
//! [`crate::roles`]. A session:
//!
//! ```text
//! client                                   server
//! Hello{version, token?, plan?}      ──▶
//!                                    ◀──   Welcome{terms, view}, or Plans and the end; or Refusal{reason}
//! Key{N, hs}                        ──▶
//! suite blinded, for each image:
//!   Input{Enc(x)}                    ──▶
//!   for each exchange of the view:
//!                                    ◀──   Question{packed}
//!     Answer{Enc(g), …}              ──▶
//!                                    ◀──   Logits{packed}
//! suite shared, ahead, for each image:
//!   Prepare                          ──▶
//!                                    ◀──   Grant, or why not now
//!   the first time: OT's setup       ◀─▶
//!   random OTs for all activations   ◀─▶
//!   for each group of linear steps:
//!     Mask{Enc(r)} of each, Commitment ──▶
//!                                    ◀──   Challenge
//!     Proof                          ──▶
//!                                    ◀──   Product{Enc(W·r + mask)} of each
//! suite shared, instead of an image or of preparing:
//!   Keep{names}                      ──▶
//!                                    ◀──   Kept                     both put the oldest prepared into their stores
//!   Take{names}                      ──▶
//!                                    ◀──   Taken                    both have these prepared again
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
pub mod token;

pub use crate::message::{self, Message};
