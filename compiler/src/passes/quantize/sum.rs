//! Sums of branches with different scales: integer multipliers bring them together.

use super::ratio::multipliers;

/// Integer multipliers for the branches of a sum.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Agreement {
    /// Per branch, per channel; positive.
    pub multipliers: Vec<Vec<i64>>,
    /// Scale of the sum, per channel.
    pub scales: Vec<f64>,
}

/// Multipliers for branches with `scales` (per branch, per channel; positive); channel by channel, or,
/// with `one_scale`, such that the sum has the same scale in all channels.
/// `None` where scales that must agree differ by more than a factor of 2^52.
pub(super) fn agree(scales: &[Vec<f64>], one_scale: bool) -> Option<Agreement> {
    let channels = scales[0].len();
    if one_scale {
        let (flat, unit) = multipliers(&scales.concat())?;
        let multipliers = flat.chunks(channels).map(<[i64]>::to_vec).collect();
        return Some(Agreement { multipliers, scales: vec![unit; channels] });
    }
    let mut agreement = Agreement { multipliers: vec![Vec::new(); scales.len()], scales: Vec::new() };
    for channel in 0..channels {
        let of_channel: Vec<f64> = scales.iter().map(|branch| branch[channel]).collect();
        let (factors, unit) = multipliers(&of_channel)?;
        agreement.multipliers.iter_mut().zip(factors).for_each(|(branch, factor)| branch.push(factor));
        agreement.scales.push(unit);
    }
    Some(agreement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_agree_apart_or_together() {
        let scales = [vec![0.5, 0.25], vec![1.0, 1.0]];
        let apart = agree(&scales, false).unwrap();
        assert_eq!(apart, Agreement { multipliers: vec![vec![1, 1], vec![2, 4]], scales: vec![0.5, 0.25] });
        let together = agree(&scales, true).unwrap();
        assert_eq!(
            together,
            Agreement { multipliers: vec![vec![2, 1], vec![4, 4]], scales: vec![0.25, 0.25] }
        );
    }
}
