//! The plan interpreter: what a plan means, in plain integers.
//!
//! Encrypted runs equal it exactly. Sums wrap at 128 bits; a valid plan's results never do.
//!
//! `tensor` holds values, `linear` evaluates layers with weights, by `product` of their weights and the
//! `digits` of what they read; `windows` pools.

mod digits;
mod linear;
mod product;
mod tensor;
mod windows;

use crate::plan::{Op, Plan, Step, ValidPlan};
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
        values.push(value.narrowed(step.bits));
    }
    values
}

fn evaluate(plan: &Plan, step: &Step, inputs: &[&Tensor]) -> Tensor {
    let (input, from, to) = (inputs[0], plan.step(step.inputs[0]).shape, step.shape);
    match &step.op {
        Op::Conv2d(conv) => multiply(&Layer::conv2d(conv, from, to), input, step),
        Op::Dense(dense) => multiply(&Layer::dense(dense, from, to), input, step),
        Op::SumPool(pool) => {
            with_type_of!(step.bits, T => T::tensor(windows::sums::<T>(pool, &input.cast(), from, to)))
        }
        Op::Add { multipliers } => with_type_of!(step.bits, T => T::tensor(add::<T>(multipliers, inputs))),
        Op::Concat => with_type_of!(step.bits, T => T::tensor(concat::<T>(inputs))),
        Op::Relu => with_elements!(input, x => Integer::tensor(relu(x))),
        Op::Sign => Tensor::Narrow(input.map(|x| i32::from(x > 0))),
        Op::Rescale { bits } => Tensor::Wide(input.map(|x| (x + (1 << (bits - 1))) >> bits)),
        Op::MaxPool(window) => {
            with_elements!(input, x => Integer::tensor(windows::maxima(window, x, from, to)))
        }
        Op::Input | Op::Reveal => input.clone(),
    }
}

fn multiply(layer: &Layer<'_>, input: &Tensor, step: &Step) -> Tensor {
    with_type_of!(step.bits, T => T::tensor(layer.apply::<T>(input)))
}

fn relu<T: Integer>(input: &[T]) -> Vec<T> {
    input.iter().map(|&x| x.max(T::default())).collect()
}

fn add<T: Integer>(multipliers: &[i64], inputs: &[&Tensor]) -> Vec<T> {
    let mut sums = Vec::new();
    for (input, &multiplier) in inputs.iter().zip(multipliers) {
        let input = input.cast::<T>();
        sums.resize(input.len(), T::default());
        sums.iter_mut().zip(&*input).for_each(|(sum, x): (&mut T, _)| *sum = sum.plus(x.times(multiplier)));
    }
    sums
}

fn concat<T: Integer>(inputs: &[&Tensor]) -> Vec<T> {
    inputs.iter().flat_map(|input| input.cast::<T>().into_owned()).collect()
}
