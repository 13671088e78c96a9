//! Identifiers and names, and how they are spelled.

use super::hexadecimal::{Hexadecimal, from_hexadecimal};
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
        Hexadecimal(&self.0).fmt(f)
    }
}

impl FromStr for PlanId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        from_hexadecimal(text).map(Self).ok_or("a plan's digest has 64 hexadecimal digits")
    }
}

impl fmt::Debug for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlanId({self})")
    }
}

/// What a server calls a plan: 1 to 64 letters, digits, dots, dashes and underscores of ASCII.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PlanName(String);

impl PlanName {
    /// Longest name, in bytes.
    pub const MAX: usize = 64;

    /// The name that is most like `text`: other characters become dashes, and no text is called `plan`.
    pub fn like(text: &str) -> Self {
        let name: String =
            text.chars().map(|c| if is_of_names(c) { c } else { '-' }).take(Self::MAX).collect();
        Self(if name.is_empty() { "plan".into() } else { name })
    }
}

const fn is_of_names(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

impl TryFrom<String> for PlanName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        match text.len() {
            1..=Self::MAX if text.chars().all(is_of_names) => Ok(Self(text)),
            _ => Err("a plan's name has 1 to 64 letters, digits, dots, dashes and underscores"),
        }
    }
}

impl FromStr for PlanName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        text.to_owned().try_into()
    }
}

impl fmt::Display for PlanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What makes the digests of two compilations of a model differ: 32 random bytes. Without it, whoever guesses a plan's weights can
/// confirm the guess by the digest, which clients are told.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Of plans whose bytes are to follow from their model alone.
    pub const NONE: Self = Self([0; 32]);

    /// Of these random bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Whether it hides nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_none() { "Salt::NONE" } else { "Salt(_)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for name in ["mnist-mlp", "a", "ResNet_50.v2", &"x".repeat(64)] {
            assert_eq!(name.parse::<PlanName>().map(|name| name.to_string()), Ok(name.to_owned()));
            assert_eq!(PlanName::like(name).to_string(), name);
        }
        for (text, like) in
            [("", "plan"), ("a b/c", "a-b-c"), ("é\u{1b}", "--"), (&*"x".repeat(65), &*"x".repeat(64))]
        {
            assert!(text.parse::<PlanName>().is_err(), "{text}");
            assert_eq!(PlanName::like(text).to_string(), like);
        }
    }

    #[test]
    fn digests_are_read_as_they_are_printed() {
        let id = PlanId::from_bytes(std::array::from_fn(|i| 7 * i as u8));
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "7d424093", &"é".repeat(32), &format!("+{}", &id.to_string()[1..])] {
            assert!(text.parse::<PlanId>().is_err(), "{text}");
        }
    }
}
