//! `popcorn prepare`, and what `popcorn infer` makes of it.

use crate::cli::{EXPECTED, Fixture, assert_private, failure, json, popcorn, text};
use std::process::{Output, Stdio};
use std::thread;
use std::time::Duration;

/// What a client does with its folder `ours` at this server.
fn client(fixture: &Fixture, command: &str, address: &str, more: &[&str]) -> Output {
    fixture.run(&[&[command, "--connect", address, "--store", "ours"], more].concat())
}

/// The notes of an inference whose answer is right.
fn asked(fixture: &Fixture, address: &str) -> String {
    let output = client(fixture, "infer", address, &["--input", "image.npy", "--json"]);
    assert_eq!(json(&output)["logits"], serde_json::json!(EXPECTED));
    text(&output.stderr)
}

#[test]
fn what_is_prepared_is_used_when_both_have_restarted() {
    let fixture = Fixture::new();
    fixture.write_shared();
    let serving = fixture.serve_with(&["--store", "theirs"]);
    let prepared = client(&fixture, "prepare", &serving.address, &["--count", "2"]);
    assert!(prepared.status.success(), "{}", text(&prepared.stderr));
    assert!(text(&prepared.stdout).starts_with("2 inferences are prepared for plan "));
    for folder in ["ours", "theirs"] {
        assert_private(&fixture.path(folder).join("store.key"));
    }
    let in_use =
        failure(&fixture.run(&["serve", "model.plan", "--listen", "127.0.0.1:0", "--store", "theirs"]));
    assert!(in_use.contains("somebody else has this store open"), "{in_use}");
    drop(serving);
    let listed = fixture.run(&["prepare", "--list", "--store", "ours"]);
    assert_eq!(text(&listed.stdout), text(&prepared.stdout));
    assert_eq!(fixture.run(&["prepare", "--list"]).status.code(), Some(2), "of which folder?");
    let other_key = ["prepare", "--list", "--store", "ours", "--store-key", "other.key"];
    assert!(failure(&fixture.run(&other_key)).contains("another key"));

    let serving = fixture.serve_with(&["--store", "theirs"]);
    for note in
        ["1 inference had been prepared earlier", "1 inference had been", "nothing that was prepared earlier"]
    {
        let notes = asked(&fixture, &serving.address);
        assert!(notes.contains(note), "{notes}");
    }
    let listed = fixture.run(&["prepare", "--list", "--store", "ours"]);
    assert_eq!(text(&listed.stdout), "no inferences are prepared\n");
}

#[test]
fn a_server_that_keeps_nothing_or_no_more_is_named() {
    let fixture = Fixture::new();
    fixture.write_shared();
    let serving = fixture.serve_with(&[]);
    let refused = client(&fixture, "prepare", &serving.address, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("0 of 1 are kept"), "{}", text(&refused.stderr));
    drop(serving);
    let serving = fixture.serve_with(&["--store", "theirs", "--store-bytes", "1kB"]);
    assert_eq!(client(&fixture, "prepare", &serving.address, &[]).status.code(), Some(1));
    assert!(asked(&fixture, &serving.address).contains("nothing that was prepared earlier"));
}

/// One party dies at any time, while inferences are prepared and used: whatever is answered is right.
#[test]
#[ignore = "kills a hundred processes, half a minute"]
fn whoever_is_killed_answers_are_right() {
    let fixture = Fixture::new();
    fixture.write_shared();
    for round in 0..50u64 {
        let serving = fixture.serve_with(&["--store", "theirs"]);
        let ask = ["infer", "--connect", &serving.address, "--store", "ours", "--input", "set.npy"];
        let prepare = ["prepare", "--connect", &serving.address, "--store", "ours", "--count", "5"];
        let arguments = if round % 2 == 0 { &prepare[..] } else { &ask };
        let mut command = popcorn();
        command.current_dir(fixture.path("")).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = command.spawn().expect("started");
        thread::sleep(Duration::from_millis(round * 37 % 300));
        if round % 4 < 2 {
            running.kill().expect("killed");
        }
        drop(serving); // killed
        running.wait().expect("ended");
        let serving = fixture.serve_with(&["--store", "theirs"]);
        asked(&fixture, &serving.address);
    }
}
