//! Metrics are made and registered in one step.

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

/// Makes metrics that a registry knows.
pub(super) trait Register {
    /// A new metric of this name; counters get `_total` behind it.
    fn add<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M;

    /// A new distribution of seconds, from 5 ms to 5 minutes and a half in factors of two.
    fn seconds(&mut self, name: &str, help: &str) -> Histogram;
}

impl Register for Registry {
    fn add<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.register(name, help, metric.clone());
        metric
    }

    fn seconds(&mut self, name: &str, help: &str) -> Histogram {
        let histogram = Histogram::new(exponential_buckets(0.005, 2.0, 17));
        self.register(name, help, histogram.clone());
        histogram
    }
}
