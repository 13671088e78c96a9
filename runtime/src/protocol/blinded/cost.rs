//! What each step costs in this suite, exactly: what the compiler writes into plans.

use super::{linear, question, relu, reveal};
use crate::channel::frame::FRAME_BYTES;
use crate::paillier::{Count, invert_count, pow_count, shifted_sum_count, weighted_sums_count};
use crate::plan::{BlindedParameters, Cost, Exchange, ExchangeKind, KeyBits, Op, Plan, StepId};

/// The cost of a step. Its shapes, bits and weights must be right.
pub fn step(plan: &Plan, parameters: BlindedParameters, id: StepId) -> Cost {
    let step = plan.step(id);
    let elements = step.shape.elements();
    if let Some(rows) = linear::rows(plan, id) {
        let inputs = step.inputs.iter().map(|&input| plan.step(input).shape.elements()).sum();
        return server_work(weighted_sums_count(inputs, &*rows));
    }
    match &step.op {
        Op::Input => Cost {
            encryptions: elements as u64,
            bytes_up: message_bytes(elements, plan.key_bits),
            ..Cost::default()
        },
        Op::Reveal => reveal_cost(plan),
        op => {
            let pooling = matches!(op, Op::MaxPool(_));
            let exchanges = plan.exchanges(id);
            exchanges.iter().map(|round| exchange(round, pooling, parameters, plan.key_bits)).sum()
        }
    }
}

fn reveal_cost(plan: &Plan) -> Cost {
    let reveal = plan.reveal();
    let packed = reveal.ciphertexts(plan.key_bits);
    let work = packing(reveal.count, reveal.per_ciphertext(plan.key_bits), |values| {
        shifted_sum_count(reveal::term_places(&reveal, values))
    });
    Cost {
        rerandomisations: packed as u64,
        decryptions: packed as u64,
        bytes_down: message_bytes(packed, plan.key_bits),
        rounds: 1,
        ..server_work(work)
    }
}

/// The cost of one round; `pooling`: its values are differences of two that max-pooling compares.
pub fn exchange(exchange: &Exchange, pooling: bool, parameters: BlindedParameters, key: KeyBits) -> Cost {
    let packed = exchange.packed_ciphertexts(parameters, key);
    let replies = exchange.reply_ciphertexts();
    let packing = packing(exchange.count, exchange.per_ciphertext(parameters, key), |pairs| {
        shifted_sum_count(question::term_places(exchange, parameters, pairs).iter().copied())
    });
    let inverted = if exchange.kind.asks_for_signs() { exchange.count } else { 0 };
    let asking = invert_count(inverted) + packing;
    Cost {
        rerandomisations: packed as u64,
        encryptions: replies as u64,
        decryptions: packed as u64,
        bytes_up: message_bytes(replies, key),
        bytes_down: message_bytes(packed, key),
        rounds: 1,
        ..server_work(asking + finishing(exchange, pooling, parameters))
    }
}

/// What the server does beside the question itself.
fn finishing(exchange: &Exchange, pooling: bool, parameters: BlindedParameters) -> Count {
    let n = exchange.count as u64;
    let products = |products| Count { products, ..Count::default() };
    match exchange.kind {
        ExchangeKind::Relu => {
            let unmask = pow_count(relu::mask_bits(parameters, exchange)).times(n);
            let comparing =
                if pooling { invert_count(exchange.count) + products(2 * n) } else { Count::default() };
            unmask + products(2 * n) + invert_count(exchange.count) + comparing
        }
        // A constant, of two products, each.
        ExchangeKind::Rescale { .. } => products(2 * n),
        // 2x − 1 before, 1 − g after: a product and two constants, of two products each.
        ExchangeKind::Sign => products(5 * n) + invert_count(exchange.count),
    }
}

/// What packing `count` values takes by `capacity` and the rest, where one pack of so many takes `of_pack`.
fn packing(count: usize, capacity: usize, of_pack: impl Fn(usize) -> Count) -> Count {
    let (whole, rest) = (count / capacity, count % capacity);
    let packs = [(capacity, whole), (rest, usize::from(rest > 0))];
    packs
        .into_iter()
        .filter(|&(_, packs)| packs > 0)
        .map(|(size, packs)| of_pack(size).times(packs as u64))
        .sum()
}

fn message_bytes(ciphertexts: usize, key: KeyBits) -> u64 {
    (FRAME_BYTES + ciphertexts * key.ciphertext_bytes()) as u64
}

fn server_work(count: Count) -> Cost {
    Cost {
        products: count.products,
        squarings: count.squarings,
        inversions: count.inversions,
        ..Cost::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Deferred;
    use crate::paillier::count::instrument::measure;
    use crate::paillier::{Ciphertexts, HolderKey, PublicRandomisers, Randomisers, SecureRng, test_keys};
    use crate::plan::{
        BlindedParameters, InputSpec, MaxPool, OutputPart, OutputSpec, Preprocessing, Shape, Step, Suite,
        Window,
    };
    use crate::protocol::blinded::answer::Answering;
    use crate::protocol::blinded::round::Round;
    use crate::protocol::blinded::{ServerContext, max_pool::Tournament};
    use rug::Integer;

    const PARAMETERS: BlindedParameters = BlindedParameters { scale_bits: 40, grain_bits: 8, mask_bits: 40 };

    struct Parties {
        key: HolderKey,
        context: ServerContext,
        rng: SecureRng,
    }

    impl Parties {
        fn new() -> Self {
            let rng = SecureRng::from_os().unwrap();
            let key = test_keys::holder(512);
            let randomisers = PublicRandomisers::for_uses(key.public(), 10);
            let randomisers = Box::new(randomisers);
            let context = ServerContext { key: key.public().clone(), randomisers, parameters: PARAMETERS };
            Self { key, context, rng }
        }

        /// What drawing one randomiser takes; plans count these apart.
        fn draw(&mut self) -> Count {
            measure(|| self.context.randomisers.draw(&mut self.rng)).1
        }
    }

    /// input → `op` → reveal over 1×3×4 images of 4 bits.
    fn plan(op: Op, shape: Shape) -> Plan {
        let input = InputSpec {
            shape: Shape::new(1, 3, 4),
            preprocessing: Preprocessing::identity(1),
            step: vec![1.0],
        };
        let step = |op, inputs, shape, bits| Step {
            name: String::new(),
            op,
            inputs,
            shape,
            bits,
            layout: None,
            offline: Cost::default(),
            cost: Cost::default(),
        };
        let steps = vec![
            step(Op::Input, vec![], input.shape, 8),
            step(op, vec![StepId::new(0)], shape, 8),
            step(Op::Reveal, vec![StepId::new(1)], shape.flattened(), 8),
        ];
        let output = OutputSpec::of(OutputPart::vector(shape.elements()));
        let key_bits = KeyBits::try_from(512).unwrap();
        Plan {
            name: String::new(),
            suite: Suite::Blinded(PARAMETERS),
            key_bits,
            input,
            steps,
            output,
            setup: Cost::default(),
            batches: Vec::new(),
            check: None,
            salt: crate::plan::Salt::NONE,
        }
    }

    fn assert_counted(plan: &Plan, step: StepId, counted: Count, draw: Count) {
        let cost = super::step(plan, PARAMETERS, step);
        let expected =
            Count { products: cost.products, squarings: cost.squarings, inversions: cost.inversions };
        assert_eq!(counted, expected + draw.times(cost.rerandomisations));
    }

    /// One round: the server's work, and the results.
    fn answered(
        key: &HolderKey,
        context: &ServerContext,
        exchange: Exchange,
        values: Ciphertexts,
        rng: &mut SecureRng,
    ) -> (Count, Ciphertexts) {
        let ((mut round, question), asking) = measure(|| {
            let mut round = Round::new(context, exchange, values, rng);
            let question = round.ask(usize::MAX, rng).unwrap();
            (round, question)
        });
        let answer = Answering::new(key, PARAMETERS, &exchange)
            .part(&question, &mut Deferred::default(), rng)
            .unwrap();
        let ((), finishing) = measure(|| round.finish(&answer));
        (asking + finishing, round.into_results())
    }

    #[test]
    fn an_activation_takes_the_predicted_products() {
        for op in [Op::Relu, Op::Sign, Op::Rescale { bits: 3 }] {
            let mut parties = Parties::new();
            let plan = plan(op, Shape::new(1, 3, 4));
            let exchange = plan.exchanges(StepId::new(1))[0];
            let values: Vec<Integer> = (-6..6).map(Integer::from).collect();
            let values = parties.key.encrypt(&values, &mut parties.rng).unwrap();
            let draw = parties.draw();
            let Parties { key, context, rng } = &mut parties;
            let (counted, _) = answered(key, context, exchange, values, rng);
            assert_counted(&plan, StepId::new(1), counted, draw);
        }
    }

    #[test]
    fn a_tournament_takes_the_predicted_products() {
        let mut parties = Parties::new();
        let window = Window::dense([2, 3]);
        let plan = plan(Op::MaxPool(MaxPool { window, compared: 0 }), Shape::new(1, 2, 2));
        let values: Vec<Integer> = (-6..6).map(Integer::from).collect();
        let values = parties.key.encrypt(&values, &mut parties.rng).unwrap();
        let draw = parties.draw();
        let Parties { key, context, rng } = &mut parties;
        let mut tournament = Tournament::new(&values, &window, Shape::new(1, 3, 4), Shape::new(1, 2, 2));
        let mut counted = Count::default();
        for exchange in plan.exchanges(StepId::new(1)) {
            let (differences, subtracting) = measure(|| tournament.differences(context));
            let (asking, relu) = answered(key, context, exchange, differences, rng);
            let ((), advancing) = measure(|| tournament.advance(context, &relu));
            counted += subtracting + asking + advancing;
        }
        assert!(tournament.differences(context).is_empty());
        assert_counted(&plan, StepId::new(1), counted, draw);
    }

    #[test]
    fn a_reveal_takes_the_predicted_products() {
        let mut parties = Parties::new();
        let plan = plan(Op::Relu, Shape::new(1, 3, 4));
        let values: Vec<Integer> = (-6..6).map(Integer::from).collect();
        let values = parties.key.encrypt(&values, &mut parties.rng).unwrap();
        let draw = parties.draw();
        let Parties { context, rng, .. } = &mut parties;
        let (_, counted) = measure(|| reveal::pack(context, &plan.reveal(), &values, rng));
        assert_counted(&plan, StepId::new(2), counted, draw);
    }
}
