//! What `popcorn serve` writes of its clients and their budgets.

use crate::support::served::{CLIENT_KEY, IMAGE, wait_until};
use crate::support::serving::Serving;
use runtime::Client;
use runtime::channel::tls::{Connector, Fingerprint, Identity, Trust};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A certificate in files of this name.
fn certificate(folder: &Path, name: &str) -> Identity {
    let made = Command::new(env!("CARGO_BIN_EXE_popcorn"))
        .current_dir(folder)
        .args(["certificate", "--self-signed", name])
        .output()
        .expect("run");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    Identity { certificate: file("crt"), key: file("key") }
}

/// A client with a certificate prepares two inferences and asks about one image, another one asks for nothing until the server ends.
#[test]
fn every_phase_and_every_end_is_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let (own, friend) = (certificate(folder.path(), "localhost"), certificate(folder.path(), "friend"));
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    let (shown, key, friends) = (text(&own.certificate), text(&own.key), text(&friend.certificate));
    let flags = ["--log", "json", "--tls-cert", &shown, "--tls-key", &key, "--client-ca", &friends];
    let serving = Serving::start(&flags, &[]);
    let trust = Trust::Authorities(own.certificate.clone());
    let connector = Connector::new(&trust, Some(&friend)).expect("certificates");
    let address = serving.address.replace("127.0.0.1", "localhost");
    let open = || Client::connect(&address).tls(connector.clone()).key(CLIENT_KEY.clone()).open();
    let mut client = open().expect("a session");
    client.prepare(2).expect("prepared");
    client.infer(&IMAGE).expect("an answer");
    client.close().expect("closed");
    wait_until(|| serving.metric("popcorn_sessions_open") == 0.0);
    let mut idle = open().expect("a session");
    wait_until(|| serving.metric("popcorn_sessions_open") == 1.0);
    serving.signal("-TERM");
    let (status, written) = serving.status();
    assert_eq!(status, Some(0));
    let told = idle.infer(&IMAGE).expect_err("the server has ended");
    assert_eq!(told.to_string(), "the server refused: it is ending; try another");
    let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let of = |message: &str| lines.iter().filter(|line| line["message"] == message).collect::<Vec<_>>();
    let count = |message: &str| of(message).iter().filter_map(|line| line["count"].as_u64()).sum::<u64>();
    assert_eq!((count("prepared"), count("answered")), (2, 1), "{written}");
    let ends = of("session ended");
    let ended = |session: u64| *ends.iter().find(|line| line["session"] == session).expect("an end");
    assert_eq!((&ended(2)["reason"], &ended(2)["answered"]), (&"ending".into(), &0.into()));
    let ended = ended(1);
    assert_eq!(
        (&ended["reason"], &ended["answered"], &ended["prepared"]),
        (&"closed".into(), &1.into(), &2.into())
    );
    let fingerprint = Fingerprint::of_file(&friend.certificate).expect("a certificate").to_string();
    let all = [of("prepared"), of("answered"), vec![ended]].concat();
    assert!(all.iter().all(|line| line["certificate"] == fingerprint && line["session"] == 1), "{written}");
    assert!(
        all.iter().all(|line| line["client"].as_str().is_some_and(|client| client.starts_with("127.0.0.1:")))
    );
    assert_eq!(of("server ended")[0]["cut_off"], 0);
}

/// A file of budgets that was written under a clock that was ahead keeps no server from starting.
#[test]
fn budgets_of_a_day_to_come_are_warned_of_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("budgets");
    std::fs::write(&path, "999999\n0 1 token alice\n").expect("written");
    for warnings in [1, 0] {
        let serving = Serving::start(&["--log", "json", "--budgets", path.to_str().expect("text")], &[]);
        serving.signal("-TERM");
        let (status, written) = serving.status();
        assert_eq!(status, Some(0), "{written}");
        let lines = written.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
        let ahead = lines.filter(|line| line["level"] == "WARN" && line["days_ahead"].as_u64() > Some(0));
        assert_eq!(ahead.count(), warnings, "{written}");
    }
    let kept = std::fs::read_to_string(&path).expect("text");
    assert!(!kept.starts_with("999999\n") && kept.ends_with("\n0 1 token alice\n"), "{kept}");
}
