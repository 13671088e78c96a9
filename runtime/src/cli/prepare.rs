//! `popcorn prepare`: does ahead what does not depend on images, for later connections.

use super::output;
use super::progress::{self, Progress};
use super::secret::KeyFile;
use super::session::SessionArgs;
use super::session_key::SessionKey;
use super::stored::ClientStore;
use clap::Args;
use runtime::error::InvalidInput;
use runtime::roles::client::Patience;
use runtime::store::{Holding, Store};
use runtime::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// Prepare inferences for later connections, so that images then take the online phase alone (suite `shared`)
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn prepare --connect inference.example.com:7000 --tls --store prepared --count 16
  popcorn infer --connect inference.example.com:7000 --tls --store prepared --input digit.png
  popcorn prepare --store prepared --list

The server keeps its halves if it runs with --store. Client and server must keep theirs to themselves.")]
pub(crate) struct Prepare {
    /// The server's address and port
    #[arg(
        long,
        value_name = "ADDR",
        required_unless_present = "list",
        conflicts_with = "list",
        requires = "store"
    )]
    connect: Option<String>,
    #[command(flatten)]
    store: ClientStore,
    /// Prepare until the folder holds so many for this plan and key
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    count: u16,
    /// Say what the folder holds, and prepare nothing
    #[arg(long, requires = "store")]
    list: bool,
    #[command(flatten)]
    key: KeyFile,
    /// For so long after a failure try again, with growing pauses, where the server cannot be reached, has no place, or has too much to do
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=86400))]
    retry: u64,
    #[command(flatten)]
    session: SessionArgs,
}

impl Prepare {
    pub(crate) fn run(self) -> Result<()> {
        let store = self.store.open()?;
        let store =
            store.ok_or_else(|| Error::Bug("--store is asked for with --connect and --list".into()))?;
        match &self.connect {
            None => output::print(&list(&store)),
            Some(address) => self.prepare(address, &store),
        }
    }

    fn prepare(&self, address: &str, store: &Arc<Store>) -> Result<()> {
        let key = Arc::new(SessionKey::new(&self.key, &self.store)?);
        let opening = self.session.opening(address, &key, Some(Arc::clone(store)))?;
        let mut session = opening.patiently(&mut Patience::new(Duration::from_secs(self.retry)))?;
        let mut progress = Progress::new(progress::bar(false));
        let held = session.stock(self.count.into(), &mut progress);
        progress.take();
        let declined = session.declined().map(str::to_owned);
        session.close();
        output::print(&list(store))?; // also of what was kept before a failure
        let held = held?;
        if held >= usize::from(self.count) {
            return Ok(());
        }
        let why = declined.map_or_else(
            || "the server keeps none or no more, or this folder is full".into(),
            |reason| format!("the server prepares no more now: {reason}"),
        );
        let what = format!("{held} of {} are kept: {why}", self.count);
        Err(InvalidInput::file(self.store.folder(), what).into())
    }
}

fn list(store: &Store) -> String {
    let holdings = store.holdings();
    if holdings.is_empty() {
        return "no inferences are prepared\n".into();
    }
    let line = |Holding { plan, halves, bytes, oldest }: &Holding| {
        let hours = oldest.elapsed().map_or(0, |age| age.as_secs() / 3600);
        let inferences = if *halves == 1 { "inference is" } else { "inferences are" };
        let megabytes = *bytes as f64 / 1e6;
        format!(
            "{halves} {inferences} prepared for plan {plan}: {megabytes:.2} MB, up to {hours} hours old\n"
        )
    };
    holdings.iter().map(line).collect()
}
