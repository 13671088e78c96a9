//! `popcorn infer`: private predictions from a server.

use super::images::{Images, Next};
use super::output;
use super::progress::Progress;
use super::report::{Report, steps};
use clap::Args;
use runtime::channel::tcp;
use runtime::data::Fit;
use runtime::error::InvalidInput;
use runtime::observe::{Spending, StepReport};
use runtime::plan::{KeyBits, PlanId};
use runtime::roles::client::{self, Prediction};
use runtime::roles::server::MAX_PREPARED;
use runtime::{ClientKey, Result};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Ask a server for a prediction; the image never leaves this machine unencrypted
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn infer --connect 127.0.0.1:7000 --input digit.png
  popcorn infer --connect inference.example.com:7000 --input test.npz#7 --key me.key --top 5 --json
  popcorn infer --connect 127.0.0.1:7000 --input a.png --input b.png --prepare 2
  ls *.png | popcorn infer --connect 127.0.0.1:7000 --input - --prepare 4")]
pub(crate) struct Infer {
    /// The server's address and port
    #[arg(long, value_name = "ADDR")]
    connect: String,
    /// An image: PNG, JPEG, .npy or .npz; FILE.npz#7 is image 7 of a set. Several are answered one after the other; `-`
    /// reads one from each line of standard input as it comes
    #[arg(long = "input", value_name = "FILE", required = true)]
    inputs: Vec<String>,
    /// Inferences that are kept prepared ahead, also while the next image is waited for; at most 16, or as many
    /// as the server allows
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=MAX_PREPARED as i64))]
    prepare: u16,
    #[command(flatten)]
    ask: Ask,
    /// Insist on the plan with this digest, 64 hexadecimal digits; the server refuses if it runs another
    #[arg(long, value_name = "DIGEST")]
    plan: Option<PlanId>,
    /// Give the server up if it takes longer than this over a message, computing included
    #[arg(long, default_value_t = tcp::DEFAULT_TIMEOUT.as_secs(), value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

/// What `infer` and `run` have in common.
#[derive(Args)]
pub(crate) struct Ask {
    /// Scale and crop an image of another size instead of refusing it
    #[arg(long)]
    pub(crate) resize: bool,
    /// A key file from `popcorn keygen`; without it a fresh key is made and forgotten
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<PathBuf>,
    /// How many classes to print, best first
    #[arg(long, default_value_t = 3, value_name = "K")]
    pub(crate) top: usize,
    /// Print one line of JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

impl Ask {
    /// Prints a prediction, and what it took.
    pub(crate) fn print(&self, report: &Report, prediction: &Prediction) -> Result<()> {
        output::print(&if self.json { report.json() } else { report.text(prediction, self.top) })
    }

    /// Prints where each party's time went, for people.
    pub(crate) fn print_steps(&self, parties: &[(&str, &[StepReport])]) -> Result<()> {
        if self.json {
            return Ok(());
        }
        let tables = parties.iter().map(|(party, reports)| format!("\n{}", steps(party, reports)));
        output::print(&tables.collect::<String>())
    }

    /// The key in the file that is named, or a new one that lives as long as the process.
    pub(crate) fn key(&self, bits: KeyBits) -> Result<ClientKey> {
        match &self.key {
            Some(path) => ClientKey::read(path),
            None => ClientKey::generate(bits),
        }
    }

    pub(crate) const fn fit(&self) -> Fit {
        if self.resize { Fit::Resize } else { Fit::Exact }
    }
}

impl Infer {
    pub(crate) fn run(self) -> Result<()> {
        let connection = tcp::connect(&self.connect, Duration::from_secs(self.timeout))?;
        let greeting = client::greet(connection, self.plan)?;
        let plan = greeting.plan().clone();
        let mut images = Images::new(&self.inputs, &plan, self.ask.fit())?;
        let start = Instant::now();
        let key = self.ask.key(plan.key_bits)?.holder(&plan)?;
        let mut asked = Spending::default();
        let mut making_key = start.elapsed();
        let mut session = greeting.with_key(key)?;
        let mut progress = Progress::new(self.ask.json);
        let wanted = usize::from(self.prepare).min(session.max_prepared());
        let ahead = if session.prepares_ahead() { images.ahead(wanted) } else { 0 };
        while session.prepared() < ahead {
            session.prepare(&mut progress)?;
        }
        while let Some(next) = images.next(session.prepared() >= ahead)? {
            let Next::Image(image) = next else {
                session.prepare(&mut progress)?;
                continue;
            };
            let prediction = session.infer(&image, &mut progress)?;
            let mut spent = session.spending().since(&asked);
            spent.offline.elapsed += std::mem::take(&mut making_key);
            asked = session.spending();
            let report = Report::new(&prediction, spent, plan.suite, plan.key_bits);
            self.ask.print(&report, &prediction)?;
            self.ask.print_steps(&[("client", &progress.take())])?;
        }
        match images.failures() {
            0 => Ok(()),
            count => Err(InvalidInput::LeftOut(count).into()),
        }
    }
}
