//! Gives the shared library the name by which programs look for it, so that versions may be installed side by side.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        let major = std::env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libpopcorn.so.{major}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
