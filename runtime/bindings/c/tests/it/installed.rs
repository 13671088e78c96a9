//! The library as `make install` puts it into a folder, and programs compiled against it as strangers would.

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Which of the two libraries a program links.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Linkage {
    Shared,
    Static,
}

/// A prefix with header, libraries and `popcorn.pc`.
pub(crate) struct Installed(TempDir);

impl Installed {
    pub(crate) fn new() -> Self {
        let prefix = tempfile::tempdir().unwrap();
        // Cargo puts what tests link beside the tests.
        let test = std::env::current_exe().unwrap();
        let mut install = Command::new("make");
        install.args(["-C", env!("CARGO_MANIFEST_DIR"), "--no-print-directory", "install"]);
        install.arg(format!("PREFIX={}", prefix.path().display()));
        install.arg(format!("LIBRARIES={}", test.parent().unwrap().display()));
        printed(&mut install);
        Self(prefix)
    }

    /// Where the libraries are.
    pub(crate) fn libraries(&self) -> PathBuf {
        self.0.path().join("lib")
    }

    /// The program in a file of this crate.
    pub(crate) fn compile(&self, source: &str, linkage: Linkage) -> PathBuf {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
        let name = format!("{}-{linkage:?}", source.file_stem().unwrap().display());
        let program = self.0.path().join(name);
        let mut cc = Command::new("cc");
        cc.args([
            "-std=c11",
            "-D_POSIX_C_SOURCE=200809L",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-g",
            "-pthread",
        ]);
        cc.arg(source).arg("-o").arg(&program).args(self.flags(linkage));
        if matches!(linkage, Linkage::Shared) {
            cc.arg(format!("-Wl,-rpath,{}", self.libraries().display()));
        }
        printed(&mut cc);
        program
    }

    /// What `pkg-config` says, or, where there is none, what the README says that it does.
    fn flags(&self, linkage: Linkage) -> Vec<String> {
        let prefix = self.0.path().display();
        let mut ask = Command::new("pkg-config");
        ask.env("PKG_CONFIG_PATH", self.libraries().join("pkgconfig"))
            .args(["--cflags", "--libs", "popcorn"]);
        if matches!(linkage, Linkage::Static) {
            ask.arg("--static");
        }
        let told = match ask.output() {
            Ok(output) => String::from_utf8(output.stdout).unwrap(),
            Err(_) => format!("-I{prefix}/include -L{prefix}/lib -lpopcorn -lgcc_s -lpthread -lm -ldl"),
        };
        assert!(told.contains(&format!("-I{prefix}/include")), "{told}");
        let of = |flag: &str| match linkage {
            Linkage::Static if flag == "-lpopcorn" => "-l:libpopcorn.a".into(),
            _ => flag.into(),
        };
        told.split_whitespace().map(of).collect()
    }
}

/// What a program prints that has to succeed.
pub(crate) fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}\n{out}{err}");
    out
}

#[test]
fn the_shared_library_shows_its_functions_alone() {
    let installed = Installed::new();
    let library = installed.libraries().join("libpopcorn.so");
    let mut nm = Command::new("nm");
    let symbols = printed(nm.args(["--dynamic", "--defined-only", "--format=posix"]).arg(&library));
    let shown: Vec<&str> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    let header = include_str!("../../include/popcorn.h");
    assert!(shown.contains(&"popcorn_connect"), "{shown:?}");
    for symbol in shown {
        assert!(symbol.starts_with("popcorn_") && header.contains(&format!("{symbol}(")), "{symbol}");
    }
    let dynamic = printed(Command::new("readelf").arg("--dynamic").arg(&library));
    assert!(dynamic.contains("[libpopcorn.so.0]"), "{dynamic}");
}
