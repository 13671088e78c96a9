//! A server that an application holds.

use super::key::require_secure;
use crate::channel::{Acceptance, Connection, Transport};
use crate::error::{Error, Result};
use crate::plan::ValidPlan;
use crate::roles::listener::{Admission, Departed, Departure, listen};
use crate::roles::server::{self, Limits};
use crate::store::Shelf;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a listener that is to end is called.
const WAKE_TIMEOUT: Duration = Duration::from_secs(1);

/// A plan, ready to be served. Copies share it.
#[derive(Clone)]
pub struct Server {
    server: server::Server,
    admission: Admission,
    departed: Departed,
}

impl Server {
    /// Clients served at the same time, by default.
    pub const MAX_CLIENTS: usize = 16;
    /// Bytes of prepared inferences kept for each client, by default.
    pub const PREPARED_BYTES: u64 = 512 << 20;

    /// To be told how `plan` is served.
    pub fn builder(plan: ValidPlan) -> ServerBuilder {
        let admission = Admission {
            max_clients: Self::MAX_CLIENTS,
            max_per_address: None,
            limits: Limits::DEFAULT,
            acceptance: Acceptance::Plain,
        };
        ServerBuilder {
            plan,
            prepared_bytes: Self::PREPARED_BYTES,
            shelf: None,
            admission,
            departed: Arc::new(drop),
        }
    }

    /// The plan that clients are served, weights included.
    pub fn plan(&self) -> &ValidPlan {
        self.server.plan()
    }

    /// Bytes of memory that it keeps of an inference that a client has prepared; 0 in suite `blinded`.
    pub fn bytes_of_prepared(&self) -> u64 {
        self.server.bytes_of_prepared()
    }

    /// Inferences that each client may have prepared.
    pub const fn max_prepared(&self) -> usize {
        self.server.max_prepared()
    }

    /// Accepts clients for ever, a thread each; one client's failure never touches another.
    ///
    /// # Errors
    /// The system gives no thread to begin with.
    pub fn serve(&self, listener: &TcpListener) -> Result<()> {
        self.listen(listener, &AtomicBool::new(true))
    }

    /// The same in the background, until what is returned is dropped.
    ///
    /// # Errors
    /// The listener has no address, or the system gives no thread.
    pub fn start(&self, listener: TcpListener) -> Result<Running> {
        let address = listener.local_addr().map_err(|error| Error::io("cannot listen", error))?;
        let running = Arc::new(AtomicBool::new(true));
        let (server, theirs) = (self.clone(), Arc::clone(&running));
        let accepting = thread::Builder::new().spawn(move || server.listen(&listener, &theirs));
        let accepting = accepting.map_err(|error| Error::io("cannot start a thread", error))?;
        Ok(Running { address, running, accepting: Some(accepting) })
    }

    /// Serves one client over any stream until it closes it; the number of images answered.
    ///
    /// # Errors
    /// The client misbehaved or vanished, or the system failed.
    pub fn attend(&self, transport: Transport) -> Result<u64> {
        let limits = self.admission.limits;
        let connection = Connection::new(transport, Some(limits.message))?;
        Ok(self.server.serve_within(connection, limits, || Some(()))?.unwrap_or_default())
    }

    fn listen(&self, listener: &TcpListener, running: &AtomicBool) -> Result<()> {
        listen(&self.server, listener, &self.admission, running, &self.departed)
    }
}

/// What a [`Server`] is made from; everything but the plan has a default.
#[must_use = "nothing is served before `build`"]
pub struct ServerBuilder {
    plan: ValidPlan,
    prepared_bytes: u64,
    shelf: Option<Arc<dyn Shelf>>,
    admission: Admission,
    departed: Departed,
}

impl ServerBuilder {
    /// Serves at most so many clients at the same time (16); further ones are told so.
    pub fn max_clients(mut self, max_clients: usize) -> Self {
        self.admission.max_clients = max_clients;
        self
    }

    /// Keeps as many prepared inferences for each client as take this many bytes of memory, but one at least (512 MiB).
    pub fn prepared_bytes(self, prepared_bytes: u64) -> Self {
        Self { prepared_bytes, ..self }
    }

    /// Keeps prepared inferences there for clients that want them in a later session (a [`Store`](crate::store::Store), say); none are
    /// kept by default.
    pub fn store(self, store: Arc<dyn Shelf>) -> Self {
        Self { shelf: Some(store), ..self }
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

    /// Tells `departed` how each client's session ended.
    pub fn departed(self, departed: impl Fn(Departure) + Send + Sync + 'static) -> Self {
        Self { departed: Arc::new(departed), ..self }
    }

    /// The server.
    ///
    /// # Errors
    /// The plan wants keys of a length that protects nothing.
    pub fn build(self) -> Result<Server> {
        require_secure(self.plan.plan().key_bits)?;
        let server = server::Server::new(self.plan).with_prepared_bytes(self.prepared_bytes);
        let server = match self.shelf {
            Some(shelf) => server.with_shelf(shelf),
            None => server,
        };
        Ok(Server { server, admission: self.admission, departed: self.departed })
    }
}

/// A server that accepts clients in the background. Dropping it lets nobody else in; sessions that have begun go on to
/// their end.
pub struct Running {
    address: SocketAddr,
    running: Arc<AtomicBool>,
    accepting: Option<JoinHandle<Result<()>>>,
}

impl Running {
    /// The address and port on which clients are accepted. If the listener asked for port 0, this is the one that the
    /// system chose.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.running.store(false, Ordering::Release);
        // The listener waits for a client; this is one.
        let woken = TcpStream::connect_timeout(&reachable(self.address), WAKE_TIMEOUT);
        if let (Ok(_), Some(accepting)) = (woken, self.accepting.take()) {
            // A thread that panicked accepts nobody any more.
            let _ = accepting.join();
        }
    }
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
