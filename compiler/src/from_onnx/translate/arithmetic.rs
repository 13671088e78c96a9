//! Element-wise operations: sums, affine maps by constants, activations.

use super::site::{Site, Value, finite, floats};
use super::view::View;
use super::{Found, Translator, curves};
use crate::from_onnx::refusal::Refusal;
use crate::graph::{Add, Affine, Binary, Curve, NodeId, Op, Shape};
use tract_onnx::tract_core::ops::element_wise::ElementWiseMiniOp;
use tract_onnx::tract_core::ops::math::{Ln, Sign};

impl Translator<'_> {
    /// An operation of two operands, at least one of them computed.
    pub(super) fn binary(&mut self, op: &str, site: &Site) -> Found {
        let [left, right] = &site.inputs[..] else {
            return Err(format!("{} operands", site.inputs.len()).into());
        };
        let constant_left = matches!(left.value, Value::Constant(_));
        let both = !constant_left && !matches!(right.value, Value::Constant(_));
        let (op, turned) = curves::binary(op).ok_or_else(|| unknown(op))?;
        if both {
            let sign = match op {
                Binary::Add => Some(1.0),
                Binary::Sub => Some(-1.0),
                Binary::Mul | Binary::Div | Binary::Max | Binary::Min | Binary::Pow | Binary::Less => None,
            };
            return match sign.filter(|_| !self.share_an_activation(site)) {
                Some(sign) => self.sum([1.0, sign], site),
                None if op == Binary::Mul && !self.share_a_value(site) => self.product(site),
                None => self.function(op, turned, site),
            };
        }
        match op {
            Binary::Add => self.affine(site, |(scale, shift), c| (scale, shift + c)),
            Binary::Sub if constant_left => self.affine(site, |(scale, shift), c| (-scale, c - shift)),
            Binary::Sub => self.affine(site, |(scale, shift), c| (scale, shift - c)),
            Binary::Mul => self.affine(site, |(scale, shift), c| (scale * c, shift * c)),
            Binary::Div if !constant_left => self.affine(site, |(scale, shift), c| (scale / c, shift / c)),
            Binary::Max | Binary::Min => self.bound(op, site),
            Binary::Div | Binary::Pow | Binary::Less => self.function(op, turned, site),
        }
    }

    /// Operands that are functions of one value, and constants; `turned` where the second comes first.
    fn function(&mut self, op: Binary, turned: bool, site: &Site) -> Found {
        self.activation(site, |operands| match <[Curve; 2]>::try_from(operands) {
            Ok([a, b]) if turned => b.binary(op, a),
            Ok([a, b]) => a.binary(op, b),
            Err(_) => Curve::X,
        })
    }

    /// One of two values, by a comparison.
    pub(super) fn choice(&mut self, site: &Site) -> Found {
        if site.inputs.len() != 3 {
            return Err(format!("{} operands", site.inputs.len()).into());
        }
        self.activation(site, |operands| match <[Curve; 3]>::try_from(operands) {
            Ok(parts) => Curve::Choose(Box::new(parts)),
            Err(_) => Curve::X,
        })
    }

    pub(super) fn unary(&mut self, op: &dyn ElementWiseMiniOp, site: &Site) -> Found {
        let view = site.computed(0)?;
        if op.is::<Sign>() {
            let sign = self.each(&site.name, Op::Sign, &view)?;
            let channels = self.graph.shape(sign.id).channels;
            let affine = Affine { scale: vec![2.0; channels], shift: vec![-1.0; channels] };
            return self.each(&site.name, Op::Affine(affine), &sign);
        }
        if let Some(logarithms) = op.is::<Ln>().then(|| view.logarithms()).flatten() {
            return Ok(logarithms);
        }
        let curve = curves::unary(op).ok_or_else(|| unknown(&op.name()))?;
        self.activation(site, |operands| operands.first().map_or(Curve::X, |inner| curve.over(inner)))
    }

    /// Two computed values, element by element.
    fn sum(&mut self, multipliers: [f32; 2], site: &Site) -> Found {
        let (view, inputs) = self.alike(site)?;
        let sum = self.append(&site.name, Op::Add(Add { multipliers: multipliers.to_vec() }), &inputs)?;
        Ok(view.with_value(sum))
    }

    /// The product of two computed values, element by element.
    fn product(&mut self, site: &Site) -> Found {
        let (view, factors) = match self.gated(site)? {
            Some(gated) => gated,
            None => self.alike(site)?,
        };
        Ok(view.with_value(self.append(&site.name, Op::Mul, &factors)?))
    }

    /// The factors where one has a number for each channel of the other, the larger first, and how the result is read.
    fn gated(&self, site: &Site) -> Result<Option<(View, [NodeId; 2])>, Refusal> {
        let Some(first) = site.inputs.iter().position(|operand| operand.dims == site.output) else {
            return Ok(None);
        };
        let [view, gate] = [site.computed(first)?, site.computed(1 - first)?];
        let [whole, numbers] = [&view, &gate].map(|view| self.graph.shape(view.id));
        let dims = &site.inputs[1 - first].dims;
        let axis = dims.iter().position(|&size| size > 1).unwrap_or(0);
        let order = view.channel_order(&site.output, axis, whole);
        let is_gate = numbers == Shape::vector(whole.channels)
            && dims.iter().enumerate().all(|(at, &size)| size == if at == axis { whole.channels } else { 1 })
            && order.is_some_and(|order| order.into_iter().eq(0..whole.channels));
        Ok(is_gate.then(|| (view.clone(), [view.id, gate.id])))
    }

    /// Both operands as values of one shape whose elements correspond, and how the result is read.
    fn alike(&mut self, site: &Site) -> Result<(View, [NodeId; 2]), Refusal> {
        let mut views = [site.computed(0)?, site.computed(1)?];
        if site.inputs.iter().any(|operand| operand.dims != site.output) || !views[0].same_order(&views[1]) {
            views = [self.repeated(0, site)?, self.repeated(1, site)?];
        }
        let [first, second] = views.each_ref().map(|view| view.id);
        let ids = if self.graph.shape(first) == self.graph.shape(second) {
            [first, second]
        } else {
            [self.flat(&site.name, first)?, self.flat(&site.name, second)?]
        };
        Ok((views[0].clone(), ids))
    }

    /// An operand, repeated along axes where the result is longer, in tract's order.
    fn repeated(&mut self, position: usize, site: &Site) -> Found {
        let view = site.computed(position)?;
        let dims = &site.inputs[position].dims;
        let place = |index: usize| {
            let (mut index, mut place, mut stride) = (index, 0, 1);
            for (&size, &own) in site.output.iter().rev().zip(dims.iter().rev()) {
                place += if own == 1 { 0 } else { index % size * stride };
                (index, stride) = (index / size, stride * own);
            }
            Some(view.position(place))
        };
        let positions = (0..site.output.iter().product()).map(place);
        self.gathered(&site.name, view.id, positions, &site.output, false)
    }

    /// scale·x + shift becomes `step((scale, shift), constant)`, per channel. Follows up on an affine
    /// map of the same operator, so that what tract takes apart ends as one map, or as none.
    fn affine(&mut self, site: &Site, step: impl Fn((f64, f64), f64) -> (f64, f64)) -> Found {
        let (view, constants) = self.per_channel(site)?;
        let node = self.graph.node(view.id);
        let (source, before) = match &node.op {
            Op::Affine(affine) if node.name == site.name => {
                (view.with_value(self.graph.sole_input(view.id)), Some(affine.clone()))
            }
            _ => (view, None),
        };
        let known = |channel: usize| match &before {
            Some(affine) => (affine.scale[channel].into(), affine.shift[channel].into()),
            None => (1.0, 0.0),
        };
        let steps =
            constants.iter().enumerate().map(|(channel, &constant)| step(known(channel), constant.into()));
        let (scale, shift): (Vec<f32>, Vec<f32>) =
            steps.map(|(scale, shift)| (scale as f32, shift as f32)).unzip();
        let (scale, shift) = (finite(scale)?, finite(shift)?);
        if scale.iter().all(|&scale| scale == 1.0) && shift.iter().all(|&shift| shift == 0.0) {
            return Ok(source);
        }
        self.each(&site.name, Op::Affine(Affine { scale, shift }), &source)
    }

    /// The computed operand and one constant for each of its channels. A value that the model has
    /// flattened is flattened here only where the constants ask for it.
    fn per_channel(&mut self, site: &Site) -> Result<(View, Vec<f32>), Refusal> {
        let position = usize::from(matches!(site.inputs[0].value, Value::Constant(_)));
        let (view, dims) = (site.computed(position)?, &site.inputs[position].dims);
        let constant = site.constant(1 - position)?;
        if *dims != site.output {
            return Err(Refusal::new(
                format!("the constant repeats {dims:?} to {:?}", site.output),
                "use a constant per channel",
            ));
        }
        let full = constant.broadcast_to_shape(dims).map_err(|error| format!("{error:#}"))?;
        let full = view.to_graph_order(&finite(floats(&full)?)?);
        let plane = self.graph.shape(view.id).plane();
        let mut channels = full.chunks(plane);
        if channels.all(|channel| channel.iter().all(|value| *value == channel[0])) {
            Ok((view, full.iter().step_by(plane).copied().collect()))
        } else if dims.iter().filter(|&&size| size > 1).count() <= 1 {
            Ok((view.with_value(self.flat(&site.name, view.id)?), full))
        } else {
            Err(Refusal::new(
                "the constant differs from pixel to pixel",
                "normalise with one constant per channel",
            ))
        }
    }

    /// Maximum or minimum with a constant: ReLU, no bound at all, or part of an activation.
    fn bound(&mut self, op: Binary, site: &Site) -> Found {
        let position = usize::from(matches!(site.inputs[0].value, Value::Constant(_)));
        let view = site.computed(position)?;
        let bounds = floats(site.constant(1 - position)?)?;
        let all = |test: fn(f32) -> bool| bounds.iter().all(|&bound| test(bound));
        let without_effect =
            if op == Binary::Max { all(|bound| bound <= f32::MIN) } else { all(|bound| bound >= f32::MAX) };
        if op == Binary::Max && all(|bound| bound == 0.0) {
            self.each(&site.name, Op::Relu, &view)
        } else if without_effect {
            Ok(view)
        } else {
            self.function(op, false, site)
        }
    }
}

fn unknown(part: &str) -> Refusal {
    Refusal::new(format!("its part '{part}' is not supported"), "retrain with ReLU")
}

/// Both maps as one; `None` where that leaves f32.
pub(super) fn composed(first: &Affine, second: &Affine) -> Option<Affine> {
    let product = |(&a, &b): (&f32, &f32)| (f64::from(a) * f64::from(b)) as f32;
    let scale: Vec<f32> = first.scale.iter().zip(&second.scale).map(product).collect();
    let shifted = first.shift.iter().zip(second.scale.iter().zip(&second.shift));
    let shift: Vec<f32> =
        shifted.map(|(&b, (&a, &more))| (f64::from(a) * f64::from(b) + f64::from(more)) as f32).collect();
    scale.iter().chain(&shift).all(|value| value.is_finite()).then_some(Affine { scale, shift })
}
