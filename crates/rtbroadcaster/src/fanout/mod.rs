//! From one applied message to every member's socket: lanes, rosters, outboxes and backlogs.
//! Must not know JSON, owners or where the log lives; it sees entries, dialects and outboxes.

pub mod backlog;
mod lags;
mod lane;
mod moments;
mod outbox;
mod roster;
mod superseding;

pub(crate) use backlog::{Ending, Frame, Hold, Replay};
pub(crate) use lags::Lagging;
pub(crate) use lane::{Faults, Lanes};
pub(crate) use moments::Moments;
pub(crate) use outbox::{Drained, End, Outbox, Promise};
pub(crate) use roster::{Item, Last, Parting, Roll, Roster};
#[cfg(test)]
pub(crate) use {
    backlog::Rank,
    outbox::Line,
    superseding::{Ranked, Superseding},
};
