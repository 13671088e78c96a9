//! Which plan of a server is asked for, and how the server is reached: flags that `popcorn infer` and `popcorn prepare` have in common.

use super::transport::{ClientTransport, Way};
use clap::Args;
use runtime::Result;
use runtime::channel::{CancellationToken, tcp};
use runtime::console;
use runtime::plan::{PlanId, Work};
use runtime::protocol::hello::{Terms, Wanted};
use runtime::roles::client::{Greeting, Request};
use runtime::store::StoreId;
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
    /// As [`ClientTransport::way`].
    ///
    /// # Errors
    /// As there.
    pub(crate) fn way(&self, address: &str) -> Result<Way> {
        self.transport.way(address)
    }

    /// What is asked of the server first.
    ///
    /// # Errors
    /// As [`ClientTransport::token`].
    pub(crate) fn request(&self) -> Result<Request> {
        Ok(Request {
            plan: self.plan.clone().unwrap_or_default(),
            expected: self.expect_plan,
            token: self.transport.token()?,
        })
    }

    /// Connects, and asks it; `cancellation` ends that and all that follows on the connection.
    ///
    /// # Errors
    /// The server cannot be reached; or as [`Request::greet`].
    pub(crate) fn greet(
        &self,
        way: &Way,
        address: &str,
        request: Request,
        cancellation: &CancellationToken,
    ) -> Result<Greeting> {
        let connect = || {
            let connection = way.connect(address, Duration::from_secs(self.timeout))?;
            request.greet(connection.cancelled_by(cancellation))
        };
        let greeting = console::busy(&format!("asking {address} for its plan"), connect)?;
        console::detail(&described(address, &greeting));
        Ok(greeting)
    }
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
