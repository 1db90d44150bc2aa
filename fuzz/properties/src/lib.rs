//! The properties that hold for any bytes, one function per fuzz target. The fuzz targets and the ordinary tests call
//! the same functions: each panics where its property does not hold. Must not know who makes the bytes.

mod backlog;
mod classic;
mod codes;
mod cursor;
mod decoder;
mod handshake;
mod members;
mod message;
mod room;
mod v2;

pub use backlog::backlog;
pub use classic::classic;
pub use cursor::cursor;
pub use decoder::decoder;
pub use handshake::handshake;
pub use room::room;
pub use v2::v2;

/// A target: its name, which is also that of its corpus, and its check.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 7] = [
    ("handshake", handshake),
    ("decoder", decoder),
    ("classic", classic),
    ("v2", v2),
    ("cursor", cursor),
    ("backlog", backlog),
    ("room", room),
];
