//! What documents say by machine is true.

use compiler::from_onnx::registry;
use compiler::pipeline;

/// What stands in `document` between the marks of `name`.
fn table<'a>(document: &'a str, name: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("<!-- {name} -->\n")).expect("a beginning");
    rest.split_once(&format!("<!-- end of {name} -->")).expect("an end").0.trim()
}

#[test]
fn the_table_of_operators_is_the_registry() {
    let table = table(include_str!("../../../examples/guide/operators.md"), "operators");
    assert_eq!(table, registry::markdown().trim(), "run `popcornc operators` and paste its table");
}

#[test]
fn the_table_of_passes_is_the_list() {
    let table = table(include_str!("../../../ARCHITECTURE.md"), "passes");
    assert_eq!(table, pipeline::markdown().trim(), "run `popcornc passes` and paste its table");
}

/// The names of the features in a manifest, but for the list of the default ones.
fn features(manifest: &str) -> Vec<&str> {
    let (_, rest) = manifest.split_once("[features]\n").expect("features");
    let section = rest.split("\n[").next().unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name));
    names.filter(|&name| name != "default" && !name.starts_with(['#', ' '])).collect()
}

#[test]
fn every_feature_is_described_in_its_manifest_and_its_crate() {
    let crates = [
        (include_str!("../../../runtime/Cargo.toml"), include_str!("../../../runtime/src/lib.rs")),
        (include_str!("../../Cargo.toml"), include_str!("../../src/lib.rs")),
    ];
    for (manifest, root) in crates {
        let names = features(manifest);
        assert!(names.contains(&"cli"), "{names:?}");
        for name in names {
            assert!(
                root.contains(&format!("`{name}`")),
                "the crate's documentation does not say what {name} is"
            );
            let (before, _) = manifest.split_once(&format!("\n{name} = ")).expect("the feature");
            let above = before.lines().next_back().unwrap_or_default();
            assert!(above.starts_with("# "), "no comment stands above {name}");
        }
    }
}
