//! Feeds `sim_wamp::fuzzing::decode`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sim_wamp::fuzzing::decode(data));
