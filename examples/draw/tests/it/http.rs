//! What the program answers over HTTP.

use crate::program::Program;
use serde_json::Value;

/// A seven in two strokes.
const SEVEN: &str = r#"{"strokes":[[[0.25,0.2],[0.75,0.2],[0.42,0.85]]]}"#;

fn has(events: &[Value], at: &str, kind: &str) -> bool {
    events.iter().any(|event| event["at"] == at && event["kind"] == kind)
}

fn is_ready(events: &[Value]) -> bool {
    let mut states = events.iter().filter(|event| event["kind"] == "state");
    states.next_back().is_some_and(|event| event["state"] == "ready")
}

/// Names and bytes of messages, and who told of them.
fn frames(events: &[Value], at: &str) -> Vec<(String, u64, bool)> {
    let frames = events.iter().filter(|event| event["at"] == at && event["kind"] == "frame");
    let frame = |event: &Value| {
        let sent = event["sent"].as_bool().unwrap() == (at == "client");
        (event["name"].as_str().unwrap().to_owned(), event["bytes"].as_u64().unwrap(), sent)
    };
    frames.map(frame).collect()
}

#[test]
fn a_drawing_is_named_and_both_sides_tell_the_same() {
    let program = Program::start();
    program.wait_for("the client", is_ready);
    let [host, origin] = ["Host", "Origin: http://"].map(|header| match header {
        "Host" => format!("Host: {}", program.host),
        origin => format!("{origin}{}", program.host),
    });
    let told = program.ask("POST /ask", &[&host, &origin], SEVEN);
    assert_eq!((told.status, told.body.as_str()), (202, "the client has it\n"));
    let events = program.wait_for("an answer", |events| has(events, "client", "answer") && is_ready(events));
    let answer = events.iter().find(|event| event["kind"] == "answer").unwrap();
    assert_eq!(answer["label"], 7, "{answer}");
    assert_eq!(answer["scores"].as_array().unwrap().len(), 10);
    // What one party sends the other receives, a moment later; the order of both directions differs.
    let of = |events: &[Value], at: &str, direction: bool| {
        frames(events, at).into_iter().filter(|frame| frame.2 == direction).collect::<Vec<_>>()
    };
    let events = program.wait_for("what was sent at its receiver", |events| {
        [true, false].iter().all(|&way| of(events, "client", way) == of(events, "server", way))
    });
    assert!([true, false].iter().all(|&way| of(&events, "client", way).len() > 5));
    // The image, the answer and the scores are the client's alone.
    let kinds = events.iter().filter(|event| event["at"] == "server").map(|event| event["kind"].as_str());
    let kinds: std::collections::BTreeSet<&str> = kinds.map(Option::unwrap).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["connected", "did", "frame", "listening"]);
}

#[test]
fn only_the_page_asks() {
    let program = Program::start();
    let host = format!("Host: {}", program.host);
    let port = program.host.rsplit_once(':').unwrap().1.to_owned();
    let page = program.ask("GET /", &[&host], "");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<title>Draw a digit") && page.head.contains("frame-ancestors 'none'"));
    assert!(!page.body.contains("https://"), "the page needs nothing from elsewhere");
    assert_eq!(program.ask("GET /", &[&format!("Host: localhost:{port}")], "").status, 200);
    let status = |request: &str, headers: &[&str], body: &str| program.ask(request, headers, body).status;
    for stranger in [format!("Host: evil.example:{port}"), "Host: 127.0.0.1:1".into(), "Host: ".into()] {
        assert_eq!(status("GET /events?after=0", &[&stranger], ""), 421, "{stranger}");
    }
    assert_eq!(status("GET /", &[&host, &host], ""), 421, "two hosts");
    let own = format!("Origin: http://{}", program.host);
    for origin in ["Origin: http://evil.example", "Origin: null", "X-Nothing: 1"] {
        assert_eq!(status("POST /ask", &[&host, origin], SEVEN), 403, "{origin}");
    }
    let too_large = format!("[{}]", "0,".repeat(1 << 17));
    let bodies = [("", 400), ("{}", 400), (r#"{"strokes":[]}"#, 400), (r#"{"strokes":[[[1e99,0]]]}"#, 400)];
    for (body, expected) in bodies.into_iter().chain([(too_large.as_str(), 413)]) {
        assert_eq!(status("POST /ask", &[&host, &own], body), expected, "{:.20}", body);
    }
    assert_eq!(status("GET /ask", &[&host], ""), 405);
    assert_eq!(status("DELETE /", &[&host], ""), 405);
    assert_eq!(status("GET /elsewhere", &[&host], ""), 404);
    assert_eq!(status("GET /events?after=-1", &[&host], ""), 400);
    assert_eq!(status("GET /events", &[&host], ""), 400);
}
