//! A client that an application holds.

use super::key::ClientKey;
#[cfg(feature = "tls")]
use crate::channel::tls;
use crate::channel::{CancellationToken, Once, Transport, Way};
use crate::error::{Error, InvalidInput, Result};
use crate::observe::{Observer, Silent, Spending};
use crate::plan::{ClientPlan, PlanId, PlanName};
use crate::protocol::hello::Wanted;
use crate::protocol::token::Token;
use crate::roles::client::{Opening, Patience, Prediction, Session};
use crate::store::Shelf;
use std::sync::Arc;
use std::time::Duration;

/// A session with a server that holds the network: raw images go in, predictions come out, and the server sees neither.
///
/// Calls block; give the client to a thread of its own where that matters (it is `Send`), and end a call from another
/// thread with a [`CancellationToken`]. Dropping the client ends the session at any point.
///
/// Where the server is lost or has no place, the client may come again ([`retry`](ClientBuilder::retry)).
pub struct Client {
    session: Session,
    opening: Opening,
    patience: Patience,
    /// The last call failed, and not for what it was given: the session may be over.
    has_failed: bool,
    /// What lost sessions took.
    lost: Spending,
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
        ClientBuilder::new(Way::Stream(Once::new(transport)))
    }

    /// The network's answer for raw pixels in the order channels, height, width, as many and in such a range as
    /// [`plan`](Self::plan)'s `input` says.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::InvalidInput) where the image does not fit, and the client remains usable.
    /// Otherwise the server refuses, misbehaves or vanishes, and the session is over.
    pub fn infer(&mut self, raw: &[f32]) -> Result<Prediction> {
        self.persist(|session, _, observer| session.infer(raw, observer))
    }

    /// The network's answers for several images, which take less together than one after the other: they are prepared in
    /// batches where the plan offers them, and travel in the same messages.
    ///
    /// # Errors
    /// As [`infer_each`](Self::infer_each); answers to images before the one that failed are lost.
    pub fn infer_all(&mut self, raw: &[&[f32]]) -> Result<Vec<Prediction>> {
        let mut predictions = Vec::with_capacity(raw.len());
        self.infer_each(raw, |prediction| predictions.push(prediction))?;
        Ok(predictions)
    }

    /// The same, handed to `take` in the order of the images and as soon as they are there, each once; so what is answered
    /// before something fails is not lost.
    ///
    /// # Errors
    /// As [`infer`](Self::infer), for the images that were not answered; where one image does not fit, nothing is sent.
    pub fn infer_each(&mut self, raw: &[&[f32]], mut take: impl FnMut(Prediction)) -> Result<()> {
        let mut answered = 0;
        self.persist(|session, patience, observer| {
            let rest = &raw[answered..];
            let mut count = |prediction| {
                answered += 1;
                patience.reset();
                take(prediction);
            };
            session.infer_each(rest, &mut count, observer)
        })
    }

    /// Does ahead what does not depend on the image, until `count` inferences are prepared, or as many as the server
    /// allows; says how many are. Those in a [`store`](ClientBuilder::store) come first. An image then takes the online phase only.
    /// Many together take less than one after the other, where the plan offers batches. In suite `blinded` nothing can be prepared.
    /// Where the server has too much to do, or the client's budget is spent, fewer are, and [`declined`](Self::declined) says why.
    ///
    /// # Errors
    /// The server prepares nothing and nothing is prepared; or it refuses, misbehaves or vanishes, and the session is over.
    pub fn prepare(&mut self, count: usize) -> Result<usize> {
        self.persist(|session, _, observer| session.prepare(count, observer))?;
        Ok(self.session.prepared())
    }

    /// What `ask` gives, in this session or, where it is lost and there is patience, in another.
    fn persist<T>(
        &mut self,
        ask: impl FnMut(&mut Session, &mut Patience, &mut dyn Observer) -> Result<T>,
    ) -> Result<T> {
        let outcome = self.try_again(ask);
        self.has_failed = matches!(&outcome, Err(error) if !matches!(error, Error::InvalidInput(_)));
        outcome
    }

    fn try_again<T>(
        &mut self,
        mut ask: impl FnMut(&mut Session, &mut Patience, &mut dyn Observer) -> Result<T>,
    ) -> Result<T> {
        loop {
            match ask(&mut self.session, &mut self.patience, &mut *self.observer) {
                Ok(answer) => {
                    self.patience.reset();
                    return Ok(answer);
                }
                Err(error) => {
                    let session = self.opening.again(error, &mut self.patience)?;
                    self.lost += std::mem::replace(&mut self.session, session).spending();
                }
            }
        }
    }

    /// Prepares inferences for later sessions, until the [`store`](ClientBuilder::store) holds `count` of this key and plan or
    /// the server keeps no more; says how many it holds. Later sessions under the same key use them before they prepare others.
    ///
    /// # Errors
    /// The server refuses, misbehaves or vanishes, and the session is over; or the store cannot be written.
    pub fn stock(&mut self, count: usize) -> Result<usize> {
        self.persist(|session, _, observer| session.stock(count, observer))
    }

    /// Number of inferences of this key and plan that the store holds; 0 without one.
    pub fn stored(&self) -> usize {
        self.session.stored()
    }

    /// Number of inferences that this session had from the store so far.
    pub fn recalled(&self) -> usize {
        self.session.recalled()
    }

    /// Puts what is prepared and not used into the [`store`](ClientBuilder::store), if there is one and the server keeps its half, and ends the
    /// session when all that was sent is written. A server that falls silent meanwhile is waited for as in other calls; after a call that
    /// failed nothing is put away. Dropping the client ends it at once, and the server may take that for a client
    /// that vanished.
    ///
    /// # Errors
    /// As [`stock`](Self::stock); the session is over in any case.
    pub fn close(mut self) -> Result<()> {
        let put_away = if self.has_failed { Ok(0) } else { self.session.put_away() };
        self.session.close();
        put_away.map(drop)
    }

    /// Why the server prepared fewer inferences than it was last asked to, in its words.
    pub fn declined(&self) -> Option<&str> {
        self.session.declined()
    }

    /// Number of inferences that are prepared and not yet used; always 0 in suite `blinded`.
    pub fn prepared(&self) -> usize {
        self.session.prepared()
    }

    /// What the server showed of its plan: its digest, the form of images, what is revealed.
    pub fn plan(&self) -> &ClientPlan {
        self.session.plan()
    }

    /// Seconds and bytes that were taken so far, offline and online, by sessions that were lost, too.
    pub fn spending(&self) -> Spending {
        [self.lost, self.session.spending()].into_iter().sum()
    }
}

/// What a [`Client`] is made from; everything but the way to the server has a default.
#[must_use = "nothing is sent before `open`"]
pub struct ClientBuilder {
    opening: Opening,
    /// The key is one that the caller keeps.
    has_key: bool,
    retry: Duration,
    observer: Box<dyn Observer>,
}

impl ClientBuilder {
    fn new(way: Way) -> Self {
        let opening = Opening::new(way, |plan| ClientKey::generate(plan.key_bits)?.holder(plan));
        Self { opening, has_key: false, retry: Duration::ZERO, observer: Box::new(Silent) }
    }

    /// Connects with TLS; over a stream of the caller's it changes nothing.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, connector: tls::Connector) -> Self {
        self.opening.way = self.opening.way.with_tls(connector);
        self
    }

    /// Connects to this machine alone, whatever the name of the server resolves to; with TLS, or over a stream of the caller's, it
    /// changes nothing.
    pub fn within_machine(mut self) -> Self {
        self.opening.way = self.opening.way.within_machine();
        self
    }

    /// Uses this key; otherwise one is made for the session and forgotten after it.
    pub fn key(self, key: ClientKey) -> Self {
        Self { opening: self.opening.under(move |plan| key.holder(plan)), has_key: true, ..self }
    }

    /// Insists on the plan with this digest; a server with another one refuses.
    pub fn plan(mut self, plan: PlanId) -> Self {
        self.opening.request.expected = Some(plan);
        self
    }

    /// Asks for the plan that the server calls so, of a server that has several.
    pub fn plan_called(mut self, name: PlanName) -> Self {
        self.opening.request.plan = Wanted::Name(name);
        self
    }

    /// Shows the server this token. Give it with [`tls`](Self::tls) alone: whoever reads the connection learns it.
    pub fn token(mut self, token: Token) -> Self {
        self.opening.request.token = Some(token);
        self
    }

    /// Gives a server up that takes longer than this over a message, computing included (ten minutes). Over a stream of
    /// the caller's, its own calls must not block longer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.opening.timeout = timeout;
        self
    }

    /// For so long after a failure [`open`](Self::open) and every later call try again, with growing pauses, where the server could
    /// not be reached, has no place, or was lost (never, by default); on a new connection, with new randomness, insisting on the same
    /// plan. An inference that had begun is asked again, and the server may count both. What was prepared is lost unless there is a
    /// [`store`](Self::store) here and there: [`prepared`](Client::prepared) says how much is left. Why that is safe, and what is never tried again, stands in
    /// `roles/client/patience.rs`. Over a stream of the caller's it changes nothing.
    pub fn retry(self, retry: Duration) -> Self {
        Self { retry, ..self }
    }

    /// Uses inferences that were prepared in earlier sessions under the same [`key`](Self::key) and lie in this store (a
    /// [`Store`](crate::store::Store), say), each once, before it prepares others; [`stock`](Client::stock) prepares for later ones. What
    /// is prepared and not used when a session is lost goes there, too.
    pub fn store(mut self, store: Arc<dyn Shelf>) -> Self {
        self.opening.shelf = Some(store);
        self
    }

    /// Tells `observer` of every step, for progress and measurements.
    pub fn observer(self, observer: impl Observer + 'static) -> Self {
        Self { observer: Box::new(observer), ..self }
    }

    /// Lets `token` end [`open`](Self::open) and every later call from another thread. Looking a name up, connecting (ten
    /// seconds an address at most) and making a key are not interrupted; the call ends after them.
    pub fn cancelled_by(mut self, token: &CancellationToken) -> Self {
        self.opening.cancellation = token.clone();
        self
    }

    /// Connects, learns the server's plan, and gives it the public key.
    ///
    /// # Errors
    /// There is a store and no key. Nobody answers, the server refuses or misbehaves, it has another plan than the one insisted on,
    /// or the key is not as long as the plan wants.
    pub fn open(self) -> Result<Client> {
        let Self { opening, has_key, retry, observer } = self;
        if opening.shelf.is_some() && !has_key {
            return Err(InvalidInput::StoreWithoutKey.into()); // nobody could ever ask for what is in it
        }
        let mut patience = Patience::new(if opening.way.can_repeat() { retry } else { Duration::ZERO });
        let session = opening.patiently(&mut patience)?;
        patience.reset();
        Ok(Client { session, opening, patience, has_failed: false, lost: Spending::default(), observer })
    }
}
