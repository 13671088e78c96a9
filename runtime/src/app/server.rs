//! A server that an application holds.

use super::key::require_secure;
use crate::channel::{Acceptance, Connection, Transport};
use crate::error::{Error, Result};
use crate::plan::{PlanName, ValidPlan};
use crate::roles::hall::{Bounds, Hall, Standing};
use crate::roles::listener::{Admission, listen};
use crate::roles::server::{self, Budgets, Limits, Offer, Offers, Tokens, Visit};
use crate::roles::watch::{Departure, Observers, ServerObserver};
use crate::store::Shelf;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a listener that is to end is called.
const WAKE_TIMEOUT: Duration = Duration::from_secs(1);

/// Plans, ready to be served. Copies share them.
#[derive(Clone)]
pub struct Server {
    offers: Offers,
    keeping: Keeping,
    bounds: Bounds,
    admission: Admission,
    observers: Observers,
}

impl Server {
    /// Clients served at the same time, by default.
    pub const MAX_CLIENTS: usize = 16;
    /// Bytes of prepared inferences kept for each client, by default.
    pub const PREPARED_BYTES: u64 = 512 << 20;

    /// To be told how `plan` is served, which is called like its model.
    pub fn builder(plan: ValidPlan) -> ServerBuilder {
        let name = PlanName::like(&plan.plan().name);
        Self::builder_of(vec![(name, plan)])
    }

    /// To be told how these plans are served: clients ask for one of them by its name or digest.
    pub fn builder_of(plans: Vec<(PlanName, ValidPlan)>) -> ServerBuilder {
        let admission = Admission {
            max_per_address: None,
            limits: Limits::DEFAULT,
            acceptance: Acceptance::Plain,
            budgets: None,
        };
        let keeping = Keeping { prepared_bytes: Self::PREPARED_BYTES, shelf: None };
        let (bounds, tokens, observers) = (Bounds::places(Self::MAX_CLIENTS), None, Observers::default());
        ServerBuilder { plans, bounds, tokens, keeping, admission, observers }
    }

    /// The plans that clients are served now, and what is kept for each client of them.
    pub fn offers(&self) -> Arc<[Offer]> {
        self.offers.current()
    }

    /// Serves these plans from now on; sessions that have begun go on with the plan that they began with.
    ///
    /// # Errors
    /// There are none, two of them have one name, or one wants keys of a length that protects nothing. Then nothing changes.
    pub fn replace(&self, plans: Vec<(PlanName, ValidPlan)>) -> Result<()> {
        self.offers.replace(offers(plans, &self.keeping)?)?;
        self.keeping.tell_offered(&self.offers());
        Ok(())
    }

    /// Lets in clients that show one of these tokens alone from now on, or anybody; sessions that have begun go on.
    pub fn set_tokens(&self, tokens: Option<Tokens>) {
        self.offers.set_tokens(tokens);
    }

    /// Accepts clients for ever, a thread each; one client's failure never touches another.
    ///
    /// # Errors
    /// The system gives no thread to begin with.
    pub fn serve(&self, listener: &TcpListener) -> Result<()> {
        self.listen(listener, &Hall::within(self.bounds))
    }

    /// The same in the background, until what is returned is dropped.
    ///
    /// # Errors
    /// The listener has no address, or the system gives no thread.
    pub fn start(&self, listener: TcpListener) -> Result<Running> {
        let address = listener.local_addr().map_err(|error| Error::io("cannot listen", error))?;
        let hall = Hall::within(self.bounds);
        let (server, theirs) = (self.clone(), hall.clone());
        let accepting = thread::Builder::new().spawn(move || server.listen(&listener, &theirs));
        let accepting = accepting.map_err(|error| Error::io("cannot start a thread", error))?;
        Ok(Running { address, hall, accepting: Some(accepting) })
    }

    /// Serves one client over any stream until it closes it; the number of images answered. Observers are told of all but its
    /// departure, which the caller is told.
    ///
    /// # Errors
    /// The client misbehaved or vanished, or the system failed.
    pub fn attend(&self, transport: Transport) -> Result<u64> {
        let limits = self.admission.limits;
        let connection = Connection::new(transport, Some(limits.message))?;
        let mut visit = Visit::alone(Some(limits), self.observers.clone());
        Ok(self.offers.attend(connection, &mut visit)?.unwrap_or_default())
    }

    fn listen(&self, listener: &TcpListener, hall: &Hall) -> Result<()> {
        listen(&self.offers, listener, &self.admission, hall, &self.observers)
    }
}

/// What is kept for clients, whatever the plan.
#[derive(Clone)]
struct Keeping {
    /// Bytes of memory, for each client.
    prepared_bytes: u64,
    /// Where inferences lie between sessions.
    shelf: Option<Arc<dyn Shelf>>,
}

impl Keeping {
    /// Halves of other plans may give way from now on.
    fn tell_offered(&self, offers: &[Offer]) {
        if let Some(shelf) = &self.shelf {
            shelf.set_offered(offers.iter().map(|offer| offer.server.plan().id()).collect());
        }
    }
}

fn offers(plans: Vec<(PlanName, ValidPlan)>, keeping: &Keeping) -> Result<Vec<Offer>> {
    let offer = |(name, plan): (PlanName, ValidPlan)| {
        require_secure(plan.plan().key_bits)?;
        let server = server::Server::new(plan).with_prepared_bytes(keeping.prepared_bytes);
        let server = match &keeping.shelf {
            Some(shelf) => server.with_shelf(Arc::clone(shelf)),
            None => server,
        };
        Ok(Offer { name, server })
    };
    plans.into_iter().map(offer).collect()
}

/// What a [`Server`] is made from; everything but the plans has a default.
#[must_use = "nothing is served before `build`"]
pub struct ServerBuilder {
    plans: Vec<(PlanName, ValidPlan)>,
    bounds: Bounds,
    tokens: Option<Tokens>,
    keeping: Keeping,
    admission: Admission,
    observers: Observers,
}

impl ServerBuilder {
    /// Serves at most so many clients at the same time (16); further ones are told so.
    pub fn max_clients(mut self, max_clients: usize) -> Self {
        self.bounds.places = max_clients;
        self
    }

    /// Begins nothing more while what is under way takes so many core-seconds, as predicted; who asks then is told to come later
    /// (any number, by default).
    pub fn max_core_seconds(mut self, core_seconds: f64) -> Self {
        self.bounds.core_seconds = core_seconds;
        self
    }

    /// Keeps prepared inferences of so many bytes of memory for all clients together (any number, by default).
    pub fn max_prepared_bytes(mut self, bytes: u64) -> Self {
        self.bounds.prepared_bytes = bytes;
        self
    }

    /// Does so much for each client in a day (any amount, by default).
    pub fn budgets(mut self, budgets: Budgets) -> Self {
        self.admission.budgets = Some(Arc::new(budgets));
        self
    }

    /// Keeps as many prepared inferences for each client as take this many bytes of memory, but one at least (512 MiB).
    pub fn prepared_bytes(mut self, prepared_bytes: u64) -> Self {
        self.keeping.prepared_bytes = prepared_bytes;
        self
    }

    /// Keeps prepared inferences there for clients that want them in a later session (a [`Store`](crate::store::Store), say); none are
    /// kept by default.
    pub fn store(mut self, store: Arc<dyn Shelf>) -> Self {
        self.keeping.shelf = Some(store);
        self
    }

    /// Lets at most so many connections come from one address at the same time (as many as clients are served, and some that
    /// are told that there is no place).
    pub fn max_per_address(mut self, max_per_address: usize) -> Self {
        self.admission.max_per_address = Some(max_per_address);
        self
    }

    /// Gives clients up that take longer ([`Limits::DEFAULT`]).
    pub fn limits(mut self, limits: Limits) -> Self {
        self.admission.limits = limits;
        self
    }

    /// Takes clients up with TLS (without, by default).
    pub fn acceptance(mut self, acceptance: Acceptance) -> Self {
        self.admission.acceptance = acceptance;
        self
    }

    /// Serves clients that show one of these tokens alone (anybody, by default).
    pub fn tokens(self, tokens: Tokens) -> Self {
        Self { tokens: Some(tokens), ..self }
    }

    /// Tells `observer` what happens, beside other observers.
    pub fn observer(mut self, observer: impl ServerObserver + 'static) -> Self {
        self.observers.add(observer);
        self
    }

    /// Tells `departed` how each client's session ended, after all observers.
    pub fn departed(mut self, departed: impl Fn(Departure) + Send + Sync + 'static) -> Self {
        self.observers.set_departed(Arc::new(departed));
        self
    }

    /// The server.
    ///
    /// # Errors
    /// There are no plans, two of them have one name, or one wants keys of a length that protects nothing.
    pub fn build(mut self) -> Result<Server> {
        // Clients are told how much they may prepare.
        self.keeping.prepared_bytes = self.keeping.prepared_bytes.min(self.bounds.prepared_bytes);
        let offers = Offers::new(offers(self.plans, &self.keeping)?)?;
        offers.set_tokens(self.tokens);
        self.keeping.tell_offered(&offers.current());
        Ok(Server {
            offers,
            keeping: self.keeping,
            bounds: self.bounds,
            admission: self.admission,
            observers: self.observers,
        })
    }
}

/// A server that accepts clients in the background. Dropping it lets nobody else in; sessions that have begun go on to
/// their end. [`drain`](Self::drain) ends these, too.
pub struct Running {
    address: SocketAddr,
    hall: Hall,
    accepting: Option<JoinHandle<Result<()>>>,
}

impl Running {
    /// The address and port on which clients are accepted. If the listener asked for port 0, this is the one that the
    /// system chose.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many clients there are, and whether there is a place for another.
    pub fn standing(&self) -> Standing {
        self.hall.standing()
    }

    /// What says the same from other threads, also while the server ends.
    pub fn watcher(&self) -> impl Fn() -> Standing + Clone + Send + Sync + use<> {
        let hall = self.hall.clone();
        move || hall.standing()
    }

    /// Ends the server well. The listening socket is closed, so that whoever connects goes elsewhere. Clients that ask for nothing
    /// at the moment are told that the server ends, and so are the others when what they asked for, a preparation or an answer,
    /// is done; their calls fail with [`Error::Refused`]. When the time is over, connections that are left are cut off.
    ///
    /// Returns when nobody is left, at the latest a second after the time is over.
    pub fn drain(mut self, within: Duration) -> Drained {
        let present = self.hall.end();
        self.stop_listening();
        let cut = self.hall.drain(within);
        Drained { ended: present.saturating_sub(cut), cut }
    }

    fn stop_listening(&mut self) {
        let Some(accepting) = self.accepting.take() else { return };
        // The listener waits for a client; this is one.
        if TcpStream::connect_timeout(&reachable(self.address), WAKE_TIMEOUT).is_ok() {
            // A thread that panicked accepts nobody any more.
            let _ = accepting.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.hall.close();
        self.stop_listening();
    }
}

/// How a server came to its end. Connections whose TLS handshake was not finished count for neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that came to their end in time: what was asked for was done, and clients were told.
    pub ended: usize,
    /// Connections that were cut off when the time was over.
    pub cut: usize,
}

/// Where a listener on `address` is reached from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
