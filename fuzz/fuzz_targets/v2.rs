//! Fuzzes `rtbroadcaster_properties::v2`. Must not check anything itself.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rtbroadcaster_properties::v2(bytes));
