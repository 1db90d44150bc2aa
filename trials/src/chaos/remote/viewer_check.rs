//! The messages of one viewer, checked against the rules. Must not know connections.

use rtbroadcaster::Kind;
use rtbroadcaster::remote::{Heard, Messages};

use crate::model::fault::{Fault, Faults};

/// The record of one viewer.
#[derive(Debug, Default)]
pub(super) struct ViewerCheck {
    /// The numbers of the events, in the order in which they arrived.
    events: Vec<u64>,
    /// The number of the last message.
    last: u64,
    pub(super) messages: u64,
    /// The number of ephemeral messages, and the number of the last one.
    pub(super) ephemerals: u64,
    pointer: u64,
    /// The number of superseded messages, as the viewer was told.
    pub(super) skipped: u64,
    faults: Faults,
}

/// Reads until the viewer ends.
pub(super) async fn listen(mut messages: Messages) -> ViewerCheck {
    let mut check = ViewerCheck::default();
    let mut is_begun = false;
    while let Some(heard) = messages.next().await {
        match heard {
            Heard::State { reset: None, state } if !is_begun => {
                is_begun = true;
                check.last = state.seq().get();
            }
            Heard::State { reset, .. } => check.faults.note(Fault::FalseReset, || format!("{reset:?}")),
            Heard::Message(message) => {
                let number = message.parse::<(u64,)>().map_or(0, |(number,)| number);
                match message.seq() {
                    Some(seq) => check.hear(seq.get()),
                    None => check.point(number),
                }
                if message.kind() == Kind::Event {
                    check.events.push(number);
                }
            }
            Heard::Cleared { seq, .. } => check.hear(seq.get()),
            Heard::Skipped { through } => {
                check.skipped += through.get().saturating_sub(check.last);
                check.last = check.last.max(through.get());
            }
            _ => {}
        }
    }
    check
}

impl ViewerCheck {
    /// Records a message of this number.
    fn hear(&mut self, seq: u64) {
        let last = self.last;
        let case = || format!("{seq} behind {last}");
        match seq {
            _ if seq == last + 1 => {}
            _ if seq == last => self.faults.note(Fault::Repeated, case),
            _ if seq < last => self.faults.note(Fault::OutOfOrder, case),
            _ => self.faults.note(Fault::Gap, case),
        }
        self.last = seq;
        self.messages += 1;
    }

    /// Records an ephemeral message.
    fn point(&mut self, number: u64) {
        if number <= self.pointer {
            let last = self.pointer;
            self.faults.note(Fault::OddEphemeral, || format!("{number} behind {last}"));
        }
        self.pointer = number;
        self.ephemerals += 1;
    }

    /// Adds its faults, given the events that were stored.
    pub(super) fn judge(&self, events: &[u64], faults: &mut Faults) {
        faults.add(&self.faults);
        if self.events != events {
            let place = self.events.iter().zip(events).take_while(|(heard, said)| heard == said).count();
            let around = |events: &[u64]| {
                format!("{:?}", events.iter().skip(place.saturating_sub(2)).take(5).collect::<Vec<_>>())
            };
            faults.note(Fault::OtherBytes, || {
                format!("event {place}: received {}, published {}", around(&self.events), around(events))
            });
        }
    }
}
