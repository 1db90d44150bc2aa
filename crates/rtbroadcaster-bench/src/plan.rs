//! A run, as far as it is known beforehand: what is spoken and said, by how many and for how long. Pure: must not know where it
//! comes from or how it is carried out.

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use crate::target::Target;

/// What the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    /// The protocol of the Go library of 2016
    Classic,
    /// Version 2 (rtbroadcaster.v2)
    V2,
    /// No protocol: each text goes to all other connections
    Relay,
}

/// What kind of message is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Every viewer gets every one
    Event,
    /// One key: a newer value may take the place of one that waits
    State,
    /// Only the newest matters; version 2 only
    Ephemeral,
    /// Every 50th an event, the others state values of 16 keys
    Mixed,
}

/// When messages are said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// Each room says this many a second.
    Rate(f64),
    /// Each room has this many in flight.
    Window(u32),
}

/// A run, as far as it is known beforehand.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) protocol: Protocol,
    pub(crate) viewers: u32,
    pub(crate) rooms: u32,
    pub(crate) size: u32,
    pub(crate) seconds: Duration,
    pub(crate) warmup: Duration,
    pub(crate) pace: Pace,
    pub(crate) kind: Kind,
    /// How many join in the storm; none without one.
    pub(crate) joins: Option<u32>,
    pub(crate) stalled: f64,
    pub(crate) pid: Option<u32>,
    pub(crate) threads: u32,
}

/// Where a viewer is, and whether it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of its room.
    pub(crate) room: u32,
    pub(crate) role: Role,
}

/// What a viewer does once it has joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Reads,
    Stalls,
}

impl Plan {
    /// How many viewers there are in the end.
    pub(crate) fn clients(&self) -> u32 {
        self.viewers + self.joins.unwrap_or(0)
    }

    /// Where a viewer is; those of the storm come behind the others.
    pub(crate) fn place(&self, viewer: u32) -> Place {
        let (number, of) = match viewer.checked_sub(self.viewers) {
            None => (viewer, self.viewers),
            Some(number) => (number, self.joins.unwrap_or(1)),
        };
        // Neighbours share a room, so that the stalled, evenly spread, are in all rooms.
        let room = u64::from(number) * u64::from(self.rooms) / u64::from(of);
        let stalled_before = |viewers: u32| (f64::from(viewers) * self.stalled).floor();
        let stalls = viewer < self.viewers && stalled_before(viewer + 1) > stalled_before(viewer);
        let room = u32::try_from(room).expect("a share of the rooms is no more than all");
        Place { room, role: if stalls { Role::Stalls } else { Role::Reads } }
    }

    /// How many viewers of each room read.
    pub(crate) fn receivers(&self) -> Vec<u32> {
        let mut receivers = vec![0; self.rooms as usize];
        for place in (0..self.viewers).map(|viewer| self.place(viewer)) {
            receivers[place.room as usize] += u32::from(place.role == Role::Reads);
        }
        receivers
    }

    /// The time from one message of a room to the next, in nanoseconds; none in a closed loop.
    pub(crate) fn interval_nanos(&self) -> Option<u64> {
        match self.pace {
            Pace::Window(_) => None,
            Pace::Rate(rate) => u64::try_from(Duration::from_secs_f64(rate.recip()).as_nanos()).ok(),
        }
    }
}
