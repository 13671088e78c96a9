#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| compiler_fuzz::onnx(bytes));
