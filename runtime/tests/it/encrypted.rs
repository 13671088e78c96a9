//! Encrypted runs equal the plan interpreter exactly, and cost what the plan predicts.

use crate::support::{KEY, PlanBuilder, hello_bytes, image, plans, valid};
use proptest::prelude::*;
use runtime::channel::frame::FRAME_BYTES;
use runtime::channel::tcp;
use runtime::observe::{Recorder, Silent, Spending};
use runtime::plan::{Op, Plan, Shape, ValidPlan, codec};
use runtime::protocol::hello::Terms;
use runtime::roles::server::Server;
use runtime::roles::{client, local, plain};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

fn plan_and_image() -> impl Strategy<Value = (Plan, Vec<f32>)> {
    plans().prop_flat_map(|plan| {
        let image = image(&plan);
        (Just(plan), image)
    })
}

fn expected(plan: &ValidPlan, image: &[f32]) -> Vec<i128> {
    plain::run(plan, &plan.plan().input.quantize(image).expect("a fitting image"))
}

/// Both parties' counts against the plan's prediction.
fn assert_counts(plan: &ValidPlan, client: &Recorder, server: &Recorder) {
    let total = plan.plan().total_cost();
    let sum = |of: fn(&runtime::observe::StepReport) -> u64, reports: &Recorder| {
        reports.steps.iter().map(of).sum::<u64>()
    };
    assert_eq!(sum(|report| report.traffic.sent, client), total.bytes_up);
    assert_eq!(sum(|report| report.traffic.received, client), total.bytes_down);
    assert_eq!(sum(|report| report.rounds, client), total.rounds);
    for report in &server.steps {
        let cost = plan.plan().step(report.step).cost;
        assert_eq!(report.traffic.sent, cost.bytes_down, "{}", report.step);
        if report.step.index() > 0 {
            assert_eq!(report.traffic.received, cost.bytes_up, "{}", report.step);
        }
        assert_eq!(report.rounds, cost.rounds, "{}", report.step);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn random_networks_give_the_same_integers_over_memory_and_tcp((plan, image) in plan_and_image()) {
        let Ok(plan) = ValidPlan::new(plan) else { return Ok(()) }; // numbers too wide for the small key
        let expected = expected(&plan, &image);
        let (mut ours, mut theirs) = (Recorder::default(), Recorder::default());
        let server = Server::new(plan.clone());
        let (predictions, spending) = local::run(&server, &KEY, [image.as_slice()], &mut ours, &mut theirs).expect("a prediction");
        prop_assert_eq!(&predictions[0].integers, &expected);
        prop_assert_eq!(&over_tcp(&server, &image), &expected);
        assert_counts(&plan, &ours, &theirs);
        // A connection's rest: hello and key up, the client's view down.
        let total = plan.plan().total_cost();
        let view = codec::encode_view(plan.client_view()).len() + Terms::BYTES;
        let traffic = spending.into_iter().sum::<Spending>().traffic();
        prop_assert_eq!(traffic.sent - total.bytes_up, (2 * FRAME_BYTES + hello_bytes(Some(plan.id())) + KEY.public().to_bytes().len()) as u64);
        prop_assert_eq!(traffic.received - total.bytes_down, (FRAME_BYTES + view) as u64);
    }
}

/// One prediction over TCP.
fn over_tcp(server: &Server, image: &[f32]) -> Vec<i128> {
    let link = tcp::loopback(Duration::from_secs(60)).expect("a link");
    let run = local::run_over(link, server, &KEY, ([image], 1), &mut Silent, &mut Silent);
    run.expect("a prediction").0.remove(0).integers
}

fn ramp(length: usize) -> Vec<f32> {
    (0..length).map(|i| (i * 7 % 31) as f32 - 15.0).collect()
}

#[test]
fn every_operation_runs_over_tcp_for_several_clients_with_their_own_keys() {
    let plan = valid(crate::support::every_operation());
    let image = ramp(72);
    let expected = expected(&plan, &image);
    let server = Server::new(plan.clone());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let timeout = Duration::from_secs(60);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let key = Arc::new(runtime::paillier::test_keys::holder(512));
                let connection = tcp::connect(&address, timeout).expect("a connection");
                let greeting = client::greet(connection, Some(plan.id())).expect("a greeting");
                let mut session = greeting.with_key(key).expect("a session");
                for _ in 0..2 {
                    let prediction = session.infer(&image, &mut Silent).expect("a prediction");
                    assert_eq!(prediction.integers, expected);
                }
            });
        }
        for stream in listener.incoming().take(3) {
            let connection = tcp::accept(stream.expect("a client"), timeout).expect("a socket");
            let server = server.clone();
            scope.spawn(move || assert_eq!(server.serve(connection, &mut Silent).expect("no error"), 2));
        }
    });
}

#[test]
fn zeros_and_bounds_are_exact() {
    let mut builder = PlanBuilder::new(Shape::new(1, 1, 5));
    let input = builder.last();
    builder.push(Op::Relu, &[input], Shape::new(1, 1, 5));
    let plan = valid(builder.finish());
    let server = Server::new(plan.clone());
    for _ in 0..10 {
        let image = [0.0, 15.0, -15.0, 1.0, -1.0];
        let prediction =
            local::run(&server, &KEY, [image.as_slice()], &mut Silent, &mut Silent).expect("a prediction").0;
        assert_eq!(prediction[0].integers, [0, 15, 0, 1, 0]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    #[test]
    fn a_rescaled_value_is_the_quotient_or_one_more(
        image in prop::collection::vec(prop_oneof![Just(0.0f32), Just(15.0), Just(-15.0), -15.0..=15.0f32], 6),
        bits in 1..=9u32,
    ) {
        let shape = Shape::new(1, 2, 3);
        let mut builder = PlanBuilder::new(shape);
        let scaled = builder.push(Op::Add(vec![10, 7].into()), &[builder.last(), builder.last()], shape);
        builder.push(Op::Rescale { bits }, &[scaled], shape);
        let plan = valid(builder.finish());
        let server = Server::new(plan.clone());
        let (mut ours, mut theirs) = (Recorder::default(), Recorder::default());
        let (predictions, _) = local::run(&server, &KEY, [image.as_slice()], &mut ours, &mut theirs).expect("a prediction");
        assert_counts(&plan, &ours, &theirs);
        let plain = expected(&plan, &image);
        for ((&got, plain), pixel) in predictions[0].integers.iter().zip(plain).zip(&image) {
            let exact = 17 * pixel.round() as i128;
            prop_assert!([0, 1].contains(&(got - (exact >> bits))), "{} of {}", got, exact);
            prop_assert!([0, 1].contains(&(plain - (exact >> bits))));
        }
    }
}
