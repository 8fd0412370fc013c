//! Feeds `sim_wamp::fuzzing::raw_socket`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sim_wamp::fuzzing::raw_socket(data));
