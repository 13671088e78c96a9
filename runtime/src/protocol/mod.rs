//! The messages between client and server, and the interactive protocols.
//!
//! Protocols are functions of (state, message); [`message`] alone touches a connection, and the
//! order of messages is the business of [`crate::roles`]. A session:
//!
//! ```text
//! client                                   server
//! Hello{version, plan?}              ──▶
//!                                    ◀──   Welcome{client view}       or Refusal{reason}
//! Key{N}                             ──▶
//! for each image:
//!   Input{Enc(x)}                    ──▶
//!   for each exchange of the view:
//!                                    ◀──   Question{packed}
//!     Answer{Enc(g), …}              ──▶
//!                                    ◀──   Logits{packed}
//! closes the stream
//! ```

pub mod blinded;
pub mod hello;
pub mod message;

pub use message::Message;
