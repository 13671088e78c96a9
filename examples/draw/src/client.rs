//! The client: has the key, prepares while nobody draws, and asks about drawings.

use crate::digit::Pixels;
use crate::event::{Event, State};
use crate::journal::{Journal, Party};
use crate::tap::{Told, tap};
use popcorn::observe::StepReport;
use popcorn::{ClientKey, Error, KeyBits, Observer, Result};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Instant;

/// How drawings reach the client; one may wait.
pub(crate) type Drawings = SyncSender<Pixels>;

/// Starts the client, which connects to the server at `address` and waits for drawings.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn start(address: String, journal: Arc<Journal>) -> std::io::Result<Drawings> {
    let (sender, drawings) = mpsc::sync_channel(1);
    let client = Client { address, journal, key: None, session: None };
    thread::Builder::new().name("client".into()).spawn(move || client.run(&drawings))?;
    Ok(sender)
}

struct Client {
    address: String,
    journal: Arc<Journal>,
    /// Made once, for all sessions.
    key: Option<ClientKey>,
    /// None before the first, and where one was lost.
    session: Option<popcorn::Client>,
}

impl Client {
    fn run(mut self, drawings: &Receiver<Pixels>) {
        self.attempt(Self::prepare);
        while let Ok(pixels) = drawings.recv() {
            self.tell(Event::Image { pixels: pixels.to_vec() });
            self.attempt(|client| {
                // A session that nobody used for an hour is over: another one is as good.
                let is_old = client.session.is_some();
                client.ask(&pixels).or_else(|error| if is_old { client.ask(&pixels) } else { Err(error) })
            });
            self.attempt(Self::prepare);
        }
    }

    /// Does `work`; where that fails, the next attempt is made in a new session.
    fn attempt(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) {
        if let Err(error) = work(self) {
            self.session = None;
            self.tell(Event::Failed { why: error.to_string() });
        }
    }

    fn prepare(&mut self) -> Result<()> {
        let mut session = self.take_session()?;
        self.tell(Event::State { state: State::Preparing });
        session.prepare(1)?;
        self.session = Some(session);
        self.tell(Event::State { state: State::Ready });
        Ok(())
    }

    fn ask(&mut self, pixels: &Pixels) -> Result<()> {
        let mut session = self.take_session()?;
        self.tell(Event::State { state: State::Asking });
        let begun = Instant::now();
        let answer = session.infer(&pixels.map(f32::from))?;
        let milliseconds = 1e3 * begun.elapsed().as_secs_f64();
        self.tell(Event::Answer { label: answer.label(), scores: answer.logits, milliseconds });
        self.session = Some(session);
        Ok(())
    }

    /// The session that there is, or a new one.
    fn take_session(&mut self) -> Result<popcorn::Client> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        self.tell(Event::State { state: State::Connecting });
        let key = self.key()?;
        let failed = |error| Error::io(format!("cannot connect to {}", self.address), error);
        let stream = TcpStream::connect(&self.address).map_err(failed)?;
        let journal = Arc::clone(&self.journal);
        let told: Told = Arc::new(move |event| journal.add(Party::Client, event));
        let observer = Progress { journal: Arc::clone(&self.journal), done: 0, total: 0 };
        let transport = tap(stream, &told).map_err(failed)?;
        let session = popcorn::Client::over(transport).key(key).observer(observer).open()?;
        let (plan, key_bits) = (session.plan().id.to_string(), session.plan().key_bits.get());
        self.tell(Event::Plan { plan, key_bits });
        Ok(session)
    }

    fn key(&mut self) -> Result<ClientKey> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        Ok(self.key.insert(ClientKey::generate(KeyBits::default())?).clone())
    }

    fn tell(&self, event: Event) {
        self.journal.add(Party::Client, event);
    }
}

/// Tells how far a session is.
struct Progress {
    journal: Arc<Journal>,
    done: usize,
    total: usize,
}

impl Progress {
    fn tell(&self) {
        self.journal.add(Party::Client, Event::Progress { done: self.done, total: self.total });
    }
}

impl Observer for Progress {
    fn begin(&mut self, total: usize) {
        (self.done, self.total) = (0, total);
        self.tell();
    }

    fn step(&mut self, _: StepReport) {
        self.done += 1;
        self.tell();
    }
}
