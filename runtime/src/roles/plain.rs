//! The plan interpreter: what a plan means, in plain integers.
//!
//! Encrypted runs equal it exactly. Sums wrap at 128 bits; a valid plan's results never do.

use crate::plan::{Conv2d, Dense, Op, Plan, Shape, Step, SumPool, ValidPlan, Window};

/// The revealed integers for the integers of one image ([`crate::plan::InputSpec::quantize`]).
pub fn run(plan: &ValidPlan, input: &[i64]) -> Vec<i128> {
    values(plan, input).pop().unwrap_or_default()
}

/// The value of every step.
pub fn values(plan: &ValidPlan, input: &[i64]) -> Vec<Vec<i128>> {
    let plan = plan.plan();
    let mut values: Vec<Vec<i128>> = Vec::with_capacity(plan.steps.len());
    for (_, step) in plan.steps() {
        let inputs: Vec<&[i128]> = step.inputs.iter().map(|id| values[id.index()].as_slice()).collect();
        let value = match &step.op {
            Op::Input => input.iter().map(|&x| x.into()).collect(),
            _ => evaluate(plan, step, &inputs),
        };
        values.push(value);
    }
    values
}

fn evaluate(plan: &Plan, step: &Step, inputs: &[&[i128]]) -> Vec<i128> {
    let (input, shape) = (inputs[0], plan.step(step.inputs[0]).shape);
    match &step.op {
        Op::Conv2d(conv) => convolve(conv, input, shape, step),
        Op::Dense(dense) => multiply(dense, input, step),
        Op::SumPool(pool) => sum_windows(pool, input, shape, step.shape),
        Op::Add { multipliers } => add(multipliers, inputs),
        Op::Concat => inputs.concat(),
        Op::Relu => input.iter().map(|&x| x.max(0)).collect(),
        Op::Sign => input.iter().map(|&x| i128::from(x > 0)).collect(),
        Op::Rescale { bits } => input.iter().map(|&x| (x + (1 << (bits - 1))) >> bits).collect(),
        Op::MaxPool(window) => maxima(window, input, shape, step.shape),
        Op::Input | Op::Reveal => input.to_vec(),
    }
}

/// Sums of products in the narrowest integers that hold the step's results; wrapping makes the
/// order of additions irrelevant.
trait Accumulator: Copy + Default {
    fn from_wide(x: i128) -> Self;
    fn fused(self, weight: i32, x: Self) -> Self;
    fn wide(self) -> i128;
}

macro_rules! accumulator {
    ($type:ty) => {
        impl Accumulator for $type {
            fn from_wide(x: i128) -> Self {
                x as $type
            }

            fn fused(self, weight: i32, x: Self) -> Self {
                self.wrapping_add(x.wrapping_mul(<$type>::from(weight)))
            }

            fn wide(self) -> i128 {
                self.into()
            }
        }
    };
}

accumulator!(i32);
accumulator!(i64);
accumulator!(i128);

/// Calls a function generic over the accumulator with the narrowest that holds the step's results.
macro_rules! in_width_of {
    ($step:expr, $function:ident($($argument:expr),*)) => {
        match $step.bits {
            0..=31 => $function::<i32>($($argument),*),
            32..=63 => $function::<i64>($($argument),*),
            _ => $function::<i128>($($argument),*),
        }
    };
}

fn multiply(dense: &Dense, input: &[i128], step: &Step) -> Vec<i128> {
    in_width_of!(step, multiply_in(dense, input))
}

fn multiply_in<A: Accumulator>(dense: &Dense, input: &[i128]) -> Vec<i128> {
    let input: Vec<A> = input.iter().map(|&x| A::from_wide(x)).collect();
    let rows = dense.weights.chunks_exact(input.len());
    rows.enumerate().map(|(row, weights)| dot(weights, &input, dense.bias.get(row))).collect()
}

fn dot<A: Accumulator>(weights: &[i32], x: &[A], bias: Option<&i128>) -> i128 {
    let bias = A::from_wide(bias.copied().unwrap_or(0));
    weights.iter().zip(x).fold(bias, |sum, (&weight, &x)| sum.fused(weight, x)).wide()
}

fn convolve(conv: &Conv2d, input: &[i128], shape: Shape, step: &Step) -> Vec<i128> {
    in_width_of!(step, convolve_in(conv, input, shape, step.shape))
}

/// Patches first (one row per output position), then products with every kernel of the group.
fn convolve_in<A: Accumulator>(conv: &Conv2d, input: &[i128], shape: Shape, output: Shape) -> Vec<i128> {
    let (group_inputs, group_outputs) = (shape.channels / conv.groups, output.channels / conv.groups);
    let length = group_inputs * conv.window.kernel[0] * conv.window.kernel[1];
    let mut result = vec![0; output.elements()];
    for group in 0..conv.groups {
        let patches = patches::<A>(conv, input, shape, output, group * group_inputs);
        for channel in group * group_outputs..(group + 1) * group_outputs {
            let kernel = &conv.weights[channel * length..][..length];
            let row = &mut result[channel * output.plane()..][..output.plane()];
            for (value, patch) in row.iter_mut().zip(patches.chunks_exact(length)) {
                *value = dot(kernel, patch, conv.bias.get(channel));
            }
        }
    }
    result
}

fn patches<A: Accumulator>(
    conv: &Conv2d,
    input: &[i128],
    shape: Shape,
    output: Shape,
    first: usize,
) -> Vec<A> {
    let [height, width] = conv.window.kernel;
    let taps = height * width;
    let length = shape.channels / conv.groups * taps;
    let mut patches = vec![A::default(); output.plane() * length];
    for (patch, at) in patches.chunks_exact_mut(length).zip(positions(output)) {
        for ([ky, kx], [y, x]) in conv.window.taps([shape.height, shape.width], at) {
            for c in 0..length / taps {
                patch[c * taps + ky * width + kx] = A::from_wide(input[shape.index(first + c, y, x)]);
            }
        }
    }
    patches
}

fn positions(shape: Shape) -> impl Iterator<Item = [usize; 2]> {
    (0..shape.height).flat_map(move |y| (0..shape.width).map(move |x| [y, x]))
}

/// `fold` over each window's pixels, channel by channel.
fn over_windows(
    window: &Window,
    input: &[i128],
    shape: Shape,
    output: Shape,
    fold: impl Fn(&mut dyn Iterator<Item = i128>) -> i128,
) -> Vec<i128> {
    let image = [shape.height, shape.width];
    (0..shape.channels)
        .flat_map(|channel| positions(output).map(move |at| (channel, at)))
        .map(|(channel, at)| {
            fold(&mut window.taps(image, at).map(|(_, [y, x])| input[shape.index(channel, y, x)]))
        })
        .collect()
}

fn sum_windows(pool: &SumPool, input: &[i128], shape: Shape, output: Shape) -> Vec<i128> {
    over_windows(&pool.window, input, shape, output, |pixels| {
        let (count, sum) = pixels.fold((0, 0i128), |(count, sum), x| (count + 1, sum.wrapping_add(x)));
        sum.wrapping_mul(pool.multiplier(count).into())
    })
}

fn maxima(window: &Window, input: &[i128], shape: Shape, output: Shape) -> Vec<i128> {
    over_windows(window, input, shape, output, |pixels| pixels.max().unwrap_or(0))
}

fn add(multipliers: &[i64], inputs: &[&[i128]]) -> Vec<i128> {
    (0..inputs[0].len())
        .map(|i| {
            let terms = inputs.iter().zip(multipliers).map(|(input, &m)| input[i].wrapping_mul(m.into()));
            terms.fold(0, i128::wrapping_add)
        })
        .collect()
}
