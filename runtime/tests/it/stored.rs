//! Inferences that are prepared in one connection and used in another: as good as others, and never used twice.

use crate::support::shared::{Choices, shared};
use crate::support::shelf::Memory;
use crate::support::{KEY, PlanBuilder, plans, valid};
use proptest::prelude::*;
use runtime::channel::{Connection, Limit, memory};
use runtime::error::{Error, Result};
use runtime::observe::Silent;
use runtime::paillier::{HolderKey, test_keys};
use runtime::plan::{Op, Shape, ValidPlan, codec};
use runtime::protocol::hello::Hello;
use runtime::protocol::message::{self, Message};
use runtime::roles::client::{self, Session};
use runtime::roles::plain;
use runtime::roles::server::Server;
use runtime::store::{HalfBytes, Label, Origin, Owner, Quota, Shelf, Store, StoreId};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A store on a disk that is full.
struct Full;

impl Shelf for Full {
    fn id(&self) -> StoreId {
        StoreId::from_bytes([9; 16])
    }

    fn put(&self, _: &Label, _: &[u8], _: Origin) -> Result<bool> {
        Err(Error::io("cannot write a half", ErrorKind::StorageFull.into()))
    }

    fn take(&self, _: &Label) -> Result<Option<HalfBytes>> {
        Ok(None)
    }

    fn next(&self, _: &Owner, _: StoreId) -> Result<Option<(Label, HalfBytes)>> {
        Ok(None)
    }

    fn count(&self, _: &Owner, _: StoreId) -> usize {
        0
    }

    fn room(&self, _: &Owner, _: u64) -> usize {
        usize::MAX
    }
}

fn choices() -> impl Strategy<Value = Choices> {
    prop::collection::vec(0u32..1 << 16, 61).prop_map(Choices).no_shrink()
}

fn image(shape: Shape, seed: usize) -> Vec<f32> {
    (0..shape.elements()).map(|index| ((index * 7 + seed * 5) % 31) as f32 - 15.0).collect()
}

fn interpreted(plan: &ValidPlan, image: &[f32]) -> Vec<i128> {
    plain::run(plan, &plan.plan().input.quantize(image).expect("pixels in range"))
}

/// A convolution, a ReLU and a max-pooling, with batches of some sizes.
fn plan() -> ValidPlan {
    let mut builder = PlanBuilder::new(Shape::new(1, 4, 4));
    let input = builder.last();
    let relu = builder.push(Op::Relu, &[input], Shape::new(1, 4, 4));
    let dense =
        runtime::plan::Dense { weights: (0..48).map(|index| index % 9 - 4).collect(), bias: vec![5, -5, 0] };
    let dense = builder.push(Op::Dense(dense), &[relu], Shape::vector(3));
    builder.push(Op::Relu, &[dense], Shape::vector(3));
    valid(shared(builder.finish(), &mut Choices((1..62).map(|index| index * 37 % 101).collect())))
}

/// What a client does in a session under a key; what the server says of it.
fn session<R>(
    server: &Server,
    key: &Arc<HolderKey>,
    shelf: Arc<dyn Shelf>,
    act: impl FnOnce(&mut Session) -> R,
) -> (R, Result<u64>) {
    let (ours, theirs) = memory::pair();
    let timeout = Some(Duration::from_secs(60));
    let connected = |end| Connection::new(end, timeout).expect("a thread");
    thread::scope(|scope| {
        let serving = scope.spawn(move || server.serve(connected(theirs), &mut Silent));
        let greeting = client::greet(connected(ours), None).expect("a plan");
        let mut session = greeting.with_key(key.clone()).expect("a session").with_shelf(shelf);
        let result = act(&mut session);
        session.close();
        (result, serving.join().expect("no panic"))
    })
}

fn stocked(server: &Server, shelf: &Arc<impl Shelf + 'static>, count: usize) -> usize {
    let shelf: Arc<dyn Shelf> = Arc::clone(shelf) as _;
    session(server, &KEY, shelf, |session| session.stock(count, &mut Silent).expect("kept")).0
}

/// Whether the answers for so many images are right, and how many inferences came from the store.
fn asked(server: &Server, shelf: &Arc<impl Shelf + 'static>, count: usize) -> (bool, usize) {
    let plan = server.plan();
    let images: Vec<Vec<f32>> = (0..count).map(|seed| image(plan.plan().input.shape, seed)).collect();
    let images: Vec<&[f32]> = images.iter().map(Vec::as_slice).collect();
    let shelf: Arc<dyn Shelf> = Arc::clone(shelf) as _;
    let ((predictions, recalled), served) = session(server, &KEY, shelf, |session| {
        let predictions = session.infer_all(&images, &mut Silent).expect("predictions");
        (predictions, session.recalled())
    });
    assert_eq!(served.expect("no error"), count as u64);
    let mut both = images.iter().zip(&predictions);
    (both.all(|(image, prediction)| prediction.integers == interpreted(plan, image)), recalled)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn inferences_of_another_connection_equal_the_interpreter(
        plan in plans(),
        mut choices in choices(),
        count in 1..4usize,
        more in 0..3usize,
    ) {
        let plan = valid(shared(plan, &mut choices));
        let (ours, theirs) = (Memory::new(1), Memory::new(2));
        let server = || Server::new(plan.clone()).with_shelf(theirs.clone());
        prop_assert_eq!(stocked(&server(), &ours, count), count);
        prop_assert_eq!(asked(&server(), &ours, count + more), (true, count));
        prop_assert!(ours.is_empty());
        prop_assert!(theirs.is_empty());
    }
}

/// Halves whose other halves another server has are of no use at this one, and a server that keeps nothing is not asked to prepare.
#[test]
fn what_this_server_keeps_is_counted() {
    let ours = Memory::new(1);
    let [first, second] = [2, 3].map(|id| Server::new(plan()).with_shelf(Memory::new(id)));
    assert_eq!(stocked(&first, &ours, 2), 2);
    assert_eq!(stocked(&second, &ours, 2), 2);
    assert_eq!(ours.len(), 4);
    let shelf: Arc<dyn Shelf> = Arc::clone(&ours) as _;
    let (prepared, _) = session(&Server::new(plan()), &KEY, shelf, |session| {
        assert_eq!(session.stock(3, &mut Silent).expect("an answer"), 0);
        session.prepared()
    });
    assert_eq!(prepared, 0);
    assert_eq!([asked(&second, &ours, 2), asked(&first, &ours, 2)], [(true, 2), (true, 2)]);
}

/// Whatever stands in halves of the right length, sessions end, and others make the client prepare anew.
#[test]
fn wrong_halves_do_no_harm() {
    for (index, party) in [(0, "client"), (1, "server")] {
        let (ours, theirs) = (Memory::new(1), Memory::new(2));
        let server = Server::new(plan()).with_shelf(theirs.clone());
        assert_eq!(stocked(&server, &ours, 6), 6);
        let changed = [&ours, &theirs][index];
        changed.change(|index, half| match index {
            0 => drop(half.pop()),
            1 => half.push(0),
            2 => half.clear(),
            3 => half[6] ^= 1,
            4 => half[2] ^= 1,
            _ => half[7..].iter_mut().for_each(|byte| *byte = !*byte),
        });
        let (right, recalled) = asked(&server, &ours, 2);
        assert!(!right && recalled == 1, "{party}");
        assert!(ours.is_empty());
        assert_eq!(asked(&server, &ours, 2), (true, 0), "{party}");
    }
}

#[test]
fn what_another_server_keeps_stays() {
    let (ours, [first, second]) = (Memory::new(1), [2, 3].map(Memory::new));
    let servers = [&first, &second].map(|shelf| Server::new(plan()).with_shelf(Arc::clone(shelf) as _));
    assert_eq!(stocked(&servers[0], &ours, 2), 2);
    assert_eq!(asked(&servers[1], &ours, 1), (true, 0));
    assert_eq!(asked(&Server::new(plan()), &ours, 1), (true, 0), "a server that keeps nothing");
    assert_eq!(asked(&servers[0], &ours, 3), (true, 2));
    let nothing = Memory::new(4);
    assert_eq!(stocked(&Server::new(plan()), &nothing, 2), 0, "it keeps nothing");
}

#[test]
fn another_key_finds_nothing() {
    let (ours, theirs) = (Memory::new(1), Memory::new(2));
    let server = Server::new(plan()).with_shelf(theirs.clone());
    assert_eq!(stocked(&server, &ours, 1), 1);
    let other = Arc::new(test_keys::holder(512));
    assert!(other.public().to_bytes() != KEY.public().to_bytes());
    let shelf: Arc<dyn Shelf> = ours.clone();
    let found = session(&server, &other, shelf, |session| {
        (session.stored(), session.prepare(1, &mut Silent), session.recalled())
    });
    let ((stored, prepared, recalled), _) = found;
    prepared.expect("prepared");
    assert_eq!((stored, recalled), (0, 0));
    assert_eq!(asked(&server, &ours, 1), (true, 1));
}

fn opened(folder: &Path) -> Arc<Store> {
    Arc::new(Store::open(folder, None, Quota::DEFAULT).expect("a store"))
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("a file").path();
        fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("copied");
    }
}

/// Both parties restart between preparation and use. Who goes back to a copy of its folder is refused by the other's, and prepares anew.
#[test]
fn folders_survive_restarts_and_copies_of_one_are_of_no_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let [ours, theirs, copy_of_ours, copy_of_theirs] =
        ["ours", "theirs", "our copy", "their copy"].map(|name| folder.path().join(name));
    let server = || Server::new(plan()).with_shelf(opened(&theirs));
    assert_eq!(stocked(&server(), &opened(&ours), 3), 3);
    copied(&ours, &copy_of_ours);
    copied(&theirs, &copy_of_theirs);
    assert_eq!(asked(&server(), &opened(&ours), 2), (true, 2));
    let replayed = opened(&copy_of_ours);
    let before = replayed.holdings()[0].halves;
    assert_eq!((before, asked(&server(), &replayed, 3)), (3, (true, 1)), "the two that are used are refused");
    assert!(replayed.holdings().is_empty());
    drop(replayed);
    let server = Server::new(plan()).with_shelf(opened(&copy_of_theirs));
    assert_eq!(asked(&server, &opened(&ours), 2), (true, 1), "the client has one that its server lost");
    assert_eq!(opened(&ours).holdings(), []);
}

/// What the server answers to a client that sends these messages after its key.
fn refusal(server: &Server, messages: &[(Message, Vec<u8>)]) -> String {
    let (ours, theirs) = memory::pair();
    thread::scope(|scope| {
        let serving =
            scope.spawn(move || server.serve(Connection::new(theirs, None).expect("a thread"), &mut Silent));
        let mut connection = Connection::new(ours, None).expect("a thread");
        message::send(&mut connection, Message::Hello, &**Hello::default().to_bytes()).expect("sent");
        let limit = Limit::AtMost(codec::MAX_VIEW_BYTES + 2);
        message::receive(&mut connection, Message::Welcome, limit).expect("a welcome");
        message::send(&mut connection, Message::Key, KEY.public().to_bytes()).expect("sent");
        for (message, body) in messages {
            message::send(&mut connection, *message, body.clone()).expect("sent");
        }
        let told = message::receive(&mut connection, Message::Taken, Limit::AtMost(100));
        let error = serving.join().expect("no panic").expect_err("an error");
        assert!(matches!(error, Error::PeerMisbehaved(_)), "{error}");
        told.expect_err("a refusal").to_string()
    })
}

#[test]
fn malformed_names_are_refused() {
    let server = Server::new(plan()).with_shelf(Memory::new(2)).with_max_prepared(3);
    for (message, length, reason) in [
        (Message::Keep, 1, "not prepared"),
        (Message::Keep, 0, "bytes"),
        (Message::Keep, 2, "bytes"),
        (Message::Take, 31, "malformed"),
        (Message::Take, 4 * 32, "more than 3"),
        (Message::Take, 1 + 64 * 32, "bytes"),
        (Message::Prepare, 1 + 31, "malformed"),
        (Message::Prepare, 1 + 2 * 32, "malformed"),
        (Message::Prepare, 2 + 64 * 32, "bytes"),
    ] {
        let told = refusal(&server, &[(message, vec![1; length])]);
        assert!(told.contains(reason), "{length}: {told}");
    }
}

/// A client that cannot write goes on with no session in which the parties have different halves left.
#[test]
fn a_full_disk_at_the_client_ends_the_session() {
    let (server, pixels) =
        (Server::new(plan()).with_shelf(Memory::new(2)), image(plan().plan().input.shape, 3));
    let (told, served) = session(&server, &KEY, Arc::new(Full), |session| {
        session.prepare(3, &mut Silent).expect("prepared");
        let failed = session.stock(1, &mut Silent).expect_err("nothing is written");
        assert!(matches!(failed, Error::Io { .. }), "{failed}");
        assert_eq!(session.prepared(), 0);
        let [asked, prepared, stocked] = [
            session.infer(&pixels, &mut Silent).map(drop),
            session.prepare(1, &mut Silent),
            session.stock(1, &mut Silent).map(drop),
        ];
        [asked, prepared, stocked].map(|outcome| outcome.expect_err("the session was lost").to_string())
    });
    assert_eq!(told, [(); 3].map(|()| "this session was lost; open another".to_owned()));
    assert_eq!(served.expect("no error"), 0);
}

/// Neither party loses what the other has no room for: it stays prepared.
#[test]
fn full_stores_cost_nothing() {
    for [ours, theirs] in [[2, 1000], [1000, 2], [0, 1000], [1000, 0]] {
        let (kept, ours, theirs) = (ours.min(theirs), Memory::of(1, ours), Memory::of(2, theirs));
        let server = Server::new(plan()).with_shelf(theirs.clone());
        let pixels = image(plan().plan().input.shape, 3);
        let ((), served) = session(&server, &KEY, ours.clone(), |session| {
            session.prepare(4, &mut Silent).expect("prepared");
            assert_eq!(session.put_away().expect("as many as there is room for"), kept);
            let answers = session.infer_all(&vec![&pixels[..]; 4 - kept], &mut Silent).expect("answers");
            assert!(answers.iter().all(|answer| answer.integers == interpreted(&plan(), &pixels)));
            assert_eq!(session.stock(9, &mut Silent).expect("no more"), kept);
        });
        assert_eq!(served.expect("no error"), 4 - kept as u64);
        assert_eq!([&ours, &theirs].map(|shelf| shelf.len()), [kept; 2]);
        assert_eq!(asked(&server, &ours, 3), (true, kept));
    }
}

/// That the client found a fault in what it has prepared is said when such an inference has been answered, and not before: the server
/// sees the same session as without.
#[test]
fn a_fault_of_an_earlier_session_is_reported_after_the_answer() {
    let (ours, theirs) = (Memory::new(1), Memory::new(2));
    let server = Server::new(plan()).with_shelf(theirs.clone());
    assert_eq!(stocked(&server, &ours, 2), 2);
    ours.change(|_, half| half[6] = 2);
    let pixels = image(plan().plan().input.shape, 3);
    let (told, served) = session(&server, &KEY, ours.clone(), |session| {
        session.infer(&pixels, &mut Silent).expect_err("a fault").to_string()
    });
    assert!(told.contains("malformed"), "{told}");
    assert_eq!(served.expect("no error"), 1);
    assert_eq!(ours.len(), 1, "it is used up");
}

/// What a server cannot write stays prepared in the session, which goes on.
#[test]
fn a_full_disk_at_the_server_ends_no_session() {
    let (server, ours) = (Server::new(plan()).with_shelf(Arc::new(Full)), Memory::new(1));
    let pixels = image(plan().plan().input.shape, 3);
    let (outcome, served) = session(&server, &KEY, ours.clone(), |session| {
        assert_eq!(session.stock(2, &mut Silent).expect("nothing is kept"), 0);
        assert!(session.prepared() > 0);
        session.infer(&pixels, &mut Silent).expect("an answer").integers
    });
    assert_eq!((outcome, served.expect("no error")), (interpreted(&plan(), &pixels), 1));
    assert!(ours.is_empty());
}
