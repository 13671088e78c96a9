//! A server that listens in this process, and clients that know its right answers.

use super::certificates::{Certificates, authority};
use super::shared::{Choices, shared};
use super::shelf::Memory;
use super::{KEY, PlanBuilder, valid};
use runtime::channel::tls::{Acceptor, Connector};
use runtime::channel::{Acceptance, tcp};
use runtime::error::{Error, PeerFault, Result};
use runtime::observe::Silent;
use runtime::plan::{Dense, Op, Shape, ValidPlan};
use runtime::roles::hall::Hall;
use runtime::roles::listener::{self, Admission};
use runtime::roles::server::{Limits, Offers, Server};
use runtime::roles::watch::{End, Observers};
use runtime::roles::{client, plain};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Halves that a party keeps at most.
const KEPT: usize = 64;
/// Images of a session.
pub(crate) const IMAGES: usize = 3;

/// What kind of a server it is.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) plan: fn() -> ValidPlan,
    /// Whether it speaks TLS.
    pub(crate) tls: bool,
    /// Whether it and its clients keep what sessions leave.
    pub(crate) keeps: bool,
}

/// A server and what its clients need.
pub(crate) struct Site {
    plan: ValidPlan,
    /// What all its clients keep, if they do.
    shelf: Option<Arc<Memory>>,
    /// Inferences that clients had from there.
    recalled: AtomicUsize,
    /// Where it listens.
    pub(crate) address: String,
    /// How clients speak TLS to it, if they do.
    connector: Option<Connector>,
    /// How long its clients wait.
    patience: Duration,
    hall: Hall,
    listening: JoinHandle<()>,
    left: Arc<Mutex<Vec<End>>>,
}

impl Kind {
    /// Of suite `blinded`, without TLS.
    pub(crate) const BLINDED: Self = Self { plan: blinded, tls: false, keeps: false };
    /// Of suite `shared`.
    pub(crate) const SHARED: Self = Self { plan: on_shares, ..Self::BLINDED };
}

/// Two outputs of four pixels, and ReLUs: a plan of suite `blinded`.
fn blinded() -> ValidPlan {
    let mut builder = PlanBuilder::new(Shape::new(1, 1, 4));
    let input = builder.last();
    let dense = Dense { weights: vec![1, -2, 3, 0, 5, 6, -7, 8], bias: vec![10, -20] };
    let dense = builder.push(Op::Dense(dense), &[input], Shape::vector(2));
    builder.push(Op::Relu, &[dense], Shape::vector(2));
    valid(builder.finish())
}

/// The same network in suite `shared`.
fn on_shares() -> ValidPlan {
    valid(shared(blinded().into_plan(), &mut Choices(vec![3, 1, 19, 2, 3])))
}

impl Site {
    /// Serves a plan of this kind; a client that keeps it waiting for `patience` is given up. Friends and foes have one
    /// address here, which may therefore have as many connections as there are at all.
    pub(crate) fn new(kind: Kind, patience: Duration) -> Self {
        let plan = (kind.plan)();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (mut acceptance, mut connector) = (Acceptance::Plain, None);
        if kind.tls {
            let certificates = Certificates::new();
            let own = certificates.make("localhost");
            acceptance = Acceptance::Tls(Acceptor::new(&own, None).expect("a certificate"));
            connector = Some(Connector::new(&authority(&own), None).expect("trust"));
        }
        let limits = Limits { handshake: patience, message: patience, idle: patience, age: 1000 * patience };
        let admission = Admission { max_per_address: Some(256), limits, acceptance, budgets: None };
        let server = Server::new(plan.clone());
        let [shelf, theirs] = [1, 2].map(|id| kind.keeps.then(|| Memory::forgetful(id, KEPT)));
        let server = match theirs {
            Some(theirs) => server.with_shelf(theirs),
            None => server,
        };
        let (offers, hall) = (Offers::one(server), Hall::new(64));
        let left: Arc<Mutex<Vec<End>>> = Arc::default();
        let leaving = Arc::clone(&left);
        let mut observers = Observers::default();
        observers
            .set_departed(Arc::new(move |departure| leaving.lock().expect("no panic").push(departure.end)));
        let theirs = hall.clone();
        let listening = thread::spawn(move || {
            listener::listen(&offers, &listener, &admission, &theirs, &observers).expect("listens");
        });
        let address = format!("127.0.0.1:{port}");
        Self {
            plan,
            shelf,
            recalled: AtomicUsize::new(0),
            address,
            connector,
            patience,
            hall,
            listening,
            left,
        }
    }

    /// A session at `address`, where the server or a way to it is: prepares, and asks about [`IMAGES`] images. The answers are the
    /// right ones.
    ///
    /// # Panics
    /// An answer is wrong.
    pub(crate) fn ask(&self, address: &str) -> Result<()> {
        let connection = match &self.connector {
            Some(connector) => connector.connect(address, self.patience),
            None => tcp::connect(address, self.patience),
        }?;
        let mut session = client::greet(connection, Some(self.plan.id()))?.with_key(KEY.clone())?;
        if let Some(shelf) = &self.shelf {
            session = session.with_shelf(Arc::clone(shelf) as _);
        }
        session.prepare(2, &mut Silent)?;
        let input = &self.plan.plan().input;
        let pixels = input.shape.elements();
        let images: Vec<Vec<f32>> = (0..IMAGES)
            .map(|image| (0..pixels).map(|pixel| ((7 * pixel + 11 * image) % 31) as f32 - 15.0).collect())
            .collect();
        let asked: Vec<&[f32]> = images.iter().map(Vec::as_slice).collect();
        let predictions = session.infer_all(&asked, &mut Silent)?;
        self.recalled.fetch_add(session.recalled(), Ordering::Relaxed);
        if self.shelf.is_some() {
            session.prepare(1, &mut Silent)?;
            session.put_away()?;
        }
        session.close();
        assert_eq!(predictions.len(), IMAGES);
        for (image, prediction) in images.iter().zip(predictions) {
            let right = plain::run(&self.plan, &input.quantize(image).expect("fits"));
            assert_eq!(prediction.integers, right, "a wrong answer");
        }
        Ok(())
    }

    /// Inferences that its clients had from earlier sessions.
    pub(crate) fn recalled(&self) -> usize {
        self.recalled.load(Ordering::Relaxed)
    }

    /// A session with the server itself.
    pub(crate) fn ask_honestly(&self) -> Result<()> {
        self.ask(&self.address.replace("127.0.0.1", "localhost"))
    }

    /// Who has left since the last call; whoever failed failed by the peer's fault.
    pub(crate) fn departed(&self) -> usize {
        let left = std::mem::take(&mut *self.left.lock().expect("no panic"));
        for end in &left {
            assert!(!matches!(end, End::Failed(error) if !is_the_peers(error)), "{end:?}");
        }
        left.len()
    }

    /// Listens no more.
    pub(crate) fn close(self) {
        self.hall.close();
        drop(TcpStream::connect(&self.address));
        self.departed();
        self.listening.join().expect("no panic");
    }
}

/// Whether the peer is to blame, or the line, which cannot be told apart.
pub(crate) fn is_the_peers(error: &Error) -> bool {
    match error {
        Error::PeerMisbehaved(PeerFault::OtherPlan(_)) => false,
        Error::PeerMisbehaved(_) | Error::Refused(_) | Error::Idle(_) => true,
        _ => false,
    }
}
