//! The border of a plan at its end: from revealed integers to what the model gives.

use super::class_names;
use super::scores::Scores;
use serde::{Deserialize, Serialize};

/// What the client receives, and how it becomes what the model gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// The model's outputs, at least one; their elements are revealed one output after the other.
    pub parts: Vec<OutputPart>,
    /// Whether the client learns all elements, or labels alone.
    pub revealed: Revealed,
}

/// One output of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputPart {
    /// As the model calls it; at most as long as names of steps.
    pub name: String,
    /// Its axes, outermost first, the batch left out; elements are in row-major order.
    pub axes: Vec<usize>,
    /// Along which axes it has scores of classes; `None` where it has none.
    pub classes: Option<ClassAxes>,
    /// Real size of one integer.
    pub scale: f64,
    /// What the client applies to the elements, in the clear.
    pub postprocessing: Postprocessing,
    /// What the classes are called, one after the other; none where that is not known.
    #[serde(deserialize_with = "class_names::deserialize")]
    pub names: Vec<String>,
}

/// Neighbouring axes, over all of whose elements scores of classes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassAxes {
    /// The outermost.
    pub first: usize,
    /// The one after the innermost.
    pub end: usize,
}

/// What the client learns of the model's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Revealed {
    /// All logits.
    #[default]
    Logits,
    /// The class of the largest logit; where there are classes for each position of a map, one for each position.
    Label,
}

/// The model's last operation, applied by the client to the scores of each position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Postprocessing {
    /// Logits as they are.
    None,
    /// exp(x_i) ÷ Σ exp(x_j).
    Softmax,
    /// x_i − log Σ exp(x_j).
    LogSoftmax,
}

/// Whether an output with these axes is a map rather than one score for each class.
pub fn are_of_map(axes: &[usize]) -> bool {
    axes.iter().filter(|&&axis| axis > 1).count() > 1
}

/// `2x32x32`.
pub fn spelled(axes: &[usize]) -> String {
    axes.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

impl ClassAxes {
    /// All of so many axes.
    pub const fn all(axes: usize) -> Self {
        Self { first: 0, end: axes }
    }

    /// Whether they are among so many axes.
    pub(super) const fn are_among(self, axes: usize) -> bool {
        self.first <= self.end && self.end <= axes
    }

    /// Where the scores of each position stand among the elements of `axes`; axes that are not there count as one element.
    pub fn scores(self, axes: &[usize]) -> Scores {
        let product = |axes: Option<&[usize]>| product(axes.unwrap_or_default());
        Scores { classes: product(axes.get(self.first..self.end)), inner: product(axes.get(self.end..)) }
    }
}

fn product(axes: &[usize]) -> usize {
    axes.iter().fold(1, |product, &axis| product.saturating_mul(axis))
}

impl OutputPart {
    /// One score for each of so many classes.
    pub fn vector(classes: usize) -> Self {
        Self {
            name: "output".into(),
            axes: vec![classes],
            classes: Some(ClassAxes::all(1)),
            scale: 1.0,
            postprocessing: Postprocessing::None,
            names: Vec::new(),
        }
    }

    /// What a class is called, where that is known.
    pub fn name_of(&self, class: usize) -> Option<&str> {
        self.names.get(class).map(String::as_str)
    }

    /// Whether its classes may be called so: as many names as classes, or none; 1 to 256 bytes each and 1 MiB in all, and
    /// without characters that deceive whoever reads them in a terminal.
    ///
    /// # Errors
    /// Which name is wrong, and why.
    pub fn accepts(&self, names: &[String]) -> Result<(), String> {
        class_names::check(names, self.class_count())
    }

    /// Each of `parts` with its elements among `values` of all of them, one after the other.
    pub fn split<'p, 'v, T>(parts: &'p [Self], values: &'v [T]) -> Vec<(&'p Self, &'v [T])> {
        let mut rest = values;
        let part = |part: &'p Self| {
            let (own, after) = rest.split_at(part.elements().min(rest.len()));
            rest = after;
            (part, own)
        };
        parts.iter().map(part).collect()
    }

    /// Classes of its scores; 0 where it has none.
    pub fn class_count(&self) -> usize {
        self.scores().map_or(0, |scores| scores.classes)
    }

    /// Its elements.
    pub fn elements(&self) -> usize {
        product(&self.axes)
    }

    /// Whether it is a map (an image, or scores for each pixel) rather than one score for each class.
    pub fn is_map(&self) -> bool {
        are_of_map(&self.axes)
    }

    /// Where the scores of each position stand; `None` where it has no classes.
    pub fn scores(&self) -> Option<Scores> {
        self.classes.map(|classes| classes.scores(&self.axes))
    }

    /// Axes of the labels: those of the scores without the classes'.
    pub fn label_axes(&self) -> Vec<usize> {
        let Some(ClassAxes { first, end }) = self.classes else { return Vec::new() };
        let axes = self.axes.iter().enumerate().filter(|(axis, _)| !(first..end).contains(axis));
        axes.map(|(_, &size)| size).collect()
    }

    /// Positions that a class is chosen for: one where the output is one score for each class.
    pub fn positions(&self) -> usize {
        self.scores().map_or(0, |scores| scores.positions(self.elements()))
    }

    /// The class of each position, of `values` that begin with its elements; none where it has no classes.
    pub fn choices<T: PartialOrd>(&self, values: &[T]) -> Vec<usize> {
        let own = &values[..self.elements().min(values.len())];
        self.scores().map_or_else(Vec::new, |scores| scores.classes(own))
    }

    /// What the model gives for these `integers`.
    fn of_integers(&self, integers: &[i128]) -> Vec<f64> {
        self.finished(integers.iter().map(|&x| x as f64 * self.scale).collect())
    }

    /// [`Postprocessing`] of its elements.
    pub fn finished(&self, mut values: Vec<f64>) -> Vec<f64> {
        if let Some(scores) = self.scores().filter(|_| self.postprocessing != Postprocessing::None) {
            for position in 0..scores.positions(values.len()) {
                let of_position: Vec<f64> = scores.of(position).map(|index| values[index]).collect();
                let results = self.postprocessing.apply(&of_position);
                scores.of(position).zip(results).for_each(|(index, result)| values[index] = result);
            }
        }
        values
    }
}

impl OutputSpec {
    /// Of a model with one output, all of which is revealed.
    pub fn of(part: OutputPart) -> Self {
        Self { parts: vec![part], revealed: Revealed::Logits }
    }

    /// Elements of all outputs.
    pub fn elements(&self) -> usize {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.elements()))
    }

    /// Integers that the client learns.
    pub fn revealed_values(&self) -> usize {
        match self.revealed {
            Revealed::Logits => self.elements(),
            Revealed::Label => self.parts.iter().map(OutputPart::positions).sum(),
        }
    }

    /// As [`OutputPart::split`], for all outputs.
    pub fn split<'v, T>(&self, values: &'v [T]) -> Vec<(&OutputPart, &'v [T])> {
        OutputPart::split(&self.parts, values)
    }

    /// What the model's user reads: revealed integers scaled, then [`Postprocessing`]. None where only labels are
    /// revealed.
    pub fn logits(&self, integers: &[i128]) -> Vec<f64> {
        match self.revealed {
            Revealed::Label => Vec::new(),
            Revealed::Logits => self
                .split(integers)
                .into_iter()
                .flat_map(|(part, integers)| part.of_integers(integers))
                .collect(),
        }
    }
}

impl Postprocessing {
    fn apply(self, logits: &[f64]) -> Vec<f64> {
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = logits.iter().map(|x| (x - largest).exp()).sum();
        let map = |f: &dyn Fn(f64) -> f64| logits.iter().map(|&x| f(x - largest)).collect();
        match self {
            Postprocessing::None => logits.to_vec(),
            Postprocessing::Softmax => map(&|x| x.exp() / total),
            Postprocessing::LogSoftmax => map(&|x| x - total.ln()),
        }
    }

    /// The word in plan texts.
    pub const fn name(self) -> &'static str {
        match self {
            Postprocessing::None => "none",
            Postprocessing::Softmax => "softmax",
            Postprocessing::LogSoftmax => "log_softmax",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A softmax over the middle axis of 2x3x2: the scores of each of four positions add up to 1.
    #[test]
    fn each_position_has_its_softmax() {
        let part = OutputPart {
            axes: vec![2, 3, 2],
            classes: Some(ClassAxes { first: 1, end: 2 }),
            postprocessing: Postprocessing::Softmax,
            scale: 0.5,
            ..OutputPart::vector(1)
        };
        let spec = OutputSpec::of(part);
        let values = spec.logits(&[0, 1, 2, 3, 4, 5, 9, 9, 9, 9, 9, 9]);
        let expected = |logits: [f64; 3]| logits.map(|x| x.exp() / logits.map(f64::exp).iter().sum::<f64>());
        let first = expected([0.0, 1.0, 2.0]);
        assert!((0..3).all(|class| (values[2 * class] - first[class]).abs() < 1e-12), "{values:?}");
        assert!((0..3).all(|class| (values[2 * class + 1] - first[class]).abs() < 1e-12), "{values:?}");
        assert!(values[6..].iter().all(|value| (value - 1.0 / 3.0).abs() < 1e-12));
        let part = &spec.parts[0];
        assert_eq!((part.label_axes(), part.positions(), part.is_map()), (vec![2, 2], 4, true));
    }

    #[test]
    fn outputs_are_one_after_the_other() {
        let parts = vec![OutputPart::vector(2), OutputPart { scale: 2.0, ..OutputPart::vector(3) }];
        let spec = OutputSpec { parts, revealed: Revealed::Logits };
        assert_eq!(spec.logits(&[1, 2, 3, 4, 5]), [1.0, 2.0, 6.0, 8.0, 10.0]);
        assert_eq!((spec.elements(), spec.revealed_values()), (5, 5));
    }
}
