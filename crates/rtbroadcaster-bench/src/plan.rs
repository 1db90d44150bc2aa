//! The plan of a run: protocol, messages, rooms, viewers and times. Pure. Must not know the command line, nor how the
//! plan is carried out.

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use crate::target::Target;

/// The protocol of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    /// The protocol of the Go library of 2016
    Classic,
    /// Version 2 (rtbroadcaster.v2)
    V2,
    /// No protocol: the server sends each text to all other connections
    Relay,
}

/// The kind of messages in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Workload {
    /// Events: every viewer gets every one, since none can be superseded
    Event,
    /// State values of one key: a newer value may supersede one that waits
    State,
    /// Ephemeral messages: only the newest matters; version 2 only
    Ephemeral,
    /// Every 50th message an event, the others state values of 16 keys
    Mixed,
}

/// When messages are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pacing {
    /// Open loop: each room sends this many per second.
    Rate(f64),
    /// Closed loop: each room has this many in flight.
    Window(u32),
}

/// The plan of a run.
#[derive(Debug, Clone)]
pub(crate) struct RunPlan {
    pub(crate) target: Target,
    pub(crate) protocol: Protocol,
    pub(crate) viewers: u32,
    pub(crate) rooms: u32,
    pub(crate) size: u32,
    pub(crate) seconds: Duration,
    pub(crate) warmup: Duration,
    pub(crate) pace: Pacing,
    pub(crate) kind: Workload,
    /// The number of viewers in the join storm; `None` without one.
    pub(crate) joins: Option<u32>,
    pub(crate) stalled: f64,
    pub(crate) pid: Option<u32>,
    pub(crate) threads: u32,
}

/// A viewer's room, and whether it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// The number of its room.
    pub(crate) room: u32,
    pub(crate) read_mode: ReadMode,
}

/// Whether a viewer reads once it has joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadMode {
    Reads,
    Stalls,
}

impl RunPlan {
    /// Returns the number of viewers, those of the join storm included.
    pub(crate) fn clients(&self) -> u32 {
        self.viewers + self.joins.unwrap_or(0)
    }

    /// Returns a viewer's room and whether it reads. The viewers of the join storm have the last numbers.
    pub(crate) fn assignment(&self, viewer: u32) -> Assignment {
        let (number, of) = match viewer.checked_sub(self.viewers) {
            None => (viewer, self.viewers),
            Some(number) => (number, self.joins.unwrap_or(1)),
        };
        // Neighbours share a room, so that the stalled viewers, evenly spread, are in all rooms.
        let room = u64::from(number) * u64::from(self.rooms) / u64::from(of);
        let stalled_before = |viewers: u32| (f64::from(viewers) * self.stalled).floor();
        let stalls = viewer < self.viewers && stalled_before(viewer + 1) > stalled_before(viewer);
        let room = u32::try_from(room).expect("a share of the rooms is no more than all");
        Assignment { room, read_mode: if stalls { ReadMode::Stalls } else { ReadMode::Reads } }
    }

    /// Returns how many viewers of each room read.
    pub(crate) fn receivers(&self) -> Vec<u32> {
        let mut receivers = vec![0; self.rooms as usize];
        for assignment in (0..self.viewers).map(|viewer| self.assignment(viewer)) {
            receivers[assignment.room as usize] += u32::from(assignment.read_mode == ReadMode::Reads);
        }
        receivers
    }

    /// Returns the time from one message of a room to the next, in nanoseconds; `None` in a closed loop.
    pub(crate) fn interval_nanos(&self) -> Option<u64> {
        match self.pace {
            Pacing::Window(_) => None,
            Pacing::Rate(rate) => u64::try_from(Duration::from_secs_f64(rate.recip()).as_nanos()).ok(),
        }
    }
}
