//! The audience of a room: its viewers, the listeners that are notified of them, and their signals to the owner.
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

/// The viewers of a room, their signals, and the listeners of both.
#[derive(Debug)]
pub(super) struct AudienceState {
    /// Whether viewers are notified of how many they are.
    pub(super) tells_viewers: bool,
    /// The viewers that are there.
    pub(super) attendance: Attendance,
    /// The audience as its listeners know it.
    pub(super) attention: Attention,
    /// The sender to a program that owns the room and listens to its audience.
    pub(super) watch: Option<watch::Sender<Option<Audience>>>,
    /// The sender to a program that owns the room and listens to signals.
    pub(super) subscriber: Option<mpsc::Sender<Signal>>,
    /// The counts of signals, if signals are counted.
    pub(super) votes: Option<Box<Votes>>,
    /// The planned moment at which the owner is sent totals.
    pub(super) totals_look: Alarm<Duration>,
    /// The meter of the signals that are not counted, for the room.
    pub(super) pace: Meter,
    /// The meters of the signals of each viewer.
    pub(super) paces: Paces,
    /// The number of signals that the owner did not take, since the last one that it took.
    pub(super) dropped: u64,
}

impl AudienceState {
    /// Makes the audience of a room without viewers. Their choices count among those of `voters`.
    pub(super) fn new(options: &RoomOptions, voters: &Arc<Voters>) -> Self {
        Self {
            tells_viewers: options.has_audience(),
            attendance: Attendance::default(),
            attention: Attention::default(),
            watch: None,
            subscriber: None,
            votes: Votes::of(options, voters),
            totals_look: Alarm::default(),
            pace: Meter::default(),
            paces: Paces::default(),
            dropped: 0,
        }
    }

    /// Drops the senders to the program that owned the room.
    pub(super) fn drop_listeners(&mut self) {
        self.watch = None;
        self.subscriber = None;
    }

    /// Drops the listeners and the counts, since the room has ended.
    pub(super) fn end(&mut self) {
        self.drop_listeners();
        self.votes = None;
    }
}
