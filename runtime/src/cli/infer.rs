//! `popcorn infer`: one private prediction from a server.

use super::progress::Progress;
use super::report::{Report, Totals, steps};
use super::{keys, output};
use clap::Args;
use runtime::Result;
use runtime::channel::tcp;
use runtime::data::{Fit, ImageSource};
use runtime::plan::PlanId;
use runtime::roles::client;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Ask a server for a prediction; the image never leaves this machine unencrypted
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn infer --connect 127.0.0.1:7000 --input digit.png
  popcorn infer --connect inference.example.com:7000 --input test.npz#7 --key me.key --top 5 --json")]
pub(crate) struct Infer {
    /// The server's address and port
    #[arg(long, value_name = "ADDR")]
    connect: String,
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
    /// The image: PNG, JPEG, .npy or .npz; FILE.npz#7 is image 7 of a set
    #[arg(long, value_name = "FILE")]
    pub(crate) input: ImageSource,
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
    pub(crate) const fn fit(&self) -> Fit {
        if self.resize { Fit::Resize } else { Fit::Exact }
    }
}

impl Infer {
    pub(crate) fn run(self) -> Result<()> {
        let connection = tcp::connect(&self.connect, Duration::from_secs(self.timeout))?;
        let start = Instant::now();
        let greeting = client::greet(connection, self.plan)?;
        let plan = greeting.plan().clone();
        let image = self.ask.input.read(&plan.input, self.ask.fit())?;
        plan.input.quantize(&image).map_err(runtime::error::InvalidInput::from)?;
        let key = keys::load_or_generate(self.ask.key.as_deref(), &plan)?;
        let mut session = greeting.with_key(&key)?;
        let offline = start.elapsed();
        let mut progress = Progress::new(self.ask.json);
        let prediction = session.infer(&image, &mut progress)?;
        let online = start.elapsed() - offline;
        let reports = progress.finish();
        let traffic = session.traffic();
        let rounds = traffic.frames_received;
        let totals = Totals { offline, online, sent: traffic.sent, received: traffic.received, rounds };
        let report = Report::new(&prediction, &totals, plan.suite, plan.key_bits);
        if self.ask.json {
            return output::print(&report.json());
        }
        output::print(&format!("{}\n{}", report.text(&prediction, self.ask.top), steps("client", &reports)))
    }
}
