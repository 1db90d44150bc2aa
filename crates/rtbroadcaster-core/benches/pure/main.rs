//! Benches of the pure parts: frames, protocols, the backlog, the room's log and its snapshot (`cargo bench -p
//! rtbroadcaster-core`). Must not know what a part does.

mod backlog;
mod log;
mod protocol;
mod sample;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    rtbroadcaster_parts::main(&[wire::PARTS, protocol::PARTS, backlog::PARTS, log::PARTS].concat())
}
