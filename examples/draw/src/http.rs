//! The page, for browsers of this machine.
//!
//! Only the loopback address is listened on. Other sites that a browser visits could still send it here: the `Host` that it asks for has
//! to be this one, so that no name of theirs that suddenly means this machine gets an answer; and what asks for something to be
//! done has to come from this page (`Origin`).

use crate::client::Drawings;
use crate::digit::{Stroke, image};
use crate::journal::Journal;
use serde::Deserialize;
use std::error::Error;
use std::io::Read;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::mpsc::TrySendError;
use std::thread;
use tiny_http::{Header, Method, Request, Response, Server, StatusCode};

const PAGE: &str = include_str!("page.html");
/// Bytes of a drawing.
const MOST_BYTES: usize = 1 << 18;
/// Requests that are answered at once.
const THREADS: usize = 4;
/// The page has all that it needs in itself, asks this server alone, and stands in no frame.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the page sends.
#[derive(Deserialize)]
struct Drawing {
    strokes: Vec<Stroke>,
}

/// Serves the page on `port` (0: any) until the process ends.
///
/// # Errors
/// The port cannot be listened on.
pub(crate) fn listen(port: u16, journal: &Arc<Journal>, drawings: &Drawings) -> Result<(), Box<dyn Error>> {
    let failed = |error| format!("cannot listen on port {port}: {error}");
    let server = Arc::new(Server::http((Ipv4Addr::LOCALHOST, port)).map_err(failed)?);
    let port = server.server_addr().to_ip().map_or(port, |address| address.port());
    println!("http://127.0.0.1:{port}/");
    let serve = || {
        let site = Site { port, journal: Arc::clone(journal), drawings: drawings.clone() };
        let server = Arc::clone(&server);
        thread::spawn(move || server.incoming_requests().for_each(|request| site.answer(request)))
    };
    let threads: Vec<_> = (0..THREADS).map(|_| serve()).collect();
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    Ok(())
}

/// A status, the kind of what is answered, and that.
type Answer = (u16, &'static str, String);

struct Site {
    port: u16,
    journal: Arc<Journal>,
    drawings: Drawings,
}

impl Site {
    fn answer(&self, mut request: Request) {
        let (status, kind, body) = self.answer_to(&mut request);
        let headers = [
            ("Content-Type", kind),
            ("Content-Security-Policy", POLICY),
            ("Cache-Control", "no-store"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("X-Content-Type-Options", "nosniff"),
        ];
        let headers = headers.iter().filter_map(|(name, value)| Header::from_bytes(*name, *value).ok());
        let response = Response::from_string(body).with_status_code(StatusCode(status));
        // The browser may have gone.
        let _ = request.respond(headers.fold(response, Response::with_header));
    }

    fn answer_to(&self, request: &mut Request) -> Answer {
        if !self.is_asked_for(request) {
            return line(421, "this server answers as 127.0.0.1 and localhost alone");
        }
        let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
        match (request.method(), path) {
            (Method::Get, "/") => (200, "text/html; charset=utf-8", PAGE.into()),
            (Method::Get, "/events") => self.events(query),
            (Method::Post, "/ask") if !self.is_from_page(request) => line(403, "this is for the page alone"),
            (Method::Post, "/ask") => self.ask(request),
            (_, "/" | "/events" | "/ask") => line(405, "this is asked for in another way"),
            _ => line(404, "there is no such page"),
        }
    }

    /// What is new for a browser that knows so many entries.
    fn events(&self, query: &str) -> Answer {
        let Some(Ok(after)) = query.strip_prefix("after=").map(str::parse) else {
            return line(400, "ask for /events?after=NUMBER");
        };
        let entries = serde_json::to_string(&self.journal.after(after)).unwrap_or_default();
        (200, "application/json", entries)
    }

    fn ask(&self, request: &mut Request) -> Answer {
        let mut body = Vec::new();
        let read = request.as_reader().take(MOST_BYTES as u64 + 1).read_to_end(&mut body);
        if read.is_err() || body.len() > MOST_BYTES {
            return line(413, "this drawing is too large");
        }
        let Ok(drawing) = serde_json::from_slice::<Drawing>(&body) else {
            return line(400, "this is no drawing");
        };
        let pixels = match image(&drawing.strokes) {
            Ok(pixels) => pixels,
            Err(why) => return line(400, why),
        };
        match self.drawings.try_send(pixels) {
            Ok(()) => line(202, "the client has it"),
            Err(TrySendError::Full(_)) => line(503, "the client still has to ask about another drawing"),
            Err(TrySendError::Disconnected(_)) => line(500, "the client has ended"),
        }
    }

    /// Whether the host that the browser looks for is this one.
    fn is_asked_for(&self, request: &Request) -> bool {
        let hosts = self.hosts();
        header(request, "Host").is_some_and(|host| hosts.iter().any(|own| own == host))
    }

    /// Whether it is this page that asks.
    fn is_from_page(&self, request: &Request) -> bool {
        let origin = header(request, "Origin").and_then(|origin| origin.strip_prefix("http://"));
        origin.is_some_and(|origin| self.hosts().iter().any(|own| own == origin))
    }

    fn hosts(&self) -> [String; 2] {
        ["127.0.0.1", "localhost"].map(|host| format!("{host}:{}", self.port))
    }
}

/// The value of a header that stands there once.
fn header<'a>(request: &'a Request, name: &'static str) -> Option<&'a str> {
    let mut values = request.headers().iter().filter(|header| header.field.equiv(name));
    let value = values.next()?.value.as_str();
    values.next().is_none().then_some(value)
}

fn line(status: u16, text: &str) -> Answer {
    (status, "text/plain; charset=utf-8", format!("{text}\n"))
}
