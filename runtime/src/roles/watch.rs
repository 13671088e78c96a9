//! What a server tells of its clients: who they are, what was done for them, how they left.

use crate::channel::Traffic;
use crate::error::{Error, PeerFault};
use crate::observe::Spent;
use crate::plan::PlanId;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Told what happens at a server, from the threads of its sessions, which wait meanwhile. Metrics, logs and audits hang on it.
/// Nothing that it is told is secret, or depends on images.
pub trait ServerObserver: Send + Sync {
    /// A client has sent its key, and has a place.
    fn admitted(&self, caller: &Caller, session: Session) {
        let _ = (caller, session);
    }

    /// Something that a client asked for is done, or what it left is kept. What fails is not reported here: the client's departure follows.
    fn did(&self, caller: &Caller, session: Session, phase: &PhaseReport) {
        let _ = (caller, session, phase);
    }

    /// Something that a client asked for is not done at the moment, and its session goes on: a preparation ([`Error::Busy`],
    /// [`Error::OverBudget`]), taking some out of the store ([`Error::Busy`], and [`Error::Io`] or [`Error::InvalidInput`] of one that cannot be read), or keeping one
    /// where the disk fails (likewise).
    fn declined(&self, caller: &Caller, session: Session, asked: Done, error: &Error) {
        let _ = (caller, session, asked, error);
    }

    /// A connection has ended.
    fn departed(&self, departure: &Departure) {
        let _ = departure;
    }
}

/// A client, as far as its server knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Its address, where it came over TCP.
    pub address: Option<SocketAddr>,
    /// SHA-256 of the certificate that it showed (DER), where the server asks for certificates.
    pub certificate: Option<[u8; 32]>,
    /// What the server calls it by its token, where the server asks for tokens.
    pub name: Option<Arc<str>>,
}

/// The address that stands for the customer who has this one: of IPv6 the network of 64 bits, which one customer has to itself.
pub(super) fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        ip => ip,
    }
}

/// What a client does at a server from its key on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Numbers the sessions of this process, from 1 on.
    pub number: u64,
    /// The plan that it runs.
    pub plan: PlanId,
}

/// A phase of a session that has ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseReport {
    /// What was done.
    pub done: Done,
    /// From the request on to the last message.
    pub spent: Spent,
}

/// What was done for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// So many inferences were prepared together, before their images are known.
    Prepared(u64),
    /// So many images were answered together.
    Answered(u64),
    /// So many prepared inferences left the session for the store.
    Kept(u64),
    /// So many came from the store.
    Taken(u64),
}

impl Done {
    /// Of how many inferences.
    pub const fn count(self) -> u64 {
        let (Done::Prepared(count) | Done::Answered(count) | Done::Kept(count) | Done::Taken(count)) = self;
        count
    }
}

/// How a client left, and what there was before.
#[derive(Debug)]
pub struct Departure {
    /// The client.
    pub caller: Caller,
    /// Its session, if it came so far.
    pub session: Option<Session>,
    /// Inferences that were prepared for it.
    pub prepared: u64,
    /// Inferences that it had back from the store.
    pub taken: u64,
    /// Images that were answered.
    pub answered: u64,
    /// From the TLS handshake on, or the first byte, to the end.
    pub spent: Spent,
    /// The part of the traffic that no [`PhaseReport`] has: the handshake, and what failed.
    pub unreported: Traffic,
    /// How the connection ended.
    pub end: End,
}

/// How a client's connection ended.
#[derive(Debug)]
pub enum End {
    /// The client closed it after this many images.
    Answered(u64),
    /// All places were taken, and it was told so.
    TurnedAway,
    /// There were too many connections, of all clients or from its address, and it was closed without a word.
    Crowded,
    /// The client misbehaved or vanished, the server ended, or the system failed.
    Failed(Error),
}

impl End {
    /// A word for it, for metrics and logs: `closed` where the client ended its session; why it was refused (`full`, `crowded`, `busy`, `over_budget`,
    /// `ending`, `over_age`, `idle`, `other_plan`, `untrusted`, `misbehaved`); `silent` or `hung_up` where it vanished; `cut_off`, `system` or `bug`
    /// where this party failed.
    pub const fn reason(&self) -> &'static str {
        match self {
            End::Answered(_) => "closed",
            End::TurnedAway => "full",
            End::Crowded => "crowded",
            End::Failed(error) => reason(error),
        }
    }
}

/// The word of [`End::reason`] for an error.
pub const fn reason(error: &Error) -> &'static str {
    match error {
        Error::Ending => "ending",
        Error::Cancelled => "cut_off",
        Error::SessionOver(_) => "over_age",
        Error::Idle(_) => "idle",
        Error::Busy(_) => "busy",
        Error::OverBudget(_) => "over_budget",
        Error::PeerMisbehaved(fault) => match fault {
            PeerFault::HungUp(_) => "hung_up",
            PeerFault::Silent { .. } => "silent",
            PeerFault::Untrusted(_) => "untrusted",
            PeerFault::OtherPlan(_) => "other_plan",
            _ => "misbehaved",
        },
        Error::Bug(_) => "bug",
        _ => "system",
    }
}

impl Departure {
    /// Of somebody with whom no word was exchanged.
    pub(super) fn of_stranger(caller: Caller, end: End) -> Self {
        let (spent, unreported) = (Spent::default(), Traffic::default());
        Self { caller, session: None, prepared: 0, taken: 0, answered: 0, spent, unreported, end }
    }
}

/// Who is told how connections ended, with the right to keep it.
pub type Departed = Arc<dyn Fn(Departure) + Send + Sync>;

/// All who are told what happens at a server.
#[derive(Clone, Default)]
pub struct Observers {
    observers: Vec<Arc<dyn ServerObserver>>,
    departed: Option<Departed>,
}

impl Observers {
    /// Tells one more.
    pub fn add(&mut self, observer: impl ServerObserver + 'static) {
        self.observers.push(Arc::new(observer));
    }

    /// Tells `departed` of departures, after all others; it takes the place of one before.
    pub fn set_departed(&mut self, departed: Departed) {
        self.departed = Some(departed);
    }

    pub(super) fn admitted(&self, caller: &Caller, session: Session) {
        self.observers.iter().for_each(|observer| observer.admitted(caller, session));
    }

    pub(super) fn did(&self, caller: &Caller, session: Session, phase: &PhaseReport) {
        self.observers.iter().for_each(|observer| observer.did(caller, session, phase));
    }

    pub(super) fn declined(&self, caller: &Caller, session: Session, asked: Done, error: &Error) {
        self.observers.iter().for_each(|observer| observer.declined(caller, session, asked, error));
    }

    pub(super) fn departed(&self, departure: Departure) {
        self.observers.iter().for_each(|observer| observer.departed(&departure));
        if let Some(departed) = &self.departed {
            departed(departure);
        }
    }
}
