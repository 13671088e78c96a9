//! Linear steps: weighted sums of ciphertexts, by the server alone.
//!
//! Each linear operation is a sparse matrix, given row by row straight from its description; no
//! expanded copy exists. The same rows are what the compiler counts.

use crate::paillier::{Bundle, Rows};
use crate::plan::{Add, Conv2d, Dense, Op, Plan, Shape, StepId, SumPool, Window};
use rug::Integer;

/// The rows of a linear step, over the concatenation of its inputs; `None` if the step is not linear.
pub fn rows(plan: &Plan, id: StepId) -> Option<Box<dyn Rows + '_>> {
    let step = plan.step(id);
    let input = plan.step(*step.inputs.first()?).shape;
    match &step.op {
        Op::Conv2d(op) => {
            let alike = Alike::new(&op.window, input, step.shape);
            Some(Box::new(ConvRows { op, input, output: step.shape, alike }))
        }
        Op::Dense(op) => Some(Box::new(DenseRows { op, inputs: input.elements() })),
        Op::SumPool(op) => {
            let alike = Alike::new(&op.window, input, step.shape);
            Some(Box::new(PoolRows { op, input, output: step.shape, alike }))
        }
        Op::Add(op) => Some(Box::new(AddRows { op, shape: input })),
        Op::Input
        | Op::Concat
        | Op::Gather(_)
        | Op::Relu
        | Op::Sign
        | Op::MaxPool(_)
        | Op::Mul
        | Op::Rescale { .. }
        | Op::ReluRescale { .. }
        | Op::ArgMax(_)
        | Op::Reveal => None,
    }
}

/// Positions of an output at which a window holds the same taps: most are alike.
struct Alike {
    width: usize,
    /// By axis and position: the first position with the same taps inside the image.
    first: [Vec<usize>; 2],
}

impl Alike {
    fn new(window: &Window, input: Shape, output: Shape) -> Self {
        let rows = window.first_alike(0, input.height, output.height);
        Self { width: output.width, first: [rows, window.first_alike(1, input.width, output.width)] }
    }

    fn first(&self, position: usize) -> usize {
        let [y, x] = [position / self.width, position % self.width];
        self.first[0][y] * self.width + self.first[1][x]
    }
}

/// A bundle is a group's channels at one position; positions run fastest.
struct ConvRows<'a> {
    op: &'a Conv2d,
    input: Shape,
    output: Shape,
    alike: Alike,
}

impl ConvRows<'_> {
    /// Group, position, and where that is.
    fn place(&self, bundle: usize) -> (usize, [usize; 2]) {
        let (group, position) = (bundle / self.output.plane(), bundle % self.output.plane());
        (group, [position / self.output.width, position % self.output.width])
    }

    fn group_inputs(&self) -> usize {
        self.input.channels / self.op.groups
    }

    fn group_outputs(&self) -> usize {
        self.output.channels / self.op.groups
    }

    fn taps(&self, at: [usize; 2]) -> impl Iterator<Item = ([usize; 2], [usize; 2])> {
        self.op.window.taps([self.input.height, self.input.width], at)
    }
}

impl Rows for ConvRows<'_> {
    fn len(&self) -> usize {
        self.output.elements()
    }

    fn bundles(&self) -> usize {
        self.op.groups * self.output.plane()
    }

    fn bundle(&self, bundle: usize) -> Bundle {
        let (group, position) = (bundle / self.output.plane(), bundle % self.output.plane());
        let first = group * self.group_outputs() * self.output.plane() + position;
        Bundle { first, stride: self.output.plane(), len: self.group_outputs() }
    }

    fn inputs(&self, bundle: usize, inputs: &mut Vec<usize>) {
        let (group, at) = self.place(bundle);
        let channels = group * self.group_inputs()..(group + 1) * self.group_inputs();
        for (_, [y, x]) in self.taps(at) {
            inputs.extend(channels.clone().map(|channel| self.input.index(channel, y, x)));
        }
    }

    fn weights(&self, bundle: usize, row: usize, weights: &mut Vec<i64>) {
        let (group, at) = self.place(bundle);
        let [height, width] = self.op.window.kernel;
        let channel = group * self.group_outputs() + row;
        let kernel = &self.op.weights[channel * self.group_inputs() * height * width..];
        for ([ky, kx], _) in self.taps(at) {
            weights
                .extend((0..self.group_inputs()).map(|c| i64::from(kernel[(c * height + ky) * width + kx])));
        }
    }

    fn first_alike(&self, bundle: usize) -> usize {
        let (group, position) = (bundle / self.output.plane(), bundle % self.output.plane());
        group * self.output.plane() + self.alike.first(position)
    }

    fn bias(&self, row: usize) -> Integer {
        self.op.bias.get(row / self.output.plane()).copied().unwrap_or(0).into()
    }
}

/// One bundle.
struct DenseRows<'a> {
    op: &'a Dense,
    inputs: usize,
}

impl Rows for DenseRows<'_> {
    fn len(&self) -> usize {
        self.op.weights.len() / self.inputs
    }

    fn bundles(&self) -> usize {
        1
    }

    fn bundle(&self, _bundle: usize) -> Bundle {
        Bundle { first: 0, stride: 1, len: self.len() }
    }

    fn inputs(&self, _bundle: usize, inputs: &mut Vec<usize>) {
        inputs.extend(0..self.inputs);
    }

    fn weights(&self, _bundle: usize, row: usize, weights: &mut Vec<i64>) {
        weights.extend(self.op.weights[row * self.inputs..][..self.inputs].iter().map(|&w| i64::from(w)));
    }

    fn bias(&self, row: usize) -> Integer {
        self.op.bias.get(row).copied().unwrap_or(0).into()
    }
}

/// Every row is a bundle.
struct PoolRows<'a> {
    op: &'a SumPool,
    input: Shape,
    output: Shape,
    alike: Alike,
}

impl PoolRows<'_> {
    fn taps(&self, row: usize) -> impl Iterator<Item = [usize; 2]> {
        let position = row % self.output.plane();
        let at = [position / self.output.width, position % self.output.width];
        self.op.window.taps([self.input.height, self.input.width], at).map(|(_, pixel)| pixel)
    }
}

impl Rows for PoolRows<'_> {
    fn len(&self) -> usize {
        self.output.elements()
    }

    fn bundles(&self) -> usize {
        self.len()
    }

    fn bundle(&self, bundle: usize) -> Bundle {
        Bundle { first: bundle, stride: 1, len: 1 }
    }

    fn inputs(&self, bundle: usize, inputs: &mut Vec<usize>) {
        let channel = bundle / self.output.plane();
        inputs.extend(self.taps(bundle).map(|[y, x]| self.input.index(channel, y, x)));
    }

    fn weights(&self, bundle: usize, _row: usize, weights: &mut Vec<i64>) {
        let taps = self.taps(bundle).count();
        weights.extend(std::iter::repeat_n(self.op.multiplier(taps), taps));
    }

    /// Channels are alike too.
    fn first_alike(&self, bundle: usize) -> usize {
        self.alike.first(bundle % self.output.plane())
    }

    fn bias(&self, _row: usize) -> Integer {
        Integer::new()
    }
}

/// Every row is a bundle, and those of a channel are alike.
struct AddRows<'a> {
    op: &'a Add,
    shape: Shape,
}

impl Rows for AddRows<'_> {
    fn len(&self) -> usize {
        self.shape.elements()
    }

    fn bundles(&self) -> usize {
        self.shape.elements()
    }

    fn bundle(&self, bundle: usize) -> Bundle {
        Bundle { first: bundle, stride: 1, len: 1 }
    }

    fn inputs(&self, bundle: usize, inputs: &mut Vec<usize>) {
        inputs.extend((0..self.op.multipliers.len()).map(|branch| branch * self.shape.elements() + bundle));
    }

    fn weights(&self, _bundle: usize, _row: usize, weights: &mut Vec<i64>) {
        weights.extend(&self.op.multipliers);
    }

    fn first_alike(&self, bundle: usize) -> usize {
        if self.op.bias.is_empty() { 0 } else { bundle - bundle % self.shape.plane() }
    }

    fn bias(&self, row: usize) -> Integer {
        self.op.bias.get(row / self.shape.plane()).copied().unwrap_or(0).into()
    }
}
