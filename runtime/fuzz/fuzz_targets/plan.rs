#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runtime_fuzz::plan(bytes));
