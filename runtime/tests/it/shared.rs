//! Suite `shared`: encrypted runs equal the plan interpreter exactly, and cost what plans predict.

use crate::support::shared::{Choices, shared};
use crate::support::{KEY, PlanBuilder, hello_bytes, plans, valid};
use proptest::prelude::*;
use runtime::channel::{Connection, Traffic, frame::FRAME_BYTES, memory, tcp};
use runtime::cost::oblivious_transfers;
use runtime::observe::{Phase, Recorder, Silent, Spending, StepReport};
use runtime::plan::{
    ClassAxes, Conv2d, Cost, Extension, Layout, Op, OutputPart, OutputSpec, Plan, PricedBatch, Revealed,
    Schedule, Scores, Shape, SharedParameters, StepId, Suite, Transfers, TreeDepth, ValidPlan, Window, codec,
};
use runtime::protocol::hello::Terms;
use runtime::protocol::shared::cost;
use runtime::protocol::shared::groups::Group;
use runtime::roles::server::Server;
use runtime::roles::{client, local, plain};
use std::time::Duration;

/// Pixels from −15 to 15.
fn image(shape: Shape, seed: &[i8]) -> Vec<f32> {
    (0..shape.elements()).map(|i| f32::from(seed[i % seed.len()] % 16)).collect()
}

fn choices() -> impl Strategy<Value = Choices> {
    prop::collection::vec(0u32..1 << 16, 61).prop_map(Choices).no_shrink()
}

fn interpreted(plan: &ValidPlan, image: &[f32]) -> Vec<i128> {
    plain::run(plan, &plan.plan().input.quantize(image).expect("pixels in range"))
}

fn parameters(plan: &Plan) -> SharedParameters {
    let Suite::Shared(parameters) = plan.suite else { panic!("a plan of suite `shared`") };
    parameters
}

/// Bytes each way before anything is prepared, of a client that sent a hello of so many bytes.
fn handshake(plan: &ValidPlan, hello: usize) -> [u64; 2] {
    let view = codec::encode_view(plan.client_view()).len() + Terms::BYTES;
    let key = KEY.public().to_bytes().len();
    [2 * FRAME_BYTES + hello + key, FRAME_BYTES + view].map(|bytes| bytes as u64)
}

/// What each party sent in each step is what was predicted.
fn assert_priced(plan: &Plan, client: &[StepReport], server: &[StepReport]) {
    let sent = |reports: &[StepReport], id: StepId| {
        let online = reports.iter().filter(|report| report.phase == Phase::Online && report.step == id);
        online.fold([0, 0], |[sent, rounds], report| [sent + report.traffic.sent, rounds + report.rounds])
    };
    for (id, step) in plan.steps() {
        let Cost { bytes_up, bytes_down, rounds, .. } = step.cost;
        // Infer is sent before the first step.
        let infer = if id == StepId::new(0) { FRAME_BYTES as u64 + 1 } else { 0 };
        assert_eq!(sent(client, id)[0], bytes_up - infer, "{id} of\n{plan:?}");
        assert_eq!(sent(server, id), [bytes_down, rounds], "{id} of\n{plan:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn encrypted_runs_equal_the_interpreter(
        plan in plans(),
        mut choices in choices(),
        seeds in prop::collection::vec(prop::collection::vec(-15i8..=15, 1..30), 1..3),
    ) {
        let plan = valid(shared(plan, &mut choices));
        let images: Vec<Vec<f32>> = seeds.iter().map(|seed| image(plan.plan().input.shape, seed)).collect();
        let (mut ours, mut theirs) = (Recorder::default(), Recorder::default());
        let server = Server::new(plan.clone());
        let run = local::run(&server, &KEY, images.iter().map(Vec::as_slice), &mut ours, &mut theirs);
        let (predictions, spending) = run.expect("predictions");
        for (image, prediction) in images.iter().zip(&predictions) {
            prop_assert_eq!(&prediction.integers, &interpreted(&plan, image));
        }
        if images.len() == 1 {
            assert_priced(plan.plan(), &ours.steps, &theirs.steps);
        }
        let (total, times) = (plan.plan(), images.len() as u64);
        let each: Cost = [total.offline_cost(), total.online_cost()].into_iter().sum();
        let traffic = spending.into_iter().sum::<Spending>().traffic();
        let handshake = handshake(&plan, hello_bytes(Some(plan.id())));
        // What is left of one preparation's OTs serves the next.
        let transfers = |inferences| oblivious_transfers(total, parameters(total), inferences);
        let (once, all) = (transfers(1), transfers(images.len()));
        let rest = [each.bytes_up - once.bytes_up, each.bytes_down - once.bytes_down, each.rounds - once.rounds];
        let [up, down, rounds] = rest.map(|each| times * each);
        prop_assert_eq!(traffic.sent, handshake[0] + total.setup.bytes_up + up + all.bytes_up);
        prop_assert_eq!(traffic.received, handshake[1] + total.setup.bytes_down + down + all.bytes_down);
        prop_assert_eq!(traffic.frames_received, 1 + total.setup.rounds + rounds + all.rounds);
    }
}

/// What `act` makes of a session over memory, and how many images the server has answered at its end.
fn in_session<R>(plan: &ValidPlan, act: impl FnOnce(&mut client::Session) -> R) -> (R, u64) {
    let (ours, theirs) = memory::pair();
    let connect = |end| Connection::new(end, None).expect("a thread");
    let server = Server::new(plan.clone());
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || server.serve(connect(theirs), &mut Silent));
        let mut session =
            client::greet(connect(ours), None).expect("a plan").with_key(KEY.clone()).expect("a session");
        let result = act(&mut session);
        session.close();
        (result, serving.join().expect("no panic").expect("served"))
    })
}

/// Seconds and bytes of a session in which so many inferences are prepared, and these images asked about.
fn batched(plan: &ValidPlan, prepared: usize, images: &[Vec<f32>]) -> (Vec<Vec<i128>>, Spending) {
    let (result, answered) = in_session(plan, |session| {
        session.prepare(prepared, &mut Silent).expect("prepared");
        let images: Vec<&[f32]> = images.iter().map(Vec::as_slice).collect();
        let predictions = session.infer_all(&images, &mut Silent).expect("predictions");
        let predictions = predictions.into_iter().map(|prediction| prediction.integers).collect();
        (predictions, session.spending())
    });
    assert_eq!(answered, images.len() as u64);
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn inferences_prepared_together_equal_the_interpreter(
        plan in plans(),
        mut choices in choices(),
        seeds in prop::collection::vec(prop::collection::vec(-15i8..=15, 1..30), 5),
        which in 0usize..2,
    ) {
        let plan = valid(shared(plan, &mut choices));
        let PricedBatch { batch, offline } = plan.plan().batches[which].clone();
        let images: Vec<Vec<f32>> = seeds.iter().map(|seed| image(plan.plan().input.shape, seed)).collect();
        let images = &images[..batch.inferences];
        let (predictions, spending) = batched(&plan, batch.inferences, images);
        for (image, integers) in images.iter().zip(&predictions) {
            prop_assert_eq!(integers, &interpreted(&plan, image));
        }
        let [up, down] = handshake(&plan, hello_bytes(None));
        let (setup, online) = (plan.plan().setup, plan.plan().online_cost());
        let times = batch.inferences as u64;
        prop_assert_eq!(spending.offline.traffic.sent, up + setup.bytes_up + offline.bytes_up);
        prop_assert_eq!(spending.offline.traffic.received, down + setup.bytes_down + offline.bytes_down);
        prop_assert_eq!(spending.offline.traffic.frames_received, 1 + setup.rounds + offline.rounds);
        // All images in the same flights.
        let Traffic { sent, received, frames_sent, frames_received, .. } = spending.online.traffic;
        prop_assert_eq!(frames_received, online.rounds);
        let together = |bytes: u64, frames: u64| times * (bytes - frames * FRAME_BYTES as u64) + frames * FRAME_BYTES as u64;
        prop_assert_eq!(sent, together(online.bytes_up - 1, frames_sent) + 1); // Infer has a byte
        prop_assert_eq!(received, together(online.bytes_down, frames_received));
    }
}

/// Every operation, over TCP, several inferences prepared ahead.
#[test]
fn several_inferences_are_prepared_ahead() {
    let plan = valid(shared(crate::support::every_operation(), &mut Choices(vec![0, 1, 19, 2, 3])));
    let shape = plan.plan().input.shape;
    let (ours, theirs) = tcp::loopback(Duration::from_secs(20)).expect("sockets");
    let server = Server::new(plan.clone());
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || server.serve(theirs, &mut Silent));
        let mut session =
            client::greet(ours, None).expect("a plan").with_key(KEY.clone()).expect("a session");
        for count in 1..=3 {
            session.prepare(count, &mut Silent).expect("prepared");
        }
        let prepared = session.spending();
        for (left, seed) in [2, 1, 0, 0].into_iter().zip([[3i8, -9, 14], [0, 0, 0], [15, -15, 1], [7, 7, 8]])
        {
            let image = image(shape, &seed);
            let prediction = session.infer(&image, &mut Silent).expect("a prediction");
            assert_eq!(prediction.integers, interpreted(&plan, &image));
            assert_eq!(session.prepared(), left);
        }
        assert!(
            session.spending().offline.traffic.sent > prepared.offline.traffic.sent,
            "the fourth was not"
        );
        drop(session);
        assert_eq!(serving.join().expect("no panic").expect("served"), 4);
    });
}

/// Silent OT with published parameters, and with trees that one inference uses up.
#[test]
fn silent_transfers_serve_several_inferences() {
    for depth in [TreeDepth::new(7).expect("a depth of tests"), TreeDepth::MIN] {
        let mut plan = shared(crate::support::every_operation(), &mut Choices(vec![0, 1, 19, 2, 3]));
        let transfers = Transfers::both(Extension::Silent(depth));
        let parameters = SharedParameters { transfers, ..parameters(&plan) };
        plan.suite = Suite::Shared(parameters);
        plan.batches.clear(); // their transfers would have to follow on these
        cost::price(&mut plan, parameters);
        let plan = valid(plan);
        let images =
            [[3i8, -9, 14], [0, 0, 0], [15, -15, 1]].map(|seed| image(plan.plan().input.shape, &seed));
        let run = local::run(
            &Server::new(plan.clone()),
            &KEY,
            images.iter().map(Vec::as_slice),
            &mut Silent,
            &mut Silent,
        );
        let (predictions, _) = run.expect("predictions");
        assert_eq!(predictions.len(), images.len());
        for (image, prediction) in images.iter().zip(&predictions) {
            assert_eq!(prediction.integers, interpreted(&plan, image));
        }
    }
}

/// What is prepared before, in and after the batch with which a session goes over to silent OT.
#[test]
fn a_session_goes_over_to_silent_transfers() {
    let choices = [&[1, 15, 15][..], &[19; 40]].concat();
    let plan = valid(shared(crate::support::every_operation(), &mut Choices(choices)));
    let transfers = parameters(plan.plan()).transfers;
    assert_eq!(transfers, Transfers::default());
    assert!(matches!(plan.plan().batches[1].batch.transfers.client_chooses, Extension::Silent(_)));
    let images: Vec<Vec<f32>> =
        (0..9).map(|seed| image(plan.plan().input.shape, &[seed, -9, 14, 3 - seed])).collect();
    let ((), answered) = in_session(&plan, |session| {
        for count in [1, 2, 7, 8, 9] {
            session.prepare(count, &mut Silent).expect("prepared");
        }
        for images in [&images[..1], &images[1..4], &images[4..]] {
            let raw: Vec<&[f32]> = images.iter().map(Vec::as_slice).collect();
            let predictions = session.infer_all(&raw, &mut Silent).expect("predictions");
            for (image, prediction) in images.iter().zip(predictions) {
                assert_eq!(prediction.integers, interpreted(&plan, image));
            }
        }
    });
    assert_eq!(answered, 9);
}

/// So many masks that they are tested in several groups.
#[test]
fn masks_are_tested_in_groups() {
    let shape = Shape::new(1, 60, 60);
    let mut builder = PlanBuilder::new(shape);
    for weight in [3, -2, 1, 2] {
        let conv = Conv2d { window: Window::dense([1, 1]), groups: 1, weights: vec![weight], bias: vec![1] };
        builder.push(Op::Conv2d(conv), &[builder.last()], shape);
    }
    let mut plan = shared(builder.finish(), &mut Choices(vec![59]));
    let Suite::Shared(parameters) = plan.suite else { panic!("a plan of suite shared") };
    for step in &mut plan.steps {
        // One element to a ciphertext.
        step.layout = step.layout.map(|layout| Layout { tile: [60, 60], results: 1, stacked: 1, ..layout });
    }
    cost::price(&mut plan, parameters);
    let plan = valid(plan);
    let schedule = Schedule::from_plan(plan.plan(), parameters);
    let sizes: Vec<_> = Group::all(&schedule).iter().map(|group| group.steps().len()).collect();
    assert_eq!(sizes, [2, 2]);
    let image = image(shape, &[1, -7, 15, 0, 3]);
    let server = Server::new(plan.clone());
    let run = local::run(&server, &KEY, [image.as_slice()], &mut Silent, &mut Silent);
    let (predictions, spending) = run.expect("a prediction");
    assert_eq!(predictions[0].integers, interpreted(&plan, &image));
    let rounds = [plan.plan().setup, plan.plan().offline_cost(), plan.plan().online_cost()];
    let rounds: u64 = rounds.iter().map(|cost| cost.rounds).sum();
    let traffic = spending.into_iter().sum::<Spending>().traffic();
    assert_eq!(traffic.frames_received, 1 + rounds);
}

/// Only the label is revealed, the first of several largest.
#[test]
fn a_label_is_revealed_alone() {
    let mut builder = PlanBuilder::new(Shape::vector(5));
    builder.push(Op::ArgMax(Scores::whole(5)), &[builder.last()], Shape::vector(1));
    let mut plan = shared(builder.finish(), &mut Choices(vec![7, 20, 3, 11]));
    plan.output = OutputSpec { parts: vec![OutputPart::vector(5)], revealed: Revealed::Label };
    let plan = valid(plan);
    for (image, label) in
        [([-3.0, 7.0, 15.0, 2.0, 15.0], 2), ([0.0; 5], 0), ([-15.0, -15.0, -15.0, -15.0, -14.0], 4)]
    {
        let server = Server::new(plan.clone());
        let run = local::run(&server, &KEY, [image.as_slice()], &mut Silent, &mut Silent);
        let (predictions, _) = run.expect("a prediction");
        assert_eq!((predictions[0].label(), &*predictions[0].logits), (label, &[][..]));
        assert_eq!(predictions[0].integers, interpreted(&plan, &image));
    }
}

/// Only the label of each pixel is revealed, of scores of three classes.
#[test]
fn labels_of_pixels_are_revealed_alone() {
    let shape = Shape::new(3, 2, 2);
    let mut builder = PlanBuilder::new(shape);
    let scores = Scores { classes: 3, inner: 4 };
    builder.push(Op::ArgMax(scores), &[builder.last()], Shape::vector(4));
    let mut plan = shared(builder.finish(), &mut Choices(vec![7, 20, 3, 11]));
    let classes = Some(ClassAxes { first: 0, end: 1 });
    let part = OutputPart { axes: vec![3, 2, 2], classes, ..OutputPart::vector(1) };
    plan.output = OutputSpec { parts: vec![part], revealed: Revealed::Label };
    let plan = valid(plan);
    let image = [-3.0, 7.0, 1.0, 2.0, 15.0, 7.0, 0.0, 2.0, -15.0, 8.0, 1.0, 3.0];
    let server = Server::new(plan.clone());
    let run = local::run(&server, &KEY, [image.as_slice()], &mut Silent, &mut Silent);
    let (predictions, _) = run.expect("a prediction");
    assert_eq!((predictions[0].labels(), &*predictions[0].logits), (&[1, 2, 0, 2][..], &[][..]));
    assert_eq!(predictions[0].integers, interpreted(&plan, &image));
}
