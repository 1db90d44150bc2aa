//! What waits for one member, driven by op codes and held to a model of the member. Must not know sockets.

mod course;
mod frame;
mod ledger;
mod line;
mod member;

use crate::codes::Codes;
use course::Course;

/// `bytes` are op codes: the first one chooses the protocol and the limit, the others what the room says, what its lane
/// and the client task do, and how much the socket takes. What comes out is what PROTOCOL.md allows this member to see:
/// in order, holes announced and harmless, nothing but what was announced in a replay, one close at the end; and once
/// everything is out, the newest value of every key.
pub fn backlog(bytes: &[u8]) {
    let mut codes = Codes::new(bytes);
    let mut course = Course::begin(codes.byte());
    while let Some(code) = codes.next() {
        course.step(code, &mut codes);
    }
    course.end();
}
