//! What README.md and the guide tell readers to do works.

use crate::documents::script::{self, Extent};
use crate::documents::{all, commands, guide, root};
use crate::outside::skip;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// `popcorn`, which `cargo test --workspace` builds; none, and a skip on record, after `cargo test -p compiler` in a fresh folder.
fn popcorn() -> Option<PathBuf> {
    let program = script::programs().join("popcorn");
    let is_built = program.exists();
    if !is_built {
        skip("popcorn is not built: cargo build --release -p runtime");
    }
    is_built.then_some(program)
}

#[test]
fn commands_do_what_they_should() {
    if popcorn().is_some() {
        guide().iter().for_each(|document| script::run(document, Extent::Quick, Duration::from_secs(300)));
    }
}

#[test]
#[ignore = "measures, and needs Python with the packages of several frameworks"]
fn slow_commands_and_python_do_what_they_should() {
    if popcorn().is_some() {
        guide().iter().for_each(|document| script::run(document, Extent::Full, Duration::from_secs(900)));
    }
}

#[test]
fn command_lines_parse() {
    let Some(popcorn) = popcorn() else { return };
    let popcornc = script::programs().join("popcornc");
    let mut mistakes = Vec::new();
    let mut count = 0;
    for document in all() {
        for line in commands::lines(&document) {
            count += 1;
            let program = if line.words[0] == "popcorn" { &popcorn } else { &popcornc };
            if let Some(mistake) = commands::mistake(program, &line.words) {
                mistakes.push(format!("{}:{}: {mistake}", document.path.display(), line.line));
            }
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    assert!(count > 50, "only {count} command lines were found");
    assert!(
        commands::mistake(&popcorn, &["popcorn", "serve", "a.plan", "--fast"].map(String::from)).is_some()
    );
}

#[test]
fn flags_in_the_text_exist() {
    let Some(popcorn) = popcorn() else { return };
    let mut known = BTreeSet::new();
    commands::flags(&popcorn, &mut known);
    commands::flags(&script::programs().join("popcornc"), &mut known);
    let ours =
        ["popcorn", "popcornc", "compile", "serve", "infer", "prepare", "run", "inspect", "check", "eval"];
    for document in guide() {
        let prose = document.prose();
        for code in prose.split('`').skip(1).step_by(2) {
            let first = code.split([' ', ',']).next().unwrap_or_default();
            if first.starts_with("--") || ours.contains(&first) {
                let strange: Vec<String> = commands::mentioned(code).difference(&known).cloned().collect();
                assert!(strange.is_empty(), "{}: {strange:?} in `{code}`", document.path.display());
            }
        }
    }
}

#[test]
fn links_lead_somewhere() {
    for document in all() {
        let folder = root().join(document.path.parent().unwrap());
        for target in document.prose().split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let is_elsewhere = target.contains("://") || file.is_empty();
            assert!(is_elsewhere || folder.join(file).exists(), "{}: {target}", document.path.display());
        }
    }
}

#[test]
fn every_chapter_is_in_the_summary() {
    let summary = fs::read_to_string(root().join("examples/guide/SUMMARY.md")).unwrap();
    for document in guide() {
        let name = document.path.file_name().unwrap().to_string_lossy().into_owned();
        let is_listed =
            ["README.md", "SUMMARY.md"].contains(&&*name) || summary.contains(&format!("({name})"));
        assert!(is_listed, "{name} is not in SUMMARY.md");
    }
}

/// Lines without their indentation, and without empty ones.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[test]
fn rust_is_that_of_the_examples() {
    let embed = root().join("examples/embed");
    let folders = ["src/bin", "tests"].map(|folder| fs::read_dir(embed.join(folder)).unwrap());
    let paths =
        folders.into_iter().flatten().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let sources: Vec<String> = paths.map(|path| fs::read_to_string(path).unwrap()).collect();
    for document in guide() {
        for block in document.blocks().iter().filter(|block| block.language == "rust") {
            let wanted = lines(&block.text);
            let is_part =
                sources.iter().any(|source| lines(source).windows(wanted.len()).any(|part| part == wanted));
            assert!(is_part, "{}:{} is in no file of examples/embed", document.path.display(), block.line);
        }
    }
}

#[test]
fn comments_and_continued_lines_are_understood() {
    let found = commands::simple_commands("ls *.png | popcorn infer --input - >> out.txt # popcorn --none");
    assert_eq!(found[1], ["popcorn", "infer", "--input", "-"]);
}
