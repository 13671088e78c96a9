//! Client views, small ones, and what is read of them.

use super::document::{Vector, vector};
use runtime::plan::{
    BlindedParameters, ClientPlan, Dense, Exchange, ExchangeKind, Exchanges, Extension, FieldBits, InputSpec,
    KeyBits, Layout, Op, OutputPart, OutputSpec, PlanId, Preprocessing, Public, PublicStep, Reveal, Schedule,
    Shape, SharedParameters, StepId, Suite, Transfers, Work, codec,
};

pub(super) fn vectors() -> Vec<Vector> {
    [("view-blinded", blinded()), ("view-shared", shared())].map(|(name, view)| encoded(name, &view)).to_vec()
}

fn encoded(name: &str, view: &ClientPlan) -> Vector {
    let bytes = codec::encode_view(view);
    assert_eq!(codec::decode_view(&bytes).as_ref(), Ok(view), "{name}");
    vector(name, bytes)
}

/// Of a plan with digest 80 81 … 9f over vectors of pixels from −15 to 15.
fn view(elements: usize, suite: Suite, key_bits: u32, work: Work, results: usize) -> ClientPlan {
    let mut preprocessing = Preprocessing::identity(elements);
    preprocessing.raw_range = (-15.0, 15.0);
    ClientPlan {
        id: PlanId::from_bytes(std::array::from_fn(|place| 0x80 + place as u8)),
        suite,
        key_bits: KeyBits::try_from(key_bits).expect("an accepted length"),
        input: InputSpec { shape: Shape::vector(elements), preprocessing, step: vec![1.0; elements] },
        work,
        output: OutputSpec::of(OutputPart::vector(results)),
    }
}

/// A ReLU of two values.
fn blinded() -> ClientPlan {
    let parameters = BlindedParameters::default();
    let rounds = vec![Exchange { kind: ExchangeKind::Relu, count: 2, bits: 4 }];
    let work = Exchanges { parameters, rounds, reveal: Reveal { count: 2, bits: 4 } };
    view(2, Suite::Blinded(parameters), 3072, Work::Exchanges(work), 2)
}

/// Input, a dense layer, ReLU without the lowest bit, the end.
fn shared() -> ClientPlan {
    let field = Extension::SoftSpoken(FieldBits::MAX);
    let parameters = SharedParameters { mask_bits: 40, transfers: Transfers::both(field) };
    let layout = Layout { tile: [1, 1], slot_bits: 80, fraction: 1, results: 2, stacked: 1, images: 1 };
    let step = |op, inputs: &[usize], elements, bits, layout| PublicStep {
        op,
        inputs: inputs.iter().map(|&input| StepId::new(input)).collect(),
        shape: Shape::vector(elements),
        bits,
        layout,
    };
    let steps: Vec<PublicStep> = vec![
        step(Op::<Public>::Input, &[], 3, 9, None),
        step(Op::Dense(Dense { weights: (), bias: () }), &[0], 2, 9, Some(layout)),
        step(Op::ReluRescale { bits: 1 }, &[1], 2, 9, None),
        step(Op::Reveal, &[2], 2, 9, None),
    ];
    view(3, Suite::Shared(parameters), 3072, Work::Schedule(Schedule::new(parameters, steps)), 2)
}
