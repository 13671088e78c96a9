//! The program, running.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// The program on a port of its own, until it is dropped.
pub(crate) struct Program {
    process: Child,
    /// 127.0.0.1:PORT.
    pub(crate) host: String,
}

/// What is answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Program {
    pub(crate) fn start() -> Self {
        let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/mnist-mlp.plan");
        let mut program = Command::new(env!("CARGO_BIN_EXE_draw"));
        let mut process = program.arg("0").arg(plan).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let host = url.trim().strip_prefix("http://").and_then(|url| url.strip_suffix('/')).unwrap().into();
        Self { process, host }
    }

    /// What this answers to a request with these lines behind the first one.
    pub(crate) fn ask(&self, request: &str, headers: &[&str], body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let headers = headers.iter().map(|header| format!("{header}\r\n")).collect::<String>();
        let length = body.len();
        let head =
            format!("{request} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // Who is refused early may not be read to the end.
        let _ = stream.write_all(body.as_bytes());
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.into(), body: body.into() }
    }

    /// All events so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        let answer = self.ask("GET /events?after=0", &[&format!("Host: {}", self.host)], "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// All events up to the last one, as soon as `is_there` finds what it looks for.
    pub(crate) fn wait_for(&self, what: &str, is_there: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let events = self.events();
            if is_there(&events) {
                return events;
            }
            assert!(begun.elapsed() < PATIENCE, "waited too long for {what}: {events:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
