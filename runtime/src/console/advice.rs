//! What to do about an error, where the error does not say it itself.

use crate::error::{Error, InvalidInput, PeerFault};
use crate::message::{TRY_ANOTHER, TRY_LATER};
use crate::plan::{DecodeError, InputError};
use std::io::ErrorKind;

/// What who runs the program may do next.
pub fn advice(error: &Error) -> Option<&'static str> {
    match error {
        Error::InvalidInput(input) => of_input(input),
        Error::PeerMisbehaved(fault) => of_fault(fault),
        Error::Refused(reason) if reason.ends_with(TRY_LATER) || reason.ends_with(TRY_ANOTHER) => {
            Some("run it again, or let it wait longer for the server (--retry SECONDS)")
        }
        Error::Refused(reason) if reason.starts_with("it does not offer") => {
            Some("`popcorn plans --connect ADDR` lists what the server offers; --plan chooses")
        }
        Error::Io { source, .. } => of_system(source.kind()),
        Error::Bug(_) => Some(
            "this is a defect of the program: please report it, with the command and, if you may, the model",
        ),
        _ => None,
    }
}

/// The same of what a system said about a file or a connection.
pub fn of_system(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::ConnectionRefused => Some(
            "is the server running, at this address and port? `popcorn serve PLAN --listen ADDR` starts one",
        ),
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Some("check the address, and whether a firewall is on the way")
        }
        ErrorKind::NotFound => Some("check the name, and the folder that the command runs in"),
        ErrorKind::PermissionDenied => Some("check who may read and write it (`ls -l`)"),
        ErrorKind::AddrInUse => {
            Some("another program listens there: choose another port, or end that program")
        }
        ErrorKind::StorageFull => Some("make room on the disk, and run it again"),
        _ => None,
    }
}

const fn of_input(input: &InvalidInput) -> Option<&'static str> {
    match input {
        InvalidInput::Image(InputError::Length { .. }) => Some(
            "--resize scales and crops pictures; `popcornc inspect PLAN` says what images the plan takes",
        ),
        InvalidInput::PassphraseNeeded(_) => {
            Some("give it on a terminal, or in a file (--passphrase-file FILE)")
        }
        InvalidInput::Plan(DecodeError::NotAPlan | DecodeError::WrongKind { .. }) => {
            Some("plans come from `popcornc compile MODEL.onnx -o OUT.plan`")
        }
        InvalidInput::Plan(DecodeError::Corrupted(_)) => {
            Some("copy the file again, or compile the model again")
        }
        InvalidInput::KeyBits { .. } => Some("`popcorn keygen --key-bits N` makes a key of another length"),
        InvalidInput::StoreWithoutKey => Some("keep one: `popcorn keygen -o me.key`, and --key me.key"),
        InvalidInput::LeftOut(_) => Some("the lines above say why; the others are answered"),
        _ => None,
    }
}

fn of_fault(fault: &PeerFault) -> Option<&'static str> {
    match fault {
        PeerFault::HungUp("hello" | "welcome" | "list of plans") => {
            Some("does the server speak TLS (--tls, --ca, --pin), or does another program listen there?")
        }
        PeerFault::HungUp(_) => {
            Some("run it again; if that lasts, the server's log says why the session ended")
        }
        PeerFault::Silent { .. } => Some("a slow server or network may need longer (--timeout SECONDS)"),
        PeerFault::Protocol(_) | PeerFault::WrongMessage { .. } => {
            Some("are client and server of the same version (`popcorn --version`)?")
        }
        PeerFault::Altered(_) => {
            Some("something on the way changes what is sent: TLS keeps that out (--tls)")
        }
        PeerFault::Untrusted(_) => {
            Some("--ca FILE names who vouches for the server; --pin SHA256 knows its certificate itself")
        }
        PeerFault::Plan(_) => {
            Some("`popcorn plans --connect ADDR` lists the server's plans and their digests")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_meet_first_has_advice() {
        let io = |kind: ErrorKind| Error::io("cannot do it", kind.into());
        let met: [(Error, &str); 9] = [
            (io(ErrorKind::ConnectionRefused), "popcorn serve"),
            (io(ErrorKind::NotFound), "check the name"),
            (Error::Refused(format!("it has too much to do; {TRY_LATER}")), "--retry"),
            (PeerFault::HungUp("welcome").into(), "TLS"),
            (PeerFault::HungUp("hello").into(), "TLS"),
            (PeerFault::Protocol("it speaks version 3, this is 15".into()).into(), "same version"),
            (PeerFault::Untrusted("its certificate".into()).into(), "--pin"),
            (InvalidInput::Plan(DecodeError::NotAPlan).into(), "popcornc compile"),
            (Error::Bug("nothing".into()), "report"),
        ];
        for (error, word) in met {
            assert!(advice(&error).is_some_and(|advice| advice.contains(word)), "{error}");
        }
        assert_eq!(advice(&Error::Cancelled), None);
    }
}
