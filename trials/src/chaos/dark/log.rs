//! The events of the two clients of a trial, and the figures that follow. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::chaos::clients::{ClientStatus, Event, EventKind};

/// The client behind the relay, and the other one.
pub(super) const BEHIND: u32 = 0;
pub(super) const OTHER: u32 = 1;

/// All events of a trial.
#[derive(Debug, Default)]
pub(super) struct TrialLog {
    pub(super) room: Option<String>,
    /// The statuses that each client showed, and when.
    shown: BTreeMap<u32, Vec<(u64, ClientStatus, Option<String>)>>,
    /// How often each message arrived.
    heard: BTreeMap<u64, u32>,
    /// The number of messages that arrived after a later one.
    disordered: u64,
    acked: BTreeSet<u64>,
    failed: BTreeMap<u64, String>,
    pub(super) resets: u32,
}

impl TrialLog {
    pub(super) fn take(&mut self, event: Event) {
        let Event { client, at, what } = event;
        match what {
            EventKind::Opened { room } => self.room = Some(room),
            EventKind::Status { name, reason } => self.shown.entry(client).or_default().push((at, name, reason)),
            EventKind::Heard { number, .. } => {
                if self.heard.last_key_value().is_some_and(|(last, _)| number < *last) {
                    self.disordered += 1;
                }
                *self.heard.entry(number).or_insert(0) += 1;
            }
            EventKind::Reset => self.resets += 1,
            EventKind::Acked { number } => _ = self.acked.insert(number),
            EventKind::Failed { number, code } => _ = self.failed.insert(number, code),
        }
    }

    /// Returns what a client shows now.
    pub(super) fn standing(&self, client: u32) -> Option<ClientStatus> {
        self.shown.get(&client)?.last().map(|(_, name, _)| *name)
    }

    /// Returns when the client behind the relay first showed after `dark` that it may not be in the room.
    pub(super) fn noticed(&self, dark: u64) -> Option<u64> {
        let shown = self.shown.get(&BEHIND)?;
        shown.iter().find(|(at, name, _)| *at >= dark && !name.is_inside()).map(|(at, ..)| *at)
    }

    /// Returns when it was in the room again after it had noticed.
    pub(super) fn back(&self, dark: u64) -> Option<u64> {
        let noticed = self.noticed(dark)?;
        let shown = self.shown.get(&BEHIND)?;
        shown.iter().find(|(at, name, _)| *at > noticed && name.is_inside()).map(|(at, ..)| *at)
    }

    /// Returns when a client reported after `dark` that its room or connection has ended for good, and why.
    pub(super) fn over(&self, client: u32, dark: u64) -> Option<(u64, String)> {
        let mut shown = self.shown.get(&client)?.iter();
        let (at, _, reason) = shown.find(|(at, name, _)| *at >= dark && *name == ClientStatus::Closed)?;
        Some((*at, reason.clone().unwrap_or_default()))
    }

    /// Returns whether each of `published` messages was acknowledged or failed, and each acknowledged one arrived at
    /// the viewer.
    pub(super) fn is_settled(&self, published: u64) -> bool {
        self.unsettled(published) == 0 && self.lost() == 0
    }

    /// Returns how many messages were acknowledged, and how many failed.
    pub(super) fn settled(&self) -> (usize, usize) {
        (self.acked.len(), self.failed.len())
    }

    /// Returns how many of `published` messages were neither acknowledged nor failed.
    pub(super) fn unsettled(&self, published: u64) -> usize {
        (1..=published).filter(|number| !self.acked.contains(number) && !self.failed.contains_key(number)).count()
    }

    /// Returns how many acknowledged messages did not arrive.
    pub(super) fn lost(&self) -> usize {
        self.acked.iter().filter(|number| !self.heard.contains_key(number)).count()
    }

    /// Returns how many messages arrived more than once, or after a later one.
    pub(super) fn repeated(&self) -> u64 {
        self.heard.values().map(|times| u64::from(times - 1)).sum::<u64>().max(self.disordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(at: u64, name: ClientStatus) -> Event {
        Event { client: BEHIND, at, what: EventKind::Status { name, reason: None } }
    }

    #[test]
    fn when_a_client_noticed_and_was_back_follows_from_what_it_showed() {
        let mut log = TrialLog::default();
        let names = [
            ClientStatus::Live,
            ClientStatus::Away,
            ClientStatus::Checking,
            ClientStatus::Resuming,
            ClientStatus::Live,
        ];
        (1..).zip(names).for_each(|(at, name)| log.take(shown(at, name)));
        assert_eq!((log.noticed(2), log.back(2), log.over(BEHIND, 2)), (Some(3), Some(5), None));
        log.take(shown(9, ClientStatus::Closed));
        assert_eq!((log.noticed(6), log.back(6), log.over(BEHIND, 2)), (Some(9), None, Some((9, String::new()))));
    }

    #[test]
    fn what_was_lost_and_repeated_is_counted() {
        let mut log = TrialLog::default();
        let event = |what| Event { client: OTHER, at: 1, what };
        [1, 2, 3].into_iter().for_each(|number| log.take(event(EventKind::Acked { number })));
        [1, 3, 3].into_iter().for_each(|number| log.take(event(EventKind::Heard { number, said: 0 })));
        assert_eq!((log.lost(), log.repeated(), log.unsettled(4), log.is_settled(3)), (1, 1, 1, false));
        log.take(event(EventKind::Heard { number: 2, said: 0 }));
        log.take(event(EventKind::Failed { number: 4, code: "offline".into() }));
        assert_eq!((log.lost(), log.repeated(), log.is_settled(4)), (0, 1, true));
    }
}
