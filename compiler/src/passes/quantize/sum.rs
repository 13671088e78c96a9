//! Integer multipliers that bring the branches of a sum to the same scale.

use super::ratio::multipliers;

/// The share (squared) of the relative noise that a sum's readers tolerate which channels left out of branches may
/// make.
const NEGLIGIBLE: f64 = 1.0 / (1u64 << 20) as f64;
/// A channel of a sum that is this share of the largest is not worth balancing.
const SMALL: f64 = 1.0 / 65_536.0;
/// Channels of a sum whose integers differ by more are balanced; it costs products.
const MAX_IMBALANCE: f64 = 64.0;
/// No multiplier grows to this.
const MAX_MULTIPLIER: f64 = (1u64 << 52) as f64;

/// Integer multipliers for the branches of a sum.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Agreement {
    /// Per branch, per channel; positive, or 0 for what is left out.
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

impl Agreement {
    /// Whether every branch is multiplied by one number.
    pub(super) fn is_uniform(&self) -> bool {
        self.multipliers.iter().all(|branch| branch.iter().all(|factor| *factor == branch[0]))
    }

    /// Makes the sum's integers larger in channels where they are much smaller than in others but worth as
    /// much; `sizes` are the real ones of the sum's channels. Channels that are worth little, as far as is seen, get no
    /// scale that is much coarser than all those: weights on them would be so large beside the others of their rows that
    /// the others would be rounded to zero.
    pub(super) fn balance(&mut self, sizes: &[f64]) {
        let least = SMALL * sizes.iter().copied().fold(0.0, f64::max);
        let counts: Vec<bool> = sizes.iter().map(|&size| size > 0.0 && size >= least).collect();
        let integers: Vec<f64> = sizes.iter().zip(&self.scales).map(|(size, scale)| size / scale).collect();
        let largest =
            integers.iter().zip(&counts).filter(|(_, counts)| **counts).map(|(x, _)| *x).fold(0.0, f64::max);
        for channel in (0..counts.len()).filter(|&channel| counts[channel]) {
            self.refine(channel, largest / integers[channel]);
        }
        let balanced = self.scales.iter().zip(&counts).filter(|(_, counts)| **counts);
        let coarsest = balanced.map(|(scale, _)| *scale).fold(0.0, f64::max);
        if coarsest > 0.0 {
            for channel in (0..counts.len()).filter(|&channel| !counts[channel]) {
                self.refine(channel, self.scales[channel] / coarsest);
            }
        }
    }

    /// Makes the integers of a channel about `times` as large, where that is much and multipliers bear it.
    fn refine(&mut self, channel: usize, times: f64) {
        let factor = times.round();
        let fits = |by: &Vec<i64>| by[channel] as f64 * factor < MAX_MULTIPLIER;
        if factor > MAX_IMBALANCE && self.multipliers.iter().all(fits) {
            self.multipliers.iter_mut().for_each(|by| by[channel] *= factor as i64);
            self.scales[channel] /= factor;
        }
    }
}

/// The channels of branches that are left out of a sum: branch, channel, and the largest branch there. `sizes` are root
/// mean squares in real units, by branch and channel; `weights` are the weights of noise in the sum's channels.
///
/// Their scales would make the integers of the whole sum far larger in this channel than in others, and the next layer
/// multiplies all of them by weights of few bits. (A channel that is dead after training has weights of 10^-9 or so.)
pub(super) fn negligible(sizes: &[Vec<f64>], weights: &[f64]) -> Vec<(usize, usize, usize)> {
    let bearable = NEGLIGIBLE / weights.len().max(1) as f64;
    let mut left_out = Vec::new();
    for (channel, weight) in weights.iter().enumerate() {
        let largest = (0..sizes.len()).max_by(|&a, &b| sizes[a][channel].total_cmp(&sizes[b][channel]));
        let Some(largest) = largest else { continue };
        let is_nothing =
            |&branch: &usize| branch != largest && weight * sizes[branch][channel].powi(2) <= bearable;
        left_out.extend((0..sizes.len()).filter(is_nothing).map(|branch| (branch, channel, largest)));
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second channel is small, but its scale is very fine; the third is always zero on calibration images.
    #[test]
    fn no_channel_is_much_coarser_than_those_that_count() {
        let scales = [vec![0.1, 1e-9, 0.1], vec![0.1, 1e-9, 0.1]];
        let mut agreement = agree(&scales, false).unwrap();
        agreement.balance(&[1.0, 0.01, 0.0]);
        let [first, second, third] = agreement.scales[..] else { panic!("three channels") };
        assert!((first / 1e-7 - 1.0).abs() < 1e-6 && second == 1e-9, "{first} {second}");
        assert!(third <= MAX_IMBALANCE * first, "{third}");
        for (multipliers, before) in agreement.multipliers.iter().zip(&scales) {
            let after = multipliers.iter().zip(&agreement.scales).map(|(&by, scale)| by as f64 * scale);
            assert!(after.zip(before).all(|(after, before)| (after / before - 1.0).abs() < 1e-6));
        }
    }

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
