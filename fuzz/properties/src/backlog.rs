//! The backlog of one member, driven by op codes and compared with a model of the member. Must not know sockets.

mod course;
mod frame;
mod ledger;
mod line;
mod member;

use crate::codes::Codes;
use course::SingleMemberRoom;

/// Checks one course of ops. The first of `bytes` chooses the protocol and the limit; the others are what the room
/// publishes, what its lane and the client task do, and how much the socket takes. The output is what PROTOCOL.md
/// allows this member to see: in order, holes announced and harmless, in a replay only what was announced, and one
/// close at the end. Once everything is written, the member has the newest value of every key.
pub fn backlog(bytes: &[u8]) {
    let mut codes = Codes::new(bytes);
    let mut course = SingleMemberRoom::begin(codes.byte());
    while let Some(code) = codes.next() {
        course.step(code, &mut codes);
    }
    course.end();
}
