//! Whole inferences.

use super::bug;
use super::paper_style::Units;
use crate::channel::Link;
use crate::cost::prediction::Prediction;
use crate::cost::profile::Profile;
use crate::error::Result;
use crate::observe::{Silent, Spending, Spent};
use crate::paillier::{HolderKey, SecretKey, SecureRng};
use crate::plan::ValidPlan;
use crate::roles::local;
use crate::roles::server::Server;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the sample of each kind of operation takes, at most.
pub const SAMPLE_TIME: Duration = Duration::from_millis(300);
/// So many sessions, fewer if they take long together.
const SESSIONS: usize = 5;
const LONG: Duration = Duration::from_secs(3);

/// One plan, both parties in one process, over memory or a link.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanTime {
    /// Name of the plan.
    pub plan: String,
    /// Length of the modulus N in bits.
    pub key_bits: u32,
    /// The plan's suite: `blinded` or `shared`.
    pub suite: String,
    /// A session with one inference, from the handshake on; the client's key and tables are there.
    pub seconds: f64,
    /// Of these, from the image to the logits.
    pub online_seconds: f64,
    /// Bytes that the client sends and receives in the session, frame headers included.
    pub bytes: u64,
    /// Of these, the bytes after the image is known.
    pub online_bytes: u64,
    /// Messages that the client waits for, in all.
    pub rounds: u64,
    /// What the plan's counts and a profile of this run say that it takes.
    pub predicted_seconds: f64,
    /// The way of [`super::paper_style`], on as many cores.
    pub paper_style_seconds: f64,
    /// `paper_style_seconds` ÷ `seconds`.
    pub ratio: f64,
}

/// Runs `plan` in sessions of one image of lowest pixels (time does not depend on pixels), a few if they are short;
/// the median counts. Both parties compute on rayon's global pool. The way of the paper is without a link.
///
/// # Errors
/// Those of an inference.
pub fn time(plan: ValidPlan, link: Option<Link>) -> Result<PlanTime> {
    let (name, suite, bits) = (plan.plan().name.clone(), plan.plan().suite.to_string(), plan.plan().key_bits);
    let mut rng = SecureRng::from_os()?;
    let secret = SecretKey::generate(bits, &mut rng);
    let units = Units::measure(&secret, SAMPLE_TIME, &mut rng);
    let paper_style_seconds = units.seconds(plan.plan(), rayon::current_num_threads());
    let profile = Profile::measure(&[bits], SAMPLE_TIME)?;
    let predicted = Prediction::new(&plan, profile.entry(bits).map_err(bug)?, link);
    let key = Arc::new(HolderKey::new(secret, plan.client_view().encryptions())?);
    let Spending { offline, online } = session(&Server::new(plan), &key, link)?;
    let seconds = (offline.elapsed + online.elapsed).as_secs_f64();
    let bytes = |spent: Spent| spent.traffic.sent + spent.traffic.received;
    Ok(PlanTime {
        plan: name,
        key_bits: bits.get(),
        suite,
        seconds,
        online_seconds: online.elapsed.as_secs_f64(),
        bytes: bytes(offline) + bytes(online),
        online_bytes: bytes(online),
        rounds: offline.traffic.frames_received + online.traffic.frames_received,
        predicted_seconds: predicted.first_answer(),
        paper_style_seconds,
        ratio: paper_style_seconds / seconds,
    })
}

/// The session of middle length.
fn session(server: &Server, key: &Arc<HolderKey>, link: Option<Link>) -> Result<Spending> {
    let input = &server.plan().plan().input;
    let image = vec![input.preprocessing.raw_range.0 as f32; input.shape.elements()];
    let (beginning, mut sessions) = (Instant::now(), Vec::new());
    while sessions.is_empty() || sessions.len() < SESSIONS && beginning.elapsed() < LONG {
        let run = local::run_linked(link, server, key, ([image.as_slice()], 1), &mut Silent, &mut Silent);
        sessions.push(run?.1.into_iter().sum());
    }
    sessions.sort_by_key(|spending: &Spending| spending.offline.elapsed + spending.online.elapsed);
    Ok(sessions[sessions.len() / 2])
}
