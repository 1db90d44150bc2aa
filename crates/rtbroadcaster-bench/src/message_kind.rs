//! Derives the kind of a message from the run's kind and the message's number, so that no delivery is parsed. Pure.

use std::ops::Range;

use crate::plan::Workload;

/// In a mixed run, every 50th message is an event; the others are state values.
pub(crate) const EVENT_EVERY: u32 = 50;

/// The number of keys that the state values of a mixed run have in turn.
pub(crate) const KEYS: u32 = 16;

/// The kind of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageKind {
    Event,
    /// The value of the key with this number.
    Value(u32),
    Ephemeral,
}

impl MessageKind {
    /// Returns the kind of the message with this number.
    pub(crate) fn of(kind: Workload, number: u32) -> Self {
        match kind {
            Workload::Event => Self::Event,
            Workload::State => Self::Value(0),
            Workload::Ephemeral => Self::Ephemeral,
            Workload::Mixed if number % EVENT_EVERY == EVENT_EVERY - 1 => Self::Event,
            Workload::Mixed => Self::Value(number % KEYS),
        }
    }

    /// Returns all kinds of a run, in the order of their [`place`](Self::index).
    pub(crate) fn all(kind: Workload) -> Vec<Self> {
        match kind {
            Workload::Mixed => (0..KEYS).map(Self::Value).chain([Self::Event]).collect(),
            Workload::Event | Workload::State | Workload::Ephemeral => vec![Self::of(kind, 0)],
        }
    }

    /// Returns its index among the `count` kinds of a run.
    pub(crate) fn index(self, count: usize) -> usize {
        match self {
            Self::Value(key) => key as usize,
            Self::Event | Self::Ephemeral => count - 1,
        }
    }
}

/// Returns the numbers of the events among these messages of a mixed run.
pub(crate) fn events(numbers: Range<u32>) -> impl ExactSizeIterator<Item = u32> {
    let first = numbers.start - numbers.start % EVENT_EVERY + (EVENT_EVERY - 1);
    (first..numbers.end).step_by(EVENT_EVERY as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_50th_message_of_a_mixed_run_is_an_event_and_the_others_have_keys_in_turn() {
        let kinds = [0, 1, 48, 49, 50, 99].map(|number| MessageKind::of(Workload::Mixed, number));
        let value = MessageKind::Value;
        assert_eq!(kinds, [value(0), value(1), value(0), MessageKind::Event, value(2), MessageKind::Event]);
        for numbers in [0..0, 0..49, 0..50, 49..50, 50..99, 7..1_234] {
            let of_all =
                numbers.clone().filter(|&number| MessageKind::of(Workload::Mixed, number) == MessageKind::Event);
            assert_eq!(events(numbers.clone()).collect::<Vec<_>>(), of_all.collect::<Vec<_>>(), "{numbers:?}");
        }
    }

    #[test]
    fn every_part_of_a_run_has_its_place() {
        for kind in [Workload::Event, Workload::State, Workload::Ephemeral, Workload::Mixed] {
            let all = MessageKind::all(kind);
            for number in 0..200 {
                let message_kind = MessageKind::of(kind, number);
                assert_eq!(all[message_kind.index(all.len())], message_kind, "{kind:?} {number}");
            }
        }
    }
}
