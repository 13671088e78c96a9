//! The answer to one image.

use crate::plan::{OutputSpec, Revealed};

/// The answer to one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// What was revealed: exact integers, before scaling; or the label alone.
    pub integers: Vec<i128>,
    /// What the model would print; empty where only the label was revealed.
    pub logits: Vec<f64>,
    /// All classes, likeliest first; the label alone where only that was revealed.
    ranking: Vec<usize>,
}

impl Prediction {
    /// The answer that the revealed `integers` give; `output` says how they become logits.
    pub fn new(output: &OutputSpec, integers: Vec<i128>) -> Self {
        let ranking = match output.revealed {
            Revealed::Logits => ranked(&integers),
            Revealed::Label => integers.iter().filter_map(|&label| usize::try_from(label).ok()).collect(),
        };
        Self { logits: output.logits(&integers), ranking, integers }
    }

    /// Index of the largest logit; of the first, if several are largest.
    pub fn label(&self) -> usize {
        self.ranking.first().copied().unwrap_or(0)
    }

    /// All classes, largest logit first; only the label, if only that was revealed.
    pub fn ranking(&self) -> &[usize] {
        &self.ranking
    }
}

fn ranked(integers: &[i128]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..integers.len()).collect();
    classes.sort_by(|&a, &b| integers[b].cmp(&integers[a]));
    classes
}
