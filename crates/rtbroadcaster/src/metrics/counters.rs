//! The counters: one addition each, nothing allocated, nothing locked.
//! Must not know the parts that count.

use std::time::Duration;

use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::histogram::Stopwatch;
use rtbroadcaster_core::message::Change;
use rtbroadcaster_core::standing::{How, ResetReason};

use super::counts::{Count, WordCounts};
use super::sent::Sent;
use super::{LogStatus, MessageCounts, Metrics, Resumes, SharedLogCounts, SignalCounts, SignalRefusal, Superseded};

/// Everything that is counted for one manager.
#[derive(Debug)]
pub(crate) struct Counters {
    opened: Count,
    /// By the place of the reason in [`CloseReason::ALL`].
    closes: [Count; CloseReason::ALL.len()],
    closed_by_clients: Count,
    lost: Count,
    /// The number of viewers in rooms.
    viewers: Count,
    events: Count,
    states: Count,
    clears: Count,
    ephemerals: Count,
    frames_sent: Count,
    bytes_sent: Count,
    /// The bytes that wait in all outboxes.
    backlog_bytes: Count,
    superseded_in_lanes: Count,
    superseded_in_backlogs: Count,
    snapshots: Count,
    resumed: Count,
    resets: WordCounts,
    refusals: WordCounts,
    upgrade_refusals: WordCounts,
    signals_told: Count,
    signals_counted: Count,
    signals_refused: WordCounts,
    panics: Count,
    apply_to_written: Stopwatch,
}

/// The numbers that are looked up when the metrics are read, instead of being counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gauges {
    /// Connections that are open.
    pub(crate) connections: usize,
    /// Rooms that there are.
    pub(crate) rooms: usize,
    /// Choices of viewers that these remember.
    pub(crate) voters: usize,
    /// Whether what they keep can be written.
    pub(crate) log_status: LogStatus,
}

/// The reason for which a client that lost messages gets the state.
const SLOW: &str = "slow";

/// The reasons why handshakes are refused: the words of `UpgradeError`.
pub(crate) const UPGRADE_REFUSALS: [&str; 5] =
    ["handshake", "origin", "not_upgradable", "too_many_connections", "shutting_down"];

impl Counters {
    /// Makes counters at zero. Requests will be refused with one of these codes.
    pub(crate) fn new(refusals: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            opened: Count::default(),
            closes: Default::default(),
            closed_by_clients: Count::default(),
            lost: Count::default(),
            viewers: Count::default(),
            events: Count::default(),
            states: Count::default(),
            clears: Count::default(),
            ephemerals: Count::default(),
            frames_sent: Count::default(),
            bytes_sent: Count::default(),
            backlog_bytes: Count::default(),
            superseded_in_lanes: Count::default(),
            superseded_in_backlogs: Count::default(),
            snapshots: Count::default(),
            resumed: Count::default(),
            resets: WordCounts::new(ResetReason::ALL.map(ResetReason::word).into_iter().chain([SLOW])),
            refusals: WordCounts::new(refusals),
            upgrade_refusals: WordCounts::new(UPGRADE_REFUSALS),
            signals_told: Count::default(),
            signals_counted: Count::default(),
            signals_refused: WordCounts::new(SignalRefusal::ALL.map(SignalRefusal::word)),
            panics: Count::default(),
            apply_to_written: Stopwatch::default(),
        }
    }

    /// Counts a connection that was upgraded.
    pub(crate) fn opened(&self) {
        self.opened.add(1);
    }

    /// Counts a connection that the server ended.
    pub(crate) fn closed(&self, reason: CloseReason) {
        let place = CloseReason::ALL.iter().position(|known| *known == reason);
        self.closes[place.expect("all reasons are in the list")].add(1);
    }

    /// Counts a connection that its client ended.
    pub(crate) fn closed_by_client(&self) {
        self.closed_by_clients.add(1);
    }

    /// Counts a connection that ended without a close frame.
    pub(crate) fn lost(&self) {
        self.lost.add(1);
    }

    /// Counts a viewer that has joined a room.
    pub(crate) fn viewer_came(&self) {
        self.viewers.add(1);
    }

    /// Counts a viewer that has left its room.
    pub(crate) fn viewer_left(&self) {
        self.viewers.subtract(1);
    }

    /// Counts a message that was applied.
    pub(crate) fn applied(&self, change: Change) {
        let count = match change {
            Change::Event => &self.events,
            Change::State => &self.states,
            Change::Cleared => &self.clears,
            Change::Ephemeral => &self.ephemerals,
        };
        count.add(1);
    }

    /// Counts frames and bytes that sockets took.
    pub(crate) fn sent(&self, Sent { frames, bytes }: Sent) {
        if bytes > 0 {
            self.frames_sent.add(frames);
            self.bytes_sent.add(bytes);
        }
    }

    /// Counts that the bytes in an outbox have changed.
    pub(crate) fn waits(&self, before: usize, now: usize) {
        match now.checked_sub(before) {
            Some(0) => {}
            Some(more) => self.backlog_bytes.add(more),
            None => self.backlog_bytes.subtract(before - now),
        }
    }

    /// Counts messages that were superseded while they waited for a lane.
    pub(crate) fn superseded_in_lane(&self, messages: usize) {
        if messages > 0 {
            self.superseded_in_lanes.add(messages);
        }
    }

    /// Counts messages that were superseded while they waited for one client.
    pub(crate) fn superseded_in_backlog(&self, messages: usize) {
        if messages > 0 {
            self.superseded_in_backlogs.add(messages);
        }
    }

    /// Counts a replay to a viewer.
    pub(crate) fn replayed(&self, how: How) {
        match how {
            How::Snapshot => self.snapshots.add(1),
            How::Resumed => self.resumed.add(1),
            How::Reset(reason) => self.resets.count(reason.word()),
        }
    }

    /// Counts a viewer that had lost messages and gets the state.
    pub(crate) fn reset_slow(&self) {
        self.resets.count(SLOW);
    }

    /// Counts a request that was refused with this code.
    pub(crate) fn refused(&self, code: &str) {
        self.refusals.count(code);
    }

    /// Counts a handshake that was refused for this word.
    pub(crate) fn refused_upgrade(&self, word: &str) {
        self.upgrade_refusals.count(word);
    }

    /// Counts a signal that was passed on to the owner.
    pub(crate) fn signal_told(&self) {
        self.signals_told.add(1);
    }

    /// Counts a signal that was added to totals.
    pub(crate) fn signal_counted(&self) {
        self.signals_counted.add(1);
    }

    /// Counts a valid signal that was refused.
    pub(crate) fn signal_refused(&self, refusal: SignalRefusal) {
        self.signals_refused.count(refusal.word());
    }

    /// Counts a panic that was caught.
    pub(crate) fn panicked(&self) {
        self.panics.add(1);
    }

    /// Counts a pass that has ended, whose oldest message was applied so long ago.
    pub(crate) fn written(&self, since_applied: Duration) {
        self.apply_to_written.count(since_applied);
    }

    /// Returns the numbers at this moment.
    pub(crate) fn read(&self, gauges: Gauges, shared_log: SharedLogCounts) -> Metrics {
        let Gauges { connections, rooms, voters, log_status } = gauges;
        let closes = CloseReason::ALL.into_iter().zip(&self.closes);
        Metrics {
            connections: connections as u64,
            connections_opened: self.opened.get(),
            closes: closes.map(|(reason, count)| (reason, count.get())).collect(),
            closed_by_clients: self.closed_by_clients.get(),
            connections_lost: self.lost.get(),
            rooms: rooms as u64,
            viewers: self.viewers.get(),
            voters: voters as u64,
            log_status,
            shared_log,
            messages: MessageCounts {
                events: self.events.get(),
                states: self.states.get(),
                clears: self.clears.get(),
                ephemerals: self.ephemerals.get(),
            },
            frames_sent: self.frames_sent.get(),
            bytes_sent: self.bytes_sent.get(),
            backlog_bytes: self.backlog_bytes.get(),
            superseded: Superseded {
                in_lanes: self.superseded_in_lanes.get(),
                in_backlogs: self.superseded_in_backlogs.get(),
            },
            resumes: Resumes {
                snapshot: self.snapshots.get(),
                resumed: self.resumed.get(),
                resets: self.resets.read(),
            },
            refusals: self.refusals.read(),
            upgrade_refusals: self.upgrade_refusals.read(),
            signals: SignalCounts {
                told: self.signals_told.get(),
                counted: self.signals_counted.get(),
                refused: self.signals_refused.read(),
            },
            panics: self.panics.get(),
            apply_to_written: self.apply_to_written.read(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Counters {
        /// Makes counters for tests that refuse nothing.
        pub(crate) fn idle() -> std::sync::Arc<Self> {
            std::sync::Arc::new(Self::new([]))
        }

        /// Returns the numbers at this moment, for tests that know neither connections nor rooms.
        pub(crate) fn look(&self) -> Metrics {
            self.read(Gauges::default(), SharedLogCounts::default())
        }
    }

    #[test]
    fn every_reason_and_word_is_there_before_it_was_counted_and_counts_for_itself() {
        let counters = Counters::new(["no_room", "rate"]);
        assert!(counters.look().closes.iter().all(|(_, count)| *count == 0));
        counters.closed(CloseReason::RoomClosed);
        counters.closed(CloseReason::OwnRoomClosed);
        counters.closed(CloseReason::OwnRoomClosed);
        counters.refused("rate");
        counters.refused_upgrade("origin");
        counters.replayed(How::Reset(ResetReason::Epoch));
        counters.reset_slow();
        let Metrics { closes, refusals, upgrade_refusals, resumes, .. } = counters.look();
        assert_eq!(closes.len(), CloseReason::ALL.len());
        let happened: Vec<_> = closes.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(happened, [(CloseReason::OwnRoomClosed, 2), (CloseReason::RoomClosed, 1)], "they share a word");
        assert_eq!(refusals, [("no_room", 0), ("rate", 1)]);
        assert_eq!(upgrade_refusals[..2], [("handshake", 0), ("origin", 1)]);
        let resets = [("retention", 0), ("epoch", 1), ("future", 0), ("malformed", 0), ("slow", 1)];
        assert_eq!(resumes.resets, resets);
    }

    #[test]
    fn what_waits_is_the_sum_of_what_came_and_went() {
        let counters = Counters::idle();
        counters.waits(0, 700);
        counters.waits(700, 700);
        counters.waits(700, 200);
        counters.waits(0, 50);
        assert_eq!(counters.look().backlog_bytes, 250);
    }
}
