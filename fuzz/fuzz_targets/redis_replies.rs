#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sipgate_oauth2_fuzz::redis_replies::check(input));
