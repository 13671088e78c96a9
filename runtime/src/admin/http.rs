//! One request and one answer for each connection, over HTTP/1.1, within bounded memory and time. (RFC 9112, the crate `httparse`.)

use crate::channel::Deadline;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// Bytes of a request, which has no body.
const MAX_REQUEST: usize = 8 << 10;
/// Lines of a request's head.
const MAX_HEADERS: usize = 64;
/// How long a request and its answer may take together.
const MAX_TIME: Duration = Duration::from_secs(2);

/// What is answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: String,
}

impl Answer {
    /// A line of text.
    pub(super) fn line(status: u16, line: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: format!("{line}\n") }
    }

    /// Of a `body`, whether or not it is sent.
    fn head(&self) -> String {
        let Self { status, kind, body } = self;
        let reason = match status {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            431 => "Request Header Fields Too Large",
            _ => "Service Unavailable",
        };
        let allow = if *status == 405 { "Allow: GET, HEAD\r\n" } else { "" };
        format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\nConnection: close\r\n\r\n",
            body.len()
        )
    }
}

/// Answers the one request on `stream`, whose path, without a query, `answer` is given.
///
/// # Errors
/// The peer vanished, or takes too long.
pub(super) fn serve(stream: &TcpStream, answer: impl FnOnce(&str) -> Answer) -> io::Result<()> {
    let mut stream = Deadline { stream, until: Instant::now() + MAX_TIME };
    let request = read(&mut stream)?;
    let is_head = matches!(&request, Ok(Request { is_head: true, .. }));
    let answer = request.map_or_else(|refusal| refusal, |request| answer(&request.path));
    stream.write_all(answer.head().as_bytes())?;
    if !is_head {
        stream.write_all(answer.body.as_bytes())?;
    }
    end(stream)
}

/// A request that can be answered.
struct Request {
    is_head: bool,
    path: String,
}

/// The request, or how it is refused.
fn read(stream: &mut impl Read) -> io::Result<Result<Request, Answer>> {
    let mut bytes = [0; MAX_REQUEST];
    let mut filled = 0;
    loop {
        let count = stream.read(&mut bytes[filled..])?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        filled += count;
        if let Some(request) = parse(&bytes[..filled]) {
            return Ok(request);
        }
        if filled == MAX_REQUEST {
            return Ok(Err(Answer::line(431, "the request is too long")));
        }
    }
}

/// `None` where more is to come.
fn parse(bytes: &[u8]) -> Option<Result<Request, Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) => None,
        Err(error) => Some(Err(Answer::line(400, &format!("no request: {error}")))),
        Ok(httparse::Status::Complete(_)) => {
            let target = request.path.unwrap_or_default();
            let path = target.split_once('?').map_or(target, |(path, _)| path).to_owned();
            Some(match request.method {
                Some("GET") => Ok(Request { is_head: false, path }),
                Some("HEAD") => Ok(Request { is_head: true, path }),
                _ => Err(Answer::line(405, "only GET and HEAD")),
            })
        }
    }
}

/// Ends the answer. What the peer still sends is read and dropped, so that no reset reaches it before it has read.
fn end(mut stream: Deadline<'_>) -> io::Result<()> {
    stream.stream.shutdown(Shutdown::Write)?;
    let mut sink = [0; 1 << 10];
    while stream.read(&mut sink)? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Path of what can be answered, and how the rest is refused.
    fn asked(bytes: &[u8]) -> Result<String, u16> {
        let request = read(&mut &*bytes).expect("a whole request");
        request.map(|request| request.path).map_err(|answer| answer.status)
    }

    #[test]
    fn requests_are_read_or_refused() {
        assert_eq!(asked(b"GET /metrics?x=1 HTTP/1.1\r\nHost: here\r\n\r\n"), Ok("/metrics".into()));
        assert_eq!(asked(b"HEAD / HTTP/1.0\r\n\r\n"), Ok("/".into()));
        assert_eq!(asked(b"POST / HTTP/1.1\r\n\r\n"), Err(405));
        assert_eq!(asked(b"\x16\x03\x01 hello\r\n\r\n"), Err(400));
        assert_eq!(asked(&[b"GET /".to_vec(), vec![b'a'; MAX_REQUEST]].concat()), Err(431));
        let many = "a: b\r\n".repeat(MAX_HEADERS + 1);
        assert_eq!(asked(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()), Err(400));
        assert!(read(&mut &b"GET / HTTP/1.1\r\n"[..]).is_err(), "half a request");
    }
}
