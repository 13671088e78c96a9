//! Colours by share of the cost.

/// Upper ends of all classes but the last, as parts of the dearest step's share.
const BOUNDS: [f64; 4] = [0.05, 0.2, 0.4, 0.7];

/// Shares of the cost in five classes, of which the last holds the dearest step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heat {
    /// The largest share, 0 to 1.
    dearest: f64,
}

impl Heat {
    /// Of a network with these shares.
    pub(super) fn of(shares: &[f64]) -> Self {
        Self { dearest: shares.iter().copied().fold(0.0, f64::max) }
    }

    /// The class of a share: 0 for a cheap step, to 4 for the dearest.
    pub(super) fn class(self, share: f64) -> usize {
        BOUNDS.iter().filter(|&&bound| share > bound * self.dearest).count()
    }

    /// The largest share of each class, in order.
    pub(super) fn ends(self) -> [f64; 5] {
        let [a, b, c, d] = BOUNDS;
        [a, b, c, d, 1.0].map(|bound| bound * self.dearest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearest_step_is_in_the_last_class() {
        let heat = Heat::of(&[0.01, 0.5, 0.2]);
        assert_eq!([0.0, 0.01, 0.2, 0.5].map(|share| heat.class(share)), [0, 0, 2, 4]);
        assert_eq!(heat.ends()[4], 0.5);
        assert_eq!(Heat::of(&[]).class(0.0), 0);
    }
}
