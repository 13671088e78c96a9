//! Equal input gives equal plans: whatever the number of threads, and whatever the processor.

use crate::outside::skip;
use compiler::{CompileOptions, Dataset, InputOptions, Model};
use rayon::ThreadPoolBuilder;
use runtime::plan::codec;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn testdata(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(file)
}

/// The bytes of a plan, as `testdata/README.md` says that plans are compiled.
fn compiled(model: &str, options: CompileOptions) -> Vec<u8> {
    let model = Model::read(&testdata(model)).expect("a model");
    let calibration = Dataset::read(&testdata("digits/all.npz"), model.input).expect("images");
    let options = CompileOptions {
        input: InputOptions { scale: 1.0 / 255.0, ..InputOptions::default() },
        calibration: Some(calibration.into()),
        reproducible: true,
        ..options
    };
    codec::encode(&model.compile(&options).expect("a plan").plan)
}

#[test]
fn plans_do_not_depend_on_the_number_of_threads() {
    for (model, options) in [
        ("mnist-mlp.onnx", CompileOptions::default as fn() -> _),
        ("mnist-mlp.onnx", CompileOptions::blinded),
        ("mnist-cnn.onnx", || CompileOptions { channel_sparsity: 0.3, ..CompileOptions::default() }),
    ] {
        let plans = [1, 2, 3].map(|threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| compiled(model, options()))
        });
        assert!(plans[0] == plans[1] && plans[0] == plans[2], "{model}");
    }
}

/// Processors without AVX-512, without AVX, and without BMI2, which take other kernels, and other instructions for floats.
#[test]
#[ignore = "emulates other processors"]
fn plans_do_not_depend_on_the_processor() {
    let qemu = "qemu-x86_64-static";
    let found = Command::new(qemu).arg("--version").stdout(Stdio::null()).status();
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) || found.is_err() {
        return skip(&format!("there is no {qemu} (Debian: qemu-user-static)"));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let program = env!("CARGO_BIN_EXE_popcornc");
    let mut emulators = vec![Vec::new()];
    emulators.extend(["Haswell", "Nehalem"].map(|processor| vec![qemu, "-cpu", processor]));
    for (model, options) in
        [("mnist-mlp.onnx", ["--suite", "blinded"]), ("mnist-cnn.onnx", ["--suite", "shared"])]
    {
        let plans = emulators.iter().map(|emulator| {
            let plan = folder.path().join("plan");
            let words = [&emulator[..], &[program, "compile"]].concat();
            let mut compile = Command::new(words[0]);
            compile.args(&words[1..]).arg(testdata(model)).arg("-o").arg(&plan).args(options);
            compile
                .args(["--input-scale", "1/255", "--reproducible", "--calibration"])
                .arg(testdata("digits/all.npz"));
            let output = compile.output().expect("run");
            assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
            let bytes = std::fs::read(&plan).expect("a plan");
            std::fs::remove_file(&plan).expect("removed");
            bytes
        });
        let plans: Vec<Vec<u8>> = plans.collect();
        for (plan, emulator) in plans.iter().zip(&emulators) {
            assert!(*plan == plans[0], "{model}: {emulator:?} gives another plan");
        }
    }
}
