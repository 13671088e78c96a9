//! Whole inferences.

use super::paper_style::Units;
use super::profile::Profile;
use crate::error::{Error, Result};
use crate::observe::Silent;
use crate::paillier::{HolderKey, SecretKey, SecureRng};
use crate::plan::ValidPlan;
use crate::roles::local;
use crate::roles::server::Server;
use serde::Serialize;
use std::time::{Duration, Instant};

/// One plan, both parties in one process, over memory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanTime {
    /// Its name.
    pub plan: String,
    /// Bits of N.
    pub key_bits: u32,
    /// From the image to the logits, with the handshake.
    pub seconds: f64,
    /// What the plan's counts and the profile say it takes.
    pub predicted_seconds: f64,
    /// The way of [`super::paper_style`], on as many cores.
    pub paper_style_seconds: f64,
    /// That ÷ ours.
    pub ratio: f64,
}

/// Runs `plan` once on an image of lowest pixels: time does not depend on pixels. Both
/// parties compute on rayon's global pool.
///
/// # Errors
/// Those of an inference.
pub fn time(plan: ValidPlan, units: &Units, profile: &Profile) -> Result<PlanTime> {
    let (name, bits) = (plan.plan().name.clone(), plan.plan().key_bits);
    let predicted = profile.seconds(&plan.plan().total_cost(), bits);
    let predicted_seconds = predicted.ok_or_else(|| Error::Bug(format!("no profile of {bits} bits")))?;
    let threads = rayon::current_num_threads();
    let paper_style_seconds = units.seconds(plan.plan(), threads);
    let secret = SecretKey::generate(bits, &mut SecureRng::from_os()?);
    let key = HolderKey::new(secret, plan.client_view().encryptions())?;
    let input = &plan.plan().input;
    let image = vec![input.preprocessing.raw_range.0 as f32; input.shape.elements()];
    let server = Server::new(plan);
    let start = Instant::now();
    local::run(&server, &key, [image.as_slice()], &mut Silent, &mut Silent)?;
    let seconds = start.elapsed().as_secs_f64();
    let ratio = paper_style_seconds / seconds;
    Ok(PlanTime { plan: name, key_bits: bits.get(), seconds, predicted_seconds, paper_style_seconds, ratio })
}

/// What the sample of each kind of operation takes together, at most.
pub const SAMPLE_TIME: Duration = Duration::from_millis(300);
