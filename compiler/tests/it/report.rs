//! `popcornc report`: pages that say what `inspect` says, and the picture in the README.

use crate::outside::{outside, skip};
use roxmltree::{Document, ParsingOptions};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn popcornc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_popcornc")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn project(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}

/// A folder with the plan of a model.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new(model: &Path, suite: &str, more: &[&str]) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        let (model, plan) = (model.display().to_string(), site.path("m.plan"));
        let compile =
            ["compile", &model, "-o", &plan, "--suite", suite, "--reproducible", "--input-scale", "1/255"];
        site.done(&[&compile, more].concat());
        site
    }

    fn path(&self, file: &str) -> String {
        self.folder.path().join(file).display().to_string()
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = popcornc(arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// A page about the plan.
    fn report(&self, more: &[&str]) -> String {
        let page = self.path("m.html");
        self.done(&[&["report", &self.path("m.plan"), "-o", &page], more].concat());
        fs::read_to_string(page).unwrap()
    }
}

fn parsed(html: &str) -> Document<'_> {
    Document::parse_with_options(html, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
        .unwrap()
}

/// What titles say in the row `id`: numbers with all their digits, by their unit.
fn numbers(document: &Document<'_>, id: &str, unit: &str) -> Vec<f64> {
    let row = document.descendants().find(|node| node.attribute("id") == Some(id)).unwrap();
    let titles = row.descendants().filter_map(|node| node.attribute("title"));
    titles.filter_map(|title| title.strip_suffix(unit)?.trim().replace(',', "").parse().ok()).collect()
}

#[test]
fn pages_have_the_numbers_of_inspect() {
    for suite in ["shared", "blinded"] {
        let site = Site::new(&project("testdata/mnist-mlp.onnx"), suite, &["--key-bits", "2048"]);
        let profile = site.path("profile.json");
        let unit = json!({
            "product": 1e-6, "squaring": 3e-6, "inversion": 1e-4, "rerandomisation": 1e-3,
            "encryption": 1e-3, "decryption": 1e-2, "ot": 1e-7, "byte": 1e-8, "round": 1e-5
        });
        let set_up = json!([{"uses": 1, "server": 0.25, "client": 0.5}]);
        let entry =
            json!({"key_bits": 2048, "unit": unit, "silent_ot": 1e-7, "weight": 1e-7, "set_up": set_up});
        let machine =
            json!({"processor": "Abacus <1>", "system": "beads", "cores": 2, "threads": 1, "kernel": "adx"});
        fs::write(&profile, json!({"machine": machine, "entries": [entry]}).to_string()).unwrap();
        let by = ["--profile", &profile, "--link", "100/20"];
        let inspected = site.done(&[&["inspect", &site.path("m.plan"), "--json"], &by[..]].concat());
        let inspected: Value = serde_json::from_str(&inspected).unwrap();
        let page = site.report(&by);
        assert!(page.contains("Abacus &lt;1&gt;") && page.contains("100 Mbit/s, 20 ms round trip"));
        assert!(page.contains(inspected["id"].as_str().unwrap()));
        let document = parsed(&page);
        for step in inspected["steps"].as_array().unwrap() {
            let id = step["id"].as_str().unwrap();
            let of = |cost: &str, count: &str| step[cost][count].as_f64().unwrap();
            let phases = ["offline", "cost"].into_iter();
            let bytes: Vec<f64> =
                phases.flat_map(|phase| ["bytes_up", "bytes_down"].map(|count| of(phase, count))).collect();
            let bytes: Vec<f64> = bytes.into_iter().filter(|&count| count > 0.0).collect();
            assert_eq!(numbers(&document, id, "bytes"), bytes, "{suite} {id}");
            let seconds: f64 =
                ["server", "client", "network"].iter().map(|&party| of("seconds", party)).sum();
            let shown: f64 = numbers(&document, id, " s").iter().sum();
            assert!((shown - seconds).abs() < 1e-9, "{suite} {id}: {shown} {seconds}");
        }
    }
}

/// As `popcornc report --picture` draws it, so that it cannot fall behind.
#[test]
fn the_picture_in_the_readme_is_that_of_mnist_cnn() {
    let site = Site::new(&project("testdata/mnist-cnn.onnx"), "shared", &[]);
    let picture = site.path("m.svg");
    site.done(&["report", &site.path("m.plan"), "--picture", &picture]);
    let [drawn, kept] = [PathBuf::from(picture), project("examples/report.svg")]
        .map(|path| fs::read_to_string(path).unwrap());
    assert_eq!(
        drawn, kept,
        "examples/report.svg is drawn by: popcornc compile testdata/mnist-cnn.onnx -o m.plan --reproducible --input-scale 1/255; popcornc report m.plan --picture examples/report.svg"
    );
    Document::parse(&kept).unwrap();
}

#[test]
fn mistakes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |file: &str| folder.path().join(file).display().to_string();
    fs::write(path("junk"), "junk").unwrap();
    let plan = project("testdata/mnist-mlp.plan").display().to_string();
    for (arguments, code, message) in [
        (&["report", &plan][..], 2, "--output <REPORT.html>"),
        (&["report", &path("junk"), "-o", &path("m.html")], 1, "this is no Popcorn plan"),
        (&["report", &plan, "-o", &path("no/m.html")], 1, "no/m.html: "),
        (&["report", &plan, "-o", &path("m.html"), "--profile", &path("junk")], 1, "this is no profile"),
        (&["report", &plan, "-o", &path("m.html"), "--link", "fast"], 2, "'fast' is no link"),
    ] {
        let output = popcornc(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
    assert!(!folder.path().join("m.html").exists());
}

/// A program that shows pages.
fn browser() -> Option<&'static str> {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter();
    let mut found = found
        .filter(|name| Command::new(name).arg("--version").output().is_ok_and(|run| run.status.success()));
    let first = found.next();
    if first.is_none() {
        skip("there is no Chromium");
    }
    first
}

/// What a browser finds wrong with the page in a window of so many pixels.
fn looked_at(browser: &str, page: &str, width: u32, dark: bool) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = |file: &str| folder.path().join(file);
    // The page forbids scripts, and windows have a least width: it is looked at in a frame, without its policy.
    let policy = "<meta http-equiv=\"Content-Security-Policy\"";
    assert!(page.contains(policy));
    fs::write(path("page.html"), page.replace(policy, "<meta name=\"policy\"")).unwrap();
    let frame = include_str!("report_frame.html").replace("WIDTH", &width.to_string());
    fs::write(path("frame.html"), frame).unwrap();
    let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!dark));
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom"])
        .args(["--virtual-time-budget=20000", &scheme, "--window-size=1400,1000"])
        .arg(format!("--user-data-dir={}", path("profile").display()))
        .arg(format!("file://{}", path("frame.html").display()))
        .output()
        .unwrap();
    let dom = text(&output.stdout);
    let found = dom.split_once("<pre id=\"found\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let found = found.unwrap_or_else(|| panic!("{}", text(&output.stderr))).0;
    serde_json::from_str(&found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).unwrap()
}

#[test]
#[ignore = "opens pages in Chromium"]
fn pages_fit_into_windows_and_can_be_read() {
    let Some(browser) = browser() else { return };
    let models =
        [Some(project("testdata/mnist-cnn.onnx")), outside("models/imagenet-squeezenet1.0-pruned.onnx")];
    for model in models.into_iter().flatten() {
        for suite in ["shared", "blinded"] {
            let page = Site::new(&model, suite, &[]).report(&[]);
            for (width, dark) in [(1400, false), (1400, true), (420, false), (420, true)] {
                let found = looked_at(browser, &page, width, dark);
                assert_eq!(found["dark"], dark);
                assert_eq!(found["wrong"], json!([]), "{} {suite} {width} dark: {dark}", model.display());
                assert!(found["texts"].as_u64() > Some(200), "{found}");
            }
        }
    }
}
