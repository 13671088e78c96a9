//! Runs a document's blocks as one script of the shell, so that servers in the background, variables and files last from one to
//! the next.

use super::{Block, Document, When, folder};
use crate::outside::skip;
use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Which blocks are run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Quick,
    /// Also what is slow and what takes Python.
    Full,
}

/// Runs what a document says, and fails with its output where a command does.
pub(crate) fn run(document: &Document, extent: Extent, limit: Duration) {
    let blocks: Vec<Block> = document.blocks().into_iter().filter(|block| is_run(block, extent)).collect();
    if blocks.is_empty() {
        return;
    }
    let folder = folder::make();
    let script = folder.path().join("script.sh");
    fs::write(&script, text(&blocks)).unwrap();
    let output = folder.path().join("output");
    let status = execute(&script, &output, limit);
    let output = String::from_utf8_lossy(&fs::read(&output).unwrap()).into_owned();
    let shown = document.path.display();
    match status {
        None => panic!("{shown}: not done after {} s:\n{output}", limit.as_secs()),
        Some(status) => assert!(status.success(), "{shown}: {status}:\n{output}"),
    }
}

fn is_run(block: &Block, extent: Extent) -> bool {
    if !["sh", "python"].contains(&block.language.as_str()) {
        return false;
    }
    match &block.when {
        When::Always => true,
        When::Never => false,
        When::Slow => extent == Extent::Full,
        When::Programs(names) => names.iter().all(|name| is_there(name, which(name))),
        When::Python(modules) => {
            extent == Extent::Full && modules.iter().all(|module| is_there(module, imports(module)))
        }
    }
}

fn is_there(name: &str, found: bool) -> bool {
    if !found {
        skip(&format!("commands of the guide that need {name}, which is not installed"));
    }
    found
}

fn which(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn python() -> String {
    std::env::var("POPCORN_PYTHON").unwrap_or_else(|_| "python3".into())
}

fn imports(module: &str) -> bool {
    let code = format!("import importlib.util, sys; sys.exit(importlib.util.find_spec('{module}') is None)");
    Command::new(python()).args(["-c", &code]).status().is_ok_and(|status| status.success())
}

/// The blocks in a row. A block of Python begins with all that stands in those before it.
fn text(blocks: &[Block]) -> String {
    let ports = [7000, 9000].map(|port| (port, free_port()));
    let mut script = "set -euo pipefail\n".to_owned();
    let mut python = String::new();
    for block in blocks {
        let mut text = block.text.clone();
        for (shown, free) in ports {
            text = text.replace(&format!(":{shown}"), &format!(":{free}"));
        }
        // A machine with much else to do makes keys slowly.
        text = text.replace("popcorn serve ", "popcorn serve --handshake 600 ");
        script += &format!("echo '== line {}'\n", block.line);
        if block.language == "python" {
            python += &text;
            text = format!("python - <<'end of Python'\n{python}end of Python\n");
        }
        script += &text;
    }
    script
}

/// A port that nobody listens on, for now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Our programs, which the build has put into one folder.
pub(crate) fn programs() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_popcornc")).parent().unwrap().to_owned()
}

/// A folder with our programs, and `python`.
fn bin() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for program in ["popcorn", "popcornc"] {
        symlink(programs().join(program), folder.path().join(program)).unwrap();
    }
    let wrapper = folder.path().join("python");
    fs::write(&wrapper, format!("#!/bin/sh\nexec '{}' \"$@\"\n", python())).unwrap();
    fs::set_permissions(&wrapper, Permissions::from_mode(0o755)).unwrap();
    folder
}

/// The script's status; none where it took too long. Whatever it started is ended.
fn execute(script: &Path, output: &Path, limit: Duration) -> Option<ExitStatus> {
    let bin = bin();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = [bin.path().to_owned()].into_iter().chain(std::env::split_paths(&path));
    let log = File::create(output).unwrap();
    let mut child = Command::new("bash")
        .arg(script)
        .current_dir(script.parent().unwrap())
        .env("PATH", std::env::join_paths(paths).unwrap())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap();
    let status = wait(&mut child, limit);
    let group = format!("-{}", child.id());
    // Where all have ended, there is no such group.
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    if status.is_none() {
        child.wait().unwrap();
    }
    status
}

fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        sleep(Duration::from_millis(50));
    }
    None
}
