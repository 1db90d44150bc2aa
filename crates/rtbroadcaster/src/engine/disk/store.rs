//! The store: its parts, how what rooms hand over is put into it, and how it is read back.
//! Must not know what is missing, nor when anything is written.

use std::collections::HashSet;
use std::path::Path;

use fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};
use serde_json::{Map, Value};

use super::FORMAT;
use super::kept;
use super::tally::{Ledger, Tally};
use super::text::{Text, Unreadable};
use crate::engine::{Append, Header, Lives, Record, Stored, Sum};
use crate::id::{RoomId, Seq};

/// What a store may have in memory before it writes it to a table.
const MEMTABLE_BYTES: u64 = 4 * 1024 * 1024;
/// What a store may have of what it has read: little, since it reads at the start only.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;
/// What the journal of the store may take before old parts of it are written to tables and go. The least that it takes.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;

/// The keys of what is known of all rooms together.
const FORMAT_KEY: &str = "format";
const LIVES_KEY: &str = "lives";
const TALLY_KEY: &str = "tally";
/// Of format 1.
const RUN_KEY: &str = "run";

/// The parts of the store.
pub(super) struct Store {
    database: Database,
    /// What is kept of each room.
    rooms: Keyspace,
    /// The messages, by room and number.
    log: Keyspace,
    /// The names of messages, by room and number.
    ids: Keyspace,
    /// What is known of all of it.
    house: Keyspace,
}

/// Why a store is not read.
#[derive(Debug)]
pub(super) enum LoadError {
    /// The store fails.
    Store(fjall::Error),
    /// Something of this kind makes no sense, and nothing can go on without it.
    Damaged(&'static str),
    /// Something of this name has to be known, and only a later version does.
    Newer(String),
}

impl From<fjall::Error> for LoadError {
    fn from(error: fjall::Error) -> Self {
        Self::Store(error)
    }
}

/// What is known of all rooms together.
pub(super) struct House {
    /// The format; none in a new store.
    pub(super) format: Option<u32>,
    /// The lives so far; none in a new store, and in one of format 1.
    pub(super) lives: Option<Lives>,
    /// What a later version knows of them.
    unknown: Map<String, Value>,
    /// What there should be in all.
    pub(super) tally: Option<Text<Tally>>,
}

/// A room as it is in the store.
pub(super) struct Found {
    /// Its name.
    pub(super) room: RoomId,
    /// It, unless nothing is known of it that makes sense.
    pub(super) stored: Option<Stored>,
    /// What its newest message says must exist; none in format 1.
    pub(super) expected: Option<Sum>,
    /// What of it makes no sense.
    pub(super) nonsense: Option<&'static str>,
    /// What is known of it, as it is written.
    header: Vec<u8>,
}

impl Found {
    /// What exists of its log.
    fn exists(&self) -> Option<Sum> {
        let stored = self.stored.as_ref()?;
        Some(stored.sum().with(stored.header.past(self.room)))
    }

    /// Whether what exists of its log is what must.
    pub(super) fn is_whole(&self) -> bool {
        let Some(stored) = &self.stored else { return false };
        let is_complete = match self.expected {
            Some(expected) => self.exists() == Some(expected),
            None => stored.records.is_empty() && stored.ids.is_empty(),
        };
        is_complete && self.nonsense.is_none()
    }
}

impl Store {
    /// Opens the store in `directory`, or makes one. This changes files: a journal's damaged end is cut.
    pub(super) fn open(directory: &Path) -> fjall::Result<Self> {
        let builder = Database::builder(directory).cache_size(CACHE_BYTES).max_journaling_size(JOURNAL_BYTES);
        let database = builder.worker_threads(1).open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let keyspace = |name| database.keyspace(name, options);
        let (rooms, log, ids, house) = (keyspace("rooms")?, keyspace("log")?, keyspace("ids")?, keyspace("house")?);
        Ok(Self { database, rooms, log, ids, house })
    }

    /// Reads what is known of all rooms together.
    pub(super) fn house(&self) -> Result<House, LoadError> {
        let read = |key: &str| self.house.get(key);
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
            return Ok(House { format, lives: None, unknown: Map::new(), tally: None });
        }
        let lives = read(LIVES_KEY)?.map(|text| kept::read_lives(&text).map_err(damaged("the order of its lives")));
        let (lives, unknown) = lives.transpose()?.unzip();
        let tally = read(TALLY_KEY)?.map(|text| Text::read(&text).map_err(damaged("its tally")));
        Ok(House { format, lives, unknown: unknown.unwrap_or_default(), tally: tally.transpose()? })
    }

    /// Reads every room.
    pub(super) fn rooms(&self) -> Result<Vec<Found>, LoadError> {
        self.rooms.iter().map(|item| self.room(item)).collect()
    }

    fn room(&self, item: Guard) -> Result<Found, LoadError> {
        let (name, header) = item.into_inner()?;
        let bytes = name.as_ref().try_into().map_err(|_| LoadError::Damaged("a room without a name"))?;
        let room = RoomId::from_bytes(bytes);
        let mut nonsense = None;
        let read_header = sensible(kept::read_header(&header), "what is known of it", &mut nonsense)?;
        let (mut records, mut expected) = (Vec::new(), None);
        for item in self.log.prefix(&name) {
            let (place, text) = item.into_inner()?;
            let record = kept::seq(&place).ok_or(Unreadable::Damaged);
            let record = record.and_then(|seq| kept::read_record(seq, &text));
            if let Some((record, sum)) = sensible(record, "a message", &mut nonsense)? {
                records.push(record);
                expected = sum;
            }
        }
        let mut ids = Vec::new();
        for item in self.ids.prefix(&name) {
            let (place, text) = item.into_inner()?;
            let id = kept::seq(&place).ok_or(Unreadable::Damaged);
            let id = id.and_then(|seq| kept::read_id(&text).map(|(id, fingerprint)| (seq, id, fingerprint)));
            ids.extend(sensible(id, "the name of a message", &mut nonsense)?);
        }
        let stored = read_header.map(|header| Stored { room, header, records, ids });
        Ok(Found { room, stored, expected, nonsense, header: header.to_vec() })
    }

    /// Returns the ledger of what is there.
    pub(super) fn ledger(&self, house: &House, rooms: &[Found]) -> fjall::Result<Ledger> {
        let mut ledger = Ledger::new(house.tally.as_ref().map_or_else(Tally::default, |tally| tally.known));
        if let Some(lives) = self.house.get(LIVES_KEY)? {
            ledger.lives(&lives);
        }
        for found in rooms {
            ledger.header(found.room, &found.header);
            if let Some(exists) = found.exists().filter(|exists| exists.count > 0) {
                ledger.log(found.room, exists.digest);
            }
        }
        Ok(ledger)
    }

    /// Writes, so that it is on the disk, that another of the `lives` has begun, and what is known of each room now. Those
    /// that are `changed` are written as a whole.
    pub(super) fn begin(
        &self,
        house: &House,
        lives: &Lives,
        rooms: &[Stored],
        changed: &HashSet<RoomId>,
        ledger: &mut Ledger,
    ) -> fjall::Result<()> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for Stored { room, header, records, .. } in rooms {
            self.put_header(&mut batch, ledger, *room, header);
            match records.last() {
                _ if !changed.contains(room) => {}
                Some(last) => {
                    batch.insert(&self.log, kept::place(*room, last.seq), kept::record(last));
                    ledger.log(*room, last.sum.digest);
                }
                None => ledger.log(*room, 0),
            }
        }
        let text = kept::lives(lives, house.unknown.clone());
        ledger.lives(&text);
        batch.insert(&self.house, LIVES_KEY, text);
        batch.insert(&self.house, FORMAT_KEY, FORMAT.to_string());
        batch.remove(&self.house, RUN_KEY);
        ledger.count();
        self.seal(&mut batch, ledger);
        batch.commit()
    }

    /// Removes what makes no sense: rooms of which nothing is known, and messages and names that no room has.
    pub(super) fn sweep(&self, rooms: &[Stored], ledger: &mut Ledger) -> fjall::Result<()> {
        let mut batch = self.database.batch();
        let mut lost = Vec::new();
        for item in self.rooms.iter() {
            let name = item.key()?;
            if let Ok(room) = name.as_ref().try_into().map(RoomId::from_bytes)
                && !rooms.iter().any(|stored| stored.room == room)
            {
                lost.push(room);
                batch.remove(&self.rooms, name);
            }
        }
        lost.into_iter().for_each(|room| ledger.end(room));
        let messages = |stored: &Stored| stored.records.iter().map(|record| record.seq).collect::<Vec<_>>();
        let names = |stored: &Stored| stored.ids.iter().map(|(seq, ..)| *seq).collect::<Vec<_>>();
        let parts: [(_, &dyn Fn(&Stored) -> Vec<Seq>); 2] = [(&self.log, &messages), (&self.ids, &names)];
        for (keyspace, of_room) in parts {
            let places =
                rooms.iter().flat_map(|stored| of_room(stored).into_iter().map(|seq| kept::place(stored.room, seq)));
            let places: HashSet<[u8; 24]> = places.collect();
            for item in keyspace.iter() {
                let place = item.key()?;
                if !<[u8; 24]>::try_from(&*place).is_ok_and(|place| places.contains(&place)) {
                    batch.remove(keyspace, place);
                }
            }
        }
        batch.commit()
    }

    /// Forgets all lives that are not among `lives`.
    pub(super) fn forget_lives(&self, lives: &Lives, ledger: &mut Ledger) -> Result<(), LoadError> {
        let text = kept::lives(lives, self.house()?.unknown);
        ledger.lives(&text);
        let mut batch = self.database.batch().durability(Some(PersistMode::Buffer));
        batch.insert(&self.house, LIVES_KEY, text);
        self.seal(&mut batch, ledger);
        Ok(batch.commit()?)
    }

    /// Begins a batch.
    pub(super) fn batch(&self, mode: PersistMode) -> OwnedWriteBatch {
        self.database.batch().durability(Some(mode))
    }

    /// Puts the tally into a batch that is whole.
    pub(super) fn seal(&self, batch: &mut OwnedWriteBatch, ledger: &Ledger) {
        let tally = serde_json::to_vec(&ledger.tally()).expect("plain data has a text");
        batch.insert(&self.house, TALLY_KEY, tally);
    }

    /// Puts what room `room` hands over into `batch`. The end of a room takes only what was written before.
    pub(super) fn put(
        &self,
        batch: &mut OwnedWriteBatch,
        ledger: &mut Ledger,
        room: RoomId,
        append: &Append,
    ) -> fjall::Result<()> {
        match append {
            Append::Turn => return Ok(()),
            Append::Header(header) => self.put_header(batch, ledger, room, header),
            Append::Message(record, forgotten, header) => {
                let Record { seq, id, .. } = record;
                let text = kept::record(record);
                ledger.message(room, record, text.len());
                batch.insert(&self.log, kept::place(room, *seq), text);
                if let Some((id, fingerprint)) = id {
                    batch.insert(&self.ids, kept::place(room, *seq), kept::id(id, *fingerprint));
                }
                forgotten.messages.iter().for_each(|seq| batch.remove(&self.log, kept::place(room, *seq)));
                forgotten.ids.iter().for_each(|seq| batch.remove(&self.ids, kept::place(room, *seq)));
                if let Some(header) = header {
                    self.put_header(batch, ledger, room, header);
                }
            }
            Append::End => {
                ledger.end(room);
                batch.remove(&self.rooms, room.to_bytes());
                for keyspace in [&self.log, &self.ids] {
                    for item in keyspace.prefix(room.to_bytes()) {
                        batch.remove(keyspace, item.key()?);
                    }
                }
            }
        }
        ledger.count();
        Ok(())
    }

    fn put_header(&self, batch: &mut OwnedWriteBatch, ledger: &mut Ledger, room: RoomId, header: &Header) {
        let text = kept::header(header);
        ledger.header(room, &text);
        batch.insert(&self.rooms, room.to_bytes(), text);
    }

    /// Changes what is known of all rooms together.
    #[cfg(test)]
    pub(super) fn set_house(&self, key: &str, text: &str) {
        self.house.insert(key, text).expect("the store is open");
    }

    /// What is kept of each room.
    #[cfg(test)]
    pub(super) fn rooms_keyspace(&self) -> &Keyspace {
        &self.rooms
    }

    /// The messages.
    #[cfg(test)]
    pub(super) fn log(&self) -> &Keyspace {
        &self.log
    }

    /// The names of messages.
    #[cfg(test)]
    pub(super) fn ids(&self) -> &Keyspace {
        &self.ids
    }

    /// Has everything that was written on the disk.
    pub(super) fn sync(&self) -> fjall::Result<()> {
        self.database.persist(PersistMode::SyncAll)
    }
}

/// Returns what makes sense; otherwise notes `what` does not.
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
