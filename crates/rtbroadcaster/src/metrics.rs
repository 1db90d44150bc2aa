//! What a manager has done and holds, in numbers: counters for whoever does it, and how they look at one moment.
//! Must not know who counts, nor in which format the numbers are told.

mod counters;
mod sent;
mod signals;
mod tally;

use rtbroadcaster_core::close::CloseReason;

use rtbroadcaster_core::histogram::Histogram;

pub(crate) use counters::{Counters, Gauges};
pub(crate) use sent::Sent;
pub(crate) use signals::SignalRefusal;

/// The numbers of one [`Manager`](crate::Manager) at one moment, see [`Manager::metrics`](crate::Manager::metrics).
///
/// What is counted counts since the manager was made and never falls; what is there now has no past. A room's name is in
/// none of them, so their number does not grow with the rooms. They are read one after the other while the manager works,
/// so two of them may be apart by what happened in between.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rtbroadcaster::{CloseReason, Config, Manager, Message};
///
/// let manager = Manager::new(Config::default());
/// let owner = manager.create_room().await?;
/// owner.publish(Message::state("score", [2, 1])).await?;
/// owner.publish(Message::event("goal", ["home"])).await?;
///
/// let metrics = manager.metrics();
/// assert_eq!((metrics.rooms, metrics.messages.states, metrics.messages.events), (1, 1, 1));
/// assert_eq!(metrics.connections, 0, "a Rust program needs no connection to speak");
/// assert_eq!(metrics.apply_to_written.count, 0, "and nobody was there to hear it");
/// assert!(metrics.closes.contains(&(CloseReason::Slow, 0)), "what never happened is told too");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// WebSocket connections that are open now, in rooms or not.
    pub connections: u64,
    /// WebSocket connections that were opened. Each of them is open, or ended in one of the three ways below.
    pub connections_opened: u64,
    /// Connections that the server ended, for every reason, in the order of their codes. What counts is what was decided,
    /// also when the peer was gone before it could be told.
    pub closes: Vec<(CloseReason, u64)>,
    /// Connections that the client ended with a close frame.
    pub closed_by_clients: u64,
    /// Connections that ended without a close frame from either side: cut, reset, or given up by the client.
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
    /// Messages that were applied, each once however many viewers there were. A publish whose id was known is none.
    pub messages: Messages,
    /// WebSocket frames that sockets took whole: messages, answers, heartbeats and close frames.
    pub frames_sent: u64,
    /// Bytes that sockets took, behind the handshake.
    pub bytes_sent: u64,
    /// Bytes of frames that wait now for clients whose sockets take no more. A replay that a client has not taken yet is
    /// not among them: its messages are the room's own.
    pub backlog_bytes: u64,
    /// Messages that went while they waited: a newer one of their key took their place, or they were ephemeral and more waited
    /// than may.
    pub superseded: Superseded,
    /// How viewers were brought to where their room stood: by a join, after a pause, and when they had lost messages.
    pub resumes: Resumes,
    /// Requests that were refused, for every `code` of an `error` in PROTOCOL.md.
    pub refusals: Vec<(&'static str, u64)>,
    /// Handshakes that were refused, for every [word](crate::UpgradeError::word). Those whose `Upgrade` could not even be
    /// made are counted only by [`axum::serve`](crate::axum::serve).
    pub upgrade_refusals: Vec<(&'static str, u64)>,
    /// What viewers said to owners, as far as it made sense.
    pub signals: SignalCounts,
    /// Panics that were caught: each ended a client, or a room where the room may have been left half changed. Each is a defect
    /// of this library; everybody else went on.
    pub panics: u64,
    /// How long messages took from the moment at which they were applied to the end of the lane's pass that wrote them to
    /// a room's members, or left them in their backlogs. Of a pass that carries several the oldest counts; of a room in
    /// several lanes each lane counts.
    pub apply_to_written: Histogram,
}

/// Whether the logs of rooms that are kept can be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogStatus {
    /// They can, or no room is kept.
    #[default]
    Writable,
    /// They cannot at the moment, for example because the disk is full. Rooms and their viewers stay; owners are closed with
    /// 4013, and nobody creates or owns a room until it works again, which is tried every second.
    Unavailable,
    /// They never will be again: the directory does not hold what it had confirmed. The program should end.
    Lost,
}

/// Messages that were applied, by what they do to the room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Messages {
    /// They happened once.
    pub events: u64,
    /// They set a key.
    pub states: u64,
    /// They cleared a key.
    pub clears: u64,
    /// They passed without a number.
    pub ephemerals: u64,
}

/// Messages whose place a newer one of their key took while they waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Superseded {
    /// While they waited for a lane: each once for all members that its room has in that lane.
    pub in_lanes: u64,
    /// While they waited for one client: each once for that client.
    pub in_backlogs: u64,
}

/// What viewers said to owners.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignalCounts {
    /// The owner was told each.
    pub told: u64,
    /// They were counted, and the owner is told totals.
    pub counted: u64,
    /// They were refused, for each reason: `viewer_rate` and `room_rate` (too many), `unheard` (the owner is away or does not
    /// listen), `owner_behind` (it does not take what it is told) and `voters_full` (no more choices can be remembered).
    pub refused: Vec<(&'static str, u64)>,
}

/// How viewers were brought to where their room stood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumes {
    /// By the state, since they were new.
    pub snapshot: u64,
    /// By every message that they had missed.
    pub resumed: u64,
    /// By the state although they were not new, for every `reason` of a `reset` in PROTOCOL.md.
    pub resets: Vec<(&'static str, u64)>,
}
