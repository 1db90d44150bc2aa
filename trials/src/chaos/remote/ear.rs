//! The messages of one viewer, checked against the rules. Must not know connections.

use rtbroadcaster::Kind;
use rtbroadcaster::remote::{Heard, Messages};

use crate::model::fault::{Fault, Faults};

/// The record of one viewer.
#[derive(Debug, Default)]
pub(super) struct Ear {
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
pub(super) async fn listen(mut messages: Messages) -> Ear {
    let mut ear = Ear::default();
    let mut is_begun = false;
    while let Some(heard) = messages.next().await {
        match heard {
            Heard::State { reset: None, state } if !is_begun => {
                is_begun = true;
                ear.last = state.seq().get();
            }
            Heard::State { reset, .. } => ear.faults.note(Fault::FalseReset, || format!("{reset:?}")),
            Heard::Message(message) => {
                let number = message.parse::<(u64,)>().map_or(0, |(number,)| number);
                match message.seq() {
                    Some(seq) => ear.hear(seq.get()),
                    None => ear.point(number),
                }
                if message.kind() == Kind::Event {
                    ear.events.push(number);
                }
            }
            Heard::Cleared { seq, .. } => ear.hear(seq.get()),
            Heard::Skipped { through } => {
                ear.skipped += through.get().saturating_sub(ear.last);
                ear.last = ear.last.max(through.get());
            }
            _ => {}
        }
    }
    ear
}

impl Ear {
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
