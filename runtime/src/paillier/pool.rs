//! Randomisers made ahead of time, while there is nothing better to do.
//!
//! A party waits for its peer and for the network; a [`Pool`] turns that time into randomisers. A thread of
//! the lowest priority draws them until the pool is full, so that it takes a core only while no other thread
//! wants it (on Linux; elsewhere it competes like any other). Each randomiser is moved out once, as its type
//! demands; when the pool is dry they are drawn on demand.

use super::public_key::PublicKey;
use super::randomiser::{Randomiser, Randomisers};
use super::randomness::SecureRng;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// A pool never takes more memory than this.
const MAX_BYTES: usize = 8 << 20;

/// Of which an exponent takes so many.
const EXPONENT_BYTES: usize = 128;

/// A source of randomisers with a stock of them. The thread that fills it ends when it is dropped.
pub struct Pool<S> {
    shared: Arc<Shared<S>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared<S> {
    source: S,
    capacity: usize,
    stock: Mutex<Stock>,
    changed: Condvar,
}

#[derive(Default)]
struct Stock {
    ready: Vec<Randomiser>,
    /// The thread waits until something is taken.
    resting: bool,
    closed: bool,
}

impl<S: Randomisers + Send + 'static> Pool<S> {
    /// A pool of up to `wanted` randomisers of `source`, 8 MiB at most, which begins to fill. Where the
    /// system gives no thread it stays dry.
    pub fn new(source: S, wanted: usize, rng: &mut SecureRng) -> Self {
        let each = size_of_val(source.key().ring().one()) + EXPONENT_BYTES;
        let capacity = wanted.min(MAX_BYTES / each);
        let shared = Arc::new(Shared { source, capacity, stock: Mutex::default(), changed: Condvar::new() });
        let (theirs, rng) = (Arc::clone(&shared), rng.split());
        let thread = thread::Builder::new().name("randomisers".into()).spawn(move || theirs.fill(rng)).ok();
        Self { shared, thread }
    }
}

impl<S: Randomisers + Send> Randomisers for Pool<S> {
    fn key(&self) -> &PublicKey {
        self.shared.source.key()
    }

    fn draw(&self, rng: &mut SecureRng) -> Randomiser {
        self.shared.take().unwrap_or_else(|| self.shared.source.draw(rng))
    }
}

impl<S> Drop for Pool<S> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        // A thread that panicked has ended, too.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, Stock> {
        // Nothing panics while it holds the lock.
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One from the stock. Never waits for the lock: the system may have put the filling thread aside while
    /// it holds it.
    fn take(&self) -> Option<Randomiser> {
        let mut stock = self.stock.try_lock().ok()?;
        let taken = stock.ready.pop();
        if taken.is_some() && std::mem::take(&mut stock.resting) {
            self.changed.notify_all();
        }
        taken
    }

    /// Waits until there is room; `false` when the pool is closed.
    fn has_room(&self) -> bool {
        let mut stock = self.lock();
        stock.resting = stock.ready.len() >= self.capacity;
        let full = |stock: &mut Stock| stock.resting && !stock.closed;
        let stock = self.changed.wait_while(stock, full);
        !stock.unwrap_or_else(PoisonError::into_inner).closed
    }
}

impl<S: Randomisers> Shared<S> {
    fn fill(&self, mut rng: SecureRng) {
        yield_to_everybody();
        while self.has_room() {
            let randomiser = self.source.draw(&mut rng);
            self.lock().ready.push(randomiser);
        }
    }
}

/// Gives this thread only the time for which no other thread has a use.
fn yield_to_everybody() {
    #[cfg(target_os = "linux")]
    // SAFETY: all zeros is a valid `sched_param`, which the call only reads; 0 is the calling thread. Where the
    // system refuses, the thread keeps its priority.
    unsafe {
        let parameters: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomness::TestRng;
    use crate::paillier::{PublicRandomisers, test_keys};
    use std::collections::BTreeSet;

    /// Tells when it is dropped: with the thread's share of the pool, at the latest.
    struct Watched {
        source: PublicRandomisers,
        _alive: Arc<()>,
    }

    impl Randomisers for Watched {
        fn key(&self) -> &PublicKey {
            self.source.key()
        }

        fn draw(&self, rng: &mut SecureRng) -> Randomiser {
            self.source.draw(rng)
        }
    }

    fn pool(capacity: usize, rng: &mut SecureRng) -> (Pool<Watched>, Arc<()>) {
        let source = PublicRandomisers::for_uses(test_keys::shared(512).public(), 100);
        let alive = Arc::new(());
        (Pool::new(Watched { source, _alive: Arc::clone(&alive) }, capacity, rng), alive)
    }

    /// Waits until the thread has nothing to do; how many are ready then.
    fn rested(pool: &Pool<Watched>) -> usize {
        loop {
            let stock = pool.shared.lock();
            if stock.resting {
                return stock.ready.len();
            }
            drop(stock);
            thread::yield_now();
        }
    }

    #[test]
    fn a_pool_is_filled_up_to_its_bound_and_again_after_use() {
        let mut rng = TestRng::new(20);
        let (pool, _) = pool(5, &mut rng);
        for drawn in [1, 5, 40] {
            assert_eq!(rested(&pool), 5);
            (0..drawn).for_each(|_| drop(pool.draw(&mut rng)));
        }
        assert_eq!(rested(&pool), 5);
    }

    #[test]
    fn no_randomiser_comes_twice_and_a_dry_pool_draws() {
        let mut rng = TestRng::new(21);
        for capacity in [0, 1, 7] {
            let (pool, _) = pool(capacity, &mut rng);
            let mut seen = BTreeSet::new();
            for i in 0..60 {
                if i % 20 == 0 {
                    rested(&pool);
                }
                assert!(seen.insert(pool.draw(&mut rng).limbs().to_vec()), "{i}");
            }
            assert_eq!(rested(&pool), capacity);
        }
    }

    #[test]
    fn threads_share_a_pool() {
        let mut rng = TestRng::new(22);
        let (pool, _) = pool(50, &mut rng);
        rested(&pool);
        let mut rngs = [(); 4].map(|()| rng.split());
        let draw = |rng: &mut SecureRng| (0..30).map(|_| pool.draw(rng).limbs().to_vec()).collect::<Vec<_>>();
        let drawn = thread::scope(|scope| {
            let threads = rngs.each_mut().map(|rng| scope.spawn(|| draw(rng)));
            threads.map(|thread| thread.join().unwrap())
        });
        assert_eq!(drawn.concat().into_iter().collect::<BTreeSet<_>>().len(), 120);
    }

    #[test]
    fn dropping_a_pool_ends_its_thread_full_or_not() {
        let mut rng = TestRng::new(23);
        for capacity in [3, 1 << 20] {
            let (pool, alive) = pool(capacity, &mut rng);
            assert!(pool.thread.is_some());
            drop(pool);
            assert_eq!(Arc::strong_count(&alive), 1);
        }
    }

    #[test]
    fn memory_bounds_a_pool() {
        let mut rng = TestRng::new(24);
        let (pool, _) = pool(usize::MAX, &mut rng);
        assert!(pool.shared.capacity * size_of_val(pool.key().ring().one()) <= MAX_BYTES);
    }
}
