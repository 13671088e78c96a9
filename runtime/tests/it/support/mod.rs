//! Small random plans, and what every test of a running plan needs.

pub(crate) mod alone;
pub(crate) mod certificates;
pub(crate) mod fault;
pub(crate) mod gate;
pub(crate) mod http;
pub(crate) mod line;
pub(crate) mod relay;
pub(crate) mod served;
#[cfg(unix)]
pub(crate) mod serving;
pub(crate) mod shared;
pub(crate) mod shelf;
pub(crate) mod site;

use proptest::prelude::*;
use runtime::paillier::{HolderKey, test_keys};
use runtime::plan::{
    BlindedParameters, Conv2d, Cost, Dense, Exchanges, Gather, IndexMap, InputSpec, KeyBits, Knowledge,
    MaxPool, Op, OutputPart, OutputSpec, Plan, PlanId, Preprocessing, Salt, Shape, Step, StepId, Suite,
    SumPool, ValidPlan, Window, Work, interval,
};
use runtime::protocol::blinded;
use runtime::protocol::hello::Hello;
use std::sync::{Arc, LazyLock};

/// A key that is quick to use and easy to break, made once per process.
pub(crate) static KEY: LazyLock<Arc<HolderKey>> = LazyLock::new(|| Arc::new(test_keys::holder(512)));

/// Builds a plan step by step, with sound bounds and exact costs.
pub(crate) struct PlanBuilder {
    plan: Plan,
    ranges: Vec<Vec<interval::Interval>>,
}

impl PlanBuilder {
    /// Over images of `shape` with pixels from −15 to 15.
    pub(crate) fn new(shape: Shape) -> Self {
        let mut preprocessing = Preprocessing::identity(shape.channels);
        preprocessing.raw_range = (-15.0, 15.0);
        let input = InputSpec { shape, preprocessing, step: vec![1.0; shape.channels] };
        let output = OutputSpec::of(OutputPart::vector(1));
        let suite = Suite::Blinded(BlindedParameters::default());
        let key_bits = KeyBits::try_from(512).expect("accepted in tests");
        let plan = Plan {
            name: "test".into(),
            suite,
            key_bits,
            input,
            steps: Vec::new(),
            output,
            setup: Cost::default(),
            batches: Vec::new(),
            check: None,
            salt: Salt::NONE,
        };
        let mut builder = Self { plan, ranges: Vec::new() };
        builder.push(Op::Input, &[], shape);
        builder
    }

    /// Appends a step over `inputs`; its shape is the caller's claim.
    pub(crate) fn push(&mut self, op: Op, inputs: &[StepId], shape: Shape) -> StepId {
        let step = Step {
            name: String::new(),
            op,
            inputs: inputs.to_vec(),
            shape,
            bits: 0,
            layout: None,
            offline: Cost::default(),
            cost: Cost::default(),
        };
        let ranges: Vec<&[interval::Interval]> =
            inputs.iter().map(|id| self.ranges[id.index()].as_slice()).collect();
        let range = interval::step(&self.plan, &step, &ranges).expect("small numbers");
        let bits = range.iter().map(|x| x.bits()).max().unwrap_or(0);
        self.ranges.push(range);
        self.plan.steps.push(Step { bits, ..step });
        self.last()
    }

    /// The step appended last.
    pub(crate) fn last(&self) -> StepId {
        StepId::new(self.plan.steps.len() - 1)
    }

    /// The shape of a step.
    pub(crate) fn shape(&self, id: StepId) -> Shape {
        self.plan.step(id).shape
    }

    /// Ends with the reveal of the last step.
    pub(crate) fn finish(mut self) -> Plan {
        let (last, shape) = (self.last(), self.shape(self.last()).flattened());
        self.push(Op::Reveal, &[last], shape);
        self.plan.output = OutputSpec::of(OutputPart::vector(shape.elements()));
        for id in (0..self.plan.steps.len()).map(StepId::new) {
            self.plan.steps[id.index()].cost =
                blinded::cost::step(&self.plan, BlindedParameters::default(), id);
        }
        self.plan
    }
}

/// The client's part of a plan of suite `blinded`.
pub(crate) fn exchanges(plan: &ValidPlan) -> &Exchanges {
    match &plan.client_view().work {
        Work::Exchanges(work) => work,
        Work::Schedule(_) => panic!("a plan of suite blinded"),
    }
}

/// A plan that passes validation.
pub(crate) fn valid(plan: Plan) -> ValidPlan {
    ValidPlan::new(plan).expect("a valid plan")
}

/// Max-pooling in suite `blinded`.
pub(crate) fn max_pool<K: Knowledge>(window: Window) -> Op<K> {
    Op::MaxPool(MaxPool { window, compared: 0 })
}

/// A plan with every operation.
pub(crate) fn every_operation() -> Plan {
    let mut builder = PlanBuilder::new(Shape::new(2, 6, 6));
    let input = builder.last();
    let window = Window { pad_before: [1, 1], pad_after: [1, 1], ..Window::dense([3, 3]) };
    let conv = Conv2d { window, groups: 1, weights: (0..36).map(|i| i % 5 - 2).collect(), bias: vec![7, -7] };
    let conv = builder.push(Op::Conv2d(conv), &[input], Shape::new(2, 6, 6));
    let relu = builder.push(Op::Relu, &[conv], Shape::new(2, 6, 6));
    let add = builder.push(Op::Add(vec![2, -3].into()), &[relu, input], Shape::new(2, 6, 6));
    let concat = builder.push(Op::Concat, &[add, conv], Shape::new(4, 6, 6));
    let moved = (0..144).map(|i| (i % 7 > 0).then_some(i * 5 % 144));
    let gather = Op::Gather(Gather { map: IndexMap::from_positions(Shape::new(4, 6, 6), moved) });
    let gather = builder.push(gather, &[concat], Shape::new(4, 6, 6));
    let stride = |stride| Window { stride: [stride; 2], ..Window::dense([3, 3]) };
    let max = builder.push(max_pool(stride(1)), &[gather], Shape::new(4, 4, 4));
    let pool = SumPool { window: Window { stride: [2, 2], ..Window::dense([2, 2]) }, balance: None };
    let sum = builder.push(Op::SumPool(pool), &[max], Shape::new(4, 2, 2));
    let sign = builder.push(Op::Sign, &[sum], Shape::new(4, 2, 2));
    let dense = Dense { weights: (0..48).map(|i| 3 - i % 7).collect(), bias: Vec::new() };
    builder.push(Op::Dense(dense), &[sign], Shape::vector(3));
    builder.finish()
}

/// One random layer.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    Conv { window: Window, outputs: usize, groups: bool, weights: Vec<i32>, bias: bool },
    Dense { outputs: usize, weights: Vec<i32> },
    SumPool { window: Window },
    MaxPool { window: Window },
    Relu,
    Sign,
    Residual { multipliers: (i64, i64) },
    Concat,
    Gather { shape: Shape, positions: Vec<Option<prop::sample::Index>> },
}

/// Random windows: strides, dilation and padding of all sorts, never larger than the smallest image.
fn window() -> impl Strategy<Value = Window> {
    let pair = |range: std::ops::RangeInclusive<usize>| (range.clone(), range).prop_map(|(y, x)| [y, x]);
    (pair(1..=3), pair(1..=2), pair(1..=2), pair(0..=1), pair(0..=1)).prop_map(
        |(kernel, stride, dilation, pad_before, pad_after)| Window {
            kernel,
            stride,
            dilation,
            pad_before,
            pad_after,
        },
    )
}

/// A few positions, repeated until the shape is full.
fn gather() -> impl Strategy<Value = Layer> {
    let shape = (1..=3usize, 1..=5usize, 1..=5usize).prop_map(|(c, h, w)| Shape::new(c, h, w));
    let position = prop::option::weighted(0.8, any::<prop::sample::Index>());
    let positions = prop::collection::vec(position, 1..=75);
    (shape, positions).prop_map(|(shape, positions)| Layer::Gather { shape, positions })
}

fn layer() -> impl Strategy<Value = Layer> {
    let weights = prop::collection::vec(prop_oneof![3 => -7..=7i32, 1 => Just(0), 1 => -127..=127], 400);
    prop_oneof![
        4 => (window(), 1..=3usize, any::<bool>(), weights.clone(), any::<bool>())
            .prop_map(|(window, outputs, groups, weights, bias)| Layer::Conv { window, outputs, groups, weights, bias }),
        1 => (1..=5usize, weights).prop_map(|(outputs, weights)| Layer::Dense { outputs, weights }),
        1 => window().prop_map(|window| Layer::SumPool { window }),
        2 => window().prop_map(|window| Layer::MaxPool { window }),
        3 => Just(Layer::Relu),
        1 => Just(Layer::Sign),
        1 => (1..=9i64, -9..=-1i64).prop_map(|multipliers| Layer::Residual { multipliers }),
        1 => Just(Layer::Concat),
        1 => gather(),
    ]
}

/// Random small plans. Layers that do not fit the shape at hand are left out.
pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    let shape = (1..=2usize, 1..=5usize, 1..=5usize).prop_map(|(c, h, w)| Shape::new(c, h, w));
    (shape, prop::collection::vec(layer(), 0..=5)).prop_map(|(shape, layers)| {
        let mut builder = PlanBuilder::new(shape);
        layers.iter().for_each(|layer| append(&mut builder, layer));
        builder.finish()
    })
}

fn append(builder: &mut PlanBuilder, layer: &Layer) {
    let (last, shape) = (builder.last(), builder.shape(builder.last()));
    let windowed = |window: &Window| {
        let output = window.output([shape.height, shape.width])?;
        window.always_inside([shape.height, shape.width], output).then_some(output)
    };
    match layer {
        Layer::Conv { window, outputs, groups, weights, bias } => {
            let Some([height, width]) = window.output([shape.height, shape.width]) else { return };
            let groups = if *groups { shape.channels } else { 1 };
            let channels = outputs * groups;
            let count = channels * shape.channels / groups * window.kernel[0] * window.kernel[1];
            let weights = weights.iter().copied().cycle().take(count).collect();
            let bias = if *bias { (0..channels as i128).map(|c| 50 * c - 70).collect() } else { Vec::new() };
            let conv = Conv2d { window: *window, groups, weights, bias };
            builder.push(Op::Conv2d(conv), &[last], Shape::new(channels, height, width));
        }
        Layer::Dense { outputs, weights } => {
            let count = outputs * shape.elements();
            let weights = weights.iter().copied().cycle().take(count).collect();
            let dense = Dense { weights, bias: vec![3; *outputs] };
            builder.push(Op::Dense(dense), &[last], Shape::vector(*outputs));
        }
        Layer::SumPool { window } => {
            let Some([height, width]) = windowed(window) else { return };
            let balance = window.is_padded().then_some(36);
            let pool = SumPool { window: *window, balance };
            builder.push(Op::SumPool(pool), &[last], Shape::new(shape.channels, height, width));
        }
        Layer::MaxPool { window } => {
            let Some([height, width]) = windowed(window) else { return };
            builder.push(max_pool(*window), &[last], Shape::new(shape.channels, height, width));
        }
        Layer::Relu => drop(builder.push(Op::Relu, &[last], shape)),
        Layer::Sign => drop(builder.push(Op::Sign, &[last], shape)),
        Layer::Residual { multipliers: (a, b) } => {
            let relu = builder.push(Op::Relu, &[last], shape);
            builder.push(Op::Add(vec![*a, *b].into()), &[relu, last], shape);
        }
        Layer::Gather { shape: moved, positions } => {
            let positions = positions.iter().map(|position| position.map(|at| at.index(shape.elements())));
            let map = IndexMap::from_positions(*moved, positions.cycle().take(moved.elements()));
            builder.push(Op::Gather(Gather { map }), &[last], *moved);
        }
        Layer::Concat => {
            let doubled = Shape::new(2 * shape.channels, shape.height, shape.width);
            builder.push(Op::Concat, &[last, last], doubled);
        }
    }
}

/// An image for a plan of [`plans`]: edge values and random ones.
pub(crate) fn image(plan: &Plan) -> impl Strategy<Value = Vec<f32>> + use<> {
    let pixel = prop_oneof![Just(0.0), Just(15.0), Just(-15.0), Just(1.0), Just(-1.0), -15.0..=15.0f32];
    prop::collection::vec(pixel, plan.input.shape.elements())
}

/// Bytes of the first word of a client that wants this plan, or any.
pub(crate) fn hello_bytes(plan: Option<PlanId>) -> usize {
    Hello { wanted: plan.into(), token: None }.to_bytes().len()
}
