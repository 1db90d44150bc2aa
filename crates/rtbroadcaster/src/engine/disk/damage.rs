//! Decides whether a store holds what it confirmed: what is missing, whether the server may start without it, and the
//! word that accepts that.
//! Must not know how anything is read or written.

use std::fmt::Write as _;
use std::path::Path;

use rtbroadcaster_core::record::sum;

use super::cut::Cut;
use super::marker::{FoundMarker, Mark};
use super::store::FoundRoom;
use super::tally::Tally;

/// What a store has and lacks when it is opened.
pub(super) struct Findings<'a> {
    /// What the directory's marker said.
    pub(super) marker: &'a FoundMarker,
    /// The boot id of the machine.
    pub(super) boot: Option<&'a str>,
    /// The tally that the store states; none in format 1 and in a new store.
    pub(super) stated: Option<Tally>,
    /// The tally of what there is.
    pub(super) counted: Tally,
    /// The rooms as they are.
    pub(super) rooms: &'a [FoundRoom],
    /// The parts that were cut from the ends of journals, the newest journal last.
    pub(super) cuts: &'a [Cut],
    /// The newest journal.
    pub(super) newest: Option<&'a Path>,
}

/// A loss in words, and the word that accepts it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StoreLoss {
    pub(super) what: String,
    pub(super) word: String,
}

impl Findings<'_> {
    /// Returns what the marker says, if it can be read.
    fn mark(&self) -> Option<&Mark> {
        if let FoundMarker::Mark(mark) = self.marker { Some(mark) } else { None }
    }

    /// Returns how much the store had confirmed beyond what it states now.
    fn missing(&self) -> Option<Tally> {
        let confirmed = self.mark()?.tally();
        let stated = self.stated.unwrap_or_default();
        (confirmed.writes > stated.writes).then(|| Tally {
            writes: confirmed.writes - stated.writes,
            messages: confirmed.messages.saturating_sub(stated.messages),
            bytes: confirmed.bytes.saturating_sub(stated.bytes),
            digest: 0,
        })
    }

    /// Returns in words what must be there and is not; `None` if nothing is missing.
    pub(super) fn loss(&self) -> Option<StoreLoss> {
        let mut what = String::new();
        let covers = self.mark().is_some_and(|mark| mark.covers(self.boot));
        if let Some(missing) = self.missing().filter(|_| covers) {
            let Tally { messages, bytes, writes, .. } = missing;
            let _ = match messages {
                0 => write!(what, "{writes} changes besides messages"),
                _ => write!(what, "{messages} messages ({bytes} bytes)"),
            };
            what.push_str(" that were confirmed are missing");
            match self.cuts {
                [] => _ = self.newest.map(|path| write!(what, " at the end of {}", path.display())),
                cuts => cuts.iter().for_each(|cut| _ = write!(what, "; {}", in_words(cut))),
            }
        }
        let mut nonsense = self.rooms.iter().filter_map(|room| Some((&room.room, room.nonsense?)));
        if let Some((room, nonsense)) = nonsense.next() {
            separate(&mut what);
            let _ = write!(what, "{nonsense} of room {room:?} makes no sense");
            let more = nonsense_of_more(nonsense_count(self.rooms));
            what.push_str(&more);
        } else if let Some(room) = self.stated.and_then(|_| self.rooms.iter().find(|room| !room.is_whole())) {
            separate(&mut what);
            let _ = write!(what, "messages of room {:?} are missing or were changed", room.room);
        } else if self.stated.is_some_and(|stated| stated.digest != self.counted.digest) {
            separate(&mut what);
            what.push_str("rooms are missing or were changed");
        } else if self.is_headless() {
            separate(&mut what);
            what.push_str("nothing says how much there should be");
        }
        (!what.is_empty()).then(|| StoreLoss { what, word: self.word() })
    }

    /// Returns whether there are rooms, but no tally. Such rooms are of format 1, with which there is no marker of
    /// format 2.
    fn is_headless(&self) -> bool {
        self.stated.is_none() && self.mark().is_some_and(|mark| mark.tally().writes > 0) && !self.rooms.is_empty()
    }

    /// Logs what may be missing without a fault.
    pub(super) fn warn(&self) {
        if *self.marker == FoundMarker::Damaged {
            tracing::warn!("the file {} cannot be read: only the store was checked", super::marker::NAME);
        }
        for cut in self.cuts {
            tracing::warn!(bytes = cut.bytes, "{}", in_words(cut));
        }
        let covers = self.mark().is_some_and(|mark| mark.covers(self.boot));
        if let Some(Tally { messages, bytes, .. }) = self.missing().filter(|_| !covers) {
            tracing::warn!(messages, bytes, "the last messages were not on the disk when the machine stopped");
        }
    }

    /// Returns eight digits that another loss does not have.
    fn word(&self) -> String {
        let tallies = [self.mark().map(Mark::tally), self.stated, Some(self.counted)];
        let digest = sum::hash(&[b"loss", &serde_json::to_vec(&tallies).expect("plain data has a text")]);
        format!("{:08x}", digest >> 96)
    }
}

fn nonsense_count(rooms: &[FoundRoom]) -> usize {
    rooms.iter().filter(|room| room.nonsense.is_some()).count()
}

fn nonsense_of_more(rooms: usize) -> String {
    if rooms > 1 { format!(", and so it is in {} other rooms", rooms - 1) } else { String::new() }
}

fn separate(what: &mut String) {
    if !what.is_empty() {
        what.push_str("; ");
    }
}

fn in_words(Cut { path, end, bytes }: &Cut) -> String {
    format!("{} ends at byte {end}, and {bytes} bytes behind that were not whole", path.display())
}
