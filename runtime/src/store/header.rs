//! What stands in clear at the beginning of a half's file.

use super::key::ClientTag;
use super::label::{Name, Origin, StoreId};
use super::seal;
use crate::plan::PlanId;

const MAGIC: &[u8; 8] = b"popchalf";

/// Version of files.
const FORMAT: u16 = 2;

/// All of it is part of the key that the file is sealed under.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) plan: PlanId,
    pub(super) client: ClientTag,
    pub(super) server: StoreId,
    /// Seconds since 1970.
    pub(super) created: u64,
    /// Bytes of the half.
    pub(super) length: u64,
    pub(super) origin: Origin,
    /// Of each file its own.
    pub(super) salt: [u8; 32],
}

impl Header {
    pub(super) const BYTES: usize = MAGIC.len() + 2 + 32 + 16 + StoreId::BYTES + 8 + 8 + 1 + 32;

    /// Bytes of the file, if they can be counted.
    pub(super) fn file_bytes(&self) -> Option<u64> {
        Self::bytes_of_file(self.length)
    }

    /// Bytes of the file of a half of so many, if they can be counted.
    pub(super) fn bytes_of_file(half: u64) -> Option<u64> {
        seal::sealed_bytes(half.checked_add(Name::BYTES as u64)?)?.checked_add(Self::BYTES as u64)
    }

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let mut rest = &mut bytes[..];
        let (format, created) = (FORMAT.to_le_bytes(), self.created.to_le_bytes());
        let length = self.length.to_le_bytes();
        let fields: [&[u8]; 9] = [
            MAGIC,
            &format,
            self.plan.as_bytes(),
            &self.client,
            self.server.as_bytes(),
            &created,
            &length,
            &[byte_of(self.origin)],
            &self.salt,
        ];
        for field in fields {
            let (place, after) = rest.split_at_mut(field.len());
            place.copy_from_slice(field);
            rest = after;
        }
        bytes
    }

    /// `None`: it is none of this version.
    pub(super) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let mut rest = &bytes[..];
        if next::<8>(&mut rest)? != *MAGIC || u16::from_le_bytes(next(&mut rest)?) != FORMAT {
            return None;
        }
        Some(Self {
            plan: PlanId::from_bytes(next(&mut rest)?),
            client: next(&mut rest)?,
            server: StoreId::from_bytes(next(&mut rest)?),
            created: u64::from_le_bytes(next(&mut rest)?),
            length: u64::from_le_bytes(next(&mut rest)?),
            origin: origin_of(next(&mut rest)?)?,
            salt: next(&mut rest)?,
        })
    }
}

const fn byte_of(origin: Origin) -> u8 {
    match origin {
        Origin::Kept => 0,
        Origin::Left => 1,
    }
}

const fn origin_of([byte]: [u8; 1]) -> Option<Origin> {
    match byte {
        0 => Some(Origin::Kept),
        1 => Some(Origin::Left),
        _ => None,
    }
}

fn next<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (next, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*next)
}
