//! Linear steps: weighted sums of ciphertexts, by the server alone.
//!
//! Each linear operation is a sparse matrix, given row by row straight from its description; no
//! expanded copy exists. The same rows are what the compiler counts.

use crate::paillier::Rows;
use crate::plan::{Conv2d, Dense, Op, Plan, Shape, StepId, SumPool, Window};
use rug::Integer;

/// The rows of a linear step, over the concatenation of its inputs; `None` if the step is not linear.
pub fn rows(plan: &Plan, id: StepId) -> Option<Box<dyn Rows + '_>> {
    let step = plan.step(id);
    let input = plan.step(*step.inputs.first()?).shape;
    match &step.op {
        Op::Conv2d(op) => {
            let alike = Alike::of(&op.window, input, step.shape);
            Some(Box::new(ConvRows { op, input, output: step.shape, alike }))
        }
        Op::Dense(op) => Some(Box::new(DenseRows { op, inputs: input.elements() })),
        Op::SumPool(op) => {
            let alike = Alike::of(&op.window, input, step.shape);
            Some(Box::new(PoolRows { op, input, output: step.shape, alike }))
        }
        Op::Add { multipliers } => Some(Box::new(AddRows { multipliers, elements: input.elements() })),
        Op::Input | Op::Concat | Op::Relu | Op::Sign | Op::MaxPool(_) | Op::Rescale { .. } | Op::Reveal => {
            None
        }
    }
}

/// Positions of an output at which a window holds the same taps: most are alike.
struct Alike {
    output: Shape,
    /// By axis and position: the first position with the same taps inside the image.
    first: [Vec<usize>; 2],
}

impl Alike {
    fn of(window: &Window, input: Shape, output: Shape) -> Self {
        let rows = window.first_alike(0, input.height, output.height);
        Self { output, first: [rows, window.first_alike(1, input.width, output.width)] }
    }

    fn first(&self, row: usize) -> usize {
        let (channel, position) = (row / self.output.plane(), row % self.output.plane());
        let [y, x] = [position / self.output.width, position % self.output.width];
        self.output.index(channel, self.first[0][y], self.first[1][x])
    }
}

struct ConvRows<'a> {
    op: &'a Conv2d,
    input: Shape,
    output: Shape,
    alike: Alike,
}

impl Rows for ConvRows<'_> {
    fn len(&self) -> usize {
        self.output.elements()
    }

    fn terms(&self, row: usize, terms: &mut Vec<(usize, i64)>) {
        let (channel, position) = (row / self.output.plane(), row % self.output.plane());
        let at = [position / self.output.width, position % self.output.width];
        let window = &self.op.window;
        let group_inputs = self.input.channels / self.op.groups;
        let first = channel / (self.output.channels / self.op.groups) * group_inputs;
        let [height, width] = window.kernel;
        let kernel = &self.op.weights[channel * group_inputs * height * width..];
        for ([ky, kx], [y, x]) in window.taps([self.input.height, self.input.width], at) {
            for c in 0..group_inputs {
                let weight = kernel[(c * height + ky) * width + kx];
                if weight != 0 {
                    terms.push((self.input.index(first + c, y, x), weight.into()));
                }
            }
        }
    }

    fn first_alike(&self, row: usize) -> usize {
        self.alike.first(row)
    }

    fn bias(&self, row: usize) -> Integer {
        self.op.bias.get(row / self.output.plane()).copied().unwrap_or(0).into()
    }
}

struct DenseRows<'a> {
    op: &'a Dense,
    inputs: usize,
}

impl Rows for DenseRows<'_> {
    fn len(&self) -> usize {
        self.op.weights.len() / self.inputs
    }

    fn terms(&self, row: usize, terms: &mut Vec<(usize, i64)>) {
        let weights = &self.op.weights[row * self.inputs..][..self.inputs];
        terms.extend(weights.iter().enumerate().filter(|(_, w)| **w != 0).map(|(i, &w)| (i, w.into())));
    }

    fn bias(&self, row: usize) -> Integer {
        self.op.bias.get(row).copied().unwrap_or(0).into()
    }
}

struct PoolRows<'a> {
    op: &'a SumPool,
    input: Shape,
    output: Shape,
    alike: Alike,
}

impl Rows for PoolRows<'_> {
    fn len(&self) -> usize {
        self.output.elements()
    }

    fn terms(&self, row: usize, terms: &mut Vec<(usize, i64)>) {
        let (channel, position) = (row / self.output.plane(), row % self.output.plane());
        let at = [position / self.output.width, position % self.output.width];
        let start = terms.len();
        let taps = self.op.window.taps([self.input.height, self.input.width], at);
        terms.extend(taps.map(|(_, [y, x])| (self.input.index(channel, y, x), 1)));
        let multiplier = self.op.multiplier(terms.len() - start);
        terms[start..].iter_mut().for_each(|(_, weight)| *weight = multiplier);
    }

    /// Channels are alike too.
    fn first_alike(&self, row: usize) -> usize {
        self.alike.first(row % self.output.plane())
    }

    fn bias(&self, _row: usize) -> Integer {
        Integer::new()
    }
}

struct AddRows<'a> {
    multipliers: &'a [i64],
    elements: usize,
}

impl Rows for AddRows<'_> {
    fn len(&self) -> usize {
        self.elements
    }

    fn terms(&self, row: usize, terms: &mut Vec<(usize, i64)>) {
        let branches = self.multipliers.iter().enumerate();
        terms.extend(branches.map(|(branch, &multiplier)| (branch * self.elements + row, multiplier)));
    }

    fn first_alike(&self, _row: usize) -> usize {
        0
    }

    fn bias(&self, _row: usize) -> Integer {
        Integer::new()
    }
}
