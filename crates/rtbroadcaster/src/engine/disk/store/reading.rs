//! Reads a store back: the values about all rooms, each room as it is, and what of it cannot be read.
//! Must not know whether anything is missing.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::thread;

use fjall::{Guard, KvPair, Slice};
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::record::{Lives, Stored, Sum};
use serde_json::{Map, Value};

use super::{FORMAT_KEY, LIVES_KEY, Store, TALLY_KEY};
use crate::engine::disk::FORMAT;
use crate::engine::disk::kept::{self, ReadRecord};
use crate::engine::disk::tally::{Ledger, Tally};
use crate::engine::disk::text::{Text, Unreadable};

/// The reason why a store is not read.
#[derive(Debug)]
pub(in crate::engine::disk) enum LoadError {
    /// The store fails.
    Store(fjall::Error),
    /// A value of this kind cannot be read, and the server cannot start without it.
    Damaged(&'static str),
    /// A field of this name has to be known, and only a later version knows it.
    Newer(String),
}

impl From<fjall::Error> for LoadError {
    fn from(error: fjall::Error) -> Self {
        Self::Store(error)
    }
}

/// The values about all rooms together.
pub(in crate::engine::disk) struct StoreFacts {
    /// The format; none in a new store.
    pub(in crate::engine::disk) format: Option<u32>,
    /// The lives so far; none in a new store, and in one of format 1.
    pub(in crate::engine::disk) lives: Option<Lives>,
    /// The fields of the lives that a later version knows.
    pub(super) unknown: Map<String, Value>,
    /// The tally of what there should be, as of the last batch that had no message.
    pub(in crate::engine::disk) tally: Option<Tally>,
}

/// The contents of the store.
pub(in crate::engine::disk) struct Contents {
    pub(in crate::engine::disk) rooms: Vec<FoundRoom>,
    /// The tally of what there should be; none in a new store and in one of format 1.
    pub(in crate::engine::disk) stated: Option<Tally>,
    /// The count of what there is.
    pub(in crate::engine::disk) ledger: Ledger,
}

/// A room as it is in the store.
pub(in crate::engine::disk) struct FoundRoom {
    /// Its name.
    pub(in crate::engine::disk) room: RoomId,
    /// The room, unless its header cannot be read.
    pub(in crate::engine::disk) stored: Option<Stored>,
    /// The sum of what must exist, as its newest message says; none in format 1.
    pub(in crate::engine::disk) expected: Option<Sum>,
    /// The kind of what cannot be read of it.
    pub(in crate::engine::disk) nonsense: Option<&'static str>,
    /// The text of its header.
    header: Vec<u8>,
}

impl FoundRoom {
    /// Returns the sum of what exists of its log.
    fn exists(&self) -> Option<Sum> {
        let stored = self.stored.as_ref()?;
        Some(stored.sum.with(stored.header.past(&self.room)))
    }

    /// Returns whether what exists of its log is what must.
    pub(in crate::engine::disk) fn is_whole(&self) -> bool {
        let Some(stored) = &self.stored else { return false };
        let is_complete = match self.expected {
            Some(expected) => self.exists() == Some(expected),
            None => stored.records.is_empty() && stored.ids.is_empty(),
        };
        is_complete && self.nonsense.is_none()
    }
}

/// Some of the rooms, and the newest tally that their messages have.
type ReadRooms = (Vec<FoundRoom>, Option<Tally>);

impl Store {
    /// Reads the values about all rooms together.
    pub(in crate::engine::disk) fn facts(&self) -> Result<StoreFacts, LoadError> {
        let read = |key: &str| self.facts.get(key);
        let damaged = |what| {
            move |unreadable| match unreadable {
                Unreadable::Damaged => LoadError::Damaged(what),
                Unreadable::Newer(field) => LoadError::Newer(field),
            }
        };
        let format = read(FORMAT_KEY)?.map(|text| {
            let format = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
            format.ok_or(LoadError::Damaged("its format is no number"))
        });
        let format = format.transpose()?;
        if format.is_some_and(|format| format > FORMAT) {
            return Ok(StoreFacts { format, lives: None, unknown: Map::new(), tally: None });
        }
        let lives = read(LIVES_KEY)?.map(|text| kept::read_lives(&text).map_err(damaged("the order of its lives")));
        let (lives, unknown) = lives.transpose()?.unzip();
        let tally = read(TALLY_KEY)?.map(|text| Text::read(&text).map_err(damaged("its tally")));
        let tally = tally.transpose()?.map(|Text { known, .. }| known);
        Ok(StoreFacts { format, lives, unknown: unknown.unwrap_or_default(), tally })
    }

    /// Reads every room, and counts what there is.
    pub(in crate::engine::disk) fn contents(&self, facts: &StoreFacts) -> Result<Contents, LoadError> {
        // Each batch has the tally behind it: in its last message, or in a value of its own if it has none.
        let mut stated = facts.tally;
        let headers = self.rooms.iter().map(Guard::into_inner).collect::<fjall::Result<Vec<_>>>()?;
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let share = headers.len().div_ceil(threads).max(1);
        let shares: Vec<Result<ReadRooms, LoadError>> = thread::scope(|scope| {
            let readers: Vec<_> = headers.chunks(share).map(|rooms| scope.spawn(|| self.share(rooms))).collect();
            readers.into_iter().map(|reader| reader.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        let mut rooms = Vec::with_capacity(headers.len());
        for share in shares {
            let (found, tally) = share?;
            rooms.extend(found);
            stated = newer(stated, tally);
        }
        let mut ledger = Ledger::new(stated.unwrap_or_default());
        if let Some(lives) = self.facts.get(LIVES_KEY)? {
            ledger.lives(&lives);
        }
        for found in &rooms {
            ledger.header(&found.room, &found.header);
            if let Some(exists) = found.exists().filter(|exists| exists.count > 0) {
                ledger.log(&found.room, exists.digest);
            }
        }
        Ok(Contents { rooms, stated, ledger })
    }

    /// Reads some of the rooms, and the newest tally that their messages have.
    fn share(&self, rooms: &[KvPair]) -> Result<ReadRooms, LoadError> {
        let mut stated = None;
        let found = rooms.iter().map(|(name, header)| self.room(name, header, &mut stated));
        Ok((found.collect::<Result<_, _>>()?, stated))
    }

    fn room(&self, name: &Slice, header: &Slice, stated: &mut Option<Tally>) -> Result<FoundRoom, LoadError> {
        let room = RoomId::decode(name).ok_or(LoadError::Damaged("a room without a name"))?;
        let mut nonsense = None;
        let read_header = sensible(kept::read_header(header), "what is known of it", &mut nonsense)?;
        let (mut records, mut expected) = (Vec::new(), None);
        for item in self.log.prefix(name) {
            let (place, text) = item.into_inner()?;
            let record = kept::seq(&place, name).ok_or(Unreadable::Damaged);
            let record = record.and_then(|seq| kept::read_record(seq, &text));
            if let Some(ReadRecord { record, sum, tally }) = sensible(record, "a message", &mut nonsense)? {
                records.push(record);
                expected = sum;
                *stated = newer(*stated, tally);
            }
        }
        let mut ids = Vec::new();
        for item in self.ids.prefix(name) {
            let (place, text) = item.into_inner()?;
            let id = kept::seq(&place, name).ok_or(Unreadable::Damaged);
            let id = id.and_then(|seq| kept::read_id(&text).map(|(id, fingerprint)| (seq, id, fingerprint)));
            ids.extend(sensible(id, "the name of a message", &mut nonsense)?);
        }
        let stored = read_header.map(|header| Stored::new(room.clone(), header, records, ids));
        Ok(FoundRoom { room, stored, expected, nonsense, header: header.to_vec() })
    }
}

/// Returns the one of two tallies that was written later.
fn newer(one: Option<Tally>, other: Option<Tally>) -> Option<Tally> {
    [one, other].into_iter().flatten().max_by_key(|tally| tally.writes)
}

/// Returns what can be read; otherwise notes that `what` cannot.
fn sensible<T>(
    read: Result<T, Unreadable>,
    what: &'static str,
    nonsense: &mut Option<&'static str>,
) -> Result<Option<T>, LoadError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Unreadable::Newer(field)) => Err(LoadError::Newer(field)),
        Err(Unreadable::Damaged) => {
            *nonsense = Some(what);
            Ok(None)
        }
    }
}
