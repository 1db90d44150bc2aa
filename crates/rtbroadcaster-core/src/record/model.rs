//! A model of one room that is kept: engines, and rooms that hand over to them, are tested against it.
//! Must not know how anything is written.

use std::collections::BTreeMap;

use super::{Append, Forgotten, Header, Record, Stored};
use crate::id::{RoomId, Seq};

/// The contents of a disk for one room.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The room's header, once it has begun.
    pub header: Option<Header>,
    /// Its messages, each without its id.
    pub records: BTreeMap<Seq, Record>,
    /// The ids of messages, each with the fingerprint of the message's content.
    pub ids: BTreeMap<Seq, (Box<str>, [u8; 16])>,
}

impl Model {
    /// Does what an engine does for `append`.
    ///
    /// # Panics
    /// If the room forgets what is not there, or vouches for something else than what is.
    pub fn write(&mut self, room: &RoomId, append: &Append) {
        match append {
            Append::Header(header) => self.header = Some(header.clone()),
            Append::Message(record, Forgotten { messages, ids }, header) => {
                self.header = header.as_deref().cloned().or(self.header.take());
                self.ids.extend(record.id.clone().map(|id| (record.seq, id)));
                self.records.insert(record.seq, Record { id: None, ..record.clone() });
                messages.iter().for_each(|seq| assert!(self.records.remove(seq).is_some(), "{seq} is not there"));
                ids.iter().for_each(|seq| assert!(self.ids.remove(seq).is_some(), "the name of {seq} is not there"));
                let stored = self.stored(room).expect("a room begins with a header");
                let exists = stored.sum.with(stored.header.past(room));
                assert_eq!(exists, record.sum, "what must exist is not what does");
            }
            Append::Turn => {}
            Append::End(_) => *self = Self::default(),
        }
    }

    /// Returns the room as an engine would load it, or `None` if it has not begun.
    pub fn stored(&self, room: &RoomId) -> Option<Stored> {
        let header = self.header.clone()?;
        let ids = self.ids.iter().map(|(seq, (id, fingerprint))| (*seq, id.clone(), *fingerprint)).collect();
        Some(Stored::new(room.clone(), header, self.records.values().cloned().collect(), ids))
    }
}
