//! Which plan of a server is asked for, and how the server is reached: flags that `popcorn infer` and `popcorn prepare` have in common.

use super::session_key::SessionKey;
use super::transport::ClientTransport;
use clap::Args;
use runtime::Result;
use runtime::channel::tcp;
use runtime::console;
use runtime::plan::{PlanId, Work};
use runtime::protocol::hello::{Terms, Wanted};
use runtime::roles::client::{Greeting, Opening, Request};
use runtime::store::{Store, StoreId};
use std::sync::Arc;
use std::time::Duration;

/// These flags.
#[derive(Args)]
pub(crate) struct SessionArgs {
    /// Ask for this plan of a server that offers several (`popcorn plans` lists them): its name, or its digest of 64 hexadecimal digits
    #[arg(long, value_name = "NAME|DIGEST")]
    plan: Option<Wanted>,
    /// Insist on the plan with this digest, 64 hexadecimal digits, whatever it is called; nothing is asked of another
    #[arg(long, value_name = "DIGEST")]
    expect_plan: Option<PlanId>,
    /// Give the server up if it takes longer than this over a message, computing included
    #[arg(long, default_value_t = tcp::DEFAULT_TIMEOUT.as_secs(), value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    #[command(flatten)]
    transport: ClientTransport,
}

impl SessionArgs {
    /// What opens sessions with the server at `address`, of which the user is told, under `key` and with `store`.
    ///
    /// # Errors
    /// As [`ClientTransport::way`] and [`ClientTransport::token`].
    pub(crate) fn opening(
        &self,
        address: &str,
        key: &Arc<SessionKey>,
        store: Option<Arc<Store>>,
    ) -> Result<Opening> {
        let (key, told) = (Arc::clone(key), address.to_owned());
        let way = self.transport.way(address)?;
        let mut opening = Opening::new(way, move |plan| key.holder(plan)).shown(move |ask| shown(&told, ask));
        opening.request = Request {
            plan: self.plan.clone().unwrap_or_default(),
            expected: self.expect_plan,
            token: self.transport.token()?,
        };
        opening.timeout = Duration::from_secs(self.timeout);
        opening.shelf = store.map(|store| store as _);
        Ok(opening)
    }
}

/// What `ask` gives, while the user sees who is asked, and then who answered.
fn shown(address: &str, ask: &mut dyn FnMut() -> Result<Greeting>) -> Result<Greeting> {
    let greeting = console::busy(&format!("asking {address} for its plan"), ask)?;
    console::detail(&described(address, &greeting));
    Ok(greeting)
}

/// Who answered, with which plan and on which terms.
fn described(address: &str, greeting: &Greeting) -> String {
    let (plan, Terms { max_prepared, idle, age, preparations, inferences, store }) =
        (greeting.plan(), greeting.terms());
    let suite = match plan.work {
        Work::Exchanges(_) => "blinded",
        Work::Schedule(_) => "shared",
    };
    let left = |count: u64, what: &str| match count {
        u64::MAX => String::new(),
        count => format!(", {count} {what} left today"),
    };
    let (preparations, inferences) = (left(preparations, "preparations"), left(inferences, "images"));
    let within = |seconds: u32, what: &str| match seconds {
        u32::MAX => String::new(),
        seconds => format!(", {seconds} s {what}"),
    };
    let kept = if store == StoreId::NONE { "" } else { ", which it keeps for later connections" };
    let (idle, age) = (within(idle, "between questions"), within(age, "in all"));
    format!(
        "{address} offers plan {}, suite {suite}, for keys of {} bits: at most {max_prepared} inferences prepared at once{kept}{idle}{age}\
         {preparations}{inferences}",
        plan.id, plan.key_bits,
    )
}
