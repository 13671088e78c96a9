//! The plans that a server offers, and how a client comes to one of them.

use super::tokens::Tokens;
use super::{Server, Visit, declined};
use crate::channel::{Connection, Limit};
use crate::error::{Error, InvalidInput, PeerFault, Result};
use crate::observe::{Observer, Silent};
use crate::paillier::PublicKey;
use crate::plan::PlanName;
use crate::protocol::hello::{HELLO_BYTES, Hello, Listed, MAX_PLANS, Wanted};
use crate::protocol::message::{self, Message};
use std::sync::{Arc, PoisonError, RwLock};

/// A plan and what it is called.
#[derive(Clone)]
pub struct Offer {
    /// By which clients ask for it.
    pub name: PlanName,
    /// What answers them.
    pub server: Server,
}

/// The plans that a server offers. Copies are the same offers.
#[derive(Clone)]
pub struct Offers {
    current: Arc<RwLock<Arc<[Offer]>>>,
    tokens: Arc<RwLock<Option<Arc<Tokens>>>>,
}

impl Offers {
    /// At least one plan, whose names differ.
    ///
    /// # Errors
    /// [`InvalidInput::Offers`].
    pub fn new(offers: Vec<Offer>) -> Result<Self> {
        check(&offers)?;
        Ok(Self { current: Arc::new(RwLock::new(offers.into())), tokens: Arc::default() })
    }

    /// One plan, called like its model.
    pub fn one(server: Server) -> Self {
        let name = PlanName::like(&server.plan().plan().name);
        Self { current: Arc::new(RwLock::new([Offer { name, server }].into())), tokens: Arc::default() }
    }

    /// Lets in clients with one of these tokens alone from now on, or anybody.
    pub fn set_tokens(&self, tokens: Option<Tokens>) {
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens.map(Arc::new);
    }

    /// What is offered now.
    pub fn current(&self) -> Arc<[Offer]> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Offers these from now on; sessions that have begun go on with the plan that they began with.
    ///
    /// # Errors
    /// As [`new`](Self::new); then what was offered is offered still.
    pub fn replace(&self, offers: Vec<Offer>) -> Result<()> {
        check(&offers)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = offers.into();
        Ok(())
    }

    /// Serves one client within the limits of a visit: it gets a place once it has sent its key, which is kept until the session ends.
    /// The number of images answered; `None` where there was no place, which the client is told.
    ///
    /// # Errors
    /// As [`Server::serve`]; [`Error::Ending`] where the server ends before the client does.
    pub fn attend(&self, connection: Connection, visit: &mut Visit) -> Result<Option<u64>> {
        self.run(connection, visit, &mut Silent)
    }

    pub(super) fn run(
        &self,
        mut connection: Connection,
        visit: &mut Visit,
        observer: &mut dyn Observer,
    ) -> Result<Option<u64>> {
        let outcome = self.admitted(&mut connection, visit, observer);
        let reason = match &outcome {
            Ok(Some(_)) => None,
            Ok(None) => Some(format!("it serves as many clients as it may; {}", message::TRY_LATER)),
            Err(error) => Some(self.reason(error)),
        };
        if let Some(reason) = reason {
            // The client may be gone; the error that counts is the first one.
            let _ = message::refuse(&mut connection, &reason);
        }
        visit.leave(&connection);
        connection.close();
        outcome
    }

    fn admitted(
        &self,
        connection: &mut Connection,
        visit: &mut Visit,
        observer: &mut dyn Observer,
    ) -> Result<Option<u64>> {
        let greeted = self.shake_hands(connection, visit).map_err(|error| visit.greeted(error))?;
        let Some((server, key)) = greeted else { return Ok(Some(0)) };
        let Some(_place) = visit.enter(server.plan().id(), server.bytes_of_prepared()) else {
            return Ok(None);
        };
        server.session(connection, key, visit, observer).map(Some)
    }

    /// `None` where the client wanted a list alone.
    fn shake_hands(
        &self,
        connection: &mut Connection,
        visit: &mut Visit,
    ) -> Result<Option<(Server, PublicKey)>> {
        visit.shake_hands(connection)?;
        let body = message::receive(connection, Message::Hello, Limit::AtMost(HELLO_BYTES as u64))?;
        let Hello { wanted, token } = Hello::from_bytes(&body)?;
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(tokens) = tokens {
            visit.name_caller(tokens.client(token.as_ref())?);
        }
        let offers = self.current();
        if wanted == Wanted::List {
            message::send(connection, Message::Plans, list(&offers))?;
            return Ok(None);
        }
        let server = chosen(&offers, wanted)?.clone();
        server.welcome(connection, visit)?;
        visit.shake_hands(connection)?;
        let key = server.receive_key(connection)?;
        Ok(Some((server, key)))
    }

    /// What a client is told of an error; nothing of what happened inside the server.
    fn reason(&self, error: &Error) -> String {
        match error {
            Error::PeerMisbehaved(PeerFault::OtherPlan(wanted)) => {
                format!("it does not offer {wanted}, but {}", described(&self.current()))
            }
            Error::PeerMisbehaved(fault) => format!("the client misbehaved: {fault}"),
            Error::SessionOver(_) | Error::Idle(_) => format!("{error}; {}", message::OPEN_ANOTHER),
            Error::Ending => format!("it is ending; {}", message::TRY_ANOTHER),
            other => declined::reason(other).unwrap_or_else(|| "it failed".into()),
        }
    }
}

fn check(offers: &[Offer]) -> Result<()> {
    let mut names: Vec<&PlanName> = offers.iter().map(|offer| &offer.name).collect();
    names.sort();
    let what = match names.windows(2).find(|pair| pair[0] == pair[1]) {
        _ if offers.is_empty() => "there are none".into(),
        _ if offers.len() > MAX_PLANS => format!("there are {}, at most {MAX_PLANS}", offers.len()),
        Some(pair) => format!("two of them are called {}", pair[0]),
        None => return Ok(()),
    };
    Err(InvalidInput::Offers(what).into())
}

fn chosen(offers: &[Offer], wanted: Wanted) -> std::result::Result<&Server, PeerFault> {
    let found = match (&wanted, offers) {
        (Wanted::Any, [only]) => Some(only),
        (Wanted::Any | Wanted::List, _) => None,
        (Wanted::Id(id), _) => offers.iter().find(|offer| offer.server.plan().id() == *id),
        (Wanted::Name(name), _) => offers.iter().find(|offer| offer.name == *name),
    };
    found.map(|offer| &offer.server).ok_or_else(|| PeerFault::OtherPlan(wanted.to_string()))
}

fn list(offers: &[Offer]) -> Vec<u8> {
    let listed = |offer: &Offer| Listed { name: offer.name.clone(), id: offer.server.plan().id() };
    Listed::to_bytes(&offers.iter().map(listed).collect::<Vec<_>>())
}

/// `plan 77a2…` of one, `mnist, cifar10 and 3 more (--plan)` of several.
fn described(offers: &[Offer]) -> String {
    const SHOWN: usize = 8;
    match offers {
        [only] => format!("plan {} ({})", only.name, only.server.plan().id()),
        several => {
            let names: Vec<String> = several.iter().take(SHOWN).map(|offer| offer.name.to_string()).collect();
            let more = match several.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{}{more}; name one", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PlanId;

    #[test]
    fn nothing_and_equal_names_are_no_offers() {
        assert!(Offers::new(Vec::new()).is_err_and(|error| error.to_string().contains("there are none")));
        let nobody = chosen(&[], Wanted::Id(PlanId::from_bytes([1; 32])));
        assert!(matches!(nobody, Err(PeerFault::OtherPlan(_))));
    }
}
