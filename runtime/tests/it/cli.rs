//! `popcorn` as its user meets it.

mod console;
mod keys;

use crate::support::relay::{Fate, Relay};
use crate::support::shared::{Choices, shared};
use crate::support::{PlanBuilder, valid};
use runtime::cost::profile::Profile;
use runtime::plan::{ClassAxes, KeyBits, Op, OutputPart, OutputSpec, Plan, Revealed, Shape, codec};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) fn popcorn() -> Command {
    Command::new(env!("CARGO_BIN_EXE_popcorn"))
}

/// A small plan for 2048 bit keys, and an image for it.
pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let fixture = Self { folder: TempDir::new().expect("a folder") };
        fixture.write_plan();
        let image = ndarray::arr3(&[[[1.0f32, -2.0], [3.0, 15.0]]]);
        ndarray_npy::write_npy(fixture.path("image.npy"), &image).expect("written");
        let set = ndarray::Array4::from_shape_fn((5, 1, 2, 2), |(i, ..)| i as f32);
        ndarray_npy::write_npy(fixture.path("set.npy"), &set).expect("written");
        let large = ndarray::arr3(&[[[1.0f32, -2.0, 0.0], [3.0, 15.0, 0.0]]]);
        ndarray_npy::write_npy(fixture.path("large.npy"), &large).expect("written");
        fixture
    }

    fn write_plan(&self) {
        self.write(Self::plan());
    }

    /// The same network for suite `shared`, with batches.
    pub(crate) fn write_shared(&self) {
        // SoftSpokenOT, wide rings, the ReLU as it is; then tiles and batches of any kind.
        let choices = [&[1, 8, 8, 19, 0, 19, 0, 0][..], &[1; 53]].concat();
        self.write(shared(Self::plan(), &mut Choices(choices)));
    }

    fn write(&self, plan: Plan) {
        std::fs::write(self.path("model.plan"), codec::encode(&valid(plan))).expect("written");
    }

    fn plan() -> Plan {
        let mut builder = PlanBuilder::new(Shape::new(1, 2, 2));
        let relu = builder.push(Op::Relu, &[builder.last()], Shape::new(1, 2, 2));
        let dense = runtime::plan::Dense { weights: vec![1, -2, 3, 4, 5, -6, 7, 8], bias: Vec::new() };
        builder.push(Op::Dense(dense), &[relu], Shape::vector(2));
        Plan { key_bits: KeyBits::try_from(2048).expect("a length"), ..builder.finish() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        popcorn().current_dir(self.folder.path()).args(arguments).output().expect("started")
    }

    fn serve(&self) -> Serving {
        self.serve_with(&[])
    }

    pub(crate) fn serve_with(&self, more: &[&str]) -> Serving {
        let mut child = popcorn()
            .current_dir(self.folder.path())
            .args(["serve", "model.plan", "--listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        Serving { child, address }
    }
}

pub(crate) struct Serving {
    child: Child,
    pub(crate) address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }
}

/// 1·1 + 3·3 + 4·15 and 5·1 + 7·3 + 8·15.
pub(crate) const EXPECTED: [f64; 2] = [70.0, 146.0];

pub(crate) fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The error of a command that must fail with status 1 and print nothing else.
pub(crate) fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(output.stdout.is_empty());
    let error = text(&output.stderr);
    assert!(error.starts_with("error: "), "{error}");
    assert!(!error.contains("panicked"), "{error}");
    error
}

#[test]
fn a_key_a_server_and_a_prediction() {
    let fixture = Fixture::new();
    assert!(fixture.run(&["keygen", "-o", "me.key", "--key-bits", "2048"]).status.success());
    assert_private(&fixture.path("me.key"));
    let serving = fixture.serve();
    for key in [&["--key", "me.key"][..], &[]] {
        let ask = ["infer", "--connect", &serving.address, "--input", "image.npy", "--json"];
        let result = json(&fixture.run(&[&ask, key].concat()));
        assert_eq!(result["label"], 1);
        assert_eq!(result["logits"], serde_json::json!(EXPECTED));
        assert_eq!(result["suite"], "blinded");
        assert_eq!(result["key_bits"], 2048);
        assert_eq!(result["rounds"], 3);
        assert!(result["bytes"]["sent"].as_u64() > Some(12 * 512));
        assert!(result["seconds"]["online"].as_f64() > Some(0.0));
        assert!(!cfg!(target_os = "linux") || result["peak_memory_bytes"].as_u64() > Some(1 << 20));
    }
    let people =
        fixture.run(&["infer", "--connect", &serving.address, "--input", "image.npy", "--key", "me.key"]);
    assert!(text(&people.stdout).starts_with("prediction  1\n"), "{}", text(&people.stdout));
}

/// Names come line by line: empty ones are passed over, and what cannot be read is reported, not asked about.
#[test]
fn a_list_of_images_survives_its_gaps() {
    use std::io::Write;
    let fixture = Fixture::new();
    let serving = fixture.serve();
    let mut child = popcorn()
        .current_dir(fixture.folder.path())
        .args(["infer", "--connect", &serving.address, "--input", "-", "--prepare", "16", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut names = child.stdin.take().expect("piped");
    names.write_all(b"image.npy\n\nabsent.npy\r\nimage.npy\n").expect("written");
    drop(names);
    let output = child.wait_with_output().expect("ended");
    assert_eq!(text(&output.stdout).lines().count(), 2, "{}", text(&output.stdout));
    let errors = text(&output.stderr);
    assert!(errors.contains("absent.npy: ") && errors.contains("\nerror: images left out: 1\n"), "{errors}");
    assert_eq!(output.status.code(), Some(1));
    let named = ["infer", "--connect", &serving.address, "--input", "absent.npy", "--input", "image.npy"];
    let output = fixture.run(&named);
    assert!(text(&output.stdout).starts_with("prediction  1\n") && output.status.code() == Some(1));
}

/// A file that holds several images stands for all of them.
#[test]
fn a_set_of_images_is_answered_line_by_line() {
    let fixture = Fixture::new();
    fixture.write_shared();
    let serving = fixture.serve();
    let ask = ["infer", "--connect", &serving.address, "--input", "set.npy", "--input", "image.npy"];
    let people = fixture.run(&ask);
    let lines = text(&people.stdout);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 9, "{lines:?}");
    assert!(lines[0].starts_with("image ") && lines[3].starts_with("set.npy#2 "), "{lines:?}");
    assert!(lines[6].starts_with("image.npy ") && lines[6].contains("146.0000"), "{lines:?}");
    assert!(lines[8].starts_with("6 images in ") && lines[8].contains("kB an image"), "{lines:?}");
    let scripts = fixture.run(&[&ask[..], &["--json"]].concat());
    assert!(scripts.status.success(), "{}", text(&scripts.stderr));
    let answers: Vec<Value> =
        text(&scripts.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), 6);
    for (index, answer) in answers[..5].iter().enumerate() {
        assert_eq!(answer["image"], format!("set.npy#{index}"));
        // 1 − 2 + 3 + 4 and 5 − 6 + 7 + 8 of equal pixels.
        assert_eq!(answer["logits"], serde_json::json!([6.0 * index as f64, 14.0 * index as f64]));
    }
    let run =
        ["run", "model.plan", "--input", "image.npy", "--input", "image.npy", "--together", "2", "--json"];
    let both = fixture.run(&run);
    assert_eq!(text(&both.stdout).lines().count(), 2, "{}", text(&both.stderr));
}

/// A folder stands for its pictures, whose folders may be called like their classes; a list may come from Windows.
#[test]
fn folders_and_lists_of_pictures_are_asked_about() {
    use std::io::Write;
    let fixture = Fixture::new();
    let plan = Fixture::plan();
    let names = ["sea", "land"].map(String::from).to_vec();
    let part = OutputPart { names, ..plan.output.parts[0].clone() };
    fixture.write(Plan { output: OutputSpec::of(part), ..plan });
    std::fs::create_dir_all(fixture.path("photos/land")).expect("a folder");
    std::fs::create_dir_all(fixture.path("photos/other")).expect("a folder");
    let picture = image::GrayImage::from_pixel(2, 4, image::Luma([3]));
    picture.save(fixture.path("photos/land/a.png")).expect("saved");
    picture.save(fixture.path("photos/other/b#1")).expect_err("no ending");
    picture.save(fixture.path("photos/other/b.png")).expect("saved");
    std::fs::rename(fixture.path("photos/other/b.png"), fixture.path("photos/other/b#1")).expect("renamed");
    std::fs::write(fixture.path("photos/notes.txt"), "none").expect("written");
    let serving = fixture.serve();
    let output = fixture.run(&["infer", "--connect", &serving.address, "--input", "photos"]);
    let lines = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(lines.contains("photos/land/a.png") && lines.contains("photos/other/b#1"), "{lines}");
    assert!(lines.contains("42.0000       1  land") && lines.contains("1 of 1 right"), "{lines}");
    std::fs::create_dir_all(fixture.path("empty")).expect("a folder");
    let none = fixture.run(&["infer", "--connect", &serving.address, "--input", "empty"]);
    assert!(failure(&none).contains("it holds no PNG or JPEG pictures"));
    let mut child = popcorn()
        .current_dir(fixture.folder.path())
        .args(["infer", "--connect", &serving.address, "--input", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut list = child.stdin.take().expect("piped");
    list.write_all(b"\xef\xbb\xbfimage.npy\r\n\xff\xfe.npy\nimage.npy").expect("written");
    drop(list);
    let output = child.wait_with_output().expect("ended");
    assert_eq!(text(&output.stdout).lines().count(), 2, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("\nerror: images left out: 1\n"));
}

/// More images than are prepared at once are asked about in two sessions, or in one where the server has one place; the answers
/// come in the order of the images.
#[test]
fn a_large_set_is_asked_about_in_two_sessions() {
    let fixture = Fixture::new();
    fixture.write_shared();
    for places in [&["--max-clients", "1"][..], &[]] {
        let serving = fixture.serve_with(places);
        let ask = ["infer", "--connect", &serving.address, "--json"];
        let inputs = [["--input", "set.npy"]; 14].concat();
        let output = fixture.run(&[&ask[..], &inputs].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let answers = text(&output.stdout);
        let answers = answers.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        let answers: Vec<_> =
            answers.map(|answer: Value| (answer["image"].clone(), answer["logits"].clone())).collect();
        let expected = |index: usize| {
            let logits = [6.0 * index as f64, 14.0 * index as f64];
            (Value::from(format!("set.npy#{index}")), serde_json::json!(logits))
        };
        assert_eq!(answers, (0..70).map(|place| expected(place % 5)).collect::<Vec<_>>());
    }
}

/// Answers that a budget has paid for are printed, though it does not suffice for all images.
#[test]
fn a_budget_that_ends_inside_a_set_costs_no_answers() {
    let fixture = Fixture::new();
    fixture.write_shared();
    for budget in ["--budget-preparations", "--budget-inferences"] {
        let serving = fixture.serve_with(&[budget, "2"]);
        let ask = ["infer", "--connect", &serving.address, "--input", "set.npy", "--json"];
        let output = fixture.run(&ask);
        assert!(!output.status.success() && text(&output.stderr).contains("for a day is spent"));
        assert_eq!(text(&output.stdout).lines().count(), 2, "{budget}: {}", text(&output.stderr));
    }
}

/// A second session that never begins does not delay the end, and what one that breaks has taken is asked about again.
#[test]
fn sets_survive_their_second_session() {
    let fixture = Fixture::new();
    fixture.write_shared();
    let serving = fixture.serve();
    for (most, fate) in [(0, Fate::Silent), (20_000, Fate::Cut), (40_000, Fate::Cut)] {
        let relay = Relay::new(serving.address.clone(), &[(usize::MAX, Fate::Silent), (most, fate)]);
        let start = Instant::now();
        let ask = ["infer", "--connect", &relay.address, "--prepare", "4", "--timeout", "600"];
        let output = fixture.run(&[&ask[..], &["--input", "set.npy"].repeat(6)].concat());
        let lines = text(&output.stdout);
        assert!(output.status.success(), "{most}: {}", text(&output.stderr));
        let last = lines.lines().last().expect("a line");
        assert!(last.starts_with("30 images in "), "{most}: {lines}");
        assert!(start.elapsed() < Duration::from_secs(60), "{most}");
    }
}

/// A set is answered though its first session breaks, before and after images are asked about.
#[test]
fn sets_survive_their_first_session() {
    let fixture = Fixture::new();
    fixture.write_shared();
    let serving = fixture.serve_with(&["--max-clients", "1"]);
    let whole = Relay::new(serving.address.clone(), &[]);
    let ask = |relay: &Relay, retry: &str| {
        fixture.run(&["infer", "--connect", &relay.address, "--input", "set.npy", "--retry", retry])
    };
    assert!(ask(&whole, "0").status.success());
    let all = whole.carried()[0].down;
    for most in [0, all / 4, all / 2, all - 10] {
        let output = ask(&Relay::new(serving.address.clone(), &[(most, Fate::Cut)]), "30");
        assert!(output.status.success(), "{most}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("trying again for 30 s (--retry)"), "{most}");
        let lines = text(&output.stdout);
        assert!(lines.lines().last().expect("a line").starts_with("5 images in "), "{most}: {lines}");
        let output = ask(&Relay::new(serving.address.clone(), &[(most, Fate::Cut)]), "0");
        // The server may not have noticed yet that the client before has left.
        let told = text(&output.stderr);
        let is_lost = told.contains("hung up") || told.contains("as many clients as it may");
        assert!(!output.status.success() && is_lost, "{most}: {told}");
    }
}

/// What the system shows of a server that has keys and weights in its memory.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_its_memory_when_a_server_crashes() {
    let serving = Fixture::new().serve();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", serving.child.id())).expect("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"]);
}

#[cfg(unix)]
pub(crate) fn assert_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(path).expect("a file").permissions().mode() & 0o777, 0o600);
}

#[test]
fn both_parties_in_one_process_agree_with_the_interpreter() {
    let fixture = Fixture::new();
    for plain in [&["--plain"][..], &[]] {
        let result =
            json(&fixture.run(&[&["run", "model.plan", "--input", "image.npy", "--json"], plain].concat()));
        assert_eq!(result["logits"], serde_json::json!(EXPECTED));
    }
    let people = fixture.run(&["run", "model.plan", "--input", "image.npy"]);
    assert!(text(&people.stdout).contains("server"), "{}", text(&people.stdout));
}

#[test]
fn answers_are_written_to_a_file() {
    let fixture = Fixture::new();
    let run = |file: &str, inputs: &[&str]| {
        let inputs: Vec<&str> = inputs.iter().flat_map(|input| ["--input", input]).collect();
        fixture.run(&[&["run", "model.plan", "--plain", "--output", file], &inputs[..]].concat())
    };
    for (inputs, shape) in [(&["image.npy"][..], "(2,)"), (&["image.npy", "image.npy"], "(2, 2,)")] {
        let output = run("answers.npy", inputs);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let file = std::fs::read(fixture.path("answers.npy")).expect("answers");
        assert!(text(&file[..128]).contains(&format!("'shape': {shape}")), "{}", text(&file[..128]));
        let values: Vec<f64> =
            file[128..].chunks(4).map(|x| f32::from_le_bytes(x.try_into().unwrap()).into()).collect();
        assert_eq!(values, EXPECTED.repeat(inputs.len()));
    }
    assert!(failure(&run("answers.txt", &["image.npy"])).contains("answers are written as .npy"));
    assert!(failure(&run("absent/answers.npy", &["image.npy"])).contains("answers.npy"));
}

/// A map of 2x2 pixels is a picture, several outputs are an archive, and people read what there is of each.
#[test]
fn maps_are_painted_and_outputs_archived() {
    let fixture = Fixture::new();
    let mut builder = PlanBuilder::new(Shape::new(1, 2, 2));
    builder.push(Op::Relu, &[builder.last()], Shape::new(1, 2, 2));
    let plan = Plan { key_bits: KeyBits::try_from(2048).expect("a length"), ..builder.finish() };
    let part = |name: &str, axes: &[usize], classes| OutputPart {
        name: name.into(),
        axes: axes.to_vec(),
        classes,
        ..OutputPart::vector(1)
    };
    let with = |parts: Vec<OutputPart>| {
        let output = OutputSpec { parts, revealed: Revealed::Logits };
        fixture.write(Plan { output, ..plan.clone() });
    };
    let run = |file: &str, more: &[&str]| {
        let usual = [
            "run",
            "model.plan",
            "--plain",
            "--input",
            "image.npy",
            "--input",
            "image.npy",
            "--output",
            file,
        ];
        fixture.run(&[&usual[..], more].concat())
    };
    let painted = |name: &str| image::open(fixture.path(name)).expect("a picture").to_luma8().into_raw();
    with(vec![part("map", &[1, 2, 2], None)]);
    // Raw pixels are from -15 to 15; the ReLU has made 1, 0, 3, 15 of the image.
    assert!(run("map.png", &[]).status.success());
    assert_eq!([painted("map.png"), painted("map-001.png")], [[136, 128, 153, 255]; 2]);
    let told = run("range.png", &["--output-range", "0,2"]);
    assert_eq!(painted("range.png"), [128, 0, 255, 255]);
    assert!(
        text(&told.stderr).contains("50.0 % of the values are beyond black and white"),
        "{}",
        text(&told.stderr)
    );
    assert!(
        text(&told.stdout).contains("output      1x2x2, from 0.0000 to 15.0000"),
        "{}",
        text(&told.stdout)
    );
    with(vec![part("scores", &[2, 2], Some(ClassAxes { first: 0, end: 1 }))]);
    let classes = run("classes.npy", &[]);
    assert!(
        text(&classes.stdout).contains("classes     of 2 positions: 1 (100.0 %)"),
        "{}",
        text(&classes.stdout)
    );
    let names = ["sea", "land"].map(String::from).to_vec();
    with(vec![OutputPart { names, ..part("scores", &[2, 2], Some(ClassAxes { first: 0, end: 1 })) }]);
    let classes = run("classes.npy", &[]);
    assert!(text(&classes.stdout).contains("positions: 1 land (100.0 %)"), "{}", text(&classes.stdout));
    with(vec![part("first", &[1], Some(ClassAxes::all(1))), part("rest", &[3, 1, 1], None)]);
    assert!(failure(&run("both.npy", &[])).contains("name the file .npz"));
    let both = run("both.npz", &[]);
    assert!(
        text(&both.stdout).contains("rest        3x1x1, from 0.0000 to 15.0000"),
        "{}",
        text(&both.stdout)
    );
    let mut archive =
        ndarray_npy::NpzReader::new(std::fs::File::open(fixture.path("both.npz")).expect("a file"))
            .expect("an archive");
    let rest: ndarray::Array4<f32> = archive.by_name("rest").expect("an array");
    assert_eq!(rest.shape(), [2, 3, 1, 1]);
    assert_eq!(rest.into_raw_vec_and_offset().0, [0.0, 3.0, 15.0].repeat(2));
    let json = text(&run("both.npz", &["--json"]).stdout);
    assert!(
        json.contains(r#""outputs":[{"name":"first","axes":[1]},{"name":"rest","axes":[3,1,1]}]"#),
        "{json}"
    );
}

#[test]
fn a_slow_network_between_the_parties_is_waited_for() {
    let fixture = Fixture::new();
    let arguments = ["run", "model.plan", "--input", "image.npy", "--link", "50/200"];
    let result = json(&fixture.run(&[&arguments[..], &["--json"]].concat()));
    assert_eq!(result["logits"], serde_json::json!(EXPECTED));
    assert_eq!(result["link"], "50 Mbit/s, 200 ms round trip");
    let rounds = result["online"]["rounds"].as_f64().expect("a number");
    assert!(result["seconds"]["online"].as_f64() >= Some(0.2 * rounds), "{result}");
    let people = text(&fixture.run(&arguments).stdout);
    assert!(people.contains("network     50 Mbit/s, 200 ms round trip\n"), "{people}");
    let senseless = fixture.run(&["run", "model.plan", "--input", "image.npy", "--link", "fast"]);
    assert_eq!(senseless.status.code(), Some(2));
    assert!(text(&senseless.stderr).contains("as in 100/20"), "{}", text(&senseless.stderr));
}

/// The page has what the run itself counted, beside what was predicted.
#[test]
fn a_run_is_reported_as_a_page() {
    let fixture = Fixture::new();
    let run = [
        "run",
        "model.plan",
        "--input",
        "image.npy",
        "--input",
        "image.npy",
        "--json",
        "--report",
        "run.html",
    ];
    for suite in ["blinded", "shared"] {
        if suite == "shared" {
            fixture.write_shared();
        }
        let output = fixture.run(&run);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let first: Value =
            serde_json::from_str(text(&output.stdout).lines().next().expect("a line")).expect("JSON");
        assert_eq!(first["suite"], suite);
        let page = std::fs::read_to_string(fixture.path("run.html")).expect("a page");
        let (_, measured) = page.split_once("Predicted and measured").expect("a section");
        for count in [&first["online"]["sent"], &first["online"]["received"], &first["offline"]["sent"]] {
            let count = count.as_u64().expect("a number");
            let [thousands, rest] = [count / 1000, count % 1000];
            let grouped = if thousands > 0 { format!("{thousands},{rest:03}") } else { rest.to_string() };
            assert!(measured.contains(&format!("title=\"{grouped} bytes\"")), "{suite}: {grouped}");
        }
        assert!(page.contains("Measured online") && page.contains("the compiler&#39;s typical core"));
        assert_eq!(page.contains("for all steps together"), suite == "shared");
    }
    for (more, message) in
        [(&["--plain"][..], "cannot be used with"), (&["--together", "2"], "cannot be used with")]
    {
        let wrong = fixture.run(&[&run, more].concat());
        assert_eq!(wrong.status.code(), Some(2));
        assert!(text(&wrong.stderr).contains(message), "{}", text(&wrong.stderr));
    }
    let refused = |more: &[&str]| failure(&fixture.run(&[&run, more].concat()));
    assert!(refused(&["--profile", "image.npy"]).contains("image.npy: this is no profile"));
    let over = fixture.run(&["run", "model.plan", "--input", "image.npy", "--report", "./model.plan"]);
    assert!(failure(&over).contains("this is the plan"));
    let nowhere = ["run", "model.plan", "--input", "image.npy", "--report", "nowhere/run.html"];
    assert!(failure(&fixture.run(&nowhere)).contains("cannot write nowhere/run.html"));
}

#[test]
fn bad_input_is_named() {
    let fixture = Fixture::new();
    let run = |plan: &str, input: &str| failure(&fixture.run(&["run", plan, "--input", input]));
    let plan = std::fs::read(fixture.path("model.plan")).expect("a plan");
    let spoil = |name: &str, position: usize| {
        let mut spoilt = plan.clone();
        spoilt[position] ^= 0x20;
        std::fs::write(fixture.path(name), spoilt).expect("written");
    };
    spoil("version.plan", 8);
    spoil("corrupted.plan", plan.len() - 5);
    std::fs::write(fixture.path("cut.plan"), &plan[..plan.len() / 2]).expect("written");
    std::fs::write(fixture.path("text.png"), "no image").expect("written");
    assert!(run("absent.plan", "image.npy").contains("absent.plan"));
    assert!(run("version.plan", "image.npy").contains("version"));
    assert!(run("corrupted.plan", "image.npy").contains("corrupted"));
    assert!(run("cut.plan", "image.npy").contains("corrupted"));
    assert!(run("image.npy", "image.npy").contains("no Popcorn plan"));
    assert!(run("model.plan", "large.npy").contains("2x3"));
    assert!(run("model.plan", "text.png").contains("text.png"));
    assert!(run("model.plan", "absent.png").contains("absent.png"));
}

#[test]
fn images_that_are_hardly_raw_are_told_of() {
    let fixture = Fixture::new();
    let flat = ndarray::arr3(&[[[5.0f32, 5.0], [5.0, 5.0]]]);
    ndarray_npy::write_npy(fixture.path("flat.npy"), &flat).expect("written");
    let told = |image| text(&fixture.run(&["run", "model.plan", "--plain", "--input", image]).stderr);
    assert_eq!(told("image.npy"), "");
    assert!(told("flat.npy").starts_with("warning: the pixels of flat.npy are 5 everywhere"));
}

#[test]
fn a_server_that_is_not_there_or_runs_another_plan_is_named() {
    let fixture = Fixture::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let ask =
        |address: &str, more: &[&str]| {
            failure(&fixture.run(
                &[&["infer", "--connect", address, "--input", "image.npy", "--retry", "0"], more].concat(),
            ))
        };
    assert!(ask(&free.to_string(), &[]).contains("cannot connect"));
    let serving = fixture.serve();
    let other = ask(&serving.address, &["--plan", &"7d".repeat(32)]);
    assert!(
        other.contains("the server refused: it does not offer plan 7d7d")
            && other.contains("but plan model (")
    );
    assert!(
        ask(&serving.address, &["--plan", "model", "--expect-plan", &"7d".repeat(32)])
            .contains("not the one asked for")
    );
    assert!(fixture.run(&["keygen", "-o", "long.key", "--key-bits", "3072"]).status.success());
    assert!(
        ask(&serving.address, &["--key", "long.key"]).contains("needs a key of 2048 bits, this one has 3072")
    );
    let bytes = std::fs::read(fixture.path("model.plan")).expect("a plan");
    let id = codec::decode(&bytes).expect("a plan").id().to_string();
    let right = ["infer", "--connect", &serving.address, "--input", "image.npy", "--plan", &id, "--json"];
    assert_eq!(json(&fixture.run(&right))["label"], 1);
}

#[test]
fn keys_are_never_overwritten_and_bad_ones_are_refused() {
    let fixture = Fixture::new();
    std::fs::write(fixture.path("some.key"), "not a key").expect("written");
    let error = failure(&fixture.run(&["keygen", "-o", "some.key", "--key-bits", "2048"]));
    assert!(error.contains("some.key"), "{error}");
    assert_eq!(std::fs::read(fixture.path("some.key")).expect("still there"), b"not a key");
    let error = failure(&fixture.run(&["run", "model.plan", "--input", "image.npy", "--key", "some.key"]));
    assert!(error.contains("some.key"), "{error}");
    let unsupported = fixture.run(&["keygen", "-o", "new.key", "--key-bits", "1000"]);
    assert_eq!(unsupported.status.code(), Some(2));
    assert!(!fixture.path("new.key").exists());
}

/// The place of every figure and text in a JSON value; of lists, of the first element.
fn places(value: &Value, place: &str) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let dot = if place.is_empty() { "" } else { "." };
            fields.iter().flat_map(|(name, value)| places(value, &format!("{place}{dot}{name}"))).collect()
        }
        Value::Array(list) => {
            list.iter().take(1).flat_map(|first| places(first, &format!("{place}[]"))).collect()
        }
        Value::Number(number) => {
            assert!(number.as_f64().is_some_and(|number| number >= 0.0), "{place} is {number}");
            vec![place.into()]
        }
        _ => vec![place.into()],
    }
}

#[test]
fn bench_prints_figures_beside_baselines() {
    let fixture = Fixture::new();
    let report = json(&fixture.run(&[
        "bench",
        "--key-bits",
        "2048,3072",
        "--budget",
        "1",
        "--threads",
        "2",
        "--json",
    ]));
    insta::assert_snapshot!(places(&report, "").join("\n"), @"
    kernels[].baseline
    kernels[].baseline_ns
    kernels[].bits
    kernels[].name
    kernels[].ours_ns
    kernels[].ratio
    link
    machine.cores
    machine.kernel
    machine.processor
    machine.system
    machine.threads
    scaling[].bits
    scaling[].name
    scaling[].ratio
    scaling[].threads
    ");
    let named = |list: &str| -> Vec<(String, u64)> {
        let entries = report[list].as_array().expect("a list");
        let named = |entry: &Value| Some((entry["name"].as_str()?.to_owned(), entry["bits"].as_u64()?));
        entries.iter().map(|entry| named(entry).expect("a name and bits")).collect()
    };
    let squared =
        ["product", "square", "weighted_sum_1", "weighted_sum_2", "weighted_sum_4", "weighted_sum_8"];
    let single = ["encrypt", "rerandomise", "decrypt", "relu"];
    let at = |bits: u64, name: &str| (name.to_owned(), bits);
    let kernels = [2048, 3072].map(|bits| {
        [squared.map(|name| at(2 * bits, name)).to_vec(), single.map(|name| at(bits, name)).to_vec()].concat()
    });
    assert_eq!(named("kernels"), kernels.concat());
    let scaling =
        [2048, 3072].map(|bits| [at(2 * bits, "weighted_sum_4"), at(bits, "encrypt"), at(bits, "decrypt")]);
    assert_eq!(named("scaling"), scaling.concat());
}

#[test]
fn bench_runs_plans_beside_the_way_of_the_paper() {
    let fixture = Fixture::new();
    let report = json(&fixture.run(&["bench", "model.plan", "--threads", "1", "--json"]));
    insta::assert_snapshot!(places(&report["plans"], "plans").join("\n"), @"
    plans[].bytes
    plans[].key_bits
    plans[].online_bytes
    plans[].online_seconds
    plans[].paper_style_seconds
    plans[].plan
    plans[].predicted_seconds
    plans[].ratio
    plans[].rounds
    plans[].seconds
    plans[].suite
    ");
    let people = fixture.run(&["bench", "model.plan", "--threads", "1", "--link", "50/200"]);
    let people = text(&people.stdout);
    assert!(people.contains("1 thread") && people.contains("key bits"), "{people}");
    assert!(people.contains("over 50 Mbit/s, 200 ms round trip\n"), "{people}");
    assert!(failure(&fixture.run(&["bench", "absent.plan"])).contains("absent.plan"));
}

#[test]
fn bench_writes_profiles_that_are_read_again() {
    let fixture = Fixture::new();
    let arguments = ["bench", "--key-bits", "2048", "--budget", "1", "--profile", "profile.json"];
    let output = fixture.run(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let profile = std::fs::read(fixture.path("profile.json")).expect("a profile");
    let read = Profile::from_json(&profile).expect("a profile");
    assert_eq!(read.entries.iter().map(|entry| entry.key_bits).collect::<Vec<_>>(), [2048]);
    let value: Value = serde_json::from_slice(&profile).expect("JSON");
    insta::assert_snapshot!(places(&value["entries"], "entries").join("\n"), @"
    entries[].key_bits
    entries[].set_up[].client
    entries[].set_up[].server
    entries[].set_up[].uses
    entries[].silent_ot
    entries[].unit.byte
    entries[].unit.decryption
    entries[].unit.encryption
    entries[].unit.inversion
    entries[].unit.ot
    entries[].unit.product
    entries[].unit.rerandomisation
    entries[].unit.round
    entries[].unit.squaring
    entries[].weight
    ");
}

/// With TLS between them, and never without to another machine unless that is said.
#[test]
fn other_machines_are_spoken_to_with_tls() {
    let fixture = Fixture::new();
    let made = fixture.run(&["certificate", "--self-signed", "localhost,127.0.0.1"]);
    let printed = text(&made.stdout);
    let pin = printed.trim().rsplit(' ').next().expect("a fingerprint");
    assert_private(&fixture.path("localhost.key"));
    assert!(failure(&fixture.run(&["certificate", "--self-signed", "localhost"])).contains("localhost.key"));
    let serving = fixture.serve_with(&["--tls-cert", "localhost.crt", "--tls-key", "localhost.key"]);
    let ask = |more: &[&str]| {
        fixture.run(
            &[&["infer", "--connect", &serving.address, "--input", "image.npy", "--json"], more].concat(),
        )
    };
    for trust in [&["--ca", "localhost.crt"][..], &["--pin", pin]] {
        assert_eq!(json(&ask(trust))["label"], 1);
    }
    assert!(failure(&ask(&["--pin", &"0".repeat(64)])).contains("its certificate has another fingerprint"));
    let plain = failure(&ask(&["--retry", "0"]));
    assert!(plain.contains("the peer misbehaved") || plain.contains("hung up"), "{plain}");
    let open = failure(&fixture.run(&["serve", "model.plan", "--listen", "0.0.0.0:0"]));
    assert!(open.contains("--tls-cert") && open.contains("--plaintext"), "{open}");
    let far = ["infer", "--connect", "192.0.2.1:7000", "--input", "image.npy"];
    let far = failure(&fixture.run(&far));
    assert!(far.contains("--tls") && far.contains("--plaintext"), "{far}");
}
