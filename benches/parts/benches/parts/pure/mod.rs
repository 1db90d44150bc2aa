//! The pure parts: frames, protocols, the backlog, the room's log and its snapshot. Must not know how they are measured.

mod backlog;
mod log;
mod protocol;
mod sample;
mod wire;

use rtbroadcaster_parts::Part;

/// Returns all of them.
pub(crate) fn parts() -> Vec<Part> {
    [wire::PARTS, protocol::PARTS, backlog::PARTS, log::PARTS].concat()
}
