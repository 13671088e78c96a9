//! A client of HTTP, and a reader of Prometheus's text format that forgives nothing.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Status and body of what is at `path`.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let (status, _, body) = ask(address, &format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n"));
    (status, body)
}

/// Status, head and body of the answer to these bytes.
pub(crate) fn ask(address: &str, request: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).expect("a status");
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
    let is_whole = body.is_empty() || length.parse() == Ok(body.len());
    assert!(is_whole, "{head}");
    (status.parse().expect("a number"), head.to_owned(), body.to_owned())
}

/// What there is at `/metrics`, each sample by its name with its labels as they are written.
pub(crate) fn metrics(address: &str) -> BTreeMap<String, f64> {
    let (status, text) = get(address, "/metrics");
    assert_eq!(status, 200);
    samples(&text)
}

/// The samples of a text in Prometheus's format; every family has a help, a type and samples, in this order and once, and every
/// distribution grows.
pub(crate) fn samples(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with('\n') && !text.contains('\r'));
    let mut found = BTreeMap::new();
    let mut families: Vec<&str> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let (name, help) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')).expect(line);
        assert!(is_name(name) && !help.is_empty() && !families.contains(&name), "{line}");
        families.push(name);
        let line = lines.next().expect("a type");
        let kind = line.strip_prefix(&format!("# TYPE {name} ")).expect(line);
        assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        let mut below = 0.0;
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').expect(line);
            let value: f64 = value.parse().expect(line);
            let (own, labels) = series.split_once('{').map_or((series, ""), |(own, rest)| (own, rest));
            check_labels(labels, line);
            match (kind, own.strip_prefix(name).expect(line)) {
                ("counter", "") | ("histogram", "_sum") => assert!(value >= 0.0, "{line}"),
                ("gauge", "") => assert!(value.is_finite(), "{line}"),
                ("histogram", "_bucket") => {
                    assert!(value >= below, "{line}");
                    below = value;
                }
                ("histogram", "_count") => {}
                _ => panic!("{line}"),
            }
            assert_eq!(found.insert(series.to_owned(), value), None, "{line}");
        }
        if kind == "histogram" {
            let all = found.get(&format!("{name}_bucket{{le=\"+Inf\"}}"));
            assert!(all.is_some() && all == found.get(&format!("{name}_count")), "{name}");
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `a="x",b="y"}`, or nothing.
fn check_labels(labels: &str, line: &str) {
    if labels.is_empty() {
        return;
    }
    for label in labels.strip_suffix('}').expect(line).split(',') {
        let (name, value) = label.split_once('=').expect(line);
        let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect(line);
        assert!(is_name(name) && !value.contains(['"', '\\']), "{line}");
    }
}
