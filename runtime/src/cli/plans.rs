//! `popcorn plans`: what a server offers.

use super::output;
use super::transport::ClientTransport;
use clap::Args;
use runtime::Result;
use runtime::protocol::hello::Listed;
use runtime::roles::client;
use serde_json::json;
use std::time::Duration;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// List the plans that a server offers
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn plans --connect 127.0.0.1:7000
  popcorn plans --connect inference.example.com:7000 --tls --json
  popcorn infer --connect 127.0.0.1:7000 --plan mnist --input digit.png")]
pub(crate) struct Plans {
    /// The server's address and port
    #[arg(long, value_name = "ADDR")]
    connect: String,
    /// Print a line of JSON for each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    transport: ClientTransport,
}

impl Plans {
    pub(crate) fn run(self) -> Result<()> {
        let connection = self.transport.way(&self.connect)?.connect(PATIENCE)?;
        let plans = client::plans(connection, self.transport.token()?)?;
        let line = |Listed { name, id }: &Listed| match self.json {
            true => format!("{}\n", json!({ "name": name, "id": id.to_string() })),
            false => format!("{name:<24} {id}\n"),
        };
        output::print(&plans.iter().map(line).collect::<String>())
    }
}
