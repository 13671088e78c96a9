//! What the program says beside its results, and of itself.

use super::popcorn;
use std::fs;
use std::process::Output;

fn ran(arguments: &[&str]) -> (String, String, Option<i32>) {
    let Output { status, stdout, stderr } = popcorn().args(arguments).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (text(stdout), text(stderr), status.code())
}

/// The names of the commands that `--help` lists.
fn commands() -> Vec<String> {
    let (help, ..) = ran(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").expect("a list");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_examples_a_page_and_completions() {
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("man1");
    let (_, told, status) = ran(&["manual", "-o", pages.to_str().expect("text")]);
    assert_eq!((told.as_str(), status), ("", Some(0)));
    let shells = ["bash", "elvish", "fish", "powershell", "zsh"].map(|shell| ran(&["completions", shell]).0);
    let commands = commands();
    assert!(commands.len() >= 11, "{commands:?}");
    for command in &commands {
        let (help, ..) = ran(&[command, "--help"]);
        assert!(
            help.contains("Example") && help.contains(&format!("popcorn {command}")),
            "{command}\n{help}"
        );
        let page = fs::read_to_string(pages.join(format!("popcorn-{command}.1"))).expect("a page");
        assert!(page.contains(".SH OPTIONS"), "{command}");
        assert!(shells.iter().all(|completions| completions.contains(command.as_str())), "{command}");
    }
    assert!(pages.join("popcorn.1").is_file());
}

#[test]
fn as_much_is_said_as_is_wanted() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let make = |name: &str, flags: &[&str]| {
        let path = key(name);
        ran(&[&["keygen", "--key-bits", "2048", "-o", &path][..], flags].concat())
    };
    let (_, told, status) = make("told.key", &[]);
    assert!(told.starts_with("note: wrote a 2048 bit key to ") && status == Some(0), "{told}");
    assert_eq!(make("quiet.key", &["--quiet"]).1, "");
    let (_, told, status) = make("quiet.key", &["-q"]);
    assert!(told.starts_with("error: ") && status == Some(1), "errors are told: {told}");
    assert_eq!(make("both.key", &["-q", "-v"]).2, Some(2));
}

#[test]
fn errors_end_with_what_to_do_and_have_no_colours_where_nobody_looks() {
    let (_, told, status) =
        ran(&["infer", "--connect", "127.0.0.1:1", "--input", "none.png", "--retry", "0"]);
    assert_eq!(status, Some(1));
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("error: cannot connect to 127.0.0.1:1"), "{told}");
    assert!(lines[1].starts_with("help: is the server running"), "{told}");
    assert!(lines.len() == 2 && !told.contains('\u{1b}'), "{told:?}");
}
