//! What a room has besides messages: who its viewers are, who is told of them, and what these say to its owner.
//! Must not know sockets; it is touched under the room's lock.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::audience::Audience;
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::rate::Meter;
use rtbroadcaster_core::room::alarm::Alarm;
use rtbroadcaster_core::room::attendance::Attendance;
use rtbroadcaster_core::room::attention::Attention;
use rtbroadcaster_core::room::pace::Paces;
use rtbroadcaster_core::room::voters::Voters;
use rtbroadcaster_core::room::votes::Votes;
use rtbroadcaster_core::signal::Signal;
use tokio::sync::{mpsc, watch};

/// What a room has besides messages.
#[derive(Debug)]
pub(super) struct Reception {
    /// Viewers are told how many they are.
    pub(super) tells_viewers: bool,
    /// Which viewers are there.
    pub(super) attendance: Attendance,
    /// What was told of the viewers.
    pub(super) attention: Attention,
    /// To a program that owns the room and wants to know of its viewers.
    pub(super) watch: Option<watch::Sender<Option<Audience>>>,
    /// To a program that owns the room and hears what viewers say.
    pub(super) ear: Option<mpsc::Sender<Signal>>,
    /// What is counted, where something is.
    pub(super) votes: Option<Box<Votes>>,
    /// When the owner is told of it.
    pub(super) totals_look: Alarm<Duration>,
    /// How often one thing was said of late that is told on its own.
    pub(super) pace: Meter,
    /// How often each viewer said something of late.
    pub(super) paces: Paces,
    /// How many of what is told on its own were refused since the last one that the owner got, since it did not take them.
    pub(super) dropped: u64,
}

impl Reception {
    /// Nobody has come yet. What viewers choose counts among the choices of `voters`.
    pub(super) fn new(options: &RoomOptions, voters: &Arc<Voters>) -> Self {
        Self {
            tells_viewers: options.has_audience(),
            attendance: Attendance::default(),
            attention: Attention::default(),
            watch: None,
            ear: None,
            votes: Votes::of(options, voters),
            totals_look: Alarm::default(),
            pace: Meter::default(),
            paces: Paces::default(),
            dropped: 0,
        }
    }

    /// The program that owned the room does not any more, or nobody does: it hears nothing from now on.
    pub(super) fn part(&mut self) {
        self.watch = None;
        self.ear = None;
    }

    /// The room has ended: nobody hears anything any more, and what was counted is forgotten.
    pub(super) fn end(&mut self) {
        self.part();
        self.votes = None;
    }
}
