//! Tracks by their numbers which messages one viewer received. This module is pure. Without a fault the tracker holds
//! one number, and in a mixed run one more for each key.

use std::ops::{AddAssign, Range};

use serde::Serialize;

use crate::message_kind::{self, KEYS, MessageKind};
use crate::plan::Workload;

/// The messages that one viewer received.
#[derive(Debug)]
pub(crate) struct DeliveryTracker {
    /// The next number if no message is lost.
    next: u32,
    /// The skipped numbers that have not arrived since, in order; in a mixed run those of events only.
    missing: Vec<Range<u32>>,
    /// The state values of a mixed run.
    values: Option<Box<ValueTracker>>,
}

/// The received state values. Skipped ones are not stored one by one: under overload, nearly all are skipped.
#[derive(Debug, Default)]
struct ValueTracker {
    /// For each key, one more than the number of its newest value.
    behind: [u32; KEYS as usize],
    /// The number of received values.
    received: u32,
}

/// The order in which a message arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeliveryOrder {
    /// It is the newest. These numbers, of which it is the last, are not expected any more.
    Newest(Range<u32>),
    /// It arrived after a later one.
    OutOfOrder,
    /// It had arrived already.
    Repeated,
}

/// The number of deliveries and of each fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct DeliveryCounts {
    /// Received messages, each once for each viewer.
    #[serde(rename = "deliveries")]
    pub(crate) received: u64,
    pub(crate) lost: u64,
    /// Skipped for a newer message that may supersede them, which is no fault.
    pub(crate) superseded: u64,
    pub(crate) repeated: u64,
    pub(crate) out_of_order: u64,
    /// Messages of another room, or with a number that was not sent.
    pub(crate) unknown: u64,
}

impl DeliveryTracker {
    /// Returns a tracker without messages.
    pub(crate) fn new(kind: Workload) -> Self {
        Self { next: 0, missing: Vec::new(), values: (kind == Workload::Mixed).then(Box::default) }
    }

    /// Records a message.
    pub(crate) fn record(&mut self, number: u32) -> DeliveryOrder {
        if number >= self.next {
            let (passed, over) = (self.next..number + 1, self.next..number);
            match &mut self.values {
                Some(values) => {
                    self.missing.extend(message_kind::events(over).map(|event| event..event + 1));
                    values.record(number);
                }
                None if over.is_empty() => {}
                None => self.missing.push(over),
            }
            self.next = number + 1;
            return DeliveryOrder::Newest(passed);
        }
        match (&mut self.values, MessageKind::of(Workload::Mixed, number)) {
            (Some(values), MessageKind::Value(key)) => values.record_late(key, number),
            _ => self.record_late(number),
        }
    }

    /// Records a message that is older than the newest one.
    fn record_late(&mut self, number: u32) -> DeliveryOrder {
        let Some(at) = self.missing.iter().position(|missing| missing.contains(&number)) else {
            return DeliveryOrder::Repeated;
        };
        let Range { start, end } = self.missing[at];
        let rest = [start..number, number + 1..end];
        self.missing.splice(at..=at, rest.into_iter().filter(|missing| !missing.is_empty()));
        DeliveryOrder::OutOfOrder
    }

    /// Returns how many of `sent` sent messages are lost and superseded.
    pub(crate) fn close(&self, sent: u32, kind: Workload) -> DeliveryCounts {
        let passed_over: u64 = self.missing.iter().map(|missing| u64::from(missing.end - missing.start)).sum();
        let tail = self.next..sent.max(self.next);
        let (lost, superseded) = match (&self.values, kind) {
            (Some(values), _) => {
                let (lost, superseded) = values.close(sent);
                (passed_over + message_kind::events(tail).len() as u64 + lost, superseded)
            }
            (None, Workload::Event) => (passed_over + tail.len() as u64, 0),
            (None, _) => (tail.len() as u64, passed_over),
        };
        DeliveryCounts { lost, superseded, ..DeliveryCounts::default() }
    }
}

impl ValueTracker {
    /// Records a message that is newer than all others.
    fn record(&mut self, number: u32) {
        if let MessageKind::Value(key) = MessageKind::of(Workload::Mixed, number) {
            self.received += 1;
            self.behind[key as usize] = number + 1;
        }
    }

    /// Records a value that arrived after a later message. If it is older than its key's newest, it counts as out of
    /// order, even if it is a repetition: both are faults.
    fn record_late(&mut self, key: u32, number: u32) -> DeliveryOrder {
        let behind = &mut self.behind[key as usize];
        if *behind == number + 1 {
            return DeliveryOrder::Repeated;
        }
        *behind = (*behind).max(number + 1);
        self.received += 1;
        DeliveryOrder::OutOfOrder
    }

    /// Returns how many values after the newest of their key did not arrive, and how many were superseded by a newer
    /// one.
    fn close(&self, sent: u32) -> (u64, u64) {
        let first = self.behind.iter().copied().min().unwrap_or(0);
        let is_lost = |number: &u32| match MessageKind::of(Workload::Mixed, *number) {
            MessageKind::Value(key) => *number >= self.behind[key as usize],
            MessageKind::Event | MessageKind::Ephemeral => false,
        };
        let lost = (first..sent).filter(is_lost).count() as u64;
        let values = u64::from(sent) - message_kind::events(0..sent).len() as u64;
        (lost, values.saturating_sub(u64::from(self.received) + lost))
    }
}

impl AddAssign for DeliveryCounts {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.lost += other.lost;
        self.superseded += other.superseded;
        self.repeated += other.repeated;
        self.out_of_order += other.out_of_order;
        self.unknown += other.unknown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the tracker and the counts of a viewer that received these numbers.
    fn entered(kind: Workload, numbers: impl IntoIterator<Item = u32>) -> (DeliveryTracker, DeliveryCounts) {
        let mut tracker = DeliveryTracker::new(kind);
        let mut counts = DeliveryCounts::default();
        for number in numbers {
            match tracker.record(number) {
                DeliveryOrder::Newest(_) => {}
                DeliveryOrder::OutOfOrder => counts.out_of_order += 1,
                DeliveryOrder::Repeated => counts.repeated += 1,
            }
        }
        (tracker, counts)
    }

    /// Checks a viewer that received these of 120 messages, of which 49 and 99 are events.
    fn check_mixed(
        numbers: impl IntoIterator<Item = u32>,
        lost: u64,
        superseded: u64,
        repeated: u64,
        out_of_order: u64,
    ) {
        let (tracker, counts) = entered(Workload::Mixed, numbers);
        let closed = tracker.close(120, Workload::Mixed);
        assert_eq!((closed.lost, closed.superseded), (lost, superseded));
        assert_eq!((counts.repeated, counts.out_of_order), (repeated, out_of_order));
    }

    fn check(numbers: &[u32], lost: u64, superseded: u64, repeated: u64, out_of_order: u64) {
        let (tracker, counts) = entered(Workload::Event, numbers.iter().copied());
        let (events, states) = (tracker.close(6, Workload::Event), tracker.close(6, Workload::State));
        assert_eq!((events.lost, events.superseded), (lost, 0), "{numbers:?}");
        assert_eq!((states.lost, states.superseded), (lost - superseded, superseded), "{numbers:?}");
        assert_eq!((counts.repeated, counts.out_of_order), (repeated, out_of_order), "{numbers:?}");
    }

    #[test]
    fn every_fault_is_counted_as_what_it_is() {
        check(&[0, 1, 2, 3, 4, 5], 0, 0, 0, 0);
        check(&[], 6, 0, 0, 0);
        check(&[0, 1], 4, 0, 0, 0);
        check(&[5], 5, 5, 0, 0);
        check(&[0, 1, 3, 5], 2, 2, 0, 0);
        check(&[0, 1, 1, 2, 3, 4, 5, 0], 0, 0, 2, 0);
        check(&[0, 5, 3, 3, 1, 4, 2], 0, 0, 1, 4);
        check(&[0, 2, 1, 3, 4, 5], 0, 0, 0, 1);
    }

    #[test]
    fn a_value_may_be_passed_over_for_a_newer_one_of_its_key_and_an_event_may_not() {
        check_mixed(0..120, 0, 0, 0, 0);
        check_mixed([], 120, 0, 0, 0);
        let newest = || [49].into_iter().chain((99..100).chain(104..120));
        check_mixed(newest(), 0, 120 - 18, 0, 0);
        check_mixed(newest().filter(|&number| number != 49), 1, 120 - 18, 0, 0);
        // The newest value of a key is missing, and the one before it arrived: 94 has the key of 110.
        check_mixed([49, 94].into_iter().chain(newest().skip(1).filter(|&number| number != 110)), 1, 120 - 19, 0, 0);
        // No value of a key arrived: 14, 30 and so on to 110.
        check_mixed(newest().filter(|&number| number != 110), 7, 120 - 18 - 6, 0, 0);
        // A viewer that receives nothing any more lacks every value after its newest of each key.
        check_mixed(0..100, 20, 0, 0, 0);
        check_mixed([49].into_iter().chain(83..100), 20, 100 - 18, 0, 0);
    }

    #[test]
    fn late_and_repeated_messages_of_a_mixed_run_are_faults() {
        check_mixed((0..120).chain([119, 99]), 0, 0, 2, 0);
        check_mixed((0..49).chain(50..120).chain([49, 49]), 0, 0, 1, 1);
        // 118 has arrived when 102, of its key, arrives.
        check_mixed((0..102).chain(103..120).chain([102]), 0, 0, 0, 1);
        // 117 is the newest of its key, and late.
        check_mixed((0..117).chain(118..120).chain([117, 117]), 0, 0, 1, 1);
    }

    #[test]
    fn without_faults_nothing_is_kept_of_what_was_passed_over() {
        let (tracker, _) =
            entered(Workload::Mixed, (0..100_000).filter(|number| number % 50 == 49 || number % 1_000 < 20));
        assert_eq!(tracker.missing.capacity(), 0);
        assert!(DeliveryTracker::new(Workload::Event).values.is_none());
    }

    #[test]
    fn the_newest_message_passes_over_those_before_it() {
        let mut tracker = DeliveryTracker::new(Workload::Event);
        assert_eq!(tracker.record(0), DeliveryOrder::Newest(0..1));
        assert_eq!(tracker.record(3), DeliveryOrder::Newest(1..4));
        assert_eq!(tracker.record(2), DeliveryOrder::OutOfOrder);
        assert_eq!(tracker.record(4), DeliveryOrder::Newest(4..5));
    }
}
