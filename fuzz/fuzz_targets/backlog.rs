//! Fuzzes `rtbroadcaster_properties::backlog`. Must not check anything itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rtbroadcaster_properties::backlog(bytes));
