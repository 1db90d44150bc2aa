//! What a room has besides messages: who is told of its viewers, and what these say to its owner.
//! Must not know sockets; it is touched under the room's lock.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::attention::Attention;
use super::pace::Pace;
use super::votes::Votes;
use crate::audience::Audience;
use crate::options::RoomOptions;
use crate::signal::Signal;

/// What a room has besides messages.
#[derive(Debug)]
pub(super) struct Reception {
    /// Viewers are told how many they are.
    pub(super) tells_viewers: bool,
    /// What was told of the viewers.
    pub(super) attention: Attention,
    /// To a program that owns the room and wants to know of its viewers.
    pub(super) watch: Option<watch::Sender<Audience>>,
    /// To a program that owns the room and hears what viewers say.
    pub(super) ear: Option<mpsc::Sender<Signal>>,
    /// What is counted, where something is.
    pub(super) votes: Option<Box<Votes>>,
    /// When the owner is told of it.
    pub(super) totals_planned: Option<Duration>,
    /// How often one thing was said of late that is told on its own.
    pub(super) pace: Pace,
    /// How many of these were refused since the last one that the owner got, since it did not take them.
    pub(super) dropped: u64,
    /// How many viewers have come: the number of the last one.
    came: u64,
}

impl Reception {
    /// Nobody has come yet.
    pub(super) fn new(options: &RoomOptions) -> Self {
        Self {
            tells_viewers: options.has_audience(),
            attention: Attention::default(),
            watch: None,
            ear: None,
            votes: Votes::of(options),
            totals_planned: None,
            pace: Pace::default(),
            dropped: 0,
            came: 0,
        }
    }

    /// The number of one more viewer.
    pub(super) fn number(&mut self) -> u64 {
        self.came += 1;
        self.came
    }

    /// The program that owned the room does not any more, or nobody does: it hears nothing from now on.
    pub(super) fn part(&mut self) {
        self.watch = None;
        self.ear = None;
    }
}
