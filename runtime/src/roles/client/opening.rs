//! How a client opens its sessions: the first, those in place of lost ones, and those at the same time.

use super::Session;
use super::greeting::{Greeting, Request};
use super::patience::Patience;
use crate::channel::{CancellationToken, Way, tcp};
use crate::error::{Error, Result};
use crate::paillier::HolderKey;
use crate::plan::{ClientPlan, PlanId};
use crate::store::Shelf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Gives the key for a session of a plan.
type KeySource = Box<dyn Fn(&ClientPlan) -> Result<Arc<HolderKey>> + Send + Sync>;

/// Asks a server for its plan by calling what it is given, and shows that.
type Showing = Box<dyn Fn(&mut dyn FnMut() -> Result<Greeting>) -> Result<Greeting> + Send + Sync>;

/// All that sessions of a client have in common. Threads may share it.
pub struct Opening {
    /// How the server is reached.
    pub way: Way,
    /// What is asked of the server. Once it has shown its plan, that plan is insisted on.
    pub request: Request,
    /// A server that takes longer over a message is given up (ten minutes).
    pub timeout: Duration,
    /// Inferences that were prepared in other sessions, and are used before others are prepared.
    pub shelf: Option<Arc<dyn Shelf>>,
    /// Ends opening, and the sessions themselves.
    pub cancellation: CancellationToken,
    key: KeySource,
    showing: Showing,
    /// That of the first session.
    plan: OnceLock<PlanId>,
}

impl Opening {
    /// Sessions with any plan of the server there, under what `key` gives for it each time.
    pub fn new(
        way: Way,
        key: impl Fn(&ClientPlan) -> Result<Arc<HolderKey>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            way,
            request: Request::default(),
            timeout: tcp::DEFAULT_TIMEOUT,
            shelf: None,
            cancellation: CancellationToken::new(),
            key: Box::new(key),
            showing: Box::new(|ask| ask()),
            plan: OnceLock::new(),
        }
    }

    /// The same under what `key` gives.
    #[must_use]
    pub fn under(self, key: impl Fn(&ClientPlan) -> Result<Arc<HolderKey>> + Send + Sync + 'static) -> Self {
        Self { key: Box::new(key), ..self }
    }

    /// The same where `showing` asks servers for their plans, by calling what it is given, so that a user sees it.
    #[must_use]
    pub fn shown(
        self,
        showing: impl Fn(&mut dyn FnMut() -> Result<Greeting>) -> Result<Greeting> + Send + Sync + 'static,
    ) -> Self {
        Self { showing: Box::new(showing), ..self }
    }

    /// A session, as soon as there is one.
    ///
    /// # Errors
    /// As [`Patience::pause`], of what [`session`](Self::session) gives.
    pub fn patiently(&self, patience: &mut Patience) -> Result<Session> {
        patience.keep_trying(&self.cancellation, || self.session(&self.cancellation))
    }

    /// A session in place of one that `error` has ended.
    ///
    /// # Errors
    /// As [`patiently`](Self::patiently); `error` itself where no other session would be of use.
    pub fn again(&self, error: Error, patience: &mut Patience) -> Result<Session> {
        patience.pause(error, &self.cancellation)?;
        self.patiently(patience)
    }

    /// A session, at the first attempt; `cancellation` ends that and the session itself.
    ///
    /// # Errors
    /// The server cannot be reached ([`Way::connect`]), shows no such plan ([`Request::greet`]), or does not take the key
    /// ([`Greeting::with_key`]); or there is no key.
    pub fn session(&self, cancellation: &CancellationToken) -> Result<Session> {
        let greeting = (self.showing)(&mut || self.greet(cancellation))?;
        let key = (self.key)(greeting.plan())?;
        let session = greeting.with_key(key)?;
        Ok(match &self.shelf {
            Some(shelf) => session.with_shelf(Arc::clone(shelf)),
            None => session,
        })
    }

    fn greet(&self, cancellation: &CancellationToken) -> Result<Greeting> {
        let mut request = self.request.clone();
        if let Some(&plan) = self.plan.get() {
            request.insist_on(plan);
        }
        let connection = self.way.connect(self.timeout)?.cancelled_by(cancellation);
        let greeting = request.greet(connection)?;
        self.plan.get_or_init(|| greeting.plan().id);
        Ok(greeting)
    }
}
