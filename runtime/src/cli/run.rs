//! `popcorn run`: client and server in one process.

use super::ask::Ask;
use super::images::warn_of;
use super::kernel::KernelChoice;
use super::page::Page;
use super::progress::{self, Progress};
use super::report::Report;
use super::saved::Saved;
use super::secret;
use clap::Args;
use runtime::Result;
use runtime::channel::Link;
use runtime::data::ImageSource;
use runtime::error::InvalidInput;
use runtime::observe::{Recorder, Spending, Spent};
use runtime::plan::{InferenceBatch, ValidPlan};
use runtime::roles::client::Prediction;
use runtime::roles::server::Server;
use runtime::roles::{local, plain};
use std::path::PathBuf;
use std::time::Instant;

/// Run both parties in one process, to try a plan out and to see where the time goes
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn run model.plan --input digit.png
  popcorn run model.plan --input digit.png --link 100/40   # 100 megabits per second, 40 ms round trip
  popcorn run model.plan --input test.npz#7 --plain --json
  popcorn run model.plan --input digit.png --report run.html --profile this.json   # predicted and measured, as a page")]
pub(crate) struct Run {
    /// The plan, from `popcornc compile`
    plan: PathBuf,
    /// An image: PNG, JPEG, .npy or .npz; FILE.npz#7 is image 7 of a set. Several are answered in one session
    #[arg(long = "input", value_name = "FILE", required = true)]
    inputs: Vec<ImageSource>,
    #[command(flatten)]
    ask: Ask,
    /// Prepare and ask about so many of the images together; of each, seconds and bytes are an equal part
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=InferenceBatch::MAX as i64))]
    together: u16,
    /// Interpret the plan without cryptography: the same integers, at once
    #[arg(long)]
    plain: bool,
    /// A network between the parties: megabits per second each way and milliseconds of round trip
    #[arg(long, value_name = "MBIT/MS", conflicts_with = "plain")]
    link: Option<Link>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    kernel: KernelChoice,
}

impl Run {
    pub(crate) fn run(self) -> Result<()> {
        self.kernel.apply()?;
        let plan = ValidPlan::read(&self.plan)?;
        let read = |source: &ImageSource| source.read(&plan.plan().input, self.ask.fit());
        let images = self.inputs.iter().map(read).collect::<std::result::Result<Vec<_>, _>>()?;
        for (source, image) in self.inputs.iter().zip(&images) {
            warn_of(&source.to_string(), image, &plan.plan().input);
        }
        if self.plain { self.interpret(&plan, &images) } else { self.encrypted(plan, &images) }
    }

    fn interpret(&self, plan: &ValidPlan, images: &[Vec<f32>]) -> Result<()> {
        let mut saved = Saved::new(self.ask.output.as_deref(), self.ask.output_range, plan.client_view())?;
        images.iter().try_for_each(|image| {
            let start = Instant::now();
            let input = plan.plan().input.quantize(image).map_err(InvalidInput::from)?;
            let prediction = Prediction::new(&plan.plan().output, plain::run(plan, &input));
            let online = Spent { elapsed: start.elapsed(), ..Spent::default() };
            let totals = Spending { online, ..Spending::default() };
            let report = Report::new(&prediction, totals, plan.client_view());
            saved.add(&prediction)?;
            self.ask.print(&report, &prediction)
        })?;
        saved.write()
    }

    fn encrypted(&self, plan: ValidPlan, images: &[Vec<f32>]) -> Result<()> {
        let page = self.page.begin((&self.plan, &plan), self.link)?;
        let start = Instant::now();
        let key = self.ask.key.read()?.map_or_else(|| secret::generate(plan.plan().key_bits), Ok)?;
        let tables = Instant::now();
        let key = key.holder(plan.client_view())?;
        let (mut making_key, tables) = (start.elapsed(), tables.elapsed());
        let view = plan.client_view().clone();
        let mut saved = Saved::new(self.ask.output.as_deref(), self.ask.output_range, &view)?;
        let (mut client, mut server) = (Progress::new(progress::bar(self.ask.json)), Recorder::default());
        let images = (images.iter().map(Vec::as_slice), usize::from(self.together));
        let party = Server::new(plan);
        let (predictions, spent) =
            local::run_linked(self.link, &party, &key, images, &mut client, &mut server)?;
        let reports = client.take();
        let first = spent.first().copied().unwrap_or_default();
        for (prediction, mut spent) in predictions.iter().zip(spent) {
            spent.offline.elapsed += std::mem::take(&mut making_key);
            let report = Report::new(prediction, spent, &view).over(self.link);
            saved.add(prediction)?;
            self.ask.print(&report, prediction)?;
        }
        saved.write()?;
        if let Some(page) = page {
            page.write(party.plan(), (&reports, &server.steps), (first, tables))?;
        }
        self.ask.print_steps(&[("client", &reports), ("server", &server.steps)])
    }
}
