//! Many clients at a time over TCP, a thread each.

use super::server::Server;
use crate::channel::Acceptance;
use crate::error::{Error, Result};
use crate::observe::Silent;
use crate::protocol::message;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// How many clients are admitted, and how long each may take.
#[derive(Clone)]
pub struct Admission {
    /// Clients served at the same time; further ones are rejected with a reason.
    pub max_clients: usize,
    /// A client that takes longer than this over a message is given up.
    pub timeout: Duration,
    /// How their connections are taken up.
    pub acceptance: Acceptance,
}

/// What became of a client.
#[derive(Debug)]
pub struct Departure {
    /// Its address, where the system knows it.
    pub client: Option<SocketAddr>,
    /// How its connection ended.
    pub end: End,
}

/// Who is told what became of clients.
pub type Departed = Arc<dyn Fn(Departure) + Send + Sync>;

/// How a client's connection ended.
#[derive(Debug)]
pub enum End {
    /// It closed the connection after this many images.
    Answered(u64),
    /// There was no place for it.
    TurnedAway,
    /// It misbehaved or vanished, or the system failed.
    Failed(Error),
}

/// Clients that wait to be told that there is no place; more are dropped without a word.
const TURNED_AWAY: usize = 64;

/// How long a client that is rejected may take over it.
const FAREWELL: Duration = Duration::from_secs(1);

/// Accepts clients as long as `running`, which is looked at whenever one comes; one client's failure never touches
/// another. `departed` is told of each.
///
/// # Errors
/// The system gives no thread to begin with.
pub fn listen(
    server: &Server,
    listener: &TcpListener,
    admission: &Admission,
    running: &AtomicBool,
    departed: &Departed,
) -> Result<()> {
    let places = Places(Arc::new(AtomicUsize::new(admission.max_clients)));
    let turned_away = spawn_farewells(admission.acceptance.clone())?;
    loop {
        let accepted = listener.accept();
        if !running.load(Ordering::Acquire) {
            return Ok(());
        }
        let (stream, client) = match accepted {
            Ok((stream, client)) => (stream, Some(client)),
            Err(error) => {
                let end = End::Failed(Error::io("cannot accept a client", error));
                departed(Departure { client: None, end });
                thread::sleep(Duration::from_millis(100)); // out of sockets, say: do not spin
                continue;
            }
        };
        let Some(place) = places.take() else {
            // A full queue means many at once; this one sees its connection closed.
            let _ = turned_away.try_send(stream);
            departed(Departure { client, end: End::TurnedAway });
            continue;
        };
        let (server, admission, received) = (server.clone(), admission.clone(), Arc::clone(departed));
        let attended = thread::Builder::new().spawn(move || {
            let end = attend(&server, stream, &admission).map_or_else(End::Failed, End::Answered);
            drop(place);
            received(Departure { client, end });
        });
        if let Err(error) = attended {
            departed(Departure { client, end: End::Failed(Error::io("cannot start a thread", error)) });
        }
    }
}

fn attend(server: &Server, stream: TcpStream, admission: &Admission) -> Result<u64> {
    server.serve(admission.acceptance.accept(stream, admission.timeout)?, &mut Silent)
}

/// One thread tells all clients for which there is no place.
fn spawn_farewells(acceptance: Acceptance) -> Result<SyncSender<TcpStream>> {
    let (sender, receiver) = sync_channel(TURNED_AWAY);
    let spawned = thread::Builder::new().spawn(move || say_farewells(&acceptance, &receiver));
    spawned.map_err(|error| Error::io("cannot start a thread", error))?;
    Ok(sender)
}

fn say_farewells(acceptance: &Acceptance, streams: &Receiver<TcpStream>) {
    for stream in streams {
        // The client may be gone; nothing depends on it.
        let Ok(mut connection) = acceptance.accept(stream, FAREWELL) else { continue };
        if message::refuse(&mut connection, "it serves as many clients as it may; try again later").is_ok() {
            connection.close();
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
