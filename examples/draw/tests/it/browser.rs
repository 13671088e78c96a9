//! Somebody draws in a browser.

use crate::devtools::Browser;
use crate::program::Program;
use serde_json::json;
use std::io::Write;

/// Points of strokes, from 0 to 1 on the canvas.
type Strokes = &'static [&'static [(f64, f64)]];

const SEVEN: Strokes = &[&[(0.25, 0.22), (0.5, 0.2), (0.76, 0.2), (0.6, 0.5), (0.45, 0.85)]];
const ONE: Strokes = &[&[(0.52, 0.15), (0.51, 0.5), (0.5, 0.86)]];
const FOUR: Strokes = &[
    &[(0.35, 0.15), (0.3, 0.35), (0.27, 0.52), (0.5, 0.52), (0.75, 0.5)],
    &[(0.66, 0.18), (0.62, 0.5), (0.58, 0.88)],
];

fn draw(browser: &mut Browser, strokes: Strokes) {
    browser.value("clear()");
    let place = browser.value("(b => [b.left, b.top, b.width])(canvas.getBoundingClientRect())");
    let [left, top, side] = [0, 1, 2].map(|index| place[index].as_f64().unwrap());
    for stroke in strokes {
        let points: Vec<_> = stroke.iter().map(|&(x, y)| (left + x * side, top + y * side)).collect();
        browser.draw(&points);
    }
}

#[test]
#[ignore = "needs Chromium"]
fn what_is_drawn_is_named_and_both_panes_show_what_crossed() {
    let Some(mut browser) = Browser::start() else {
        return skip("draw: there is no Chromium");
    };
    let program = Program::start();
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        json!({ "width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": false }),
    );
    browser.call("Page.navigate", json!({ "url": format!("http://{}/", program.host) }));
    browser.wait_until(r#"document.readyState === "complete" && state === "ready""#);
    assert_eq!(browser.value(r#"$("ask").disabled"#), true, "there is nothing to ask about");
    browser.picture("empty", 1280, false);
    for (digit, strokes) in [("1", ONE), ("4", FOUR), ("7", SEVEN)] {
        draw(&mut browser, strokes);
        browser.value(r#"$("ask").click()"#);
        browser.wait_until(&format!(r#"$("digit").textContent === "{digit}" && state === "ready""#));
        assert_eq!(browser.value(r#"document.querySelectorAll(".bar.best").length"#), 1);
    }
    for (at, image) in [("client", true), ("server", false)] {
        let log = browser.value(&format!(r#"$("{at}-log").textContent"#));
        let log = log.as_str().unwrap();
        for name in ["hello", "welcome", "key", "mask", "product", "flight"] {
            assert!(log.contains(name), "{at} shows no {name}: {log}");
        }
        assert_eq!(log.contains("Asking about your drawing"), image, "{log}");
    }
    let server = browser.value(r#"$("server").textContent"#);
    let server = server.as_str().unwrap();
    assert!(
        server.contains("Of the image it has seen nothing") && server.contains("Answered 1 image"),
        "{server}"
    );
    let sums = r#"["client", "server"].map(at => totals[at].join())"#;
    let sums = browser.value(sums);
    let sums: Vec<Vec<&str>> = [0, 1].map(|at| sums[at].as_str().unwrap().split(',').collect()).into();
    assert_eq!(
        [&sums[0][..2], &sums[0][2..]],
        [&sums[1][2..], &sums[1][..2]],
        "what one sends the other receives"
    );
    browser.picture("light", 1280, false);
    browser.picture("dark", 1280, true);
    browser.picture("narrow", 390, false);
}

/// Says so past the harness, which shows the output of tests that pass to nobody, and in the file that POPCORN_SKIPS names.
fn skip(what: &str) {
    let line = format!("skipped: {what}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    if let Some(list) = std::env::var_os("POPCORN_SKIPS") {
        let list = std::fs::OpenOptions::new().create(true).append(true).open(list);
        list.and_then(|mut list| list.write_all(line.as_bytes())).unwrap();
    }
}
