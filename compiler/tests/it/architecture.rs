//! The folders of both crates are layers: no file imports one above its own, and no files of a folder import each other
//! in a circle. Modules of tests may import what they like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first; files beside the folders count as folders. ARCHITECTURE.md lists the same.
const COMPILER: &[&str] = &[
    "error",
    "numeric",
    "graph",
    "calibration",
    "activation",
    "options",
    "lower",
    "reference",
    "from_onnx",
    "passes",
    "evaluation",
    "self_check",
    "pipeline",
    "compile",
    "search",
    "cli",
];
const RUNTIME: &[&str] = &[
    "plan",
    "paillier",
    "error",
    "hardening",
    "files",
    "store",
    "data",
    "channel",
    "observe",
    "message",
    "console",
    "ot",
    "protocol",
    "cost",
    "roles",
    "app",
    "admin",
    "bench",
    "report",
    "cli",
];

struct Import {
    line: usize,
    /// From the crate's root, with the imported item's name last.
    path: Vec<String>,
}

struct Source {
    shown: String,
    /// From the crate's root; the module of a `mod.rs` is its folder.
    module: Vec<String>,
    is_folder: bool,
    imports: Vec<Import>,
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The files of a folder that its `mod.rs` declares for tests alone.
fn tests_of(folder: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(folder.join("mod.rs")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]").filter_map(|pair| {
        let (_, name) = pair[1].strip_suffix(';')?.split_once("mod ")?;
        Some(folder.join(name).with_extension("rs"))
    });
    declared.collect()
}

fn is_test(path: &Path, module: &[String]) -> bool {
    module.iter().any(|part| ["tests", "testing", "test_keys"].contains(&part.as_str()))
        || path.parent().is_some_and(|folder| tests_of(folder).contains(&path.to_owned()))
}

/// The sources of a crate without tests; `src` is its folder.
fn sources(krate: &str) -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(krate).join("src");
    let mut paths = Vec::new();
    files(&src, &mut paths);
    paths.sort();
    let sources = paths.iter().filter_map(|path| {
        let relative = path.strip_prefix(&src).unwrap().with_extension("");
        let mut module: Vec<String> =
            relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let is_folder = module.last().is_some_and(|last| last == "mod") || path.with_extension("").is_dir();
        module.retain(|part| part != "mod");
        if is_test(path, &module) {
            return None;
        }
        let imports = imports(&fs::read_to_string(path).unwrap(), &module);
        Some(Source { shown: format!("{krate}/src/{}.rs", relative.display()), module, is_folder, imports })
    });
    let is_root = |source: &Source| ["lib", "main"].contains(&source.module[0].as_str());
    sources.filter(|source| !is_root(source)).collect()
}

/// What the code of `module` imports before its tests, from its own crate.
fn imports(text: &str, module: &[String]) -> Vec<Import> {
    let mut found = Vec::new();
    let mut statement: Option<(usize, String)> = None;
    let mut is_skipped = false;
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default().trim();
        if code.starts_with("#[cfg(") && (code.contains("test") || code.contains("doc")) {
            is_skipped = true;
            continue;
        }
        if is_skipped && code.starts_with("mod tests {") {
            break;
        }
        let starts = code.starts_with("use ") || (code.starts_with("pub") && code.contains(" use "));
        if starts && statement.is_none() && !is_skipped {
            let (_, path) = code.split_once("use ").unwrap();
            statement = Some((index + 1, path.to_owned()));
        } else if let Some((_, path)) = &mut statement {
            path.push_str(code);
        } else {
            found.extend(mentioned(code, index + 1, module));
        }
        is_skipped &= !(code.ends_with(';') || code.ends_with('}'));
        if let Some((line, path)) = statement.take_if(|(_, path)| path.ends_with(';')) {
            let mut paths = Vec::new();
            flatten(path.trim_end_matches(';'), String::new(), &mut paths);
            found.extend(
                paths.iter().filter_map(|path| absolute(path, module)).map(|path| Import { line, path }),
            );
        }
    }
    found
}

/// Paths from `crate::` and `super::` in code.
fn mentioned(code: &str, line: usize, module: &[String]) -> Vec<Import> {
    let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let paths = words.filter(|word| word.starts_with("crate::") || word.starts_with("super::"));
    paths.filter_map(|path| absolute(path, module)).map(|path| Import { line, path }).collect()
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn flatten(tree: &str, prefix: String, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        found.push(format!("{prefix}{tree}"));
        return;
    };
    let body = rest.trim_end().trim_end_matches(',').strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut start) = (0, 0);
    for (at, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                flatten(&body[start..at], format!("{prefix}{head}"), found);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !body[start..].trim().is_empty() {
        flatten(&body[start..], format!("{prefix}{head}"), found);
    }
}

/// From the crate's root; `None` for other crates.
fn absolute(path: &str, module: &[String]) -> Option<Vec<String>> {
    let path = path.split(" as ").next().unwrap_or_default();
    let mut parts = path.split("::").map(str::trim).filter(|part| *part != "self").peekable();
    let mut base = match parts.next_if(|part| *part == "crate") {
        Some(_) => Vec::new(),
        None => {
            let mut base = module.to_vec();
            let mut is_ours = false;
            while parts.next_if(|part| *part == "super").is_some() {
                base.pop();
                is_ours = true;
            }
            if !is_ours {
                return None;
            }
            base
        }
    };
    base.extend(parts.map(str::to_owned));
    Some(base)
}

#[test]
fn no_folder_imports_one_above_it() {
    let mut wrong = Vec::new();
    for (krate, order) in [("compiler", COMPILER), ("runtime", RUNTIME)] {
        let level = |folder: &str| order.iter().position(|&other| other == folder);
        for source in sources(krate) {
            let own = level(&source.module[0]);
            assert!(own.is_some(), "{}: no layer is called {}", source.shown, source.module[0]);
            for import in &source.imports {
                let theirs = import.path.first().and_then(|folder| level(folder));
                if theirs > own {
                    wrong.push(format!(
                        "{}:{} imports {}",
                        source.shown,
                        import.line,
                        import.path.join("::")
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports that run upward:\n{}", wrong.join("\n"));
}

/// The modules of a folder, by name, that each of them imports; what the folder's `mod.rs` exports again is looked up there.
fn neighbours(sources: &[Source], folder: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let depth = folder.len();
    let inside: Vec<&Source> = sources
        .iter()
        .filter(|source| source.module.len() > depth && source.module.starts_with(folder))
        .collect();
    let names: BTreeSet<&String> = inside.iter().map(|source| &source.module[depth]).collect();
    let exported = exports(folder, &names, sources);
    let mut graph: BTreeMap<String, BTreeSet<String>> =
        names.iter().map(|name| ((*name).clone(), BTreeSet::new())).collect();
    for source in inside {
        let own = &source.module[depth];
        for import in source.imports.iter().filter(|import| import.path.starts_with(folder)) {
            let Some(first) = import.path.get(depth) else { continue };
            let target = if names.contains(first) { Some(first) } else { exported.get(first) };
            if let Some(target) = target.filter(|target| *target != own) {
                graph.entry(own.clone()).or_default().insert(target.clone());
            }
        }
    }
    graph
}

/// Which module of `folder` an item comes from that its `mod.rs` exports: `pub use op::{Add}` gives Add: op.
fn exports(folder: &[String], names: &BTreeSet<&String>, sources: &[Source]) -> BTreeMap<String, String> {
    let Some(root) = sources.iter().find(|source| source.is_folder && source.module == folder) else {
        return BTreeMap::new();
    };
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&root.shown).with_file_name("mod.rs"),
    )
    .unwrap_or_default();
    let mut found = BTreeMap::new();
    for statement in text.split("use ").skip(1).filter_map(|rest| rest.split_once(';')).map(|(use_, _)| use_)
    {
        let mut paths = Vec::new();
        flatten(&statement.replace('\n', " "), String::new(), &mut paths);
        for path in paths {
            let parts: Vec<&str> = path.split("::").map(str::trim).filter(|part| *part != "self").collect();
            if let (Some(first), Some(last)) = (parts.first(), parts.last())
                && parts.len() > 1
                && names.iter().any(|name| name.as_str() == *first)
            {
                let item = last.split(" as ").last().unwrap_or(last);
                found.insert(item.to_owned(), (*first).to_owned());
            }
        }
    }
    found
}

/// Everything that can be reached from `start`.
fn reached(graph: &BTreeMap<String, BTreeSet<String>>, start: &str) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![start.to_owned()]);
    while let Some(next) = open.pop() {
        for other in graph.get(&next).into_iter().flatten() {
            if found.insert(other.clone()) {
                open.push(other.clone());
            }
        }
    }
    found
}

#[test]
fn no_files_of_a_folder_import_each_other() {
    let mut circles = BTreeSet::new();
    for krate in ["compiler", "runtime"] {
        let sources = sources(krate);
        let folders: BTreeSet<Vec<String>> =
            sources.iter().filter(|source| source.is_folder).map(|source| source.module.clone()).collect();
        for folder in folders {
            let graph = neighbours(&sources, &folder);
            let reach: BTreeMap<&String, BTreeSet<String>> =
                graph.keys().map(|name| (name, reached(&graph, name))).collect();
            for (name, others) in &reach {
                let circle: Vec<String> =
                    others.iter().filter(|other| reach[*other].contains(*name)).cloned().collect();
                if !circle.is_empty() {
                    circles.insert((krate.to_owned(), folder.join("/"), circle));
                }
            }
        }
    }
    assert!(circles.is_empty(), "files that import each other: {circles:#?}");
}

#[test]
fn the_order_is_that_of_the_documentation() {
    let text = include_str!("../../../ARCHITECTURE.md");
    for (krate, order) in [("compiler", COMPILER), ("runtime", RUNTIME)] {
        let (_, rest) = text.split_once(&format!("Layers of `{krate}`, lowest first: ")).expect("a sentence");
        let (list, _) = rest.split_once('.').expect("its end");
        let listed: Vec<&str> = list.split(',').map(|name| name.trim().trim_matches('`')).collect();
        assert_eq!(listed, order, "{krate}");
    }
}
