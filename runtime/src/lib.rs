//! Popcorn's runtime: executes a compiled plan between a client, who holds an image and a Paillier
//! key, and a server, who holds the weights of a neural network.
//!
//! The folders are layers, lowest first; each uses only those above it in this list:
//!
//! * [`plan`]: the compiled program, its bytes, its text, and the client's view of it;
//! * [`data`]: images from files;
//! * [`paillier`]: keys, ciphertexts and the kernels on them;
//! * [`channel`]: framed, counted messages over memory or TCP;
//! * [`message`]: every message of a session, and refusals;
//! * [`ot`]: oblivious transfer, on which suite `shared` rests;
//! * [`protocol`]: the interactive protocols, as functions of state and message;
//! * [`roles`]: client, server, both in one process, and the plan interpreter without cryptography;
//! * [`mod@bench`]: how fast all that is here, beside baselines.
//!
//! [`error`] says who is to blame when something fails, [`observe`] reports bytes, rounds and time.

pub mod bench;
pub mod channel;
pub mod data;
pub mod error;
pub mod message;
pub mod observe;
pub mod ot;
pub mod paillier;
pub mod plan;
pub mod protocol;
pub mod roles;

pub use error::{Error, Result};
