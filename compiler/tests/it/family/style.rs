//! How a network's numbers are drawn.

use super::dice::Dice;

/// What all layers of a network have in common.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) weights: Weights,
    /// The share of weights that training has made: sums of what the layer sees.
    pub(crate) learned: f32,
    /// BatchNormalization is folded into the convolutions before it.
    pub(crate) folded: bool,
    /// Standard deviation of the logarithm of gamma.
    pub(crate) spread: f32,
    /// Median of gamma.
    pub(crate) gamma: f32,
    /// Mean of beta in units of gamma; below 0, ReLUs let less than half through.
    pub(crate) beta: f32,
    /// What branches are multiplied by that are added to what they read.
    pub(crate) branch: f32,
    /// Weights undo how far apart the sizes of the channels are that they read.
    pub(crate) equalizes: bool,
    pub(crate) epsilon: f32,
    /// Some channels hardly vary around large values.
    pub(crate) biased: bool,
}

impl Style {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let share = dice.between(0.3, 0.8);
        Self {
            weights: dice.pick(&[
                Weights::Normal,
                Weights::Normal,
                Weights::HeavyTailed,
                Weights::Sparse(share),
            ]),
            learned: dice.between(0.7, 0.97),
            folded: dice.chance(0.5),
            spread: dice.between(0.05, 0.6),
            gamma: dice.between(0.5, 1.5),
            beta: dice.between(-0.7, 0.1),
            branch: dice.between(0.3, 1.0),
            equalizes: false,
            epsilon: dice.pick(&[1e-5, 1e-3]),
            biased: false,
        }
    }

    /// Gamma and beta of so many channels.
    pub(crate) fn norm(&self, dice: &mut Dice, channels: usize) -> Norm {
        let gamma: Vec<f32> = (0..channels).map(|_| self.gamma * dice.log_normal(self.spread)).collect();
        let beta = gamma.iter().map(|gamma| gamma * (self.beta + 0.4 * dice.normal())).collect();
        let norm = Norm { gamma, beta };
        if self.biased { norm.biased(dice) } else { norm }
    }
}

/// What BatchNormalization multiplies normalised channels by, and what it adds.
#[derive(Clone)]
pub(crate) struct Norm {
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
}

/// Which channels training has switched off, and how far.
#[derive(Clone)]
pub(crate) struct Dead {
    channels: Vec<bool>,
    scale: f32,
    /// Their betas live.
    constant: bool,
}

impl Dead {
    pub(crate) fn draw(dice: &mut Dice, channels: usize) -> Self {
        let share = dice.between(0.0, 0.6);
        Self {
            channels: (0..channels).map(|_| dice.chance(share)).collect(),
            scale: dice.pick(&[0.0, 1e-9, 1e-6, 1e-4, 1e-2]),
            constant: dice.chance(0.2),
        }
    }
}

impl Norm {
    pub(crate) fn dead(mut self, dead: &Dead) -> Self {
        for (channel, _) in dead.channels.iter().enumerate().filter(|(_, dead)| **dead) {
            self.gamma[channel] *= dead.scale;
            if !dead.constant {
                self.beta[channel] *= dead.scale;
            }
        }
        self
    }

    fn biased(mut self, dice: &mut Dice) -> Self {
        for (gamma, beta) in self.gamma.iter().zip(&mut self.beta) {
            if dice.chance(0.25) {
                *beta = gamma * dice.pick(&[3.0, 10.0, 30.0, -10.0]);
            }
        }
        self
    }
}

/// Weights as He et al. draw them, some networks' with heavy tails or mostly zeros.
#[derive(Clone, Copy)]
pub(crate) enum Weights {
    Normal,
    HeavyTailed,
    /// So large a share is zero.
    Sparse(f32),
}

impl Weights {
    pub(crate) fn draw(self, dice: &mut Dice, rows: usize, columns: usize) -> Vec<f32> {
        let size = (2.0 / columns as f32).sqrt();
        let weight = |_| match self {
            Self::Normal => dice.normal(),
            Self::HeavyTailed => dice.normal() * dice.log_normal(0.8) / 1.9,
            Self::Sparse(share) if dice.chance(share) => 0.0,
            Self::Sparse(share) => dice.normal() / (1.0 - share).sqrt(),
        };
        (0..rows * columns).map(weight).map(|weight| weight * size).collect()
    }
}
