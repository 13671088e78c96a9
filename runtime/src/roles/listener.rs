//! Many clients at a time over TCP, a thread each.

use super::hall::Hall;
use super::server::{Budgets, Limits, Offers, Visit};
use super::watch::{Caller, Departure, End, Observers, customer};
use crate::channel::Acceptance;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How many clients are admitted, and how long each may take.
#[derive(Clone)]
pub struct Admission {
    /// Connections from one address at the same time, in handshakes or served; further ones are closed without a word. `None`:
    /// as many as are served, and some that are told that there is no place.
    pub max_per_address: Option<usize>,
    /// How long they may take.
    pub limits: Limits,
    /// How their connections are taken up.
    pub acceptance: Acceptance,
    /// How much each may ask for in a day.
    pub budgets: Option<Arc<Budgets>>,
}

/// Connections whose handshake is under way at the same time, beside those that are served: each takes a thread and little
/// memory, for as long as a handshake may take.
const ARRIVALS: usize = 256;
/// The same from one address, unless that is bounded otherwise.
const ARRIVALS_PER_ADDRESS: usize = 32;

/// Accepts clients until the `hall` is closed, which is looked at whenever one comes; one client's failure never touches
/// another. `observers` are told of each.
///
/// # Errors
/// The system gives no thread to begin with.
pub fn listen(
    offers: &Offers,
    listener: &TcpListener,
    admission: &Admission,
    hall: &Hall,
    observers: &Observers,
) -> Result<()> {
    let places = hall.standing().places;
    let arrivals = Arrivals::new(places + ARRIVALS);
    let usual = places + ARRIVALS_PER_ADDRESS;
    let addresses = Addresses::new(admission.max_per_address.unwrap_or(usual));
    let stranger = |address, end| {
        let caller = Caller { address, certificate: None, name: None };
        observers.departed(Departure::of_stranger(caller, end));
    };
    loop {
        let accepted = listener.accept();
        if hall.is_closed() {
            return Ok(());
        }
        let (stream, client) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                stranger(None, End::Failed(Error::io("cannot accept a client", error)));
                thread::sleep(Duration::from_millis(100)); // out of sockets, say: do not spin
                continue;
            }
        };
        let client = Some(client);
        let (Some(arrival), Some(connected)) = (arrivals.take(), addresses.take(client)) else {
            drop(stream);
            stranger(client, End::Crowded);
            continue;
        };
        let (offers, admission, hall) = (offers.clone(), admission.clone(), hall.clone());
        let observers = observers.clone();
        let attended = thread::Builder::new().spawn(move || {
            let visitor =
                Visitor { stream, caller: Caller { address: client, ..Caller::default() }, observers };
            visitor.attend(&offers, &admission, &hall, move || drop((arrival, connected)));
        });
        if let Err(error) = attended {
            stranger(client, End::Failed(Error::io("cannot start a thread", error)));
        }
    }
}

/// A client whose connection was accepted, and who is told of it.
struct Visitor {
    stream: TcpStream,
    caller: Caller,
    observers: Observers,
}

impl Visitor {
    /// Serves it; `leave` is called when its connection has ended, before the observers are told.
    fn attend(self, offers: &Offers, admission: &Admission, hall: &Hall, leave: impl FnOnce()) {
        let Self { stream, mut caller, observers } = self;
        let Admission { limits, acceptance, budgets, .. } = admission;
        let connection = match acceptance.accept(stream, limits.handshake, limits.message) {
            Ok(connection) => connection,
            Err(error) => {
                leave();
                return observers.departed(Departure::of_stranger(caller, End::Failed(error)));
            }
        };
        caller.certificate = connection.certificate();
        let (guest, connection) = hall.enter(connection);
        let mut visit = Visit::of(guest, *limits, caller, observers).within(budgets.clone());
        let served = catch_unwind(AssertUnwindSafe(|| offers.attend(connection, &mut visit)));
        let end = match served {
            Ok(Ok(Some(answered))) => End::Answered(answered),
            Ok(Ok(None)) => End::TurnedAway,
            Ok(Err(error)) => End::Failed(error),
            Err(_) => End::Failed(Error::Bug("a session panicked".into())),
        };
        leave();
        visit.depart(end); // before its guest leaves: when the hall is empty, all has been told
    }
}

/// How many connections there are from each address.
struct Addresses {
    most: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection from an address; dropping it makes room for another.
struct Connected {
    address: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Addresses {
    fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    fn take(&self, client: Option<SocketAddr>) -> Option<Connected> {
        let address = customer(client?.ip());
        let mut open = lock(&self.open);
        let count = open.get(&address).copied().unwrap_or(0);
        if count >= self.most {
            return None;
        }
        open.insert(address, count + 1);
        Some(Connected { address, open: Arc::clone(&self.open) })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        match open.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.address)),
        }
    }
}

/// Nothing panics while it holds the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many more connections there may be.
struct Arrivals(Arc<AtomicUsize>);

/// One of these; dropping it, also while a thread unwinds, makes room for another.
struct Arrival(Arc<AtomicUsize>);

impl Arrivals {
    fn new(most: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(most)))
    }

    fn take(&self) -> Option<Arrival> {
        let taken = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
        taken.is_ok().then(|| Arrival(Arc::clone(&self.0)))
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
