//! The command lines of our programs in documents, and whether they parse.

use super::Document;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// A command line of `popcorn` or `popcornc`.
pub(crate) struct Line {
    /// In its document, from 1.
    pub(crate) line: usize,
    /// The program first.
    pub(crate) words: Vec<String>,
}

/// All of them in the blocks of a document, whether they are run or not.
pub(crate) fn lines(document: &Document) -> Vec<Line> {
    let mut found = Vec::new();
    for block in document.blocks() {
        if !["", "sh"].contains(&block.language.as_str()) {
            continue;
        }
        for (index, line) in logical_lines(&block.text) {
            let commands = simple_commands(&line).into_iter().filter(|words| is_ours(words));
            found.extend(commands.map(|words| Line { line: block.line + 1 + index, words }));
        }
    }
    found
}

fn is_ours(words: &[String]) -> bool {
    words.first().is_some_and(|first| ["popcorn", "popcornc"].contains(&first.as_str()))
}

/// Lines that end in a backslash go on with the next one; each with the number of its first.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match lines.last_mut().filter(|_| goes_on) {
            Some((_, begun)) => begun.push_str(part),
            None => lines.push((index, part.to_owned())),
        }
        goes_on = more;
    }
    lines
}

/// The words of each simple command of a line of shell, without redirections and comments.
pub(crate) fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let words = shlex::split(line).unwrap_or_default();
    let is_between = |word: &String| ["|", "&&", "||", "&", ";"].contains(&word.as_str());
    let mut commands: Vec<Vec<String>> = words.split(is_between).map(<[String]>::to_vec).collect();
    for command in &mut commands {
        let is_redirection = |word: &String| word.trim_start_matches(['1', '2']).starts_with(['>', '<']);
        let end = command.iter().position(is_redirection).unwrap_or(command.len());
        command.truncate(end);
    }
    commands
}

/// What is wrong with a command line, as the program says; nothing is done, since the question for help comes last.
pub(crate) fn mistake(program: &Path, words: &[String]) -> Option<String> {
    let output = Command::new(program).args(&words[1..]).arg("--help").output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// All flags of a program and its subcommands, as their help names them.
pub(crate) fn flags(program: &Path, found: &mut BTreeSet<String>) {
    let help = |arguments: &[&str]| {
        let output = Command::new(program).args(arguments).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let all = help(&[]);
    let (_, list) = all.split_once("Commands:").unwrap();
    let subcommands = list.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    for subcommand in subcommands.filter(|name| name.chars().all(char::is_lowercase)) {
        found.extend(mentioned(&help(&[subcommand])));
    }
}

/// The flags that a text mentions.
pub(crate) fn mentioned(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    let words = text.split(|c: char| !is_part(c)).filter(|word| word.starts_with("--") && word.len() > 3);
    words.map(str::to_owned).collect()
}
