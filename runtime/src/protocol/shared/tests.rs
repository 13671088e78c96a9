//! Protocols one after another in one dialogue.

use super::max_pool::MaxPool;
use super::message_schedule::{Communication, MessageSchedule};
use super::party::Party;
use super::relu::Relu;
use super::sign::Sign;
use super::testing::{Peer, both, cost, shares_of, sums};
use super::truncate::Truncate;
use crate::ot::testing::{Memory, extensions, together};
use crate::ot::{Extensions, Role, Sent, Supply, Width};
use crate::plan::{Extension, FieldBits, Ring, Transfers, TreeDepth};
use std::time::{Duration, Instant};

fn ring(bits: u32) -> Ring {
    Ring::new(bits).unwrap()
}

/// ReLU, the client's shares sent, max-pooling, truncation, sign.
struct Chain {
    relu: Relu,
    pool: MaxPool,
    truncate: Truncate,
    sign: Sign,
}

const COUNT: usize = 300;

impl Chain {
    fn new() -> Self {
        Self {
            relu: Relu::new(ring(20), 3, ring(18)).unwrap(),
            pool: MaxPool::new(ring(18), ring(18), (0..COUNT / 3).map(|i| 3 * i..3 * i + 3).collect())
                .unwrap(),
            truncate: Truncate::new(ring(18), 2, ring(17)).unwrap(),
            sign: Sign::new(ring(17), ring(4)).unwrap(),
        }
    }

    fn communication(&self) -> Vec<Communication> {
        let mut messages = MessageSchedule::new();
        let mut marks = Vec::new();
        self.relu.schedule(&mut messages, COUNT);
        marks.push(messages.mark());
        messages.sends_numbers(Role::Client, Width::new(18).unwrap(), COUNT);
        marks.push(messages.mark());
        self.pool.schedule(&mut messages);
        marks.push(messages.mark());
        self.truncate.schedule(&mut messages, COUNT / 3);
        marks.push(messages.mark());
        self.sign.schedule(&mut messages, COUNT / 3);
        marks.push(messages.finish());
        marks
    }

    /// The result, and what this party sent until the end of each step.
    fn run(&self, party: &mut Peer<'_>, shares: &[u64]) -> (Vec<u64>, Vec<Sent>) {
        let sent =
            |party: &Peer<'_>| Sent { bytes: party.traffic().sent, frames: party.traffic().frames_sent };
        let mut marks = Vec::new();
        let shares = self.relu.run(party, shares).unwrap();
        marks.push(sent(party));
        let width = Width::new(18).unwrap();
        let shares = match party.role() {
            Role::Client => {
                party.send_numbers(width, &shares);
                vec![0; shares.len()]
            }
            Role::Server => {
                let theirs = party.receive_numbers(width, shares.len()).unwrap();
                let sum = |(ours, theirs): (u64, u64)| ring(18).reduce(ours + theirs);
                shares.into_iter().zip(theirs).map(sum).collect()
            }
        };
        marks.push(sent(party));
        let shares = self.pool.run(party, &shares).unwrap();
        marks.push(sent(party));
        let shares = self.truncate.run(party, &shares).unwrap();
        marks.push(sent(party));
        (self.sign.run(party, &shares).unwrap(), marks)
    }
}

#[test]
fn steps_cost_what_their_marks_say() {
    let chain = Chain::new();
    let marks = chain.communication();
    let mut whole = Communication::default();
    marks.iter().for_each(|mark| whole += mark.clone());
    let numbers: Vec<i64> = (0..COUNT as i64).map(|i| ring(20).wrap(i * i * 77_777)).collect();
    let share = |(a, &number): (u64, &i64)| [a, ring(20).embed(number.wrapping_sub(a as i64))];
    let pairs: Vec<[u64; 2]> = (0..).zip(&numbers).map(share).collect();
    let results = both(&whole, 9, shares_of(&pairs), |party, shares| Ok(chain.run(party, shares)));
    for (role, (_, steps)) in [Role::Client, Role::Server].into_iter().zip(&results) {
        let mut sum = Sent::default();
        let sums = marks.iter().map(|mark| {
            sum = sum + *mark.sent.get(role);
            sum
        });
        let predicted: Vec<Sent> = sums.take(steps.len()).collect();
        assert_eq!(*steps, predicted, "{role:?}");
    }
    let signs = sums(ring(4), results.map(|(shares, _)| shares));
    let relus: Vec<i64> = numbers.iter().map(|number| ring(18).wrap(number.max(&0) >> 3)).collect();
    for (window, sign) in relus.chunks(3).zip(signs) {
        let most = ring(18).maximum(&mut window.to_vec());
        assert_eq!(sign, u64::from(ring(17).wrap(most >> 2) >= 0));
    }
}

/// How fast: `cargo test --release -p runtime --lib -- --ignored --nocapture nanoseconds_of_a_relu`.
#[test]
#[ignore = "a measurement"]
fn nanoseconds_of_a_relu() {
    const COUNT: usize = 100_000;
    let relu = Relu::new(ring(25), 9, ring(24)).unwrap();
    let cost = cost(|messages| relu.schedule(messages, COUNT));
    let each = |time: Duration| time.as_nanos() as f64 / COUNT as f64;
    let ots =
        [Role::Client, Role::Server].map(|role| cost.batches.iter().map(|b| b.ots(role)).sum::<usize>());
    // One party after the other where none waits; a thread each.
    let fields = [4, 8].map(|k| Extension::SoftSpoken(FieldBits::new(k).unwrap()));
    let silent = TreeDepth::all().map(Extension::Silent);
    for extension in fields.into_iter().chain(silent) {
        let prepare = |role, extensions: &mut Extensions, connection: &mut Memory| {
            let start = Instant::now();
            let supply = Supply::prepare(connection, role, extensions, &cost.batches).unwrap();
            let work = each(start.elapsed() - connection.traffic().waited);
            let of_ot = work * COUNT as f64 / ots.iter().sum::<usize>() as f64;
            println!("{extension}, {role:?} prepares: {work:.0} ns, {of_ot:.1} per OT");
            supply
        };
        let act = |supply: Supply, connection: &mut Memory| {
            let (role, before) = (supply.role(), connection.traffic().waited);
            let mut party = Party::new(connection, supply, cost.received_by(role));
            let start = Instant::now();
            relu.run(&mut party, &[77; COUNT]).unwrap();
            let (elapsed, waited) = (start.elapsed(), party.traffic().waited - before);
            party.finish().unwrap();
            println!("{role:?}: {:.0} ns of work, {:.0} of waiting", each(elapsed - waited), each(waited));
        };
        let [mut client, mut server] = extensions(Transfers::both(extension), 1);
        let thread = || rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        together(
            |c| thread().install(|| act(prepare(Role::Client, &mut client, c), c)),
            |c| thread().install(|| act(prepare(Role::Server, &mut server, c), c)),
        );
    }
    let bits = |sent: Sent| sent.bytes as f64 * 8.0 / COUNT as f64;
    println!(
        "client sends {:.0} bits, server {:.0}; {ots:?} OTs",
        bits(cost.sent.client),
        bits(cost.sent.server)
    );
}
