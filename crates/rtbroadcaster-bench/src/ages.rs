//! How old messages were when viewers had them, those of state values apart from all others. Must not know when a message
//! counts from.

use hdrhistogram::Histogram;

use crate::latency;
use crate::part::Part;

/// Ages in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Ages {
    pub(crate) states: Histogram<u64>,
    /// Of events and ephemerals, which are never in one run.
    pub(crate) others: Histogram<u64>,
    /// From one read of a viewer that brought messages to the next. Where the server always has something for everybody,
    /// that is how long it takes to serve them all once.
    pub(crate) passes: Histogram<u64>,
}

impl Ages {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { states: latency::histogram(), others: latency::histogram(), passes: latency::histogram() }
    }

    /// Those of such messages.
    pub(crate) fn of(&mut self, part: Part) -> &mut Histogram<u64> {
        match part {
            Part::Value(_) => &mut self.states,
            Part::Event | Part::Ephemeral => &mut self.others,
        }
    }

    /// Takes those of other viewers too.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { states, others, passes } = self;
        for (mine, others) in [(states, &other.states), (others, &other.others), (passes, &other.passes)] {
            mine.add(others).expect("all histograms have the same bounds");
        }
    }

    /// Those of all messages together.
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
        let mut ages = Ages::new();
        for (part, nanos) in [(Part::Value(3), 1_000), (Part::Event, 9_000), (Part::Event, 9_000)] {
            ages.of(part).saturating_record(nanos);
        }
        ages.add(&ages.clone());
        assert_eq!((ages.states.len(), ages.others.len(), ages.all().len()), (2, 4, 6));
        assert!(ages.states.max() < ages.others.min());
        assert!(ages.passes.is_empty(), "an age is no pass");
    }
}
