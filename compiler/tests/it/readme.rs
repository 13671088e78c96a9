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
