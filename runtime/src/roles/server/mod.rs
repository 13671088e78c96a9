//! The server: holds the plan, serves clients.

mod admission;
mod blinded;
mod budget;
mod clock;
mod declined;
mod groups;
mod ledger;
mod offers;
mod pace;
mod products;
mod request;
mod shared;
mod stored;
mod today;
mod tokens;
mod visit;
mod work;

pub use budget::{Allowance, Budgets};
pub use offers::{Offer, Offers};
pub use pace::Limits;
pub use shared::MAX_PREPARED;
pub use tokens::Tokens;
pub use visit::Visit;

use super::watch::Observers;
use shared::Ahead;

use crate::channel::{Connection, Limit};
use crate::error::{PeerFault, Result};
use crate::message::Role;
use crate::observe::Observer;
use crate::paillier::{Pool, PublicKey, PublicRandomisers, SecureRng};
use crate::plan::{ValidPlan, Work, codec};
use crate::protocol::blinded::ServerContext;
use crate::protocol::hello::{Terms, Welcome};
use crate::protocol::message::{self, Message};
use crate::protocol::shared::online_messages::{communication, fitting, kept_bytes};
use crate::protocol::shared::randomisers::{Lengths, ReplyRandomisers};
use crate::store::{Shelf, StoreId};
use std::sync::Arc;

/// Ciphertexts whose check is one unit of work for a thread.
const CHECKS: usize = 32;

/// A plan, ready to be served to any number of clients.
#[derive(Clone)]
pub struct Server {
    plan: Arc<ValidPlan>,
    /// What clients see of the plan, as bytes: many may ask.
    view: Arc<[u8]>,
    view_digest: [u8; 32],
    max_prepared: usize,
    shelf: Option<Arc<dyn Shelf>>,
}

impl Server {
    /// A server of `plan` that keeps [`MAX_PREPARED`] prepared inferences for each client.
    pub fn new(plan: ValidPlan) -> Self {
        let view = codec::encode_view(plan.client_view()).into();
        let view_digest = codec::view_digest(plan.client_view());
        Self { plan: Arc::new(plan), view, view_digest, max_prepared: MAX_PREPARED, shelf: None }
    }

    /// Keeps at most so many prepared inferences for each client ([`MAX_PREPARED`] otherwise): what bounds the memory
    /// that clients can make it hold.
    pub fn with_max_prepared(self, max_prepared: usize) -> Self {
        Self { max_prepared: max_prepared.max(1), ..self }
    }

    /// Keeps prepared inferences there for clients that want them in a later session; without, these are told that it keeps none.
    pub fn with_shelf(self, shelf: Arc<dyn Shelf>) -> Self {
        Self { shelf: Some(shelf), ..self }
    }

    /// As many as take `bytes` of memory, but one at least and [`MAX_PREPARED`] at most.
    pub fn with_prepared_bytes(self, bytes: u64) -> Self {
        let count = match &self.plan.client_view().work {
            Work::Exchanges(_) => MAX_PREPARED,
            Work::Schedule(schedule) => fitting(schedule, &communication(schedule), Role::Server, bytes),
        };
        self.with_max_prepared(count.min(MAX_PREPARED))
    }

    /// Bytes of memory that it keeps of a prepared inference; 0 in suite `blinded`.
    pub fn bytes_of_prepared(&self) -> u64 {
        match &self.plan.client_view().work {
            Work::Exchanges(_) => 0,
            Work::Schedule(schedule) => kept_bytes(schedule, &communication(schedule), Role::Server),
        }
    }

    /// Prepared inferences that it keeps for each client at most.
    pub const fn max_prepared(&self) -> usize {
        self.max_prepared
    }

    /// The plan that clients are served, weights included.
    pub fn plan(&self) -> &ValidPlan {
        &self.plan
    }

    /// Serves one client until it closes the connection; returns the number of images answered.
    ///
    /// A client that misbehaves is told why before its connection is dropped.
    ///
    /// # Errors
    /// The client misbehaved or vanished, or the system failed. Other clients are not affected.
    pub fn serve(&self, connection: Connection, observer: &mut dyn Observer) -> Result<u64> {
        let mut visit = Visit::alone(None, Observers::default());
        let served = Offers::one(self.clone()).run(connection, &mut visit, observer)?;
        Ok(served.unwrap_or_default())
    }

    fn session(
        &self,
        connection: &mut Connection,
        key: PublicKey,
        visit: &mut Visit,
        observer: &mut dyn Observer,
    ) -> Result<u64> {
        let mut rng = SecureRng::from_os()?;
        let plan = self.plan.plan();
        let uses = plan.total_cost().rerandomisations as usize;
        match &self.plan.client_view().work {
            Work::Exchanges(work) => {
                let randomisers = PublicRandomisers::for_uses(&key, uses);
                let randomisers = Box::new(Pool::new(randomisers, uses, &mut rng));
                let context = ServerContext { key, randomisers, parameters: work.parameters };
                blinded::Session { plan, connection, context, rng, visit }.serve(observer)
            }
            Work::Schedule(schedule) => {
                let others = plan.setup.rerandomisations as usize;
                let lengths = Lengths::new(schedule, key.bits(), others);
                let randomisers = ReplyRandomisers::new(&key, lengths, &mut rng);
                let (max_prepared, ahead) = (self.max_prepared, Ahead::default());
                let online = communication(schedule);
                shared::Session {
                    plan,
                    id: self.plan.id(),
                    schedule,
                    online,
                    view: &self.view_digest,
                    max_prepared,
                    shelf: self.shelf.as_deref(),
                    connection,
                    key,
                    randomisers,
                    rng,
                    ahead,
                    visit,
                }
                .serve(observer)
            }
        }
    }

    /// Shows the client what it may see of the plan, and what it may ask for.
    fn welcome(&self, connection: &mut Connection, visit: &Visit) -> Result<()> {
        let max_prepared = u16::try_from(self.max_prepared).unwrap_or(u16::MAX);
        let store = self.shelf.as_ref().map_or(StoreId::NONE, |shelf| shelf.id());
        let terms = visit.terms(Terms { store, ..Terms::unlimited(max_prepared) });
        let welcome = Welcome { terms, view: &self.view };
        message::send(connection, Message::Welcome, welcome.to_bytes())
    }

    fn receive_key(&self, connection: &mut Connection) -> Result<PublicKey> {
        let bits = self.plan.plan().key_bits;
        let body =
            message::receive(connection, Message::Key, Limit::Exactly(bits.public_key_bytes() as u64))?;
        let key = PublicKey::from_bytes(&body, bits);
        key.map_err(|error| PeerFault::PublicKey(error.to_string()).into())
    }
}
