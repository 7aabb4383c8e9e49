#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| sipgate_oauth2_fuzz::logout_token::check(input));
