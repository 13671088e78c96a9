//! Errors say first who is to blame: the caller, the peer, the system, or this library.

use crate::paillier::{KernelError, NotAMember, RandomnessError};
use crate::plan::{DecodeError, InputError, KeyBits, Violation};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why an operation of the runtime failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the caller gave cannot be used.
    #[error(transparent)]
    InvalidInput(#[from] InvalidInput),
    /// The peer sent something that the protocol does not allow. The session is over.
    #[error("the peer misbehaved: {0}")]
    PeerMisbehaved(#[from] PeerFault),
    /// The peer said that it will not go on, and why.
    #[error("the server refused: {0}")]
    Refused(String),
    /// A session lasted as long as sessions may. The client may open another.
    #[error("the session lasted longer than {} s", .0.as_secs())]
    SessionOver(Duration),
    /// A client asked for nothing for as long as it may. It may open another session.
    #[error("nothing was asked for {} s", .0.as_secs())]
    Idle(Duration),
    /// The client has asked for as much today as it may, of what is named.
    #[error("the budget of {0} for a day is spent")]
    OverBudget(&'static str),
    /// The server has as much to do, or to keep, as it may. The client may come again.
    #[error("the server has too much {0}")]
    Busy(&'static str),
    /// The server ends, and begins nothing more. The client may try another.
    #[error("the server is ending")]
    Ending,
    /// A [`CancellationToken`](crate::channel::CancellationToken) ended the call. The session is over.
    #[error("cancelled")]
    Cancelled,
    /// The system failed: a file, a socket, the source of randomness.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, for example `connect to 127.0.0.1:7000`.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The operating system gives no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// A defect of this library.
    #[error("internal error: {0}")]
    Bug(String),
}

/// Input of the caller that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidInput {
    /// The image does not fit the plan.
    #[error(transparent)]
    Image(#[from] InputError),
    /// A file is not what it should be.
    #[error("{}: {what}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Others than its owner may read or change a file that holds a secret.
    #[error(
        "others than its owner may read or change {0} (mode {mode:04o}); `chmod 600 {0}` ends that, but whoever has read it has what is in it", path.display()
    )]
    Exposed {
        /// Path of the file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A key file is encrypted, and nobody gave the passphrase.
    #[error("{} is encrypted with a passphrase, which is needed to read it", .0.display())]
    PassphraseNeeded(PathBuf),
    /// A passphrase that is empty or too long.
    #[error("a passphrase has 1 to {most} bytes")]
    Passphrase {
        /// Bytes that it may have.
        most: usize,
    },
    /// A new passphrase was typed in two ways.
    #[error("the two passphrases differ")]
    PassphrasesDiffer,
    /// A key file was encrypted with another passphrase, or changed since.
    #[error("{}: the passphrase is wrong, or the file was changed", .0.display())]
    WrongPassphrase(PathBuf),
    /// Some of several images could not be used; each has been reported.
    #[error("images left out: {0}")]
    LeftOut(usize),
    /// No plans that a server could offer.
    #[error("these plans cannot be offered: {0}")]
    Offers(String),
    /// Bytes are not a plan of this version.
    #[error(transparent)]
    Plan(#[from] DecodeError),
    /// A plan contradicts itself.
    #[error("the plan is invalid: {}", list(.0))]
    Violations(Vec<Violation>),
    /// A session is asked for something after it has failed.
    #[error("this session has ended; open another")]
    SessionEnded,
    /// Inferences are to be kept for later sessions, which know them by a key that is made anew for each.
    #[error("a store needs a key that is kept")]
    StoreWithoutKey,
    /// A key length that only tests may use.
    #[error("a key of {0} bits protects nothing; use 2048, 3072 or 4096 bits")]
    InsecureKey(KeyBits),
    /// Other machines would be reached without encryption of the transport.
    #[error(
        "{address} is not this machine, and without TLS whoever is on the way can read which messages are exchanged, and change them: {hint}"
    )]
    Plaintext {
        /// Where it would have listened or connected.
        address: String,
        /// What to do.
        hint: String,
    },
    /// No name of a machine.
    #[error("'{name}' is no name of a machine: {what}")]
    Name {
        /// What was given.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// A kernel that cannot be had.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// What was kept of a prepared inference is none of this plan and version.
    #[error("what was kept of a prepared inference is unusable: {0}")]
    Kept(String),
    /// The key has another length than the plan wants.
    #[error("the plan needs a key of {needed} bits, this one has {has}")]
    KeyBits {
        /// Length that the plan wants.
        needed: KeyBits,
        /// Length of the key.
        has: KeyBits,
    },
}

/// What a peer did wrong.
#[derive(Debug, thiserror::Error)]
pub enum PeerFault {
    /// It closed the connection in the middle of a session.
    #[error("it hung up while {0} was expected")]
    HungUp(&'static str),
    /// What arrived is not what it says that it sent.
    #[error("its {0} was changed on the way")]
    Altered(&'static str),
    /// It took longer over a message than the time limit allows.
    #[error("timed out waiting for {expected}")]
    Silent {
        /// Name of the message that was waited for, or was being sent.
        expected: &'static str,
    },
    /// It does not speak this protocol, or another version of it.
    #[error("it does not speak this protocol: {0}")]
    Protocol(String),
    /// A message of another kind than the protocol's next.
    #[error("it sent {got} where {expected} was expected")]
    WrongMessage {
        /// The next message of the protocol.
        expected: &'static str,
        /// What came instead.
        got: String,
    },
    /// A message of another length than its content has.
    #[error("its {message} has {got} bytes, not {expected}")]
    WrongLength {
        /// Name of the message.
        message: &'static str,
        /// Bytes that it should have; for messages of which only a bound is known, at most.
        expected: u64,
        /// Bytes that it has.
        got: u64,
    },
    /// A public key that is no Paillier key of the plan's length.
    #[error("its public key is unusable: {0}")]
    PublicKey(String),
    /// A number that is no ciphertext under the session's key.
    #[error("its {message} holds an invalid ciphertext: {what}")]
    Ciphertext {
        /// Name of the message.
        message: &'static str,
        /// Which of its ciphertexts is invalid, and why.
        what: String,
    },
    /// It does not prove that its ciphertexts are encryptions under the session's key.
    #[error("its masks may be no encryptions: {0}")]
    Unproved(#[from] NotAMember),
    /// A decrypted value outside the bounds that the plan guarantees.
    #[error("its {0} decrypts to a value outside the plan's bounds")]
    OutOfBounds(&'static str),
    /// It does not show that it is who it should be.
    #[error("it is not to be trusted: {0}")]
    Untrusted(String),
    /// It wants a plan that is not offered.
    #[error("it wants {0}")]
    OtherPlan(String),
    /// The plan that it sent cannot be executed.
    #[error("its plan is invalid: {0}")]
    Plan(String),
}

/// A result that fails with the runtime's [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An [`Error::Io`]; `what` says what was being done, for example `connect to 127.0.0.1:7000`.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Error::Io { what: what.into(), source }
    }

    /// An [`Error::Io`] about a file or a folder: `verb` says what cannot be done with it, for example `read`.
    pub fn cannot(verb: &str, path: &Path, source: std::io::Error) -> Self {
        Error::io(format!("cannot {verb} {}", path.display()), source)
    }

    /// Whether a session that ended so was lost, rather than broken off for what somebody did wrong: what is prepared is as good as
    /// before.
    pub const fn is_loss(&self) -> bool {
        match self {
            Error::PeerMisbehaved(fault) => matches!(fault, PeerFault::HungUp(_) | PeerFault::Silent { .. }),
            Error::InvalidInput(_) | Error::Bug(_) => false,
            _ => true,
        }
    }
}

impl InvalidInput {
    /// An [`InvalidInput::File`]; `what` says what is wrong with it.
    pub fn file(path: impl Into<PathBuf>, what: impl Display) -> Self {
        InvalidInput::File { path: path.into(), what: what.to_string() }
    }
}

fn list(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn files_are_named() {
        let path = Path::new("models/a.plan");
        assert_eq!(InvalidInput::file(path, "it is empty").to_string(), "models/a.plan: it is empty");
        let unread = Error::cannot("read", path, ErrorKind::PermissionDenied.into());
        assert_eq!(unread.to_string(), "cannot read models/a.plan: permission denied");
        assert!(matches!(unread, Error::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied));
    }
}
