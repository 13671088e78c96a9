//! What each party sees online does not depend on the other's secret: one image and one network, many runs.

use crate::support::shared::{Choices, shared};
use crate::support::{KEY, every_operation, valid};
use runtime::channel::frame::{Header, SEAL_BYTES};
use runtime::channel::{Connection, Transport, memory};
use runtime::observe::Silent;
use runtime::plan::{Op, Plan, ValidPlan};
use runtime::protocol::message::Message;
use runtime::roles::client;
use runtime::roles::server::Server;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;

/// Inferences that are compared.
const RUNS: usize = 300;

#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

/// Remembers what is written.
struct Writer<W>(W, Tape);

/// `end`, whose writer remembers.
fn tapped(end: Transport, tape: Tape) -> Transport {
    let (reader, writer) = end.split();
    Transport::with_reader(reader, Writer(writer, tape))
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.0.lock().expect("nobody panics").extend_from_slice(bytes);
        self.0.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Tape {
    /// What was written since the last time: flights, and the bits that are told ahead of them.
    fn take(&self) -> Vec<u8> {
        let tape = std::mem::take(&mut *self.0.lock().expect("nobody panics"));
        let (mut rest, mut told) = (&tape[..], Vec::new());
        while let Some((header, after)) = rest.split_first_chunk() {
            let Header { tag, length } = Header::from_bytes(*header);
            let (body, after) = after.split_at(length as usize);
            if tag == Message::Flight as u8 || tag == Message::MaskedBits as u8 {
                told.extend_from_slice(body);
            }
            rest = &after[SEAL_BYTES..];
        }
        told
    }
}

/// For every bit that client and server tell under masks: in how many of [`RUNS`] inferences it is set.
fn seen(plan: &ValidPlan, image: &[f32]) -> [Vec<usize>; 2] {
    let (ours, theirs) = memory::pair();
    let tapes = [Tape::default(), Tape::default()];
    let connect = |end, tape: &Tape| Connection::new(tapped(end, tape.clone()), None).expect("a thread");
    let (ours, theirs) = (connect(ours, &tapes[0]), connect(theirs, &tapes[1]));
    let server = Server::new(plan.clone());
    thread::scope(|scope| {
        scope.spawn(move || server.serve(theirs, &mut Silent).expect("served"));
        let mut session =
            client::greet(ours, None).expect("a plan").with_key(KEY.clone()).expect("a session");
        let mut counts = [Vec::new(), Vec::new()];
        for _ in 0..RUNS {
            session.infer(image, &mut Silent).expect("a prediction");
            for (counts, tape) in counts.iter_mut().zip(&tapes) {
                count(counts, &tape.take());
            }
        }
        counts
    })
}

fn count(counts: &mut Vec<usize>, bytes: &[u8]) {
    counts.resize(8 * bytes.len(), 0);
    for (index, count) in counts.iter_mut().enumerate() {
        *count += usize::from(bytes[index / 8] >> (index % 8) & 1);
    }
}

/// Two lists of counts differ by chance alone: at most 6.5 standard deviations of 12.2 for each.
fn alike(first: &[usize], second: &[usize]) {
    assert_eq!(first.len(), second.len());
    let far = first.iter().zip(second).filter(|(a, b)| a.abs_diff(**b) > 80).count();
    assert_eq!(far, 0, "of {} bits", first.len());
    // Most are random: the others are the ends of messages.
    let random = first.iter().filter(|count| count.abs_diff(RUNS / 2) < 60).count();
    assert!(random * 10 > first.len() * 9, "{random} of {} bits are random", first.len());
}

/// The plan with all weights of the other sign: the same magnitudes, and so the same layout.
fn opposite(mut plan: Plan) -> Plan {
    for step in &mut plan.steps {
        match &mut step.op {
            Op::Conv2d(conv) => conv.weights.iter_mut().for_each(|weight| *weight = -*weight),
            Op::Dense(dense) => dense.weights.iter_mut().for_each(|weight| *weight = -*weight),
            _ => {}
        }
    }
    plan
}

fn plan(plan: Plan) -> ValidPlan {
    valid(shared(plan, &mut Choices(vec![3, 1, 19, 2, 3])))
}

#[test]
fn what_the_server_sees_does_not_depend_on_the_image() {
    let plan = plan(every_operation());
    let [[first, _], [second, _]] = [1.0, -15.0].map(|pixel| seen(&plan, &[pixel; 72]));
    alike(&first, &second);
}

#[test]
fn what_the_client_sees_does_not_depend_on_the_weights() {
    let plans = [every_operation(), opposite(every_operation())].map(plan);
    // The result is an inference's purpose: the last message is its share, spread evenly too.
    let [[_, first], [_, second]] = plans.each_ref().map(|plan| seen(plan, &[7.0; 72]));
    alike(&first, &second);
}
