//! A client that an application holds.

use super::key::ClientKey;
#[cfg(feature = "tls")]
use crate::channel::tls;
use crate::channel::{CancellationToken, Connection, Transport, tcp};
use crate::error::Result;
use crate::observe::{Observer, Silent, Spending};
use crate::plan::{ClientPlan, PlanId};
use crate::roles::client::{self, Prediction, Session};
use crate::store::Shelf;
use std::sync::Arc;
use std::time::Duration;

/// A session with a server that holds the network: raw images go in, predictions come out, and the server sees neither.
///
/// Calls block; give the client to a thread of its own where that matters (it is `Send`), and end a call from another
/// thread with a [`CancellationToken`]. Dropping the client ends the session at any point.
pub struct Client {
    session: Session,
    observer: Box<dyn Observer>,
}

impl Client {
    /// To be told how to reach the server at `address` (HOST:PORT); nothing is sent before
    /// [`open`](ClientBuilder::open).
    pub fn connect(address: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(Way::Tcp(address.into()))
    }

    /// The same over any stream, such as one end of [`memory::pair`](crate::channel::memory::pair).
    pub fn over(transport: Transport) -> ClientBuilder {
        ClientBuilder::new(Way::Stream(transport))
    }

    /// The network's answer for raw pixels in the order channels, height, width, as many and in such a range as
    /// [`plan`](Self::plan)'s `input` says.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::InvalidInput) where the image does not fit, and the client remains usable.
    /// Otherwise the server refuses, misbehaves or vanishes, and the session is over.
    pub fn infer(&mut self, raw: &[f32]) -> Result<Prediction> {
        self.session.infer(raw, &mut *self.observer)
    }

    /// The network's answers for several images, which take less together than one after the other: they are prepared in
    /// batches where the plan offers them, and travel in the same messages.
    ///
    /// # Errors
    /// As [`infer`](Self::infer); where one image does not fit, nothing is sent. Where the server vanishes, all answers are lost.
    pub fn infer_all(&mut self, raw: &[&[f32]]) -> Result<Vec<Prediction>> {
        self.session.infer_all(raw, &mut *self.observer)
    }

    /// Does ahead what does not depend on the image, until `count` inferences are prepared, or as many as the server
    /// allows; says how many are. Those in a [`store`](ClientBuilder::store) come first. An image then takes the online phase only. Many together take less than one after the
    /// other, where the plan offers batches. In suite `blinded` nothing can be prepared.
    ///
    /// # Errors
    /// The server refuses, misbehaves or vanishes, and the session is over.
    pub fn prepare(&mut self, count: usize) -> Result<usize> {
        self.session.prepare(count, &mut *self.observer)?;
        Ok(self.session.prepared())
    }

    /// Prepares inferences for later sessions, until the [`store`](ClientBuilder::store) holds `count` of this key and plan or
    /// the server keeps no more; says how many it holds. Later sessions under the same key use them before they prepare others.
    ///
    /// # Errors
    /// The server refuses, misbehaves or vanishes, and the session is over; or the store cannot be written.
    pub fn stock(&mut self, count: usize) -> Result<usize> {
        self.session.stock(count, &mut *self.observer)
    }

    /// Number of inferences of this key and plan that the store holds; 0 without one.
    pub fn stored(&self) -> usize {
        self.session.stored()
    }

    /// Ends the session when all that was sent is written. Dropping the client ends it at once, and the server may take that
    /// for a client that vanished.
    pub fn close(self) {
        self.session.close();
    }

    /// Number of inferences that are prepared and not yet used; always 0 in suite `blinded`.
    pub fn prepared(&self) -> usize {
        self.session.prepared()
    }

    /// What the server showed of its plan: its digest, the form of images, what is revealed.
    pub fn plan(&self) -> &ClientPlan {
        self.session.plan()
    }

    /// Seconds and bytes that the session has taken so far, offline and online.
    pub fn spending(&self) -> Spending {
        self.session.spending()
    }
}

/// How a server is reached.
enum Way {
    Tcp(String),
    #[cfg(feature = "tls")]
    Tls(String, tls::Connector),
    Stream(Transport),
}

/// What a [`Client`] is made from; everything but the way to the server has a default.
#[must_use = "nothing is sent before `open`"]
pub struct ClientBuilder {
    way: Way,
    key: Option<ClientKey>,
    plan: Option<PlanId>,
    timeout: Duration,
    shelf: Option<Arc<dyn Shelf>>,
    observer: Box<dyn Observer>,
    cancellation: CancellationToken,
}

impl ClientBuilder {
    fn new(way: Way) -> Self {
        Self {
            way,
            key: None,
            plan: None,
            timeout: tcp::DEFAULT_TIMEOUT,
            shelf: None,
            observer: Box::new(Silent),
            cancellation: CancellationToken::new(),
        }
    }

    /// Connects with TLS; over a stream of the caller's it changes nothing.
    #[cfg(feature = "tls")]
    pub fn tls(self, connector: tls::Connector) -> Self {
        match self.way {
            Way::Tcp(address) | Way::Tls(address, _) => Self { way: Way::Tls(address, connector), ..self },
            Way::Stream(_) => self,
        }
    }

    /// Uses this key; otherwise one is made for the session and forgotten after it.
    pub fn key(self, key: ClientKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Insists on the plan with this digest; a server with another one refuses.
    pub fn plan(self, plan: PlanId) -> Self {
        Self { plan: Some(plan), ..self }
    }

    /// Gives a server up that takes longer than this over a message, computing included (ten minutes). Over a stream of
    /// the caller's, its own calls must not block longer.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Uses inferences that were prepared in earlier sessions under the same [`key`](Self::key) and lie in this store (a
    /// [`Store`](crate::store::Store), say), each once, before it prepares others; [`stock`](Client::stock) prepares for later ones.
    pub fn store(self, store: Arc<dyn Shelf>) -> Self {
        Self { shelf: Some(store), ..self }
    }

    /// Tells `observer` of every step, for progress and measurements.
    pub fn observer(self, observer: impl Observer + 'static) -> Self {
        Self { observer: Box::new(observer), ..self }
    }

    /// Lets `token` end [`open`](Self::open) and every later call from another thread. Looking a name up, connecting (ten
    /// seconds an address at most) and making a key are not interrupted; the call ends after them.
    pub fn cancelled_by(self, token: &CancellationToken) -> Self {
        Self { cancellation: token.clone(), ..self }
    }

    /// Connects, learns the server's plan, and gives it the public key.
    ///
    /// # Errors
    /// Nobody answers, the server refuses or misbehaves, it has another plan than the one insisted on, or the key is not
    /// as long as the plan wants.
    pub fn open(self) -> Result<Client> {
        let connection = match self.way {
            Way::Tcp(address) => tcp::connect(&address, self.timeout)?,
            #[cfg(feature = "tls")]
            Way::Tls(address, connector) => connector.connect(&address, self.timeout)?,
            Way::Stream(transport) => Connection::new(transport, Some(self.timeout))?,
        };
        let greeting = client::greet(connection.cancelled_by(&self.cancellation), self.plan)?;
        let key = match self.key {
            Some(key) => key,
            None => ClientKey::generate(greeting.plan().key_bits)?,
        };
        let holder = key.holder(greeting.plan())?;
        let session = greeting.with_key(holder)?;
        let session = match self.shelf {
            Some(shelf) => session.with_shelf(shelf),
            None => session,
        };
        Ok(Client { session, observer: self.observer })
    }
}
