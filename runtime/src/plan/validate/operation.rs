//! What both parties check of a step, whatever they know of its weights.

use super::shapes::{
    concat_shape, conv_shape, dense_shape, fits, gather_shape, pool_shape, product_shape, same_shape,
    sum_pool_shape, windowed,
};
use super::{Findings, MAX_BITS, MAX_MULTIPLIER_BITS, MAX_RING_BITS};
use crate::plan::{
    Conv2d, Dense, Fraction, Knowledge, Op, Private, Public, Scores, Shape, StepId, index_bits,
};

/// What both views say of a step.
pub(super) struct Operation<'a, K: Knowledge> {
    pub(super) id: StepId,
    pub(super) op: &'a Op<K>,
    pub(super) inputs: &'a [StepId],
    pub(super) shape: Shape,
    pub(super) bits: u32,
}

/// A value that a step of suite `shared` reads.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) bits: u32,
    /// What its shares hold below it.
    pub(super) fraction: Fraction,
}

/// What the shapes of linear layers say: those of weights, or those that are stated.
pub(super) trait LinearShape: Knowledge {
    fn of_conv2d(conv: &Conv2d<Self>, image: Shape, stated: Shape) -> Result<Shape, String>;
    fn of_dense(dense: &Dense<Self>, input: Shape, stated: Shape) -> Result<Shape, String>;
}

impl LinearShape for Private {
    fn of_conv2d(conv: &Conv2d, image: Shape, _stated: Shape) -> Result<Shape, String> {
        conv_shape(conv, image)
    }

    fn of_dense(dense: &Dense, input: Shape, _stated: Shape) -> Result<Shape, String> {
        dense_shape(dense.weights.len(), input)
    }
}

/// The number of a layer's channels is the plan's.
impl LinearShape for Public {
    fn of_conv2d(conv: &Conv2d<Self>, image: Shape, stated: Shape) -> Result<Shape, String> {
        let [height, width] = windowed(&conv.window, image)?;
        Ok(Shape::new(stated.channels, height, width))
    }

    fn of_dense(_: &Dense<Self>, _input: Shape, stated: Shape) -> Result<Shape, String> {
        Ok(Shape::vector(stated.channels))
    }
}

impl<K: LinearShape> Operation<'_, K> {
    /// P1 to P3: its place among `steps` steps, and what it reads.
    pub(super) fn check_place(&self, steps: usize, found: &mut Findings) {
        let (at, last) = (Some(self.id), self.id.index() + 1 == steps);
        found.require(1, at, fits(self.shape), || format!("{} elements are too many or none", self.shape));
        found.require(2, at, (*self.op == Op::Input) == (self.id.index() == 0), || {
            "`input` is the first step and no other".into()
        });
        found.require(2, at, (*self.op == Op::Reveal) == last, || {
            "`reveal` is the last step and no other".into()
        });
        found.require(2, at, self.inputs.iter().all(|input| *input < self.id), || {
            "it reads a step that has not run".into()
        });
        found.require(3, at, self.arity_fits(), || {
            format!("{} cannot read {} inputs", self.op.name(), self.inputs.len())
        });
    }

    fn arity_fits(&self) -> bool {
        let inputs = self.inputs.len();
        match self.op {
            Op::Input => inputs == 0,
            Op::Add(sum) => inputs >= 1 && inputs == sum.multipliers.len(),
            Op::Concat => inputs >= 2,
            Op::Mul => inputs == 2,
            Op::Conv2d(_)
            | Op::Dense(_)
            | Op::SumPool(_)
            | Op::Gather(_)
            | Op::Relu
            | Op::Sign
            | Op::MaxPool(_)
            | Op::Rescale { .. }
            | Op::ReluRescale { .. }
            | Op::ArgMax(_)
            | Op::Reveal => inputs == 1,
        }
    }

    /// P4 and P5: its shape from those of its inputs, and its multipliers. `image` is the shape of the plan's input.
    pub(super) fn check_shape(&self, image: Shape, inputs: &[Shape], found: &mut Findings) {
        let at = Some(self.id);
        let outcome = self.inferred_shape(image, inputs).and_then(|shape| match shape == self.shape {
            true => Ok(()),
            false => Err(format!("{} gives {shape}, the plan says {}", self.op.name(), self.shape)),
        });
        found.require(4, at, outcome.is_ok(), || outcome.err().unwrap_or_default());
        if let Op::Add(sum) = self.op {
            found.require(5, at, sum.multipliers.iter().all(is_multiplier), || {
                "a multiplier is zero or too large".into()
            });
        }
    }

    /// The shape that the operation gives, or why it gives none.
    fn inferred_shape(&self, image: Shape, inputs: &[Shape]) -> Result<Shape, String> {
        let first = inputs.first().copied().unwrap_or(image);
        match self.op {
            Op::Input => Ok(image),
            Op::Conv2d(conv) => K::of_conv2d(conv, first, self.shape),
            Op::Dense(dense) => K::of_dense(dense, first, self.shape),
            Op::MaxPool(pool) => pool_shape(&pool.window, first),
            Op::SumPool(pool) => sum_pool_shape(pool, first),
            Op::Add(_) => same_shape(inputs),
            Op::Concat => concat_shape(inputs),
            Op::Mul => product_shape(inputs),
            Op::Gather(gather) => gather_shape(gather, first, self.shape),
            Op::Reveal => Ok(first.flattened()),
            Op::ArgMax(scores) if !scores.divide(first.elements()) => {
                Err(format!("{} elements are no scores of {} classes", first.elements(), scores.classes))
            }
            Op::ArgMax(scores) => Ok(Shape::vector(scores.positions(first.elements()))),
            Op::Rescale { bits } if *bits > MAX_BITS => Err(format!("it drops {bits} bits")),
            Op::ReluRescale { bits } if !(1..=MAX_BITS).contains(bits) => {
                Err(format!("it drops {bits} bits"))
            }
            Op::Relu | Op::Sign | Op::Rescale { .. } | Op::ReluRescale { .. } => Ok(first),
        }
    }

    /// P6 and P11 of suite `shared`: rings and fractions of what it reads. `input_bits`: of the plan's input.
    pub(super) fn check_rings(&self, input_bits: u32, sources: &[Source], found: &mut Findings) {
        let at = Some(self.id);
        let narrowest = sources.iter().map(|source| source.bits).min();
        let wide = |bits: u32| narrowest.is_none_or(|narrowest| bits <= narrowest);
        let holds = match self.op {
            Op::Input => input_bits <= self.bits,
            Op::Conv2d(_)
            | Op::Dense(_)
            | Op::SumPool(_)
            | Op::Add(_)
            | Op::Concat
            | Op::Mul
            | Op::Gather(_)
            | Op::Reveal => wide(self.bits),
            Op::MaxPool(pool) => narrowest == Some(self.bits) && (1..=self.bits).contains(&pool.compared),
            Op::Relu | Op::Sign => true,
            Op::Rescale { bits } | Op::ReluRescale { bits } => wide(*bits),
            Op::ArgMax(scores) => sources.iter().all(|source| self.index_fits(source, *scores)),
        };
        found.require(6, at, holds, || "its values have too few bits for what it does".into());
        let whole = sources.iter().all(|source| source.fraction == Fraction::default());
        found.require(11, at, whole || !self.op.reads_whole_shares(), || {
            "it reads shares that have a fraction".into()
        });
    }

    /// Numbers and classes fit one ring, and the class fits its own.
    fn index_fits(&self, source: &Source, scores: Scores) -> bool {
        index_bits(scores.classes) <= self.bits && source.bits + self.bits <= MAX_RING_BITS
    }
}

const fn is_multiplier(multiplier: &i64) -> bool {
    *multiplier != 0 && multiplier.unsigned_abs() >> MAX_MULTIPLIER_BITS == 0
}
