//! Plans of suite `shared`, made of those of suite `blinded`.

use runtime::plan::{
    Cost, Extension, FieldBits, Fraction, InferenceBatch, Layout, Linear, MaxPool, Op, Plan, PricedBatch,
    Reach, Shape, SharedParameters, Step, StepId, Suite, SumPool, Transfers, TreeDepth, Window,
};
use runtime::protocol::shared::cost;

/// What a test may choose at random, number after number.
#[derive(Clone, Debug)]
pub(crate) struct Choices(pub(crate) Vec<u32>);

impl Choices {
    /// The next number below `bound`.
    fn below(&mut self, bound: u32) -> u32 {
        self.0.rotate_left(1);
        self.0[0] % bound
    }
}

/// The same steps on shares: rings often too narrow, so that values wrap around; some ReLUs as roundings.
pub(crate) fn shared(mut plan: Plan, choices: &mut Choices) -> Plan {
    let transfers = Transfers { client_chooses: extension(choices), server_chooses: extension(choices) };
    let parameters = SharedParameters { transfers, ..SharedParameters::default() };
    plan.suite = Suite::Shared(parameters);
    plan = with_products(plan, choices);
    for index in 0..plan.steps.len() {
        let roundings = [Op::Relu, Op::ReluRescale { bits: 2 }, Op::Rescale { bits: 3 }];
        let op = match plan.steps[index].op {
            Op::Relu => roundings[choices.below(3) as usize].clone(),
            ref op => op.clone(),
        };
        let narrowest = plan.steps[index].inputs.iter().map(|&input| plan.step(input).bits).min();
        let bits = bits(&op, narrowest, choices);
        let op = match op {
            Op::MaxPool(pool) => {
                Op::MaxPool(MaxPool { compared: bits - choices.below(3).min(bits - 1), ..pool })
            }
            op => op,
        };
        plan.steps[index].bits = bits;
        plan.steps[index].op = op;
    }
    plan = with_whole_values(plan);
    let fraction = least_fraction(&plan) + choices.below(3);
    for id in (0..plan.steps.len()).map(StepId::new) {
        let layout = layout(&plan, id, (parameters, fraction), 1, choices);
        plan.steps[id.index()].layout = layout;
    }
    let grown = Transfers {
        client_chooses: grown(transfers.client_chooses),
        server_chooses: grown(transfers.server_chooses),
    };
    plan.batches = [(2 + choices.below(2) as usize, transfers), (5, grown)]
        .map(|(inferences, transfers)| {
            let ids = (0..plan.steps.len()).map(StepId::new);
            let layouts = ids.filter_map(|id| layout(&plan, id, (parameters, fraction), inferences, choices));
            let batch = InferenceBatch { inferences, layouts: layouts.collect(), transfers };
            PricedBatch { batch, offline: Cost::default() }
        })
        .to_vec();
    cost::price(&mut plan, parameters);
    plan
}

/// Any field, often the largest, or silent OT.
fn extension(choices: &mut Choices) -> Extension {
    match choices.below(16) {
        0 => toy(),
        bits => Extension::SoftSpoken(FieldBits::new(bits).unwrap_or(FieldBits::MAX)),
    }
}

/// Silent OT with trees that hide nothing and are quickly grown.
fn toy() -> Extension {
    Extension::Silent(TreeDepth::new(7).expect("a depth of tests"))
}

/// What a batch may have in place of `extension`.
fn grown(extension: Extension) -> Extension {
    if extension == Extension::SoftSpoken(FieldBits::MAX) { toy() } else { extension }
}

fn bits(op: &Op, narrowest: Option<u32>, choices: &mut Choices) -> u32 {
    match (op, narrowest) {
        (Op::Input, _) | (_, None) => 8 + choices.below(20),
        (Op::Relu | Op::ReluRescale { .. } | Op::Rescale { .. } | Op::Sign, _) => 6 + choices.below(20),
        (Op::MaxPool(_), Some(narrowest)) => narrowest,
        (Op::ArgMax(_), _) => 4 + choices.below(5),
        (_, Some(narrowest)) => narrowest - if narrowest > 5 { choices.below(2) } else { 0 },
    }
}

/// The same with some sums of two values as products: with the second, or with sums of its channels.
fn with_products(plan: Plan, choices: &mut Choices) -> Plan {
    let (mut steps, mut moved): (Vec<Step>, Vec<StepId>) = Default::default();
    for mut step in plan.steps.clone() {
        step.inputs.iter_mut().for_each(|input| *input = moved[input.index()]);
        let two = matches!(&step.op, Op::Add(sum) if sum.multipliers.len() == 2);
        if two && choices.below(3) > 0 {
            step.op = Op::Mul;
            if choices.below(2) == 0 {
                let Shape { channels, height, width } = step.shape;
                let op = Op::SumPool(SumPool { window: Window::dense([height, width]), balance: None });
                let inputs = vec![step.inputs[1]];
                step.inputs[1] = StepId::new(steps.len());
                steps.push(Step { op, inputs, shape: Shape::vector(channels), ..step.clone() });
            }
        }
        moved.push(StepId::new(steps.len()));
        steps.push(step);
    }
    Plan { steps, ..plan }
}

/// The same with the fraction dropped before what cannot read it, and before pools: where differences wrap around, such bits
/// may decide.
fn with_whole_values(plan: Plan) -> Plan {
    let (mut steps, mut moved, mut fractional): (Vec<Step>, Vec<StepId>, Vec<bool>) = Default::default();
    for mut step in plan.steps.clone() {
        step.inputs.iter_mut().for_each(|input| *input = moved[input.index()]);
        if step.op.reads_whole_shares() || matches!(step.op, Op::MaxPool(_)) {
            for input in &mut step.inputs {
                let source = *input;
                if fractional[source.index()] {
                    let Step { shape, bits, .. } = steps[source.index()];
                    let (name, op, inputs) = (String::new(), Op::Rescale { bits: 0 }, vec![source]);
                    let (layout, offline, cost) = (None, Cost::default(), Cost::default());
                    *input = StepId::new(steps.len());
                    steps.push(Step { name, op, inputs, shape, bits, layout, offline, cost });
                    fractional.push(false);
                }
            }
        }
        let reads = step.inputs.iter().any(|input| fractional[input.index()]);
        let keeps =
            matches!(step.op, Op::Add(_) | Op::Concat | Op::Gather(_) | Op::SumPool(_) | Op::MaxPool(_));
        fractional.push(step.op.is_linear() || keeps && reads);
        moved.push(StepId::new(steps.len()));
        steps.push(step);
    }
    Plan { steps, ..plan }
}

/// So many fraction bits that all carries stay below, the same of all linear steps.
fn least_fraction(plan: &Plan) -> u32 {
    let carries = Fraction::of_steps(plan.steps.iter().map(|step| (&step.op, 0, &*step.inputs)));
    carries.into_iter().map(Fraction::least_bits).max().unwrap_or(0).max(1)
}

fn layout(
    plan: &Plan,
    id: StepId,
    (parameters, fraction): (SharedParameters, u32),
    inferences: usize,
    choices: &mut Choices,
) -> Option<Layout> {
    let step = plan.step(id);
    let weights = step.op.weights()?;
    let reach = Reach::from_weights(weights, weights.len() / step.shape.channels);
    let slot_bits = Layout::slot_bits(step.bits, fraction, reach);
    let window = match &step.op {
        Op::Conv2d(conv) => Some(conv.window),
        _ => None,
    };
    let output = if window.is_some() { [step.shape.height, step.shape.width] } else { [1, 1] };
    loop {
        let tile = output.map(|size| 1 + choices.below(size as u32) as usize);
        let [stacked, images] = [3, inferences as u32].map(|most| 1 + choices.below(most) as usize);
        let mut layout = Layout { tile, slot_bits, fraction, results: 1, stacked, images };
        let tiling = Linear { window, layout }.tiling(plan.step(step.inputs[0]).shape);
        let slots = tiling.expect("tiles within the output").slots();
        let room = layout.capacity(parameters, plan.key_bits);
        if room < layout.width(slots) {
            layout.images = 1;
        }
        let most = room / layout.width(slots);
        if most > 0 {
            layout.results = 1 + choices.below(most as u32) as usize;
            return Some(layout);
        }
    }
}
