//! A headless browser, told what to do by Chromium's DevTools protocol over two named pipes.

use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub(crate) struct Browser {
    process: Child,
    commands: File,
    answers: Receiver<Value>,
    count: u64,
    session: Option<String>,
    _folder: TempDir,
}

impl Browser {
    /// One with an empty page; `None` where none is installed.
    pub(crate) fn start() -> Option<Self> {
        let named = std::env::var("POPCORN_BROWSER").ok();
        let candidates =
            named.as_deref().map_or(&["chromium", "google-chrome", "chromium-browser"][..], |_| &[]);
        let mut candidates = named.iter().map(String::as_str).chain(candidates.iter().copied());
        let program = candidates.find(|program| {
            let mut version = Command::new(program);
            version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
        })?;
        let folder = tempfile::tempdir().unwrap();
        let [to, from] = ["to", "from"].map(|name| folder.path().join(name));
        assert!(Command::new("mkfifo").args([&to, &from]).status().unwrap().success());
        // The browser reads commands from descriptor 3 and writes answers to descriptor 4.
        let process = Command::new("sh")
            .args(["-c", r#"exec "$@" 3<"$TO" 4>"$FROM""#, "sh", program, "--headless=new"])
            .args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--remote-debugging-pipe", "--hide-scrollbars", "--disable-background-networking"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .env("TO", &to)
            .env("FROM", &from)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = OpenOptions::new().write(true).open(&to).unwrap();
        let answers = listen(&from);
        let mut browser = Self { process, commands, answers, count: 0, session: None, _folder: folder };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attached);
        browser.session = attached["sessionId"].as_str().map(String::from);
        Some(browser)
    }

    /// What the browser answers to a command.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.count += 1;
        let mut command = json!({ "id": self.count, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        loop {
            let answer = self.answers.recv_timeout(PATIENCE).expect(method);
            if answer["id"] == self.count {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// The value of a JavaScript expression.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let result =
            self.call("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) fn wait_until(&mut self, expression: &str) {
        let begun = Instant::now();
        while self.value(expression) != true {
            assert!(begun.elapsed() < PATIENCE, "waited too long: {expression}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Draws through these points of the page with the mouse.
    pub(crate) fn draw(&mut self, points: &[(f64, f64)]) {
        let kinds = std::iter::once("mousePressed").chain(std::iter::repeat("mouseMoved"));
        let last = points.last().map(|&point| ("mouseReleased", point));
        for (kind, (x, y)) in kinds.zip(points.iter().copied()).chain(last) {
            let event =
                json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// A page that is so many pixels wide, as PNG into the folder that POPCORN_SCREENSHOTS names, if it does.
    pub(crate) fn picture(&mut self, name: &str, width: u32, is_dark: bool) {
        let Some(folder) = std::env::var_os("POPCORN_SCREENSHOTS") else { return };
        let scheme = if is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media);
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        self.call(
            "Runtime.evaluate",
            json!({ "expression": "new Promise(done => setTimeout(done, 500))", "awaitPromise": true }),
        );
        let shot = json!({ "format": "png", "captureBeyondViewport": true });
        let shot = self.call("Page.captureScreenshot", shot);
        let mut decode = Command::new("base64")
            .arg("-d")
            .stdin(Stdio::piped())
            .stdout(File::create(Path::new(&folder).join(format!("{name}.png"))).unwrap())
            .spawn()
            .unwrap();
        decode.stdin.take().unwrap().write_all(shot["data"].as_str().unwrap().as_bytes()).unwrap();
        assert!(decode.wait().unwrap().success());
    }
}

/// The browser's answers and events, as they come.
fn listen(pipe: &Path) -> Receiver<Value> {
    let answers = BufReader::new(File::open(pipe).unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for message in answers.split(0).map_while(Result::ok) {
            if sender.send(serde_json::from_slice(&message).unwrap_or_default()).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
