//! Sending, receiving and computing overlap, by the order of events on the wire.

use crate::support::{KEY, PlanBuilder, hello_bytes, valid};
use runtime::channel::frame::HEADER_BYTES;
use runtime::channel::memory;
use runtime::channel::{Connection, Transport};
use runtime::observe::Silent;
use runtime::plan::{Op, Shape, ValidPlan, codec};
use runtime::protocol::stream;
use runtime::roles::server::Server;
use runtime::roles::{local, plain};
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// How many bytes each party has written.
#[derive(Default)]
struct Wire {
    written: Mutex<[usize; 2]>,
    changed: Condvar,
}

/// A party's writer, on which a write that would reach byte `until` waits for the peer to have written more than
/// `more_than` bytes.
struct Withholding {
    inner: Box<dyn Write + Send>,
    wire: Arc<Wire>,
    party: usize,
    until: usize,
    more_than: usize,
}

impl Write for Withholding {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The time matters only where the test fails.
        let patience = Duration::from_secs(60);
        let mut written = self.wire.written.lock().expect("no panic");
        if written[self.party] < self.until && written[self.party] + bytes.len() >= self.until {
            let waiting = |written: &mut [usize; 2]| written[1 - self.party] <= self.more_than;
            let (now, timeout) =
                self.wire.changed.wait_timeout_while(written, patience, waiting).expect("no panic");
            if timeout.timed_out() {
                return Err(ErrorKind::TimedOut.into());
            }
            written = now;
        }
        let sent = self.inner.write(bytes)?;
        written[self.party] += sent;
        self.wire.changed.notify_all();
        Ok(sent)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

const CIPHERTEXT: usize = 128;

/// A ReLU of so many values that the question has several parts.
fn plan() -> ValidPlan {
    let plan = |count| {
        let shape = Shape::new(1, 1, count);
        let mut builder = PlanBuilder::new(shape);
        builder.push(Op::Relu, &[builder.last()], shape);
        valid(builder.finish())
    };
    let small = plan(1);
    let capacity = crate::support::exchanges(&small).rounds[0]
        .per_ciphertext(crate::support::exchanges(&small).parameters, small.plan().key_bits);
    plan(3 * stream::part(1) * capacity)
}

#[test]
fn the_client_answers_before_the_question_ends() {
    let plan = plan();
    let view = plan.client_view();
    let work = crate::support::exchanges(&plan);
    let exchange = work.rounds[0];
    let packed = exchange.packed_ciphertexts(work.parameters, view.key_bits);
    let before_the_answer = 4 * HEADER_BYTES
        + hello_bytes(Some(view.id))
        + KEY.public().to_bytes().len()
        + plan.plan().input.shape.elements() * CIPHERTEXT;
    let until_the_question_ends = 2 * HEADER_BYTES + codec::encode_view(view).len() + packed * CIPHERTEXT;
    let (ours, theirs) = memory::pair();
    let wire = Arc::new(Wire::default());
    let end = |end: Transport, party, until, more_than| {
        let (reader, inner) = end.split();
        let writer = Withholding { inner, wire: Arc::clone(&wire), party, until, more_than };
        Connection::new(Transport::with_reader(reader, writer), None).expect("a thread")
    };
    // The server's last bytes are held back until more than the header of an answer is on its way.
    let link = (end(ours, 0, 0, 0), end(theirs, 1, until_the_question_ends, before_the_answer));
    let image: Vec<f32> =
        (0..plan.plan().input.shape.elements()).map(|i| (i * 7 % 31) as f32 - 15.0).collect();
    let expected = plain::run(&plan, &plan.plan().input.quantize(&image).expect("fits"));
    let run =
        local::run_over(link, &Server::new(plan), &KEY, ([image.as_slice()], 1), &mut Silent, &mut Silent);
    assert_eq!(run.expect("a prediction").0[0].integers, expected);
}
