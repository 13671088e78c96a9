//! Plans as bytes and as text; what validation refuses.

use crate::support::shared::{Choices, shared};
use crate::support::{PlanBuilder, max_pool, plans, valid};
use proptest::prelude::*;
use runtime::data::{Fit, ImageSource};
use runtime::plan::{
    Add, ClassAxes, Conv2d, DecodeError, Exchange, Extension, FieldBits, Gather, IndexMap, InferenceBatch,
    Layout, MaxPool, Op, OutputPart, Plan, Public, PublicStep, Schedule, Shape, Step, StepId, Transfers,
    ValidPlan, Window, Work, codec, validate::MAX_STEPS,
};
use runtime::roles::client::Prediction;
use runtime::roles::plain;
use std::path::Path;

fn small() -> Plan {
    let mut builder = PlanBuilder::new(Shape::new(1, 4, 4));
    let input = builder.last();
    let window = Window { stride: [2, 2], ..Window::dense([2, 2]) };
    let max = builder.push(max_pool(window), &[input], Shape::new(1, 2, 2));
    let relu = builder.push(Op::Relu, &[max], Shape::new(1, 2, 2));
    let dense = runtime::plan::Dense { weights: vec![1, -2, 3, 0, 5, 6, -7, 8], bias: vec![10, -20] };
    builder.push(Op::Dense(dense), &[relu], Shape::vector(2));
    builder.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn plans_and_views_survive_their_bytes(plan in plans()) {
        let Ok(plan) = ValidPlan::new(plan) else { return Ok(()) };
        let bytes = codec::encode(&plan);
        let read = codec::decode(&bytes).expect("own bytes");
        prop_assert_eq!(read.plan(), plan.plan());
        prop_assert_eq!(read.id(), plan.id());
        prop_assert_eq!(codec::encode(&read), bytes);
        let view = codec::decode_view(&codec::encode_view(plan.client_view())).expect("own bytes");
        prop_assert_eq!(&view, plan.client_view());
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(codec::decode(&bytes).is_err());
        let framed = [b"POPCORNP".as_slice(), &1u32.to_le_bytes(), &bytes].concat();
        prop_assert!(codec::decode(&framed).is_err());
    }
}

#[test]
fn every_changed_byte_and_every_cut_is_noticed() {
    let bytes = codec::encode(&valid(small()));
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        assert!(codec::decode(&changed).is_err(), "byte {position}");
        assert!(codec::decode(&bytes[..position]).is_err(), "cut at {position}");
    }
    assert!(codec::decode(&[bytes, vec![0]].concat()).is_err());
}

#[test]
fn versions_and_kinds_are_told_apart() {
    let plan = valid(small());
    let mut newer = codec::encode(&plan);
    newer[8] = 99;
    assert_eq!(codec::decode(&newer).expect_err("another version"), DecodeError::Version { got: 99 });
    let view = codec::encode_view(plan.client_view());
    assert!(matches!(codec::decode(&view), Err(DecodeError::WrongKind { .. })));
    assert_eq!(codec::decode(b"\x08onnx").expect_err("no plan"), DecodeError::NotAPlan);
}

/// The first violation of a plan that was made wrong.
fn violation(change: impl FnOnce(&mut Plan)) -> String {
    let mut plan = small();
    change(&mut plan);
    ValidPlan::new(plan).expect_err("a violation")[0].to_string()
}

#[test]
fn each_check_refuses_what_it_is_for() {
    let step = |plan: &mut Plan, i: usize, change: fn(&mut Step)| change(&mut plan.steps[i]);
    let found = [
        violation(|plan| plan.steps.truncate(1)),
        violation(|plan| plan.name = "x".repeat(2000)),
        violation(|plan| plan.steps.swap(0, 1)),
        violation(|plan| step(plan, 2, |step| step.inputs = vec![StepId::new(3)])),
        violation(|plan| step(plan, 2, |step| step.inputs = Vec::new())),
        violation(|plan| step(plan, 1, |step| step.shape.width = 3)),
        violation(|plan| {
            step(plan, 1, |step| step.op = max_pool(Window { pad_after: [9, 0], ..Window::dense([2, 2]) }))
        }),
        violation(|plan| {
            step(plan, 3, |step| {
                step.op = Op::Dense(runtime::plan::Dense { weights: vec![1; 7], bias: vec![] })
            })
        }),
        violation(|plan| {
            step(plan, 3, |step| {
                step.op = Op::Dense(runtime::plan::Dense { weights: vec![1; 8], bias: vec![1] })
            })
        }),
        violation(|plan| step(plan, 3, |step| step.bits -= 1)),
        violation(|plan| step(plan, 2, |step| step.bits = 121)),
        violation(|plan| plan.input.preprocessing.std = vec![0.0]),
        violation(|plan| plan.input.preprocessing.mean.clear()),
        violation(|plan| plan.input.step = vec![1e-12]),
        violation(|plan| plan.output.parts[0].scale = f64::NAN),
        violation(|plan| plan.output.parts[0].axes = vec![3]),
        violation(|plan| plan.output.parts.clear()),
        violation(|plan| plan.output.parts = vec![OutputPart::vector(1); 2]),
        violation(|plan| plan.output.parts[0].names = vec!["one too many".into(); 999]),
        violation(|plan| plan.output.parts[0].name = "a\u{1b}[31mb".into()),
        violation(|plan| plan.output.parts[0].classes = Some(ClassAxes { first: 1, end: 0 })),
        violation(|plan| plan.output.parts[0].classes = Some(ClassAxes { first: 0, end: 2 })),
        violation(|plan| plan.output.parts[0].axes.resize(20, 1)),
    ];
    insta::assert_snapshot!(found.join("\n"));
}

/// The violations of a plan of suite `shared` of which one layout was made wrong.
fn wrong_layout(change: fn(&mut Layout)) -> String {
    let mut plan = shared(small(), &mut Choices(vec![0; 60]));
    assert!(ValidPlan::new(plan.clone()).is_ok());
    let layout = plan.steps.iter_mut().find_map(|step| step.layout.as_mut());
    change(layout.expect("a linear step"));
    ValidPlan::new(plan).expect_err("a violation")[0].to_string()
}

#[test]
fn layouts_that_do_not_fit_are_refused() {
    let found = [
        wrong_layout(|layout| layout.tile = [0, 1]),
        wrong_layout(|layout| layout.tile = [usize::MAX; 2]),
        wrong_layout(|layout| layout.slot_bits = 1),
        wrong_layout(|layout| layout.slot_bits = 1 << 31),
        wrong_layout(|layout| layout.fraction = 0),
        wrong_layout(|layout| layout.fraction += 1),
        wrong_layout(|layout| layout.fraction = 41),
        wrong_layout(|layout| layout.fraction = u32::MAX),
        wrong_layout(|layout| layout.results = 0),
        wrong_layout(|layout| layout.results = usize::MAX),
        wrong_layout(|layout| layout.stacked = 0),
        wrong_layout(|layout| layout.stacked = 100),
        wrong_layout(|layout| layout.stacked = usize::MAX),
    ];
    insta::assert_snapshot!(found.join("\n"), @"
    P4 s3: tiles of [0, 1] do not fit
    P13: tiles that read 18446744073709551615 pixels along their axes, at most 8388608
    P7 s3: it needs slots of 13 bits, the plan says 1
    P7 s3: slots of 2147483648 bits
    P11 s3: its shares have 0 fraction bits, and carries up to 1
    P7 s3: it needs slots of 14 bits, the plan says 13
    P7 s3: it needs slots of 53 bits, the plan says 13
    P7 s3: it needs slots of 4294967295 bits, the plan says 13
    P7 s3: 0 results of 1 slots do not fit a plaintext
    P7 s3: 18446744073709551615 results of 1 slots do not fit a plaintext
    P7 s3: 1 results of 0 slots do not fit a plaintext
    P7 s3: 1 results of 199 slots do not fit a plaintext
    P7 s3: 1 results of 18446744073709551614 slots do not fit a plaintext
    ");
}

/// The first violation of a plan of suite `shared` of which one batch was made wrong.
fn wrong_batch(change: fn(&mut InferenceBatch)) -> String {
    let mut plan = shared(small(), &mut Choices(vec![0; 60]));
    change(&mut plan.batches[1].batch);
    ValidPlan::new(plan).expect_err("a violation")[0].to_string()
}

#[test]
fn batches_that_contradict_their_plan_are_refused() {
    let found = [
        wrong_batch(|batch| batch.inferences = 1),
        wrong_batch(|batch| batch.inferences = 65),
        wrong_batch(|batch| batch.layouts.clear()),
        wrong_batch(|batch| batch.layouts[0].slot_bits += 1),
        wrong_batch(|batch| batch.layouts[0].fraction += 1),
        wrong_batch(|batch| batch.layouts[0].images = 0),
        wrong_batch(|batch| batch.layouts[0].images = 6),
        wrong_batch(|batch| batch.layouts[0].stacked = 0),
        wrong_batch(|batch| batch.transfers = Transfers::both(Extension::SoftSpoken(FieldBits::MAX))),
    ];
    insta::assert_snapshot!(found.join("\n"), @"
    P12: a batch of 1 behind one of 2
    P12: a batch of 65 behind one of 2
    P12: a batch with layouts of 0 steps, not 1
    P12 s3: a batch of 5 has slots of its own
    P12 s3: a batch of 5 has slots of its own
    P7 s3: 0 images in a ciphertext, of 5
    P7 s3: 6 images in a ciphertext, of 5
    P7 s3: 1 results of 0 slots do not fit a plaintext
    P12: a batch of 5 with other oblivious transfers (field 8 bits)
    ");
}

/// What one step may cost, thousands together may not: before anything is sent, a client would compute for hours. Nothing is done of
/// it: that the last step contradicts itself is not even noticed.
#[test]
fn the_work_of_all_steps_together_is_bounded() {
    let refused = |input: Shape,
                   (step, reads): (Op<Public>, usize),
                   shape: Shape,
                   layout: Option<Layout>,
                   count: usize| {
        let mut view = valid(shared(small(), &mut Choices(vec![0; 60]))).client_view().clone();
        let Work::Schedule(schedule) = &mut view.work else { unreachable!("suite shared") };
        let public = |op, inputs: &[usize], shape, layout| {
            let inputs = inputs.iter().map(|&input| StepId::new(input)).collect();
            PublicStep { op, inputs, shape, bits: 20, layout }
        };
        let mut steps = vec![public(Op::Input, &[], input, None)];
        steps.extend((0..count).map(|_| public(step.clone(), &vec![0; reads], shape, layout)));
        steps.push(public(Op::Reveal, &[1], Shape::vector(7), None));
        *schedule = Schedule::new(schedule.parameters, steps);
        view.input.shape = input;
        let refused = codec::decode_view(&codec::encode_view(&view)).expect_err("too much").to_string();
        assert!(!refused.contains("P4"), "{refused}");
        refused
    };
    let far = Window { pad_before: [4095, 0], pad_after: [255, 0], ..Window::dense([4096, 1]) };
    let conv = Op::Conv2d(Conv2d { window: far, groups: (), weights: (), bias: () });
    let layout = Layout { tile: [256, 1], slot_bits: 30, fraction: 1, results: 1, stacked: 1, images: 1 };
    let tiles = refused(Shape::new(1, 1, 1), (conv, 1), Shape::new(1, 256, 1), Some(layout), 2000);
    assert!(tiles.contains("P13: tiles that read"), "{tiles}");
    let pool = Op::MaxPool(MaxPool { window: Window::dense([4, 4]), compared: 8 });
    let windows = refused(Shape::new(1, 4000, 4000), (pool, 1), Shape::new(1, 3997, 3997), None, 1);
    assert!(windows.contains("P13: windows of pools"), "{windows}");
    // Of the view's 17 kB, in each inference.
    let sum = Op::Add(Add { multipliers: vec![1; 4096], bias: () });
    let wide = Shape::new(1, 256, 256);
    let sums = refused(wide, (sum, 4096), wide, None, 2);
    assert!(sums.contains("P13: its steps take"), "{sums}");
}

#[test]
fn the_work_of_a_plan_and_of_its_exchanges_is_bounded() {
    let mut view = valid(small()).client_view().clone();
    let Work::Exchanges(work) = &mut view.work else { unreachable!("suite blinded") };
    work.rounds = vec![Exchange { count: 1 << 24, ..work.rounds[0] }; 17];
    let exchanges = codec::decode_view(&codec::encode_view(&view)).expect_err("too much").to_string();
    assert!(exchanges.contains("P13: 285212672 exchanged values"), "{exchanges}");
    let many = Shape::vector(1 << 24);
    let zeros =
        Op::Gather(Gather { map: IndexMap::from_positions(many, std::iter::repeat_n(None, 1 << 24)) });
    let bounds = violation(|plan| {
        let step = Step { op: zeros, inputs: vec![StepId::new(0)], shape: many, ..plan.steps[1].clone() };
        plan.steps.splice(1..1, std::iter::repeat_n(step, 3));
    });
    assert!(bounds.contains("P13: the bounds of its channels take"), "{bounds}");
}

/// Lists are counted while they are read.
#[test]
fn more_steps_than_a_plan_may_have_are_not_even_read() {
    let mut view = valid(shared(small(), &mut Choices(vec![0; 60]))).client_view().clone();
    let Work::Schedule(schedule) = &mut view.work else { unreachable!("suite shared") };
    let step = schedule.steps[1].clone();
    schedule.steps.splice(1..1, std::iter::repeat_n(step, MAX_STEPS));
    let refused = codec::decode_view(&codec::encode_view(&view)).expect_err("too many");
    assert!(matches!(refused, DecodeError::Corrupted(_)), "{refused}");
}

/// Numbers that a hostile file or server states are looked at before anything is computed from them.
#[test]
fn absurd_widths_and_shapes_are_refused_before_they_are_used() {
    let mut plan = shared(small(), &mut Choices(vec![0; 60]));
    let view = valid(plan.clone()).client_view().clone();
    for bits in [121, 128, u32::MAX] {
        plan.steps.iter_mut().find(|step| step.layout.is_some()).expect("a linear step").bits = bits;
        let found = ValidPlan::new(plan.clone()).expect_err("a violation")[0].to_string();
        assert_eq!(found, format!("P6 s3: {bits} bits are more than 120"));
    }
    for shape in [Shape::vector(usize::MAX), Shape::new(usize::MAX, 2, 2), Shape::new(0, 1, 1)] {
        let mut view = view.clone();
        let Work::Schedule(schedule) = &mut view.work else { unreachable!("suite shared") };
        schedule.steps.last_mut().expect("steps").shape = shape;
        assert!(matches!(codec::decode_view(&codec::encode_view(&view)), Err(DecodeError::Invalid(_))));
    }
}

#[test]
fn a_plan_prints_its_steps_and_costs() {
    let plan = valid(small());
    insta::assert_snapshot!("server_view", plan);
    insta::assert_snapshot!("client_view", plan.client_view());
}

/// A plan in a file of this version, and what it gives. Whoever changes the format makes the file again with
/// `popcornc compile testdata/mnist-mlp.onnx -o testdata/mnist-mlp.plan --input-scale 1/255 --calibration
/// testdata/digits/all.npz --reproducible`, and raises the version.
#[test]
fn a_plan_in_a_file_is_read_and_means_what_it_meant() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    let plan = ValidPlan::read(&testdata.join("mnist-mlp.plan")).expect("a plan");
    insta::assert_snapshot!("golden", plan);
    for digit in 0..10 {
        let file = testdata.join(format!("digits/{digit}.png")).display().to_string();
        let source: ImageSource = file.parse().expect("a file");
        let image = source.read(&plan.plan().input, Fit::Exact).expect("an image");
        let logits = plain::run(&plan, &plan.plan().input.quantize(&image).expect("it fits"));
        assert_eq!(Prediction::new(&plan.plan().output, logits).label(), digit);
    }
}
