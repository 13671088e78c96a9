//! `include/popcorn.h` is what cbindgen makes of the crate.

use std::path::Path;

/// With POPCORN_WRITE set, writes it instead.
#[test]
fn the_header_is_that_of_the_sources() {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(crate_root.join("cbindgen.toml")).unwrap();
    let builder = cbindgen::Builder::new().with_config(config).with_src(crate_root.join("src/lib.rs"));
    let mut made = Vec::new();
    builder.generate().unwrap().write(&mut made);
    let made = String::from_utf8(made).unwrap();
    let path = crate_root.join("include/popcorn.h");
    if std::env::var_os("POPCORN_WRITE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "include/popcorn.h is out of date: run this test with POPCORN_WRITE=1");
}
