//! What stands in the store: keys, values, and how a room is read back.
//! Must not know when anything is written.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use fjall::{OwnedWriteBatch, PersistMode};
use serde::{Deserialize, Serialize};

use super::run::Run;
use super::{FORMAT, Store};
use crate::engine::{Append, Header, Record, Stored};
use crate::id::{Epoch, RoomId, Seq, Term};
use crate::message::{Change, Key, Params};
use crate::options::{Counting, RoomOptions};

/// Why rooms are not read.
#[derive(Debug)]
pub(super) enum LoadError {
    /// The store cannot be read.
    Store(fjall::Error),
    /// The name of a room makes no sense.
    Name,
    /// A value of a room makes no sense.
    Value { room: RoomId, what: &'static str },
}

impl From<fjall::Error> for LoadError {
    fn from(error: fjall::Error) -> Self {
        Self::Store(error)
    }
}

/// What is kept of a room, as text. Times are milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct HeaderText {
    epoch: String,
    term: u64,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    away: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    audience: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counted: Vec<CountedText>,
}

/// A key whose signals are counted.
#[derive(Serialize, Deserialize)]
struct CountedText {
    key: String,
    every: u64,
    once: bool,
}

/// What stands before a message's parameters.
#[derive(Serialize, Deserialize)]
struct RecordText {
    said: u64,
    term: u64,
    change: ChangeText,
    key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ChangeText {
    Event,
    State,
    Cleared,
}

/// The name of a message.
#[derive(Serialize, Deserialize)]
struct IdText {
    id: String,
    fingerprint: String,
}

/// Of one room: message or name `seq`.
fn place(room: RoomId, seq: Seq) -> [u8; 24] {
    let mut place = [0; 24];
    place[..16].copy_from_slice(&room.to_bytes());
    place[16..].copy_from_slice(&seq.get().to_be_bytes());
    place
}

fn seq(place: &[u8]) -> Option<Seq> {
    Seq::new(u64::from_be_bytes(place.get(16..)?.try_into().ok()?))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn text(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data has a text")
}

impl HeaderText {
    fn of(header: &Header) -> Self {
        let Header { epoch, term, key, away, options } = header;
        let counted = options.counted().map(|(key, Counting { every, once_per_viewer })| CountedText {
            key: key.to_owned(),
            every: milliseconds(every),
            once: once_per_viewer,
        });
        Self {
            epoch: epoch.as_str().to_owned(),
            term: term.get(),
            key: BASE64.encode(key),
            away: away.map(milliseconds),
            audience: options.has_audience(),
            counted: counted.collect(),
        }
    }

    fn read(text: &[u8]) -> Option<Header> {
        let Self { epoch, term, key, away, audience, counted } = serde_json::from_slice(text).ok()?;
        let key = BASE64.decode(key).ok()?.try_into().ok()?;
        let away = away.map(Duration::from_millis);
        let options = RoomOptions::new();
        let options = if audience { options.with_audience() } else { options };
        let options = counted.into_iter().try_fold(options, |options, CountedText { key, every, once }| {
            let counting = Counting { every: Duration::from_millis(every), once_per_viewer: once };
            options.with_counting(&key, counting).ok()
        })?;
        Some(Header { epoch: Epoch::from_wire(&epoch)?, term: Term::new(term)?, key, away, options })
    }
}

impl RecordText {
    /// The parameters stand behind it on a line of their own, as they were sent.
    fn write(record: &Record) -> Vec<u8> {
        let change = match record.change {
            Change::State => ChangeText::State,
            Change::Cleared => ChangeText::Cleared,
            Change::Event | Change::Ephemeral => ChangeText::Event,
        };
        let (said, term, key) = (milliseconds(record.said), record.term.get(), record.key.as_str().to_owned());
        let mut bytes = text(&Self { said, term, change, key });
        bytes.push(b'\n');
        bytes.extend_from_slice(record.params.as_bytes());
        bytes
    }

    fn read(seq: Seq, bytes: &[u8]) -> Option<Record> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, params) = (&bytes[..end], &bytes[end + 1..]);
        let Self { said, term, change, key } = serde_json::from_slice(head).ok()?;
        let change = match change {
            ChangeText::Event => Change::Event,
            ChangeText::State => Change::State,
            ChangeText::Cleared => Change::Cleared,
        };
        let (key, params) = (Key::new(&key)?, Params::from_json(std::str::from_utf8(params).ok()?)?);
        Some(Record { seq, said: Duration::from_millis(said), term: Term::new(term)?, change, key, params, id: None })
    }
}

impl IdText {
    fn read(text: &[u8]) -> Option<(Box<str>, [u8; 16])> {
        let Self { id, fingerprint } = serde_json::from_slice(text).ok()?;
        Some((id.into(), BASE64.decode(fingerprint).ok()?.try_into().ok()?))
    }
}

impl Store {
    /// Puts what room `room` hands over into `batch`. The end of a room takes only what was written before.
    pub(super) fn put(&self, batch: &mut OwnedWriteBatch, room: RoomId, append: &Append) -> fjall::Result<()> {
        match append {
            Append::Turn => {}
            Append::Header(header) => batch.insert(&self.rooms, room.to_bytes(), text(&HeaderText::of(header))),
            Append::Message(record, forgotten) => {
                batch.insert(&self.log, place(room, record.seq), RecordText::write(record));
                if let Some((id, fingerprint)) = &record.id {
                    let id = IdText { id: id.to_string(), fingerprint: BASE64.encode(fingerprint) };
                    batch.insert(&self.ids, place(room, record.seq), text(&id));
                }
                forgotten.messages.iter().for_each(|seq| batch.remove(&self.log, place(room, *seq)));
                forgotten.ids.iter().for_each(|seq| batch.remove(&self.ids, place(room, *seq)));
            }
            Append::End => {
                batch.remove(&self.rooms, room.to_bytes());
                for keyspace in [&self.log, &self.ids] {
                    for item in keyspace.prefix(room.to_bytes()) {
                        batch.remove(keyspace, item.key()?);
                    }
                }
            }
        }
        Ok(())
    }

    /// Every room that is kept.
    pub(super) fn load(&self) -> Result<Vec<Stored>, LoadError> {
        let rooms = self.rooms.iter().map(|item| {
            let (name, header) = item.into_inner()?;
            let bytes = name.as_ref().try_into().map_err(|_| LoadError::Name)?;
            let room = RoomId::from_bytes(bytes);
            let damaged = |what| LoadError::Value { room, what };
            let header = HeaderText::read(&header).ok_or_else(|| damaged("what is known of it"))?;
            let records = self.log.prefix(&name).map(|item| {
                let (place, record) = item.into_inner()?;
                let record = seq(&place).and_then(|seq| RecordText::read(seq, &record));
                record.ok_or_else(|| damaged("a message"))
            });
            let records = records.collect::<Result<_, LoadError>>()?;
            let ids = self.ids.prefix(&name).map(|item| {
                let (place, id) = item.into_inner()?;
                let id = IdText::read(&id).and_then(|(id, fingerprint)| Some((seq(&place)?, id, fingerprint)));
                id.ok_or_else(|| damaged("the name of a message"))
            });
            let ids = ids.collect::<Result<_, LoadError>>()?;
            Ok(Stored { room, header, records, ids })
        });
        rooms.collect()
    }

    /// Writes what is known of `rooms` now, and that `run` has begun.
    pub(super) fn begin(&self, rooms: &[Stored], run: &Run) -> fjall::Result<()> {
        let mut batch = self.database.batch();
        for Stored { room, header, .. } in rooms {
            batch.insert(&self.rooms, room.to_bytes(), text(&HeaderText::of(header)));
        }
        batch.insert(&self.house, "format", FORMAT.to_string());
        batch.insert(&self.house, "run", run.text());
        batch.durability(Some(PersistMode::SyncAll)).commit()
    }
}
