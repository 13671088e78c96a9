//! What each step costs in this suite, exactly: what the compiler writes into plans.

use super::groups::Group;
use super::linear::Packed;
use super::message_schedule::Communication;
use super::online_messages;
use super::randomisers::Lengths;
use crate::channel::frame::FRAME_BYTES;
use crate::ot::{BASE_OTS, Batch, PerParty, Role, Sent, base, prepare_cost, setup};
use crate::paillier::{
    Answer, COMMITMENT_ENCRYPTIONS, Challenge, Commitment, Count, PublicRandomisers, verification_count,
};
use crate::plan::{Cost, KeyBits, Plan, Schedule, SharedParameters, StepId, Transfers};

/// Bytes of a message whose body is a number of inferences, or a word.
const COUNT_BYTES: u64 = FRAME_BYTES as u64 + 1;

/// What asking for a preparation costs, and the server's word that it begins.
const GRANTED: Cost = Cost { bytes_up: COUNT_BYTES, bytes_down: COUNT_BYTES, rounds: 1, ..Cost::NOTHING };

/// Enters what the setup and every step cost; shapes, rings, weights and layouts must be right.
pub fn price(plan: &mut Plan, parameters: SharedParameters) {
    let schedule = Schedule::from_plan(plan, parameters);
    let online = online_messages::communication(&schedule);
    let transfers = transfers(&online, parameters.transfers);
    let mut header = FRAME_BYTES as u64; // Of what is told ahead, once.
    for (index, (online, transfers)) in online.iter().zip(transfers).enumerate() {
        let id = StepId::new(index);
        let ahead = match online.ahead_bytes() {
            0 => 0,
            bytes => bytes + std::mem::take(&mut header),
        };
        let ahead = Cost { bytes_up: ahead, ..Cost::default() };
        let offline = [linear(plan, &schedule, id), transfers, ahead].into_iter().sum();
        let step = &mut plan.steps[index];
        (step.offline, step.cost) = (offline, of_sent(&online.sent));
    }
    for group in Group::all(&schedule) {
        let step = &mut plan.steps[group.first().index()];
        step.offline = [step.offline, test(group.masks(), plan.key_bits)].into_iter().sum();
    }
    // Prepare, Grant and Infer.
    if let Some(input) = plan.steps.first_mut() {
        input.offline = [input.offline, GRANTED].into_iter().sum();
        input.cost.bytes_up += COUNT_BYTES;
    }
    let long_table = Lengths::new(&schedule, plan.key_bits, 0).long_table(plan.key_bits);
    plan.setup = [set_up(plan.key_bits, parameters.transfers), of_work(long_table)].into_iter().sum();
    let costs: Vec<Cost> =
        plan.batches.iter().map(|priced| of_batch(plan, &schedule, priced.batch.inferences)).collect();
    plan.batches.iter_mut().zip(costs).for_each(|(priced, cost)| priced.offline = cost);
}

/// What preparing one of the batches that `plan` offers costs in a session that has prepared nothing before; nothing where it
/// offers no such batch.
pub fn batch(plan: &Plan, parameters: SharedParameters, inferences: usize) -> Cost {
    of_batch(plan, &Schedule::from_plan(plan, parameters), inferences)
}

fn of_batch(plan: &Plan, schedule: &Schedule, inferences: usize) -> Cost {
    let Some(together) = schedule.for_batch(inferences) else { return Cost::default() };
    let linear = schedule.linear().map(|(id, ..)| linear(plan, &together, id));
    let tests = Group::all(&together).into_iter().map(|group| test(group.masks(), plan.key_bits));
    let online = online_messages::communication(schedule);
    let transfers = of_ots(&online_messages::batches(&online), together.parameters.transfers, inferences);
    let ahead = match online_messages::told_ahead(&online) {
        0 => 0,
        bytes => inferences as u64 * (bytes + FRAME_BYTES as u64),
    };
    let longer = Lengths::new(&together, plan.key_bits, 0)
        .long_table_beyond(&Lengths::new(schedule, plan.key_bits, 0), plan.key_bits);
    let ahead = Cost { bytes_up: ahead, ..of_work(longer) };
    linear.chain(tests).chain([transfers, ahead, GRANTED]).sum()
}

/// What the OTs of a session's first `inferences` cost.
pub fn oblivious_transfers(plan: &Plan, parameters: SharedParameters, inferences: usize) -> Cost {
    let schedule = Schedule::from_plan(plan, parameters);
    let batches = online_messages::batches(&online_messages::communication(&schedule));
    of_ots(&batches, parameters.transfers, inferences)
}

/// What a linear step costs before the image is known.
fn linear(plan: &Plan, schedule: &Schedule, id: StepId) -> Cost {
    let Some(packed) = Packed::from_step(schedule, id) else { return Cost::default() };
    let mut cost = layer(&packed, packed.sums(&plan.step(id).op), plan.key_bits);
    cost.bytes_up += FRAME_BYTES as u64;
    cost.bytes_down += FRAME_BYTES as u64;
    cost.rounds = 1;
    cost
}

/// What a linear layer costs under encryption, from its shapes and layout; `sums`: of its weighted sums
/// ([`Packed::sums`]). Frame headers and the round are left out.
pub fn layer(packed: &Packed, sums: Count, key: KeyBits) -> Cost {
    let (masks, products) = (packed.masks(), packed.products());
    let bytes = |ciphertexts: usize| (ciphertexts * key.ciphertext_bytes()) as u64;
    let further = PublicRandomisers::further_products(key, packed.exponent_bits(key));
    let work = packed.work(sums) + Count { products: further, ..Count::default() }.times(products as u64);
    Cost {
        rerandomisations: products as u64,
        encryptions: masks as u64,
        decryptions: products as u64,
        bytes_up: bytes(masks),
        bytes_down: bytes(products),
        ..of_work(work)
    }
}

/// What it costs to test `masks` ciphertexts together.
fn test(masks: usize, key: KeyBits) -> Cost {
    let frame = |bytes: usize| Sent::frame(bytes as u64);
    let client = frame(Commitment::BYTES) + frame(Answer::bytes(key));
    let sent = of_sent(&PerParty { client, server: frame(Challenge::BYTES) });
    let work = of_work(verification_count(masks, key));
    [sent, work, Cost { encryptions: COMMITMENT_ENCRYPTIONS, ..Cost::default() }].into_iter().sum()
}

/// Each step's share of the OTs, which are all made together: what they cost with it beyond what they cost without.
fn transfers(online: &[Communication], transfers: Transfers) -> Vec<Cost> {
    let mut batches = Vec::new();
    let mut before = Cost::default();
    let share = |step: &Communication| {
        batches.extend(step.batches.iter().copied());
        let whole = of_ots(&batches, transfers, 1);
        let share = difference(whole, before);
        before = whole;
        share
    };
    online.iter().map(share).collect()
}

/// What a session's first `times` preparations of these batches cost.
fn of_ots(batches: &[Batch], transfers: Transfers, times: usize) -> Cost {
    let chosen_by = |role| batches.iter().map(|batch| batch.ots(role)).sum::<usize>();
    let ots = (chosen_by(Role::Client) + chosen_by(Role::Server)) * times;
    Cost { ots: ots as u64, ..of_sent(&prepare_cost(batches, transfers, times)) }
}

fn difference(whole: Cost, part: Cost) -> Cost {
    Cost {
        ots: whole.ots - part.ots,
        bytes_up: whole.bytes_up - part.bytes_up,
        bytes_down: whole.bytes_down - part.bytes_down,
        rounds: whole.rounds - part.rounds,
        ..Cost::default()
    }
}

/// What the server computes.
fn of_work(work: Count) -> Cost {
    let Count { products, squarings, inversions } = work;
    Cost { products, squarings, inversions, ..Cost::default() }
}

/// What messages cost.
fn of_sent(sent: &PerParty<Sent>) -> Cost {
    Cost {
        bytes_up: sent.client.bytes,
        bytes_down: sent.server.bytes,
        rounds: sent.server.frames,
        ..Cost::default()
    }
}

/// What a session costs before its first inference.
fn set_up(key: KeyBits, transfers: Transfers) -> Cost {
    let messages = setup::cost(key, transfers);
    let packed = base::packed(BASE_OTS, key) as u64;
    let sent = of_sent(&PerParty { client: messages.by_client, server: messages.by_server });
    let work = Cost {
        rerandomisations: packed,
        encryptions: BASE_OTS as u64,
        decryptions: packed,
        ots: BASE_OTS as u64,
        ..of_work(base::work(BASE_OTS, key))
    };
    [sent, work].into_iter().sum()
}
