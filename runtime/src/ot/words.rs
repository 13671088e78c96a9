//! Secret numbers in no more memory than their width asks for.

use super::numbers::Width;
use zeroize::Zeroizing;

/// Numbers of one width; wiped on drop.
pub(super) enum Words {
    /// Numbers of up to 32 bits.
    Short(Zeroizing<Vec<u32>>),
    /// Numbers of more than 32 bits.
    Long(Zeroizing<Vec<u64>>),
}

/// Bytes of `count` numbers.
pub(super) const fn bytes(width: Width, count: usize) -> u64 {
    let each = if width.bits() <= u32::BITS { 4 } else { 8 };
    each * count as u64
}

impl Words {
    /// The low bits of numbers.
    pub(super) fn collect(width: Width, numbers: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut words = Self::with_capacity(width, numbers.len());
        let numbers = numbers.map(|number| number & width.mask());
        match &mut words {
            Self::Short(words) => words.extend(numbers.map(|number| number as u32)),
            Self::Long(words) => words.extend(numbers),
        }
        words
    }

    /// The first `count` numbers of the parts, one part after another.
    pub(super) fn gather<'a>(
        width: Width,
        parts: impl Iterator<Item = &'a Self> + Clone,
        count: usize,
    ) -> Self {
        let mut whole = Self::with_capacity(width, parts.clone().map(Self::len).sum());
        parts.for_each(|part| whole.append(part));
        match &mut whole {
            Self::Short(words) => words.truncate(count),
            Self::Long(words) => words.truncate(count),
        }
        whole
    }

    /// None, with room for `count`, so that adding some leaves no copies behind.
    fn with_capacity(width: Width, count: usize) -> Self {
        if width.bits() <= u32::BITS {
            Self::Short(Zeroizing::new(Vec::with_capacity(count)))
        } else {
            Self::Long(Zeroizing::new(Vec::with_capacity(count)))
        }
    }

    /// Adds numbers of the same width.
    fn append(&mut self, part: &Self) {
        match (self, part) {
            (Self::Short(words), Self::Short(part)) => words.extend_from_slice(part),
            (Self::Long(words), Self::Long(part)) => words.extend_from_slice(part),
            _ => unreachable!("widths are equal"),
        }
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Short(words) => words.len(),
            Self::Long(words) => words.len(),
        }
    }

    /// Number `index`.
    pub(super) fn get(&self, index: usize) -> u64 {
        match self {
            Self::Short(words) => words[index].into(),
            Self::Long(words) => words[index],
        }
    }
}
