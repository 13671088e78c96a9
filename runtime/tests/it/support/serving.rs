//! `popcorn serve` as a process.

use super::http::metrics;
use super::served::plan_file;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server of `mnist-mlp`; it is killed when a test fails.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: String,
    admin: String,
}

impl Serving {
    /// With these flags besides, and these variables of the environment.
    pub(crate) fn start(more: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::of(&plan_file(), more, variables)
    }

    /// The same of the plans at a path.
    pub(crate) fn of(plans: &Path, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_popcorn"))
            .arg("serve")
            .arg(plans)
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(more)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut line = || lines.next().expect("a line").expect("text");
        let address = line().rsplit(' ').next().expect("an address").to_owned();
        let admin = (0..9).find_map(|_| Some(line().split_once("http://")?.1.split_once('/')?.0.to_owned()));
        Self { child, address, admin: admin.expect("an address") }
    }

    /// What it counts under this name.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        metrics(&self.admin)[name]
    }

    /// `-TERM`, say.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    /// Its status and what it wrote on standard error, when it has ended.
    pub(crate) fn status(mut self) -> (Option<i32>, String) {
        let mut written = String::new();
        let mut lines = self.child.stderr.take().expect("piped");
        lines.read_to_string(&mut written).expect("text");
        (self.child.wait().expect("an end").code(), written)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
