//! Feeds `sim_wamp::fuzzing::session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sim_wamp::fuzzing::session(data));
