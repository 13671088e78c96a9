//! What happens at the two parties, in the words of the page.

use serde::{Deserialize, Serialize};

/// Something that happened, at the client or at the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The server waits for clients.
    Listening {
        /// HOST:PORT.
        address: String,
        /// Digest of its plan.
        plan: String,
        /// What the plan is called.
        name: String,
    },
    /// The server has accepted a connection.
    Connected {
        /// The client's HOST:PORT.
        peer: String,
    },
    /// The server has done something for the client, in its own words.
    Did {
        /// For example `answered 1 image`.
        what: String,
    },
    /// The connection has ended.
    Ended {
        /// How.
        how: String,
    },
    /// A whole message has crossed the line.
    Frame {
        /// By who tells of it.
        sent: bool,
        /// Which message.
        name: String,
        /// Its bytes, header and seal included.
        bytes: u64,
        /// The first bytes of its body, in hexadecimal digits.
        head: String,
    },
    /// What the client does now.
    State {
        /// What it is.
        state: State,
    },
    /// What the client was told of the plan.
    Plan {
        /// Its digest.
        plan: String,
        /// Length of the key.
        key_bits: u32,
    },
    /// The client has done so many steps of what it does now.
    Progress {
        /// Steps that are done.
        done: usize,
        /// Of so many.
        total: usize,
    },
    /// What the drawing became, and what is encrypted.
    Image {
        /// 28 rows of 28 grey values, white on black.
        pixels: Vec<u8>,
    },
    /// The client has decrypted the answer.
    Answer {
        /// The digit.
        label: usize,
        /// One for each digit.
        scores: Vec<f64>,
        /// From the image to the answer.
        milliseconds: f64,
    },
    /// Something went wrong at the client.
    Failed {
        /// What.
        why: String,
    },
}

/// What the client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Makes a key and connects.
    Connecting,
    /// Does with the server what does not depend on the image.
    Preparing,
    /// Waits for a drawing.
    Ready,
    /// Asks about one.
    Asking,
}
