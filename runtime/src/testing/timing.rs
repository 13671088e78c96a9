//! Whether the time of a function depends on a secret: Welch's t-test between calls with secrets of two classes, such as a fixed one
//! and random ones, which take turns at random.
//!
//! As in Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?" (DATE 2017): interrupts and other processes make a
//! few calls much longer, so the test is repeated without the longest ones, for several shares of them, and the largest |t|
//! counts. Under the hypothesis that times do not depend on the class |t| is rarely above 4.5; a leak's grows with the square root
//! of the number of samples.

use std::hint::black_box;
use std::time::Instant;

use crate::paillier::randomness::TestRng;

/// What |t| stays below where nothing leaks: the bound of the paper's authors for "probably not constant time".
pub(crate) const LIMIT: f64 = 10.0;

/// Times that an experiment is made before its |t| counts; what a busy machine feigns passes, a leak stays.
const ATTEMPTS: usize = 3;

/// Shares of the calls that are kept, the shortest ones.
const KEPT: [f64; 6] = [1.0, 0.99, 0.95, 0.9, 0.75, 0.5];

/// What is timed, and with what.
pub(crate) struct Experiment<'a, T> {
    /// What is printed.
    pub(crate) name: &'a str,
    /// Calls, of both classes together.
    pub(crate) samples: usize,
    /// A secret of each class; of equal lengths, as lengths are public.
    pub(crate) secrets: &'a mut dyn FnMut(&mut TestRng) -> [T; 2],
}

impl<T: Clone> Experiment<'_, T> {
    /// The largest |t| of the times of `call`, which gets the secret and what `prepare` makes of it, not timed. Prints it.
    ///
    /// Both classes' secrets are made for every call and copied to the same place, so that neither is nearer to the processor.
    pub(crate) fn statistic<S, R>(
        &mut self,
        mut prepare: impl FnMut(&T) -> S,
        mut call: impl FnMut(&T, S) -> R,
    ) -> f64 {
        let mut rng = TestRng::new(self.samples as u64);
        let [mut secret, _] = (self.secrets)(&mut rng);
        let mut times = Vec::with_capacity(self.samples);
        for _ in 0..self.samples {
            let secrets = (self.secrets)(&mut rng);
            let class = usize::from(rng.bool());
            secret.clone_from(&secrets[class]);
            let state = prepare(&secret);
            let start = Instant::now();
            let result = black_box(call(black_box(&secret), black_box(state)));
            let time = start.elapsed();
            drop(result);
            times.push((time.as_nanos() as f64, class));
        }
        times.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let kept = KEPT.map(|share| &times[..(share * times.len() as f64) as usize]);
        let t = kept.map(|times| welch(times).abs()).into_iter().fold(0.0, f64::max);
        println!(
            "{}: |t| = {t:.1}, {} calls, median {:.0} ns",
            self.name,
            times.len(),
            times[times.len() / 2].0
        );
        t
    }

    /// Asserts that the times of `call` tell nothing of the secret.
    ///
    /// # Panics
    /// If |t| is [`LIMIT`] or more in every attempt.
    pub(crate) fn takes_constant_time<S, R>(
        mut self,
        mut prepare: impl FnMut(&T) -> S,
        mut call: impl FnMut(&T, S) -> R,
    ) {
        let passes = (0..ATTEMPTS).any(|_| self.statistic(&mut prepare, &mut call) < LIMIT);
        assert!(passes, "the time of {} depends on its secret", self.name);
    }
}

/// Secrets of `count` words: zeros, and random ones, made by the same steps, so that caches tell nothing of the class.
pub(crate) fn zeros_and_random(rng: &mut TestRng, count: usize) -> [Vec<u64>; 2] {
    [0, u64::MAX].map(|mask| (0..count).map(|_| rng.u64() & black_box(mask)).collect())
}

/// The same of bits.
pub(crate) fn unset_and_random(rng: &mut TestRng, count: usize) -> [Vec<bool>; 2] {
    zeros_and_random(rng, count).map(|words| words.into_iter().map(|word| word & 1 == 1).collect())
}

/// Runs `measure` on a thread pool of one thread, so that no call waits for another thread to wake up.
pub(crate) fn on_one_thread(measure: impl FnOnce() + Send) {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(measure);
}

/// Welch's t of the times of class 0 and those of class 1; 0 where one has fewer than two, or where no time differs.
fn welch(times: &[(f64, usize)]) -> f64 {
    let [(mean, error), (other_mean, other_error)] = [0, 1].map(|class| {
        let of_class = || times.iter().filter(move |time| time.1 == class).map(|time| time.0);
        let count = of_class().count() as f64;
        let mean = of_class().sum::<f64>() / count;
        let variance = of_class().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    let t = (mean - other_mean) / (error + other_error).sqrt();
    if t.is_finite() { t } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rug::Integer;

    #[test]
    fn t_is_that_of_textbooks() {
        let [a, b] = [[27.5, 21.0, 19.0, 23.6], [27.1, 22.0, 20.8, 23.4]];
        let times: Vec<(f64, usize)> = a.map(|a| (a, 0)).into_iter().chain(b.map(|b| (b, 1))).collect();
        // Means 22.775 and 23.325, variances 13.4692 and 7.4625: −0.55 ÷ √(20.9317 ÷ 4).
        assert!((welch(&times) + 0.24043).abs() < 1e-4, "{}", welch(&times));
        assert_eq!(welch(&[(1.0, 0)]), 0.0);
    }

    /// What the other tests would say of a power by GMP's sliding windows, and of a comparison that stops at the first difference.
    #[test]
    #[ignore = "a measurement of times"]
    #[expect(clippy::disallowed_methods, reason = "an example of what leaks")]
    fn leaks_are_found() {
        let mut rng = TestRng::new(1);
        let modulus = rng.integer_of_bits(1024) | 1u32;
        let base = rng.integer_of_bits(1000);
        let mut secrets = |rng: &mut TestRng| [(Integer::from(1) << 255) + 1u32, rng.integer_of_bits(256)];
        let mut powers = Experiment { name: "pow_mod of GMP (leaks)", samples: 5_000, secrets: &mut secrets };
        let t = powers.statistic(|_| (), |exponent, ()| base.clone().pow_mod(exponent, &modulus));
        assert!(t > 5.0 * LIMIT, "{t}");

        let zeros = vec![0; 512];
        let mut secrets = |rng: &mut TestRng| zeros_and_random(rng, 512);
        let mut comparisons =
            Experiment { name: "== of words (leaks)", samples: 20_000, secrets: &mut secrets };
        let t = comparisons.statistic(|_| (), |words, ()| *words == zeros);
        assert!(t > 5.0 * LIMIT, "{t}");
    }

    /// The harness itself prefers no class: a function that does the same with any secret.
    #[test]
    #[ignore = "a measurement of times"]
    fn classes_are_treated_alike() {
        let mut secrets = |rng: &mut TestRng| zeros_and_random(rng, 2048);
        let experiment = Experiment { name: "sum of words", samples: 20_000, secrets: &mut secrets };
        experiment.takes_constant_time(|_| (), |words, ()| words.iter().fold(0, |sum, word| sum ^ word));
    }
}
