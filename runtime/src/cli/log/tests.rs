use super::*;
use runtime::Error;
use runtime::channel::Traffic;
use runtime::error::PeerFault;
use runtime::plan::PlanId;
use serde_json::Value;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that `act` makes a log write.
fn lines(form: Form, act: impl FnOnce(&Log)) -> Vec<String> {
    let written = Written::default();
    let writer = written.clone();
    tracing::subscriber::with_default(subscriber(form, move || writer.clone()), || act(&Log::new()));
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().lines().map(String::from).collect()
}

fn caller() -> Caller {
    Caller { address: Some("192.0.2.1:999".parse().unwrap()), certificate: Some([0xab; 32]), name: None }
}

fn session() -> Session {
    Session { number: 7, plan: PlanId::from_bytes([5; 32]) }
}

fn spent() -> Spent {
    let traffic = Traffic { sent: 10, received: 20, ..Traffic::default() };
    Spent { elapsed: Duration::from_millis(1500), traffic }
}

fn departure(session: Option<Session>, answered: u64, end: End) -> Departure {
    let unreported = Traffic::default();
    Departure { caller: caller(), session, prepared: 0, taken: 0, answered, spent: spent(), unreported, end }
}

#[test]
fn phases_and_ends_are_lines_with_names() {
    let act = |log: &Log| {
        log.did(&caller(), session(), &PhaseReport { done: Done::Prepared(3), spent: spent() });
        log.did(&caller(), session(), &PhaseReport { done: Done::Answered(2), spent: spent() });
        log.departed(&departure(Some(session()), 2, End::Answered(2)));
    };
    let logged: Vec<Value> =
        lines(Form::Json, act).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<&Value> = logged.iter().map(|line| &line["message"]).collect();
    assert_eq!(messages, ["prepared", "answered", "session ended"]);
    for line in &logged {
        assert_eq!(line["client"], "192.0.2.1:999");
        assert_eq!(line["certificate"], "ab".repeat(32));
        assert_eq!((&line["session"], &line["plan"]), (&7.into(), &"05".repeat(32).into()));
        assert_eq!(
            (&line["seconds"], &line["sent"], &line["received"]),
            (&1.5.into(), &10.into(), &20.into())
        );
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    }
    assert_eq!((&logged[0]["count"], &logged[1]["count"]), (&3.into(), &2.into()));
    assert_eq!((&logged[2]["reason"], &logged[2]["answered"]), (&"closed".into(), &2.into()));
    let text = lines(Form::Text, act);
    assert!(text.len() == 3 && text[1].contains(" INFO answered client=192.0.2.1:999 "), "{text:?}");
}

#[test]
fn a_peers_bytes_forge_no_line() {
    let forged = "x\n2026-01-01T00:00:00Z  INFO answered \u{1b}[2K\u{202e}\r";
    let end = || End::Failed(Error::PeerMisbehaved(PeerFault::Protocol(forged.into())));
    for form in [Form::Text, Form::Json] {
        let logged = lines(form, |log| log.departed(&departure(None, 0, end())));
        assert_eq!(logged.len(), 1, "{logged:?}");
        assert!(!logged[0].contains(is_deceptive), "{logged:?}");
        assert!(logged[0].contains(r"x\\u{a}2026"), "{logged:?}");
    }
}

#[test]
fn a_flood_of_strangers_drowns_nobody() {
    let logged = lines(Form::Text, |log| {
        (0..1000).for_each(|_| log.departed(&departure(None, 0, End::TurnedAway)));
        log.departed(&departure(Some(session()), 1, End::Answered(1)));
        log.finish();
    });
    let count = |part: &str| logged.iter().filter(|line| line.contains(part)).count();
    let missed =
        |line: &String| line.split_once("missed=").map_or(0, |(_, count)| count.parse::<usize>().unwrap());
    let missed: usize = logged.iter().map(missed).sum();
    assert_eq!((count("connection ended") + missed, count("session ended")), (1000, 1), "{logged:?}");
    assert!(missed > 0, "{logged:?}");
}
