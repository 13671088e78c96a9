//! A TCP stream that tells of every message that crosses it.

use crate::event::Event;
use crate::frames::Frames;
use popcorn::channel::{Reader, Transport, Wake};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// No call on the stream blocks longer.
const PATIENCE: Duration = Duration::from_secs(600);

/// Who is told; both directions tell it, from threads of their own.
pub(crate) type Told = Arc<dyn Fn(Event) + Send + Sync>;

/// The two directions of `stream`; `told` is told of messages when they have passed.
///
/// # Errors
/// The system refuses the socket's options.
pub(crate) fn tap(stream: TcpStream, told: &Told) -> io::Result<Transport> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let stream = Arc::new(stream);
    let half = |sent| Half { stream: Arc::clone(&stream), frames: Frames::new(sent), told: Arc::clone(told) };
    Ok(Transport::with_reader(Incoming(half(false)), Outgoing(half(true))))
}

struct Half {
    stream: Arc<TcpStream>,
    frames: Frames,
    told: Told,
}

/// What the peer sends. Dropping it ends both directions.
struct Incoming(Half);

/// What is sent to the peer.
struct Outgoing(Half);

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Half { stream, frames, told } = &mut self.0;
        let count = (&**stream).read(buffer)?;
        frames.pass(&buffer[..count], |event| told(event));
        Ok(count)
    }
}

impl Reader for Incoming {
    fn set_timeouts(&mut self, read: Duration, write: Duration) -> io::Result<()> {
        self.0.stream.set_read_timeout(Some(read))?;
        self.0.stream.set_write_timeout(Some(write))
    }

    fn wake(&self) -> Option<Weak<dyn Wake>> {
        Some(Arc::<TcpStream>::downgrade(&self.0.stream))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // The stream may have ended.
        let _ = self.0.stream.shutdown(Shutdown::Both);
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Half { stream, frames, told } = &mut self.0;
        let count = (&**stream).write(bytes)?;
        frames.pass(&bytes[..count], |event| told(event));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0.stream).flush()
    }
}
