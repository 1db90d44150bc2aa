//! The numbers of what a manager has done and holds: the counters, and their values at one moment.
//! Must not know the parts that count, nor in which format the numbers are shown.

mod counters;
mod counts;
mod sent;
mod shared_log;
mod signals;

use rtbroadcaster_core::close::CloseReason;

use rtbroadcaster_core::histogram::Histogram;

pub(crate) use counters::{Counters, Gauges};
pub(crate) use sent::Sent;
#[cfg(feature = "nats")]
pub(crate) use shared_log::SharedLogCounters;
pub use shared_log::SharedLogCounts;
pub(crate) use signals::SignalRefusal;

/// The numbers of one [`Manager`](crate::Manager) at one moment, see [`Manager::metrics`](crate::Manager::metrics).
///
/// A counter counts since the manager was made and never falls; a gauge is the present value. No number has the name of
/// a room, so their count does not grow with the rooms. They are read one after the other while the manager works, so
/// two of them may differ by what happened in between.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rtbroadcaster::{CloseReason, Config, Manager, Message};
///
/// let manager = Manager::new(Config::default());
/// let owner = manager.create_room().await?;
/// owner.publish(Message::state("score", [2, 1])?).await?;
/// owner.publish(Message::event("goal", ["home"])?).await?;
///
/// let metrics = manager.metrics();
/// assert_eq!((metrics.rooms, metrics.messages.states, metrics.messages.events), (1, 1, 1));
/// assert_eq!(metrics.connections, 0, "a Rust program needs no connection to speak");
/// assert_eq!(metrics.apply_to_written.count, 0, "and there was no viewer to write to");
/// assert!(metrics.closes.contains(&(CloseReason::Slow, 0)), "reasons that never occurred are there too");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// WebSocket connections that are open now, in rooms or not.
    pub connections: u64,
    /// WebSocket connections that were opened. Each of them is open, or ended in one of the three ways below.
    pub connections_opened: u64,
    /// Connections that the server ended, for every reason, in the order of their codes. The decision counts, also if
    /// the peer was gone before it could be sent.
    pub closes: Vec<(CloseReason, u64)>,
    /// Connections that the client ended with a close frame.
    pub closed_by_clients: u64,
    /// Connections that ended without a close frame from either side: cut, reset, or abandoned by the client.
    pub connections_lost: u64,
    /// Rooms that there are now.
    pub rooms: u64,
    /// Connections of viewers that are in rooms now, paused ones included.
    pub viewers: u64,
    /// Choices that rooms remember now, each of one viewer for one key that is counted once per viewer: at most
    /// [`voters_max`](crate::Config::voters_max).
    pub voters: u64,
    /// Whether what rooms keep can be written now, see [`Manager::log_status`](crate::Manager::log_status).
    pub log_status: LogStatus,
    /// What the log of several nodes has done, where rooms are in one.
    pub shared_log: SharedLogCounts,
    /// MessageCounts that were applied, each once however many viewers there were. A publish whose id was known does not
    /// count.
    pub messages: MessageCounts,
    /// WebSocket frames that sockets took whole: messages, answers, heartbeats and close frames.
    pub frames_sent: u64,
    /// Bytes that sockets took, behind the handshake.
    pub bytes_sent: u64,
    /// Bytes of frames that wait now for clients whose sockets take no more. A replay that a client has not taken yet
    /// is not among them: its messages are the room's own.
    pub backlog_bytes: u64,
    /// MessageCounts that were dropped while they waited: a newer one of their key took their place, or they were ephemeral
    /// and too much waited.
    pub superseded: Superseded,
    /// Replays to viewers: after a join, after a pause, and when they had lost messages.
    pub resumes: Resumes,
    /// Requests that were refused, for every `code` of an `error` in PROTOCOL.md.
    pub refusals: Vec<(&'static str, u64)>,
    /// Handshakes that were refused, for every [word](crate::UpgradeError::word). Those whose `Upgrade` could not even
    /// be made are counted only by [`axum::handler`](crate::axum::handler).
    pub upgrade_refusals: Vec<(&'static str, u64)>,
    /// Signals of viewers to owners, if they were valid.
    pub signals: SignalCounts,
    /// Panics that were caught: each ended a client, or a room that may have been left half changed. Each is a defect
    /// of this library; all other clients and rooms went on.
    pub panics: u64,
    /// How long messages took. It begins when they are applied, and ends when the lane's pass has written them to a
    /// room's members or left them in their backlogs. Of a pass that carries several messages the oldest counts; of a
    /// room in several lanes each lane counts.
    pub apply_to_written: Histogram,
}

/// Whether the logs of rooms that are kept can be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogStatus {
    /// They can, or no room is kept.
    #[default]
    Writable,
    /// They cannot at the moment, for example because the disk is full. Rooms and their viewers stay. Owners are closed
    /// with 4013, and no client can create or own a room until writing works again, which is tried every second.
    Unavailable,
    /// They never will be again: the directory does not hold what it had confirmed. The program should end.
    Lost,
}

/// MessageCounts that were applied, by what they do to the room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageCounts {
    /// Events, which happen once.
    pub events: u64,
    /// States, which set a key.
    pub states: u64,
    /// Clears of a key.
    pub clears: u64,
    /// Ephemeral messages, which have no number.
    pub ephemerals: u64,
}

/// MessageCounts whose place a newer one of their key took while they waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Superseded {
    /// While they waited for a lane: each once for all members that its room has in that lane.
    pub in_lanes: u64,
    /// While they waited for one client: each once for that client.
    pub in_backlogs: u64,
}

/// Signals of viewers to owners.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignalCounts {
    /// Signals that were passed on to the owner one by one.
    pub told: u64,
    /// Signals that were counted: the owner gets totals.
    pub counted: u64,
    /// Signals that were refused, for each reason: `viewer_rate` and `room_rate` (too many), `unheard` (the owner is
    /// away or does not listen), `owner_behind` (it does not take its frames) and `voters_full` (no more choices can be
    /// remembered).
    pub refused: Vec<(&'static str, u64)>,
}

/// Replays to viewers, by what they contained.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumes {
    /// The state, for new viewers.
    pub snapshot: u64,
    /// Every message that the viewer had missed.
    pub resumed: u64,
    /// The state for viewers that were not new, for every `reason` of a `reset` in PROTOCOL.md.
    pub resets: Vec<(&'static str, u64)>,
}
