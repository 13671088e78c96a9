//! Programs in C ask servers of this process.

use crate::installed::{Installed, Linkage, printed};
use rcgen::generate_simple_self_signed;
use runtime::channel::Acceptance;
use runtime::channel::tls::{Acceptor, Fingerprint, Identity};
use runtime::roles::server::{Limits, Tokens};
use runtime::store::{Quota, Store};
use runtime::{ClientKey, KeyBits, Plan, Running, Server, ServerBuilder, Token};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

fn testdata(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../testdata").join(file)
}

fn mnist() -> Plan {
    Plan::read(&testdata("mnist-mlp.plan")).unwrap()
}

fn start(server: ServerBuilder) -> Running {
    server.build().unwrap().start(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap()
}

/// A drawn seven as PGM, with a comment.
fn seven(folder: &Path) -> PathBuf {
    let picture = image::open(testdata("digits/7.png")).unwrap().to_luma8();
    let mut bytes = b"P5 # drawn by hand\n28 28\n255\n".to_vec();
    bytes.extend(picture.as_raw());
    let path = folder.join("7.pgm");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// What the plan's interpreter says of it, in the example's words.
fn expected(plan: &Plan, folder: &Path) -> String {
    let bytes = std::fs::read(seven(folder)).unwrap();
    let pixels: Vec<f32> = bytes[bytes.len() - 784..].iter().map(|&byte| byte.into()).collect();
    let integers = plan.client_view().input.quantize(&pixels).unwrap();
    let logits = plan.plan().output.logits(&runtime::roles::plain::run(plan, &integers));
    let scores = logits.iter().enumerate().map(|(class, score)| format!("score {class} {score:.4}\n"));
    format!("label 7\n{}", scores.collect::<String>())
}

#[test]
fn the_example_prints_what_the_plan_gives() {
    let (installed, folder) = (Installed::new(), tempfile::tempdir().unwrap());
    let expected = expected(&mnist(), folder.path());
    let server = start(Server::builder(mnist()));
    let (address, image) = (server.address().to_string(), seven(folder.path()));
    for linkage in [Linkage::Shared, Linkage::Static] {
        let infer = installed.compile("examples/infer.c", linkage);
        assert_eq!(printed(Command::new(infer).arg(&address).arg(&image)), expected);
    }
}

#[test]
fn the_example_knows_its_server_and_is_known() {
    let (installed, folder) = (Installed::new(), tempfile::tempdir().unwrap());
    let image = seven(folder.path());
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let certificate = file("server.crt", made.cert.pem());
    let identity = Identity {
        certificate: certificate.clone(),
        key: file("server.key", made.signing_key.serialize_pem()),
    };
    let token = Token::from_bytes([7; 32]);
    let tokens = Tokens::parse(&format!("alice {}\n", token.hash())).unwrap();
    let acceptance = Acceptance::Tls(Acceptor::new(&identity, None).unwrap());
    let server = start(Server::builder(mnist()).acceptance(acceptance).tokens(tokens));
    let address = format!("localhost:{}", server.address().port());
    let infer = installed.compile("examples/infer.c", Linkage::Shared);
    let run = |flags: &[&str]| Command::new(&infer).args(flags).arg(&address).arg(&image).output().unwrap();
    let (ca, token) = (certificate.to_str().unwrap(), token.reveal());
    let pin = Fingerprint::of_file(&certificate).unwrap().to_string();
    let first_line =
        |output: &Output| String::from_utf8_lossy(&output.stdout).lines().next().map(String::from);
    for way in [["--ca", ca], ["--pin", &pin]] {
        let told = run(&[&way[..], &["--token", &token]].concat());
        assert_eq!(first_line(&told).as_deref(), Some("label 7"), "{told:?}");
    }
    let refused = |flags: &[&str], words: &str| {
        let told = run(flags);
        let error = String::from_utf8_lossy(&told.stderr);
        assert!(told.status.code() == Some(1) && error.contains(words), "{flags:?}: {error}");
    };
    refused(&["--ca", ca], "token");
    refused(&["--ca", ca, "--token", &"0".repeat(64)], "token");
    refused(&["--pin", &"0".repeat(64), "--token", &token], "certificate");
    refused(&["--tls", "--token", &token], "certificate");
}

/// A server that keeps what is prepared, and the arguments of `tests/programs/behaviour.c`.
struct Site {
    folder: TempDir,
    _server: Running,
    arguments: [String; 4],
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        ClientKey::generate(KeyBits::default()).unwrap().write(&folder.path().join("me.key")).unwrap();
        let store = Store::open(&folder.path().join("server"), None, Quota::DEFAULT).unwrap();
        let plan = mnist();
        let digest = plan.id().to_string();
        // Under valgrind a client takes a minute until it has its key's tables.
        let limits = Limits { handshake: Duration::from_secs(600), ..Limits::DEFAULT };
        let server = start(Server::builder(plan).store(Arc::new(store)).limits(limits));
        let arguments =
            [server.address().to_string(), folder.path().to_str().unwrap().into(), digest, hanging_up()];
        Self { folder, _server: server, arguments }
    }
}

/// The address of somebody who hangs up on whoever connects, until this process ends.
fn hanging_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || listener.incoming().for_each(drop));
    address
}

#[test]
fn functions_behave_as_the_header_says() {
    let (installed, site) = (Installed::new(), Site::new());
    let behaviour = installed.compile("tests/programs/behaviour.c", Linkage::Static);
    assert_eq!(printed(Command::new(behaviour).args(&site.arguments)), "all checks passed\n");
}

/// No invalid access, and nothing that the programs lose: threads of the library's own pool live as long as the process.
#[test]
#[ignore = "runs under valgrind"]
fn programs_use_memory_well() {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skip("programs_use_memory_well: there is no valgrind");
    }
    let (installed, site) = (Installed::new(), Site::new());
    let image = seven(site.folder.path());
    let valgrind = |program: PathBuf| {
        let mut valgrind = Command::new("valgrind");
        let leaks = [
            "--leak-check=full",
            "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect",
        ];
        valgrind.args(["--quiet", "--error-exitcode=9"]).args(leaks).arg(program);
        valgrind
    };
    let behaviour = installed.compile("tests/programs/behaviour.c", Linkage::Static);
    assert_eq!(printed(valgrind(behaviour).args(&site.arguments)), "all checks passed\n");
    let infer = installed.compile("examples/infer.c", Linkage::Shared);
    let key = site.folder.path().join("me.key");
    let told = printed(valgrind(infer).arg("--key").arg(key).arg(&site.arguments[0]).arg(image));
    assert!(told.starts_with("label 7\n"), "{told}");
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
