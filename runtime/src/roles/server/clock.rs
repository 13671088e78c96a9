//! Which day it is, by a clock that nobody sets.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SECONDS_OF_A_DAY: u64 = 86_400;

/// Days of UTC: the machine's clock is read once, and from then on a monotone clock counts, so that days pass evenly while the
/// machine's clock is set.
pub(super) struct Clock {
    /// From the beginning of 1970 to when the monotone clock began.
    began: Duration,
    elapsed: Box<dyn Fn() -> Duration + Send + Sync>,
}

impl Clock {
    /// From this machine's time on.
    pub(super) fn of_system() -> Self {
        Self::new(SystemTime::now(), monotone())
    }

    /// From `now` on, as `elapsed` counts. A time before 1970 is taken for its beginning.
    pub(super) fn new(now: SystemTime, elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        let began = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began, elapsed: Box::new(elapsed) }
    }

    /// Today, in days since 1970.
    pub(super) fn day(&self) -> u64 {
        self.began.saturating_add((self.elapsed)()).as_secs() / SECONDS_OF_A_DAY
    }
}

/// The time since this call; on Linux also while the machine sleeps.
fn monotone() -> impl Fn() -> Duration + Send + Sync + 'static {
    let (boot, start) = (since_boot(), Instant::now());
    move || match (boot, since_boot()) {
        (Some(before), Some(now)) => now.saturating_sub(before),
        _ => start.elapsed(),
    }
}

/// The time since the machine was started, sleep included; `None` where the system does not tell.
fn since_boot() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes one `timespec`, which `time` is.
        let told = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
        let (seconds, nanoseconds) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
        (told == 0).then(|| Duration::new(seconds, nanoseconds))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn days_pass_by_what_has_elapsed() {
        let seconds = Arc::new(AtomicU64::new(0));
        let elapsed = seconds.clone();
        let before_midnight = UNIX_EPOCH + Duration::from_secs(10 * SECONDS_OF_A_DAY - 1);
        let clock = Clock::new(before_midnight, move || Duration::from_secs(elapsed.load(Ordering::Relaxed)));
        for (passed, day) in [(0, 9), (1, 10), (SECONDS_OF_A_DAY, 10), (SECONDS_OF_A_DAY + 1, 11)] {
            seconds.store(passed, Ordering::Relaxed);
            assert_eq!(clock.day(), day, "after {passed} s");
        }
        assert_eq!(Clock::new(UNIX_EPOCH - Duration::from_secs(1), || Duration::ZERO).day(), 0);
        assert!(Clock::new(UNIX_EPOCH, || Duration::MAX).day() > 0);
    }

    #[test]
    fn the_system_tells_the_day_and_its_monotone_clock_runs() {
        let today = || UNIX_EPOCH.elapsed().unwrap().as_secs() / SECONDS_OF_A_DAY;
        let (before, day, after) = (today(), Clock::of_system().day(), today());
        assert!((before..=after).contains(&day));
        assert_eq!(since_boot().is_some(), cfg!(target_os = "linux"));
        let elapsed = monotone();
        let earlier = elapsed();
        while elapsed() == earlier {}
        assert!(elapsed() > earlier);
    }
}
