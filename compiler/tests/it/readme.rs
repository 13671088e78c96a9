//! What the README says by machine is true.

use compiler::from_onnx::registry;

#[test]
fn the_table_of_operators_is_the_registry() {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once("<!-- operators -->\n").expect("a beginning");
    let (table, _) = rest.split_once("<!-- end of operators -->").expect("an end");
    assert_eq!(table.trim(), registry::markdown().trim(), "run `popcornc operators` and paste its table");
}
