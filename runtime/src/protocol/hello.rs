//! The first messages: which protocol, which plan.

use crate::error::PeerFault;
use crate::plan::PlanId;

/// Version of the protocol that this build speaks.
pub const PROTOCOL_VERSION: u32 = 14;

/// Bytes of a [`Hello`].
pub const HELLO_BYTES: usize = 4 + 1 + 32;

/// `version: u32 little-endian · 1 · plan digest`, or `version · 0 · zeros` where any plan will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The plan that the client insists on.
    pub plan: Option<PlanId>,
}

impl Hello {
    /// The bytes that are sent.
    pub fn to_bytes(self) -> [u8; HELLO_BYTES] {
        let mut bytes = [0; HELLO_BYTES];
        bytes[..4].copy_from_slice(&PROTOCOL_VERSION.to_le_bytes());
        if let Some(plan) = self.plan {
            bytes[4] = 1;
            bytes[5..].copy_from_slice(plan.as_bytes());
        }
        bytes
    }

    /// Reads a hello from a peer's bytes.
    ///
    /// # Errors
    /// Another length or version, or a malformed choice of plan.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PeerFault> {
        let malformed = || PeerFault::Protocol("its hello is malformed".into());
        let (version, rest) = bytes.split_first_chunk::<4>().ok_or_else(malformed)?;
        match u32::from_le_bytes(*version) {
            PROTOCOL_VERSION => {}
            other => {
                return Err(PeerFault::Protocol(format!(
                    "it speaks version {other}, this is {PROTOCOL_VERSION}"
                )));
            }
        }
        let (&chosen, plan) = rest.split_first().ok_or_else(malformed)?;
        let plan: [u8; 32] = plan.try_into().map_err(|_| malformed())?;
        match chosen {
            0 => Ok(Self { plan: None }),
            1 => Ok(Self { plan: Some(PlanId::from_bytes(plan)) }),
            _ => Err(malformed()),
        }
    }
}

/// The server's answer: `max_prepared: u16 little-endian · client view`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome<'a> {
    /// Inferences that the client may prepare ahead.
    pub max_prepared: u16,
    /// The client's view of the plan, as [`crate::plan::codec::encode_view`] writes it.
    pub view: &'a [u8],
}

impl<'a> Welcome<'a> {
    /// The bytes that are sent.
    pub fn to_bytes(self) -> Vec<u8> {
        [&self.max_prepared.to_le_bytes(), self.view].concat()
    }

    /// Reads a welcome from the server's bytes; the view in it is not checked.
    ///
    /// # Errors
    /// The message is too short.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, PeerFault> {
        let malformed = || PeerFault::Protocol("its welcome is too short".into());
        let (&max_prepared, view) = bytes.split_first_chunk().ok_or_else(malformed)?;
        Ok(Self { max_prepared: u16::from_le_bytes(max_prepared), view })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_survive_the_wire_and_bad_ones_do_not() {
        for plan in [None, Some(PlanId::from_bytes([7; 32]))] {
            let hello = Hello { plan };
            assert_eq!(Hello::from_bytes(&hello.to_bytes()).unwrap(), hello);
        }
        let mut other_version = Hello { plan: None }.to_bytes();
        other_version[0] = 99;
        assert!(Hello::from_bytes(&other_version).is_err());
        assert!(Hello::from_bytes(&other_version[..9]).is_err());
        let welcome = Welcome { max_prepared: 3, view: b"plan" };
        assert_eq!(Welcome::from_bytes(&welcome.to_bytes()).unwrap(), welcome);
        assert!(Welcome::from_bytes(&[]).is_err());
        let mut neither = Hello { plan: None }.to_bytes();
        neither[4] = 2;
        assert!(Hello::from_bytes(&neither).is_err());
    }
}
