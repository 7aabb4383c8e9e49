#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| sipgate_oauth2_fuzz::jws::check(input));
