//! Identifiers and how they are spelled.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A step of a plan and the value that it defines, printed `s12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepId(u32);

impl StepId {
    /// The step at `index` in [`super::Plan::steps`].
    pub fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("a plan has fewer than 2^32 steps"))
    }

    /// Position in [`super::Plan::steps`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// Digest (BLAKE3, 32 bytes) of a plan's bytes, weights included; printed as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlanId([u8; 32]);

impl PlanId {
    /// The id with this digest, whether or not there is such a plan.
    pub const fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The 32 bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for PlanId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let hexadecimal = text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = |i: usize| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok();
        let mut digest = [0; 32];
        for (i, place) in digest.iter_mut().enumerate() {
            *place = byte(i).filter(|_| hexadecimal).ok_or("a plan's digest has 64 hexadecimal digits")?;
        }
        Ok(Self(digest))
    }
}

impl fmt::Debug for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlanId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_they_are_printed() {
        let id = PlanId::from_bytes(std::array::from_fn(|i| 7 * i as u8));
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "7d424093", &"é".repeat(32), &format!("+{}", &id.to_string()[1..])] {
            assert!(text.parse::<PlanId>().is_err(), "{text}");
        }
    }
}
