//! The store: its parts, and how the steps of rooms are put into it.
//! Must not know what is missing, nor when anything is written.

mod reading;

use std::collections::HashSet;
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::record::{Append, Header, Lives, Record, Stored};

use super::FORMAT;
use super::kept;
use super::tally::Ledger;
pub(super) use reading::{Contents, FoundRoom, LoadError, StoreFacts};

/// How many bytes a store may have in memory before it writes them to a table.
const MEMTABLE_BYTES: u64 = 4 * 1024 * 1024;
/// How many bytes a store may cache of what it has read: few, since it reads at the start only.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;
/// How many bytes the journal of the store may take before old parts of it are written to tables and removed. The least
/// that the store accepts.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;
/// How many tables are kept open: few, since they are read at the start and when tables are merged. The store's own
/// default is 900, most of the files of a process whose limit is 1 024.
const TABLES_OPEN_MAX: usize = 64;

/// The keys of the values about all rooms together.
const FORMAT_KEY: &str = "format";
const LIVES_KEY: &str = "lives";
const TALLY_KEY: &str = "tally";
/// A key of format 1.
const RUN_KEY: &str = "run";

/// The parts of the store.
pub(super) struct Store {
    database: Database,
    /// The header of each room.
    pub(super) rooms: Keyspace,
    /// The messages, by room and number.
    pub(super) log: Keyspace,
    /// The names of messages, by room and number.
    pub(super) ids: Keyspace,
    /// The values about all rooms together.
    pub(super) facts: Keyspace,
}

/// A batch that is being put together.
pub(super) struct StoreBatch<'a> {
    batch: OwnedWriteBatch,
    /// The last message, which is not in the batch yet, and its room.
    last: Option<(&'a RoomId, &'a Record)>,
}

impl Store {
    /// Opens the store in `directory`, or makes one. This changes files: a journal's damaged end is cut.
    pub(super) fn open(directory: &Path) -> fjall::Result<Self> {
        let builder = Database::builder(directory).cache_size(CACHE_BYTES).max_journaling_size(JOURNAL_BYTES);
        let database = builder.worker_threads(1).max_cached_files(Some(TABLES_OPEN_MAX)).open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let keyspace = |name| database.keyspace(name, options);
        let (rooms, log, ids, facts) = (keyspace("rooms")?, keyspace("log")?, keyspace("ids")?, keyspace("house")?);
        Ok(Self { database, rooms, log, ids, facts })
    }

    /// Writes to the disk that another of the `lives` has begun, and the present header of each room. Rooms that are
    /// `changed` are written as a whole.
    pub(super) fn begin(
        &self,
        facts: &StoreFacts,
        lives: &Lives,
        rooms: &[Stored],
        changed: &HashSet<RoomId>,
        ledger: &mut Ledger,
    ) -> fjall::Result<()> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for Stored { room, header, records, .. } in rooms {
            self.put_header(&mut batch, ledger, room, header);
            match records.last() {
                _ if !changed.contains(room) => {}
                Some(last) => {
                    batch.insert(&self.log, kept::place(room, last.seq), kept::record(last, None));
                    ledger.log(room, last.sum.digest);
                }
                None => ledger.log(room, 0),
            }
        }
        let text = kept::lives(lives, facts.unknown.clone());
        ledger.lives(&text);
        batch.insert(&self.facts, LIVES_KEY, text);
        batch.insert(&self.facts, FORMAT_KEY, FORMAT.to_string());
        batch.remove(&self.facts, RUN_KEY);
        ledger.count();
        self.put_tally(&mut batch, ledger);
        batch.commit()
    }

    /// Removes what cannot be read: rooms without a readable header, and messages and names that no room has.
    pub(super) fn sweep(&self, rooms: &[Stored], ledger: &mut Ledger) -> fjall::Result<()> {
        let mut batch = self.database.batch();
        let mut lost = Vec::new();
        for item in self.rooms.iter() {
            let name = item.key()?;
            if let Some(room) = RoomId::decode(&name)
                && !rooms.iter().any(|stored| stored.room == room)
            {
                lost.push(room);
                batch.remove(&self.rooms, name);
            }
        }
        lost.iter().for_each(|room| ledger.end(room));
        let messages =
            rooms.iter().flat_map(|stored| stored.records.iter().map(|record| kept::place(&stored.room, record.seq)));
        let names = rooms.iter().flat_map(|stored| stored.ids.iter().map(|(seq, ..)| kept::place(&stored.room, *seq)));
        let (messages, names): (HashSet<_>, HashSet<_>) = (messages.collect(), names.collect());
        for (keyspace, places) in [(&self.log, messages), (&self.ids, names)] {
            for item in keyspace.iter() {
                let place = item.key()?;
                if !places.contains(&place) {
                    batch.remove(keyspace, place);
                }
            }
        }
        batch.commit()
    }

    /// Forgets all lives that are not among `lives`.
    pub(super) fn forget_lives(&self, lives: &Lives, ledger: &mut Ledger) -> Result<(), LoadError> {
        let text = kept::lives(lives, self.facts()?.unknown);
        ledger.lives(&text);
        let mut batch = self.database.batch().durability(Some(PersistMode::Buffer));
        batch.insert(&self.facts, LIVES_KEY, text);
        self.put_tally(&mut batch, ledger);
        Ok(batch.commit()?)
    }

    /// Begins a batch.
    pub(super) fn batch<'a>(&self, mode: PersistMode) -> StoreBatch<'a> {
        StoreBatch { batch: self.database.batch().durability(Some(mode)), last: None }
    }

    /// Commits a batch that is whole. Its last message has the tally: a value of its own for that in each batch would
    /// cost a tenth of all messages.
    pub(super) fn commit(&self, batch: StoreBatch<'_>, ledger: &Ledger) -> fjall::Result<()> {
        let StoreBatch { mut batch, last } = batch;
        match last {
            Some((room, record)) => {
                batch.insert(&self.log, kept::place(room, record.seq), kept::record(record, Some(ledger.tally())));
            }
            None => self.put_tally(&mut batch, ledger),
        }
        batch.commit()
    }

    fn put_tally(&self, batch: &mut OwnedWriteBatch, ledger: &Ledger) {
        let tally = serde_json::to_vec(&ledger.tally()).expect("plain data has a text");
        batch.insert(&self.facts, TALLY_KEY, tally);
    }

    /// Puts a step of `room` into a batch. The end of a room removes only what was written before.
    pub(super) fn put<'a>(
        &self,
        StoreBatch { batch, last }: &mut StoreBatch<'a>,
        ledger: &mut Ledger,
        room: &'a RoomId,
        append: &'a Append,
    ) -> fjall::Result<()> {
        match append {
            Append::Turn => return Ok(()),
            Append::Header(header) => self.put_header(batch, ledger, room, header),
            Append::Message(record, forgotten, header) => {
                ledger.message(room, record);
                if let Some((room, record)) = last.replace((room, record)) {
                    batch.insert(&self.log, kept::place(room, record.seq), kept::record(record, None));
                }
                if let Some((id, fingerprint)) = &record.id {
                    batch.insert(&self.ids, kept::place(room, record.seq), kept::id(id, *fingerprint));
                }
                forgotten.messages.iter().for_each(|seq| batch.remove(&self.log, kept::place(room, *seq)));
                forgotten.ids.iter().for_each(|seq| batch.remove(&self.ids, kept::place(room, *seq)));
                if let Some(header) = header {
                    self.put_header(batch, ledger, room, header);
                }
            }
            Append::End(_) => {
                ledger.end(room);
                batch.remove(&self.rooms, room.encode().as_ref());
                for keyspace in [&self.log, &self.ids] {
                    for item in keyspace.prefix(room.encode().as_ref()) {
                        batch.remove(keyspace, item.key()?);
                    }
                }
            }
        }
        ledger.count();
        Ok(())
    }

    fn put_header(&self, batch: &mut OwnedWriteBatch, ledger: &mut Ledger, room: &RoomId, header: &Header) {
        let text = kept::header(header);
        ledger.header(room, &text);
        batch.insert(&self.rooms, room.encode().as_ref(), text);
    }

    /// Puts everything that was written on the disk.
    pub(super) fn sync(&self) -> fjall::Result<()> {
        self.database.persist(PersistMode::SyncAll)
    }
}
