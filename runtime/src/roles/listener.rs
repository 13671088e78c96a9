//! Many clients at a time over TCP, a thread each.

use super::server::Server;
use crate::channel::tcp;
use crate::error::Result;
use crate::observe::Silent;
use crate::protocol::message;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How clients are admitted.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// Clients served at the same time; further ones are refused with a reason.
    pub max_clients: usize,
    /// A client that sends or takes nothing for this long is given up.
    pub timeout: Duration,
}

/// What became of a client.
#[derive(Debug)]
pub struct Departure {
    /// Its address, where the system knows it.
    pub client: Option<SocketAddr>,
    /// The number of images answered, or why it was dropped.
    pub outcome: Result<u64>,
}

/// Accepts clients for ever; one client's failure never touches another. `departed` hears of each.
pub fn listen(
    server: &Server,
    listener: &TcpListener,
    admission: Admission,
    departed: impl Fn(Departure) + Send + Sync + 'static,
) -> ! {
    let departed = Arc::new(departed);
    let places = Places(Arc::new(AtomicUsize::new(admission.max_clients)));
    loop {
        let (stream, client) = match listener.accept() {
            Ok((stream, client)) => (stream, Some(client)),
            Err(error) => {
                let outcome = Err(crate::Error::io("cannot accept a client", error));
                departed(Departure { client: None, outcome });
                thread::sleep(Duration::from_millis(100)); // out of sockets, say: do not spin
                continue;
            }
        };
        let (server, departed, place) = (server.clone(), Arc::clone(&departed), places.take());
        thread::spawn(move || {
            let outcome = attend(&server, stream, place.as_ref(), admission.timeout);
            departed(Departure { client, outcome });
        });
    }
}

fn attend(server: &Server, stream: TcpStream, place: Option<&Place>, timeout: Duration) -> Result<u64> {
    let mut connection = tcp::accept(stream, timeout)?;
    match place {
        Some(_) => server.serve(connection, &mut Silent),
        None => {
            message::refuse(&mut connection, "it serves as many clients as it may; try again later")?;
            connection.close();
            Ok(0)
        }
    }
}

/// Places that are still free.
struct Places(Arc<AtomicUsize>);

/// A place in use; dropping it, also while a thread unwinds, frees it.
struct Place(Arc<AtomicUsize>);

impl Places {
    fn take(&self) -> Option<Place> {
        let taken = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
        taken.is_ok().then(|| Place(Arc::clone(&self.0)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
