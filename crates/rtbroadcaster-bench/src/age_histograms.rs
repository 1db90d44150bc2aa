//! Histograms of the ages of messages when viewers received them, with state values apart from other messages. Must not
//! know when a message's age begins.

use hdrhistogram::Histogram;

use crate::latency;
use crate::message_kind::MessageKind;

/// The ages of messages, in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct AgeHistograms {
    pub(crate) states: Histogram<u64>,
    /// Ages of events, or of ephemeral messages; no run has both.
    pub(crate) others: Histogram<u64>,
    /// The time from one read of a viewer that returned messages to the next. If the server always has messages for
    /// every viewer, that is how long it takes to serve all of them once.
    pub(crate) passes: Histogram<u64>,
}

impl AgeHistograms {
    /// Returns empty histograms.
    pub(crate) fn new() -> Self {
        Self { states: latency::histogram(), others: latency::histogram(), passes: latency::histogram() }
    }

    /// Returns the histogram of such messages.
    pub(crate) fn of(&mut self, kind: MessageKind) -> &mut Histogram<u64> {
        match kind {
            MessageKind::Value(_) => &mut self.states,
            MessageKind::Event | MessageKind::Ephemeral => &mut self.others,
        }
    }

    /// Adds the ages of other viewers.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { states, others, passes } = self;
        for (mine, others) in [(states, &other.states), (others, &other.others), (passes, &other.passes)] {
            mine.add(others).expect("all histograms have the same bounds");
        }
    }

    /// Returns the ages of all messages together.
    pub(crate) fn all(&self) -> Histogram<u64> {
        let mut all = self.states.clone();
        all.add(&self.others).expect("all histograms have the same bounds");
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_of_states_are_told_apart_and_together() {
        let mut ages = AgeHistograms::new();
        for (kind, nanos) in [(MessageKind::Value(3), 1_000), (MessageKind::Event, 9_000), (MessageKind::Event, 9_000)]
        {
            ages.of(kind).saturating_record(nanos);
        }
        ages.add(&ages.clone());
        assert_eq!((ages.states.len(), ages.others.len(), ages.all().len()), (2, 4, 6));
        assert!(ages.states.max() < ages.others.min());
        assert!(ages.passes.is_empty(), "an age is no pass");
    }
}
