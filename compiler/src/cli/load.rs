//! `popcornc inspect --rate`: how many servers it takes.

use clap::Args;
use runtime::cost::capacity::{Capacity, Load};
use runtime::cost::forecast::Forecast;
use runtime::plan::ValidPlan;

/// What is asked of servers.
#[derive(Args)]
pub(super) struct LoadArgs {
    /// Also print the replicas, cores, memory and network that so many inferences a second take on machines like the one that was
    /// measured
    #[arg(long, value_name = "PER_SECOND", requires = "profile", value_parser = rate)]
    rate: Option<f64>,
    /// Inferences that a client asks for in a session, whose beginning they share
    #[arg(long, value_name = "N", requires = "rate", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    per_session: u32,
    /// How much of the time cores may be busy, in per cent; the rest is for bursts
    #[arg(long, value_name = "PERCENT", requires = "rate", default_value_t = 70, value_parser = clap::value_parser!(u8).range(1..=100))]
    utilisation: u8,
}

impl LoadArgs {
    /// What servers of `plan` it takes, by what was predicted.
    pub(super) fn capacity(&self, plan: &ValidPlan, forecast: &Forecast) -> Option<Capacity> {
        let (per_session, utilisation) = (self.per_session, f64::from(self.utilisation) / 100.0);
        self.rate.and_then(|rate| forecast.capacity(plan, Load { rate, per_session, utilisation }))
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (1e-9..=1e9).contains(rate));
    rate.ok_or_else(|| "give a number of inferences a second above 0, such as 0.5".into())
}
