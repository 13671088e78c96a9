//! Several nonnegative integers in one plaintext, side by side.

use rug::Integer;

/// Widths in bits of the slots of a plaintext: a pattern of widths that repeats, lowest bits first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotWidths {
    pattern: Vec<u32>,
    period: u32,
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

    /// Width in bits of slot number `slot`, counted from 0.
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

    /// The values of the first `count` slots of a nonnegative plaintext; what stands above is ignored.
    pub fn unpack(&self, packed: &Integer, count: usize) -> Vec<Integer> {
        let value = |slot| Integer::from(packed >> self.offset(slot)).keep_bits(self.width(slot));
        (0..count).map(value).collect()
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
            let packed: Integer = values.iter().enumerate().map(|(slot, v)| Integer::from(v << widths.offset(slot))).sum();
            prop_assert_eq!(widths.unpack(&packed, values.len()), values.clone());
            let above = packed + (Integer::from(5) << widths.offset(values.len()));
            prop_assert_eq!(widths.unpack(&above, values.len()), values);
        }
    }

    #[test]
    fn slots_have_the_pattern_s_places() {
        let widths = SlotWidths::new(&[60, 62]);
        assert_eq!([0, 1, 2, 3].map(|slot| widths.offset(slot)), [0, 60, 122, 182]);
        assert_eq!([0, 1, 2].map(|slot| widths.width(slot)), [60, 62, 60]);
    }
}
