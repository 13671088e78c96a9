//! The programs of this crate do what README.md says.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn testdata(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(file)
}

fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_client_asks_a_server() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_server"))
        .arg(testdata("mnist-mlp.plan"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let mut client = Command::new(env!("CARGO_BIN_EXE_client"));
        client.arg(address.trim()).arg(testdata("digits/7.png")).arg(folder.path().join("me.key"));
        assert!(printed(&mut client).starts_with("class 7, "));
    }
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

#[test]
fn one_process_compiles_serves_and_asks() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_in_process"));
    program.args([testdata("mnist-mlp.onnx"), testdata("digits/3.png"), testdata("digits/all.npz")]);
    assert_eq!(printed(&mut program), "class 3\n");
}
