//! The answer to one image.

use crate::plan::{OutputSpec, Revealed};

/// The answer to one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// What was revealed: exact integers, before scaling; or labels alone.
    pub integers: Vec<i128>,
    /// What the model would print, one output after the other; empty where only labels were revealed.
    pub logits: Vec<f64>,
    /// The class of each position of the first output; none where it has no classes.
    labels: Vec<usize>,
    /// All classes of the first position, likeliest first; the label alone where only that was revealed.
    ranking: Vec<usize>,
    name: Option<String>,
}

impl Prediction {
    /// The answer that the revealed `integers` give; `output` says how they become logits.
    pub fn new(output: &OutputSpec, integers: Vec<i128>) -> Self {
        let logits = output.logits(&integers);
        let (labels, ranking) = match output.revealed {
            Revealed::Logits => classes(output, &integers),
            Revealed::Label => {
                let labels: Vec<usize> =
                    integers.iter().map(|&label| usize::try_from(label).unwrap_or(0)).collect();
                let ranking = labels.iter().copied().take(1).collect();
                (labels, ranking)
            }
        };
        let label = ranking.first().copied().unwrap_or(0);
        let name = output.parts.first().and_then(|part| part.name_of(label)).map(String::from);
        Self { integers, logits, labels, ranking, name }
    }

    /// Index of the largest logit; of the first, if several are largest. Of a map of scores, the first position's.
    pub fn label(&self) -> usize {
        self.ranking.first().copied().unwrap_or(0)
    }

    /// What the class [`label`](Self::label) is called, where the plan says so.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The class of each position, in row-major order of [`OutputPart::label_axes`](crate::plan::OutputPart::label_axes):
    /// one, where the model classifies images; none where it gives a map without classes. Of the first output.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// All classes, largest logit first; only the label, if only that was revealed. Of a map of scores, the first
    /// position's.
    pub fn ranking(&self) -> &[usize] {
        &self.ranking
    }
}

/// The class of each position of the first output, and all classes of the first position, likeliest first.
fn classes(output: &OutputSpec, integers: &[i128]) -> (Vec<usize>, Vec<usize>) {
    let first = output.split(integers).into_iter().next();
    let Some((scores, integers)) = first.and_then(|(part, integers)| Some((part.scores()?, integers))) else {
        return Default::default();
    };
    let first: Vec<i128> = scores.of(0).map(|index| integers[index]).collect();
    let mut ranking: Vec<usize> = (0..first.len()).collect();
    ranking.sort_by(|&a, &b| first[b].cmp(&first[a]));
    (scores.classes(integers), ranking)
}
