//! RFC 6455, the server's side, as pure functions: the opening handshake, client frames in, server frames out.
//! Must not know sockets, time, tokio, JSON or rooms: bytes and values go in, values and bytes come out.

mod control;
pub mod decode;
pub mod encode;
pub mod handshake;
mod header;
mod mask;
mod text;
mod violation;

#[cfg(test)]
mod client_frames;

pub use decode::{Binary, Control, Decoder, DecoderLimits, Excess, Incoming, Violation};
