//! How random oblivious transfers are made of a few.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a session's random oblivious transfers are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfers {
    /// Those in which the client chooses.
    pub client_chooses: Extension,
    /// Those in which the server chooses.
    pub server_chooses: Extension,
}

/// The protocol that makes the random oblivious transfers of one direction, and its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extension {
    /// SoftSpokenOT: ⌈128/k⌉ − 1 bits for each.
    SoftSpoken(FieldBits),
    /// Silent OT, by trees of this depth: less than two bits for each, and a quarter of a megabyte to begin with. It rests
    /// on learning parity with noise beside AES.
    Silent(TreeDepth),
}

/// k, the bits of SoftSpokenOT's small field, 1 to 8: more take fewer bytes and more time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct FieldBits(u32);

/// The depth of silent OT's trees, 10 to 12, which names a whole set of parameters: deeper trees take fewer bytes for
/// many transfers, and more for few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct TreeDepth(u32);

/// The depths with published parameters.
const SECURE: [u32; 3] = [10, 11, 12];
/// Accepted beside them where the crate is built for its own tests: quick, and broken by anybody.
const INSECURE: u32 = 7;

impl FieldBits {
    /// The largest field.
    pub const MAX: FieldBits = FieldBits(8);

    /// `bits` bits; `None` unless 1 to 8.
    pub const fn new(bits: u32) -> Option<Self> {
        if matches!(bits, 1..=8) { Some(Self(bits)) } else { None }
    }

    /// The number k, 1 to 8.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Extension {
    /// Whether a session may go over to `other` in its course: silent OT can begin with what SoftSpokenOT of the largest field
    /// makes.
    pub fn may_become(self, other: Self) -> bool {
        let begins = self == Self::SoftSpoken(FieldBits::MAX) && matches!(other, Self::Silent(_));
        self == other || begins
    }
}

impl TreeDepth {
    /// The shallowest trees with published parameters.
    pub const MIN: TreeDepth = TreeDepth(SECURE[0]);

    /// All depths with published parameters.
    pub fn all() -> impl Iterator<Item = TreeDepth> {
        SECURE.into_iter().map(TreeDepth)
    }

    /// Trees of `depth` levels; `None` where nobody has published parameters for them.
    pub fn new(depth: u32) -> Option<Self> {
        let for_tests = cfg!(any(test, feature = "insecure-test-keys")) && depth == INSECURE;
        if SECURE.contains(&depth) || for_tests { Some(Self(depth)) } else { None }
    }

    /// The number of levels.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for FieldBits {
    type Error = String;

    fn try_from(bits: u32) -> Result<Self, String> {
        Self::new(bits).ok_or_else(|| format!("fields have 1 to 8 bits, not {bits}"))
    }
}

impl From<FieldBits> for u32 {
    fn from(field: FieldBits) -> u32 {
        field.0
    }
}

impl TryFrom<u32> for TreeDepth {
    type Error = String;

    fn try_from(depth: u32) -> Result<Self, String> {
        Self::new(depth).ok_or_else(|| format!("trees have 10 to 12 levels, not {depth}"))
    }
}

impl From<TreeDepth> for u32 {
    fn from(depth: TreeDepth) -> u32 {
        depth.0
    }
}

impl Transfers {
    /// Whether a session may go over to `others` in its course.
    pub fn may_become(&self, others: &Self) -> bool {
        self.client_chooses.may_become(others.client_chooses)
            && self.server_chooses.may_become(others.server_chooses)
    }

    /// The same in both directions.
    pub const fn both(extension: Extension) -> Self {
        Self { client_chooses: extension, server_chooses: extension }
    }
}

impl fmt::Display for Transfers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_chooses, server_chooses } = self;
        if client_chooses == server_chooses {
            return client_chooses.fmt(f);
        }
        write!(f, "client chooses: {client_chooses}; server chooses: {server_chooses}")
    }
}

impl Default for Extension {
    fn default() -> Self {
        Self::SoftSpoken(FieldBits::MAX)
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Extension::SoftSpoken(field) => write!(f, "field {} bits", field.0),
            Extension::Silent(depth) => write!(f, "silent by trees of {} levels", depth.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_exists_is_read() {
        for (number, field, depth) in
            [(0, false, false), (1, true, false), (8, true, false), (9, false, false), (10, false, true)]
        {
            let bytes = [number];
            assert_eq!(postcard::from_bytes::<FieldBits>(&bytes).is_ok(), field, "{number}");
            assert_eq!(postcard::from_bytes::<TreeDepth>(&bytes).is_ok(), depth, "{number}");
        }
        assert_eq!([7, 12, 13].map(|depth| TreeDepth::new(depth).is_some()), [true, true, false]);
    }
}
