#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| c_calls::check(input));
