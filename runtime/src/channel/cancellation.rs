//! Ending a connection from another thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A stream whose reads and writes another thread can end.
pub trait Wake: Send + Sync {
    /// Ends those that wait, and all later ones.
    fn wake(&self);

    /// Ends reads that wait, as if the peer had closed the stream; writes go on. A stream that cannot be told goes on reading.
    fn stop_reading(&self) {}
}

/// Ends calls that are under way in other threads, for good: they fail with
/// [`Error::Cancelled`](crate::error::Error::Cancelled), and so does every later call on the same connections.
///
/// Clones are the same token. Over TCP a call that waits for the peer ends at once; over another stream when the call on
/// the stream returns; a call that computes ends with the message that is being computed.
#[derive(Clone, Default)]
pub struct CancellationToken(Arc<State>);

#[derive(Default)]
struct State {
    cancelled: AtomicBool,
    streams: Mutex<Vec<Weak<dyn Wake>>>,
}

impl CancellationToken {
    /// A token that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the calls of all connections that have this token.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        // Outside the lock: a stream may ask the token.
        let streams = std::mem::take(&mut *self.streams());
        streams.iter().filter_map(Weak::upgrade).for_each(|stream| stream.wake());
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Wakes `stream` when it is cancelled, at once if it is already.
    pub(super) fn watch(&self, stream: Weak<dyn Wake>) {
        let mut streams = self.streams();
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(stream);
        if self.is_cancelled() {
            drop(streams);
            self.cancel();
        }
    }

    fn streams(&self) -> MutexGuard<'_, Vec<Weak<dyn Wake>>> {
        self.0.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    struct Counting(AtomicUsize);

    impl Wake for Counting {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn streams_are_woken_once_whenever_they_came_and_kept_by_nobody() {
        let token = CancellationToken::new();
        let streams = [(); 3].map(|()| Arc::new(Counting(AtomicUsize::new(0))));
        let [first, gone, last] = streams;
        let weak = |stream: &Arc<Counting>| -> Weak<dyn Wake> { Arc::<Counting>::downgrade(stream) };
        token.watch(weak(&gone));
        drop(gone);
        token.watch(weak(&first));
        assert_eq!((token.is_cancelled(), token.streams().len()), (false, 1));
        token.clone().cancel();
        token.watch(weak(&last));
        token.cancel();
        let woken = [&first, &last].map(|stream| stream.0.load(Ordering::SeqCst));
        assert_eq!((token.is_cancelled(), woken), (true, [1, 1]));
    }
}
