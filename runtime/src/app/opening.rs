//! How a client opens its sessions: the first, and those after it.

use super::key::ClientKey;
#[cfg(feature = "tls")]
use crate::channel::tls;
use crate::channel::{CancellationToken, Connection, Transport, tcp};
use crate::error::{InvalidInput, PeerFault, Result};
use crate::roles::client::{Patience, Request, Session};
use crate::store::Shelf;
use std::sync::Arc;
use std::time::Duration;

/// How a server is reached.
pub(super) enum Way {
    Tcp(String),
    /// This machine alone.
    WithinMachine(String),
    #[cfg(feature = "tls")]
    Tls(String, tls::Connector),
    /// Once.
    Stream(Option<Transport>),
}

/// All that sessions of a client have in common.
pub(super) struct Opening {
    way: Way,
    /// `None`: a new one for each session.
    pub(super) key: Option<ClientKey>,
    /// What is asked of the server: from the second session on, the plan of the first.
    pub(super) request: Request,
    pub(super) timeout: Duration,
    /// Inferences that were prepared in other sessions.
    pub(super) shelf: Option<Arc<dyn Shelf>>,
    pub(super) cancellation: CancellationToken,
}

impl Opening {
    pub(super) fn new(way: Way) -> Self {
        let cancellation = CancellationToken::new();
        let request = Request::default();
        Self { way, key: None, request, timeout: tcp::DEFAULT_TIMEOUT, shelf: None, cancellation }
    }

    /// The same with TLS; over a stream of the caller's nothing changes.
    #[cfg(feature = "tls")]
    pub(super) fn tls(self, connector: tls::Connector) -> Self {
        let way = match self.way {
            Way::Tcp(address) | Way::WithinMachine(address) | Way::Tls(address, _) => {
                Way::Tls(address, connector)
            }
            stream @ Way::Stream(_) => stream,
        };
        Self { way, ..self }
    }

    /// The same to this machine alone, where there is no TLS.
    pub(super) fn within_machine(self) -> Self {
        let way = match self.way {
            Way::Tcp(address) => Way::WithinMachine(address),
            other => other,
        };
        Self { way, ..self }
    }

    /// Refuses a store without a key, whose halves nobody could ever ask for.
    pub(super) fn check(&self) -> Result<()> {
        let is_lost = self.shelf.is_some() && self.key.is_none();
        if is_lost { Err(InvalidInput::StoreWithoutKey.into()) } else { Ok(()) }
    }

    /// Whether there can be a second session.
    pub(super) const fn can_repeat(&self) -> bool {
        !matches!(self.way, Way::Stream(_))
    }

    /// A session, as soon as there is one.
    ///
    /// # Errors
    /// As [`Patience::pause`].
    pub(super) fn patiently(&mut self, patience: &mut Patience) -> Result<Session> {
        let token = self.cancellation.clone();
        patience.keep_trying(&token, || self.session())
    }

    fn session(&mut self) -> Result<Session> {
        let connection = self.connect()?.cancelled_by(&self.cancellation);
        let greeting = self.request.clone().greet(connection)?;
        let plan = greeting.plan();
        self.request.insist_on(plan.id);
        let key = self.key.clone().map_or_else(|| ClientKey::generate(plan.key_bits), Ok)?;
        let holder = key.holder(plan)?;
        let session = greeting.with_key(holder)?;
        Ok(match &self.shelf {
            Some(shelf) => session.with_shelf(Arc::clone(shelf)),
            None => session,
        })
    }

    fn connect(&mut self) -> Result<Connection> {
        match &mut self.way {
            Way::Tcp(address) => tcp::connect(address, self.timeout),
            Way::WithinMachine(address) => tcp::connect_within_machine(address, self.timeout),
            #[cfg(feature = "tls")]
            Way::Tls(address, connector) => connector.connect(address, self.timeout),
            Way::Stream(stream) => {
                let stream = stream.take().ok_or(PeerFault::HungUp("a stream"))?;
                Connection::new(stream, Some(self.timeout))
            }
        }
    }
}
