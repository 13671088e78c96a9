//! Several nonnegative integers in one plaintext, side by side.

use rug::Integer;

/// Widths in bits of the slots of a plaintext: a pattern of widths that repeats, lowest bits first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotWidths {
    pattern: Vec<u32>,
    period: u32,
}

/// Why integers cannot be packed or unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackingError {
    /// A value is negative or wider than its slot.
    #[error("value {slot} does not fit into its slot of {width} bits")]
    TooWide {
        /// Position of the value.
        slot: usize,
        /// Bits of its slot.
        width: u32,
    },
    /// A plaintext has bits above its last slot, or is negative.
    #[error("the plaintext does not end with its slots")]
    Excess,
}

impl SlotWidths {
    /// Slots of the given widths, repeated for ever.
    ///
    /// # Panics
    /// If there is no width, or one is 0.
    pub fn new(pattern: &[u32]) -> Self {
        assert!(!pattern.is_empty() && !pattern.contains(&0), "slots have at least one bit");
        Self { pattern: pattern.to_vec(), period: pattern.iter().sum() }
    }

    /// Whole patterns that fit into `bits` bits.
    pub fn patterns_in(&self, bits: u32) -> usize {
        (bits / self.period) as usize
    }

    /// Slots in whole patterns that fit into `bits` bits.
    pub fn slots_in(&self, bits: u32) -> usize {
        self.patterns_in(bits) * self.pattern.len()
    }

    /// Bits of a slot.
    pub fn width(&self, slot: usize) -> u32 {
        self.pattern[slot % self.pattern.len()]
    }

    /// Bit offset of a slot.
    ///
    /// # Panics
    /// If it is 2^32 or more.
    pub fn offset(&self, slot: usize) -> u32 {
        let (patterns, rest) = (slot / self.pattern.len(), slot % self.pattern.len());
        let patterns = u32::try_from(patterns).expect("offsets fit into 32 bits");
        patterns * self.period + self.pattern[..rest].iter().sum::<u32>()
    }

    /// The plaintext with `values` in its first slots.
    ///
    /// # Errors
    /// If a value does not fit into its slot.
    pub fn pack(&self, values: &[Integer]) -> Result<Integer, PackingError> {
        let mut packed = Integer::new();
        for (slot, value) in values.iter().enumerate().rev() {
            let width = self.width(slot);
            if value.is_negative() || value.significant_bits() > width {
                return Err(PackingError::TooWide { slot, width });
            }
            packed <<= width;
            packed += value;
        }
        Ok(packed)
    }

    /// The values of the first `count` slots of a plaintext, which must hold nothing else.
    ///
    /// # Errors
    /// If it holds something else.
    pub fn unpack(&self, packed: &Integer, count: usize) -> Result<Vec<Integer>, PackingError> {
        if packed.is_negative() || packed.significant_bits() > self.offset(count) {
            return Err(PackingError::Excess);
        }
        let value = |slot| Integer::from(packed >> self.offset(slot)).keep_bits(self.width(slot));
        Ok((0..count).map(value).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packed_values_come_back(
            pattern in prop::collection::vec(1u32..90, 1..4),
            digits in prop::collection::vec(any::<u128>(), 0..20),
        ) {
            let widths = SlotWidths::new(&pattern);
            let value = |(slot, digit): (usize, &u128)| Integer::from(*digit).keep_bits(widths.width(slot));
            let values: Vec<_> = digits.iter().enumerate().map(value).collect();
            let packed = widths.pack(&values).unwrap();
            prop_assert!(packed.significant_bits() <= widths.offset(values.len()));
            prop_assert_eq!(widths.unpack(&packed, values.len()).unwrap(), values);
        }
    }

    #[test]
    fn slots_have_the_pattern_s_places() {
        let widths = SlotWidths::new(&[60, 62]);
        assert_eq!((widths.patterns_in(3071), widths.slots_in(3071)), (25, 50));
        assert_eq!([0, 1, 2, 3].map(|slot| widths.offset(slot)), [0, 60, 122, 182]);
        assert_eq!([0, 1, 2].map(|slot| widths.width(slot)), [60, 62, 60]);
        assert_eq!(widths.slots_in(121), 0);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let widths = SlotWidths::new(&[3, 5]);
        let values = [7, 31, 8].map(Integer::from);
        assert_eq!(widths.pack(&values), Err(PackingError::TooWide { slot: 2, width: 3 }));
        let negative = Err(PackingError::TooWide { slot: 0, width: 3 });
        assert_eq!(widths.pack(&[Integer::from(-1)]), negative);
        let packed = widths.pack(&values[..2]).unwrap();
        assert_eq!(widths.unpack(&packed, 1), Err(PackingError::Excess));
        assert_eq!(widths.unpack(&Integer::from(-1), 2), Err(PackingError::Excess));
        assert_eq!(widths.unpack(&Integer::new(), 0), Ok(vec![]));
    }
}
