//! Bytes as hexadecimal digits.

use std::fmt;

/// Shows bytes as pairs of lower-case digits.
#[derive(Clone, Copy)]
pub struct Hexadecimal<'a>(pub &'a [u8]);

impl fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The 32 bytes that 64 digits stand for, of either case; `None` for any other text.
pub fn from_hexadecimal(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut bytes = [0; 32];
    for (place, &[high, low]) in bytes.iter_mut().zip(pairs) {
        *place = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}
