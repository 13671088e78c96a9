//! The plan interpreter: what a plan means, in plain integers.
//!
//! Encrypted runs equal it exactly. In suite `blinded` sums wrap at 128 bits, and a valid plan's results never do; in
//! suite `shared` every value is taken in its step's ring.
//!
//! `tensor` holds values, `linear` evaluates layers with weights, by `product` of their weights and the
//! `digits` of what they read; `windows` pools.

mod digits;
mod linear;
mod product;
mod tensor;
mod windows;

use crate::plan::{Add, MaxPool, Op, Plan, Ring, Shape, Step, Suite, SumPool, ValidPlan};
use linear::Layer;
use tensor::{Integer, Tensor, with_elements, with_type_of};

/// The revealed integers for the integers of one image ([`crate::plan::InputSpec::quantize`]).
pub fn run(plan: &ValidPlan, input: &[i64]) -> Vec<i128> {
    tensors(plan.plan(), input).last().map(wide).unwrap_or_default()
}

/// The value of every step.
pub fn values(plan: &ValidPlan, input: &[i64]) -> Vec<Vec<i128>> {
    tensors(plan.plan(), input).iter().map(wide).collect()
}

/// Sums over windows of numbers modulo 2^64.
pub(super) fn window_sums(pool: &SumPool, input: &[u64], from: Shape, to: Shape) -> Vec<u64> {
    let input: Vec<i64> = input.iter().map(|&x| x as i64).collect();
    windows::sums(pool, &input, from, to).into_iter().map(|x| x as u64).collect()
}

/// A convolution or dense layer, with its bias, of numbers modulo 2^64.
pub(crate) fn weighted_sums(op: &Op, input: Vec<i64>, from: Shape, to: Shape) -> Vec<i64> {
    let layer = match op {
        Op::Conv2d(conv) => Layer::conv2d(conv, from, to),
        Op::Dense(dense) => Layer::dense(dense, from, to),
        _ => return Vec::new(),
    };
    layer.apply(&Tensor::Middle(input))
}

fn wide(tensor: &Tensor) -> Vec<i128> {
    tensor.map(|x| x)
}

fn tensors(plan: &Plan, input: &[i64]) -> Vec<Tensor> {
    let mut values: Vec<Tensor> = Vec::with_capacity(plan.steps.len());
    for (_, step) in plan.steps() {
        let inputs: Vec<&Tensor> = step.inputs.iter().map(|id| &values[id.index()]).collect();
        let value = match &step.op {
            Op::Input => Tensor::Middle(input.to_vec()),
            _ => evaluate(plan, step, &inputs),
        };
        values.push(match ring(plan, step) {
            None => value.narrowed(step.bits),
            Some(ring) => value.wrapped(ring),
        });
    }
    values
}

/// The ring in which a step's value is taken; suite `blinded` has none.
fn ring(plan: &Plan, step: &Step) -> Option<Ring> {
    match plan.suite {
        Suite::Blinded(_) => None,
        Suite::Shared(_) => Ring::new(step.bits + 1),
    }
}

/// The ring in which a pool takes differences; suite `blinded` compares numbers themselves.
fn compared(plan: &Plan, pool: &MaxPool) -> Option<Ring> {
    match plan.suite {
        Suite::Blinded(_) => None,
        Suite::Shared(_) => Ring::new(pool.compared + 1),
    }
}

fn evaluate(plan: &Plan, step: &Step, inputs: &[&Tensor]) -> Tensor {
    let source = plan.step(step.inputs[0]);
    let (input, from, to) = (inputs[0], source.shape, step.shape);
    match (&step.op, ring(plan, source)) {
        (Op::Conv2d(conv), _) => multiply(&Layer::conv2d(conv, from, to), input, step),
        (Op::Dense(dense), _) => multiply(&Layer::dense(dense, from, to), input, step),
        (Op::SumPool(pool), _) => {
            with_type_of!(step.bits, T => T::tensor(windows::sums::<T>(pool, &input.cast(), from, to)))
        }
        (Op::Add(sum), _) => with_type_of!(step.bits, T => T::tensor(add::<T>(sum, inputs, to))),
        (Op::Mul, _) => Tensor::Middle(products(&inputs[0].cast::<i64>(), &inputs[1].cast::<i64>())),
        (Op::Concat, _) => with_type_of!(step.bits, T => T::tensor(concat::<T>(inputs))),
        (Op::Gather(gather), _) => with_elements!(input, x => Integer::tensor(gather.map.gather(x, &0))),
        (Op::Relu, _) => with_elements!(input, x => Integer::tensor(relu(x))),
        (Op::Sign, None) => Tensor::Narrow(input.map(|x| i32::from(x > 0))),
        (Op::Sign, Some(ring)) => Tensor::Narrow(input.map(|x| i32::from(ring.wrap(x as i64 - 1) >= 0))),
        (Op::Rescale { bits }, None) => Tensor::Wide(input.map(|x| (x + ((1 << bits) >> 1)) >> bits)),
        (Op::Rescale { bits }, Some(ring)) => Tensor::Middle(input.map(|x| ring.rescale(x as i64, *bits))),
        (Op::ReluRescale { bits }, ring) => {
            let rescaled = |x| ring.map_or(x, |ring| ring.rescale(x as i64, *bits).into());
            Tensor::Wide(input.map(|x| rescaled(x).max(0)))
        }
        (Op::MaxPool(pool), _) => match compared(plan, pool) {
            None => with_elements!(input, x => Integer::tensor(windows::maxima(&pool.window, x, from, to))),
            Some(ring) => {
                Tensor::Middle(windows::winners(ring, &pool.window, &input.cast::<i64>(), from, to))
            }
        },
        (Op::ArgMax(scores), ring) => {
            let input = input.cast::<i64>();
            let label = |position: usize| {
                let scores: Vec<i64> = scores.of(position).map(|index| input[index]).collect();
                ring.map_or(0, |ring| ring.arg_max(&scores)) as i64
            };
            Tensor::Middle((0..to.elements()).map(label).collect())
        }
        (Op::Input | Op::Reveal, _) => input.clone(),
    }
}

fn multiply(layer: &Layer<'_>, input: &Tensor, step: &Step) -> Tensor {
    with_type_of!(step.bits, T => T::tensor(layer.apply::<T>(input)))
}

fn relu<T: Integer>(input: &[T]) -> Vec<T> {
    input.iter().map(|&x| x.max(T::default())).collect()
}

fn add<T: Integer>(sum: &Add, inputs: &[&Tensor], shape: Shape) -> Vec<T> {
    let bias = |channel| T::wrap(sum.bias.get(channel).copied().unwrap_or(0));
    let mut sums: Vec<T> = (0..shape.elements()).map(|i| bias(i / shape.plane())).collect();
    for (input, &multiplier) in inputs.iter().zip(&sum.multipliers) {
        let input = input.cast::<T>();
        sums.iter_mut().zip(&*input).for_each(|(sum, x): (&mut T, _)| *sum = sum.plus(x.times(multiplier)));
    }
    sums
}

/// Products modulo 2^64; elements of the first, as many one after another as they outnumber those of the second, share a factor.
fn products(x: &[i64], y: &[i64]) -> Vec<i64> {
    let shared = x.len() / y.len();
    x.chunks(shared).zip(y).flat_map(|(x, &y)| x.iter().map(move |x| x.wrapping_mul(y))).collect()
}

fn concat<T: Integer>(inputs: &[&Tensor]) -> Vec<T> {
    inputs.iter().flat_map(|input| input.cast::<T>().into_owned()).collect()
}
