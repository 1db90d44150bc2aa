//! Version 2 as its clients see it, a file per story.
//!
//! `frame`, `ledger`, `follower`, `viewer` and `dice` are the furniture; the rest are stories.

mod audience;
mod counting;
mod cursors;
mod cuts;
mod dice;
mod follower;
pub(crate) mod frame;
mod hardship;
mod hurried;
mod identity;
mod joins;
mod lagging;
pub(crate) mod ledger;
mod mixed;
mod names;
mod overflowing;
mod owners;
mod pausing;
mod repeats;
mod restless;
mod rights;
mod signals;
mod signs;
mod stalling;
mod takeovers;
pub(crate) mod viewer;
