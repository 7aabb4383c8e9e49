#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| sipgate_oauth2_fuzz::token_answer::check(input));
