//! Small plans of suite `shared` for tests.

use runtime::plan::{
    Cost, InputSpec, KeyBits, Op, OutputPart, OutputSpec, Plan, Preprocessing, Shape, SharedParameters, Step,
    StepId, Suite,
};

/// A step of 20 bits without a layout.
pub(super) fn step(op: Op, inputs: &[usize], shape: Shape) -> Step {
    Step {
        name: String::new(),
        op,
        inputs: inputs.iter().map(|&input| StepId::new(input)).collect(),
        shape,
        bits: 20,
        layout: None,
        offline: Cost::default(),
        cost: Cost::default(),
    }
}

/// A plan of these steps, the first of which is the input.
pub(super) fn plan(steps: Vec<Step>) -> Plan {
    let (image, last) = (steps[0].shape, steps[steps.len() - 1].shape);
    Plan {
        name: String::new(),
        suite: Suite::Shared(SharedParameters::default()),
        key_bits: KeyBits::default(),
        input: InputSpec {
            shape: image,
            preprocessing: Preprocessing::identity(image.channels),
            step: vec![1.0; image.channels],
        },
        steps,
        output: OutputSpec::of(OutputPart::vector(last.elements())),
        setup: Cost::default(),
        batches: Vec::new(),
        check: None,
        salt: runtime::plan::Salt::NONE,
    }
}
