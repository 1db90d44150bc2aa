//! From one applied message to every member's socket: lanes, rosters, outboxes and backlogs.
//! Must not know JSON, the transport's frames or where the log lives; it sees entries, notices, dialects and outboxes.

mod lags;
mod lane;
mod moments;
#[cfg(test)]
pub(crate) mod mute;
mod outbox;
mod roster;

pub(crate) use lags::Lagging;
pub(crate) use lane::{Faults, Lanes};
pub(crate) use moments::Moments;
#[cfg(test)]
pub(crate) use outbox::OutboxState;
pub(crate) use outbox::{Drained, End, Outbox, Promise};
pub(crate) use roster::{Disconnection, FinalState, Item, MemberChange, Roster};
