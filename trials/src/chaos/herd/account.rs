//! The messages that each viewer of a herd received, and its absences. Pure: times are arguments.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chaos::clients::{ClientStatus, Event, EventKind};

/// The time in which the attempts of an outage are counted, in microseconds: from its beginning, or from the first
/// attempt where a viewer noticed later.
const ATTEMPTS_MICROS: u64 = 10_000_000;

/// The number of the latest returns that are reported.
const LATEST_MAX: usize = 3;

/// One outage of one viewer, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Gap {
    from: u64,
    /// When the path was open again.
    until: Option<u64>,
    /// When the viewer was in the room again.
    back: Option<u64>,
}

/// The record of one viewer.
#[derive(Debug, Default)]
struct Viewer {
    gaps: Vec<Gap>,
    /// The number of the last message that it received.
    last: u64,
    is_inside: bool,
    is_closed: bool,
}

/// The records of all viewers.
#[derive(Debug)]
pub(super) struct Account {
    viewers: Vec<Viewer>,
    sums: Sums,
}

/// The sums of all viewers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::chaos) struct Sums {
    pub(in crate::chaos) viewers: u64,
    pub(in crate::chaos) delivered: u64,
    pub(in crate::chaos) repeated: u64,
    /// Messages that arrived only after a later one or were missing at the end.
    pub(in crate::chaos) lost: u64,
    /// How often a viewer got a `reset`: it may have lost events.
    pub(in crate::chaos) resets: u64,
    /// The number of viewers that gave up for good.
    pub(in crate::chaos) closed: u64,
    pub(in crate::chaos) reasons: BTreeMap<String, u64>,
    /// Of each message published while its viewer's path was closed: from publish to delivery, in milliseconds.
    pub(in crate::chaos) delays_ms: Vec<u32>,
    /// Of each outage: from the moment when the path was open again until the viewer was back, in milliseconds.
    pub(in crate::chaos) returns_ms: Vec<u32>,
    /// The number of outages from which a viewer is not back.
    pub(in crate::chaos) not_back: u64,
    /// Of each outage the number of connection attempts in its first 10 s, or in the 10 s from the first one where that
    /// came later.
    pub(in crate::chaos) attempts: Vec<u32>,
    /// The latest returns, each described with its attempts.
    pub(in crate::chaos) latest: Vec<(u32, String)>,
    /// The CPU time of the viewers, without the relay before them, and that of the relay, in milliseconds.
    pub(in crate::chaos) cpu_ms: u64,
    pub(in crate::chaos) relay_cpu_ms: u64,
}

impl Account {
    pub(super) fn new(viewers: u32) -> Self {
        let viewers = (0..viewers).map(|_| Viewer::default()).collect();
        Self { viewers, sums: Sums::default() }
    }

    /// Records that an outage of a viewer begins.
    pub(super) fn closed(&mut self, viewer: u32, now: u64) {
        if let Some(viewer) = self.viewers.get_mut(viewer as usize) {
            viewer.gaps.push(Gap { from: now, until: None, back: None });
        }
    }

    /// Records that the path of a viewer is open again.
    pub(super) fn opened(&mut self, viewer: u32, now: u64) {
        if let Some(gap) = self.viewers.get_mut(viewer as usize).and_then(|viewer| viewer.gaps.last_mut()) {
            gap.until.get_or_insert(now);
        }
    }

    /// Records an event of a viewer.
    pub(super) fn take(&mut self, event: &Event) {
        let Some(viewer) = self.viewers.get_mut(event.client as usize) else { return };
        match &event.what {
            EventKind::Status { name, reason } => {
                let was_inside = std::mem::replace(&mut viewer.is_inside, name.is_inside());
                if !was_inside && viewer.is_inside {
                    viewer.returned(event.at);
                }
                if *name == ClientStatus::Closed {
                    viewer.is_closed = true;
                    *self.sums.reasons.entry(reason.clone().unwrap_or_default()).or_default() += 1;
                }
            }
            &EventKind::Heard { number, said } => {
                if number <= viewer.last {
                    self.sums.repeated += 1;
                    return;
                }
                self.sums.delivered += 1;
                self.sums.lost += number - viewer.last - 1;
                viewer.last = number;
                // A message published before may have arrived before, and waited here.
                if viewer.gaps.last().is_some_and(|gap| said >= gap.from) {
                    viewer.returned(event.at);
                }
                if viewer.was_closed_at(said) {
                    self.sums.delays_ms.push(millis(event.at.saturating_sub(said)));
                }
            }
            EventKind::Reset => self.sums.resets += 1,
            _ => {}
        }
    }

    /// Returns how many viewers are in.
    pub(super) fn inside(&self) -> u32 {
        u32::try_from(self.viewers.iter().filter(|viewer| viewer.is_inside).count()).unwrap_or(u32::MAX)
    }

    /// Returns whether all viewers are back and have message `last`, or have ended.
    pub(super) fn is_done(&self, last: u64) -> bool {
        let is_back = |viewer: &Viewer| viewer.gaps.last().is_none_or(|gap| gap.back.is_some());
        self.viewers.iter().all(|viewer| viewer.is_closed || (viewer.last >= last && is_back(viewer)))
    }

    /// Returns the sums of a room whose last message had this number. `attempts` returns when a viewer asked for
    /// connections.
    pub(super) fn sums(mut self, last: u64, attempts: impl Fn(u32) -> Vec<u64>) -> Sums {
        for (number, viewer) in (0..).zip(&self.viewers) {
            self.sums.lost += last.saturating_sub(viewer.last);
            self.sums.closed += u64::from(viewer.is_closed);
            let attempts = attempts(number);
            for (gap, next) in viewer.gaps.iter().zip(viewer.gaps.iter().skip(1).map(Some).chain([None])) {
                let end = next.map_or(u64::MAX, |next| next.from);
                let attempts = attempts.iter().filter(|at| (gap.from..end).contains(at));
                match (gap.back, gap.until) {
                    (Some(back), Some(until)) => {
                        let late = millis(back.saturating_sub(until));
                        self.sums.returns_ms.push(late);
                        if self.sums.is_among_latest(late) {
                            self.sums.latest.push((late, gap.describe(attempts.clone(), until, back)));
                            self.sums.keep_latest();
                        }
                    }
                    _ => self.sums.not_back += 1,
                }
                let first = attempts.clone().min().copied().unwrap_or(end);
                let start = if first - gap.from < ATTEMPTS_MICROS { gap.from } else { first };
                let count = attempts.filter(|at| **at - start < ATTEMPTS_MICROS).count();
                self.sums.attempts.push(u32::try_from(count).unwrap_or(u32::MAX));
            }
        }
        self.sums.viewers = self.viewers.len() as u64;
        self.sums
    }
}

impl Gap {
    /// Returns a description of the outage, in seconds from its beginning.
    fn describe<'a>(&self, attempts: impl Iterator<Item = &'a u64>, until: u64, back: u64) -> String {
        let seconds = |at: u64| format!("{:.2}", at.saturating_sub(self.from) as f64 / 1e6);
        let attempts: Vec<_> = attempts.map(|&at| seconds(at)).collect();
        format!("open at {}, back at {}, tried at {}", seconds(until), seconds(back), attempts.join(" "))
    }
}

impl Viewer {
    /// Records that it is in the room, or receives something, at this moment: all outages that are over end.
    fn returned(&mut self, at: u64) {
        if self.gaps.last().is_some_and(|gap| gap.until.is_none_or(|until| at < until)) {
            return;
        }
        for gap in self.gaps.iter_mut().rev().take_while(|gap| gap.back.is_none()) {
            gap.back = Some(at);
        }
    }

    fn was_closed_at(&self, said: u64) -> bool {
        // The newest ones are the likely ones.
        self.gaps.iter().rev().any(|gap| said >= gap.from && gap.until.is_none_or(|until| said < until))
    }
}

impl Sums {
    /// Adds the sums of another herd.
    pub(in crate::chaos) fn add(&mut self, other: Self) {
        self.viewers += other.viewers;
        self.delivered += other.delivered;
        self.repeated += other.repeated;
        self.lost += other.lost;
        self.resets += other.resets;
        self.closed += other.closed;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.delays_ms.extend(other.delays_ms);
        self.returns_ms.extend(other.returns_ms);
        self.not_back += other.not_back;
        self.attempts.extend(other.attempts);
        self.latest.extend(other.latest);
        self.keep_latest();
        self.cpu_ms += other.cpu_ms;
        self.relay_cpu_ms += other.relay_cpu_ms;
    }

    fn is_among_latest(&self, late: u32) -> bool {
        self.latest.get(LATEST_MAX - 1).is_none_or(|(least, _)| late > *least)
    }

    fn keep_latest(&mut self) {
        self.latest.sort_unstable_by(|one, other| other.cmp(one));
        self.latest.truncate(LATEST_MAX);
    }

    /// Returns these times, sorted.
    pub(in crate::chaos) fn sorted(millis: &[u32]) -> Vec<Duration> {
        let mut times: Vec<_> = millis.iter().map(|&millis| Duration::from_millis(millis.into())).collect();
        times.sort_unstable();
        times
    }
}

fn millis(micros: u64) -> u32 {
    u32::try_from(micros / 1_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(number: u64, said: u64, at: u64) -> Event {
        Event { client: 0, at: at * 1_000, what: EventKind::Heard { number, said: said * 1_000 } }
    }

    fn shown(name: ClientStatus, at: u64) -> Event {
        Event { client: 0, at: at * 1_000, what: EventKind::Status { name, reason: None } }
    }

    #[test]
    fn what_was_said_while_a_path_was_closed_is_timed_from_publish_to_delivery() {
        let mut account = Account::new(1);
        account.take(&shown(ClientStatus::Live, 1));
        account.take(&heard(1, 9, 10));
        account.closed(0, 20_000);
        account.take(&heard(2, 19, 21));
        account.take(&shown(ClientStatus::Resuming, 22));
        account.opened(0, 2_020_000);
        assert_eq!((account.inside(), account.is_done(2)), (0, false));
        account.take(&shown(ClientStatus::Live, 2_320));
        account.take(&heard(3, 1_019, 2_320));
        account.take(&heard(4, 2_019, 2_320));
        account.take(&heard(5, 2_319, 2_321));
        account.take(&heard(5, 2_319, 2_322));
        assert!(account.is_done(5));
        let sums = account.sums(6, |_| vec![19_000, 25_000, 2_100_000, 10_021_000]);
        assert_eq!((sums.delivered, sums.repeated, sums.lost), (5, 1, 1));
        assert_eq!((sums.delays_ms, sums.returns_ms, sums.not_back), (vec![1_301, 301], vec![300], 0));
        assert_eq!(sums.attempts, [2], "one was before, and one more than 10 s later");
    }

    #[test]
    fn a_viewer_that_is_back_is_back_from_all_outages_since_it_was_in_the_room() {
        let mut account = Account::new(1);
        account.take(&shown(ClientStatus::Live, 1));
        account.closed(0, 10_000);
        account.take(&shown(ClientStatus::Resuming, 10));
        account.opened(0, 12_000);
        account.closed(0, 20_000);
        account.take(&shown(ClientStatus::Live, 21));
        assert!(!account.is_done(0), "its path is closed");
        account.take(&shown(ClientStatus::Resuming, 21));
        account.opened(0, 22_000);
        account.take(&shown(ClientStatus::Live, 30));
        let sums = account.sums(0, |_| Vec::new());
        assert_eq!((sums.returns_ms, sums.not_back), (vec![18, 8], 0));
        assert_eq!(sums.latest[0], (18, "open at 0.00, back at 0.02, tried at ".into()));
    }

    #[test]
    fn a_viewer_that_still_shows_live_is_back_when_a_message_arrives() {
        let mut account = Account::new(1);
        account.take(&shown(ClientStatus::Live, 1));
        account.closed(0, 10_000);
        account.opened(0, 60_000);
        assert!(!account.is_done(0));
        account.take(&heard(1, 20, 75));
        let sums = account.sums(1, |_| Vec::new());
        assert_eq!((sums.returns_ms, sums.not_back, sums.lost), (vec![15], 0, 0));
    }
}
