//! `popcorn infer`: private predictions from a server.

use super::answers::Finished;
use super::ask::Ask;
use super::asking::Asking;
use super::images::Images;
use super::output;
use super::session::SessionArgs;
use super::session_key::SessionKey;
use super::stored::{self, ClientStore};
use clap::Args;
use runtime::console;
use runtime::error::InvalidInput;
use runtime::plan::InferenceBatch;
use runtime::roles::client::Patience;
use runtime::{Error, Result};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Ask a server for a prediction; the image never leaves this machine unencrypted
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn infer --connect 127.0.0.1:7000 --input digit.png
  popcorn infer --connect inference.example.com:7000 --tls --input test.npz#7 --key me.key --top 5 --json
  popcorn infer --connect 127.0.0.1:7000 --input test.npz   # all images of a set
  popcorn infer --connect 127.0.0.1:7000 --input scan.png --output mask.npy   # a map
  popcorn infer --connect 127.0.0.1:7000 --plan mnist --input digit.png   # of a server with several plans
  popcorn infer --connect 127.0.0.1:7000 --input digit.png --store prepared   # after `popcorn prepare`
  ls *.png | popcorn infer --connect 127.0.0.1:7000 --input - --prepare 4")]
pub(crate) struct Infer {
    /// The server's address and port
    #[arg(long, value_name = "ADDR")]
    connect: String,
    /// An image: PNG, JPEG, .npy or .npz. FILE.npz#7 is image 7 of a set, FILE.npz all of them, a folder all PNG and JPEG pictures
    /// in it, scaled and cropped; `-` reads one from each line of standard input as it comes. Several are prepared and asked about together; more than
    /// are prepared ahead in two sessions (suite `shared`), of which one prepares while the other waits for the network and each
    /// takes a place of the server's
    #[arg(long = "input", value_name = "FILE", required = true)]
    inputs: Vec<String>,
    /// Inferences that are kept prepared ahead, also while the next image is waited for, or as many as the server allows. By
    /// default as many as there are images to ask about, 64 at most; one where they come by standard input
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    prepare: Option<u16>,
    #[command(flatten)]
    store: ClientStore,
    #[command(flatten)]
    ask: Ask,
    /// For so long after a failure try again, with growing pauses, where the server cannot be reached, has no place, or was lost;
    /// images that are not answered yet are asked about again on a new connection, and what was prepared is prepared anew unless it is in the stores. 0: never
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=86400))]
    retry: u64,
    #[command(flatten)]
    session: SessionArgs,
}

impl Infer {
    pub(crate) fn run(self) -> Result<()> {
        let start = Instant::now();
        let key = Arc::new(SessionKey::new(&self.ask.key, &self.store)?);
        let store = self.store.open()?;
        let opening = self.session.opening(&self.connect, &key, store.clone())?;
        let mut patience = Patience::new(Duration::from_secs(self.retry)).telling(tell);
        let session = opening.patiently(&mut patience)?;
        let plan = session.plan().clone();
        let images = Images::new(&self.inputs, &plan, self.ask.fit())?;
        let ahead = self.ahead(&images).min(session.max_prepared());
        let many = session.prepares_ahead() && images.count().is_some_and(|count| count > ahead);
        let asking = Asking::new((&self.ask, &opening), &plan, ahead, images, key.took())?;
        let ask = if many { Asking::in_sessions } else { Asking::in_order };
        let outcome = ask(&asking, session, &mut patience);
        let Finished { answers, failures, recalled } = asking.finish()?;
        if store.is_some() {
            console::note(&stored::used(recalled));
        }
        if !answers.is_empty() {
            output::print(&answers.summary(many.then(|| start.elapsed())))?;
        }
        match (outcome, failures) {
            (Ok(()), 0) => Ok(()),
            (Ok(()), count) => Err(InvalidInput::LeftOut(count).into()),
            (Err(error), _) => Err(error),
        }
    }

    /// How many inferences to keep prepared.
    fn ahead(&self, images: &Images) -> usize {
        let known = images.count();
        let usual = known.map_or(1, |_| InferenceBatch::MAX);
        let wanted = self.prepare.map_or(usual, usize::from);
        known.map_or(wanted, |count| count.min(wanted))
    }
}

/// Of the first failure, why nothing seems to happen.
fn tell(error: &Error, retry: Duration) {
    console::note(&format!("{error}; trying again for {} s (--retry)", retry.as_secs()));
}
