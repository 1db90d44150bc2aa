//! Finds a room that this node does not have: from its newest checkpoint and the entries behind it.
//! Must not know which system keeps the log.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rtbroadcaster_core::chain::{Chain, Offset, Reading};
use rtbroadcaster_core::id::{RoomId, Seq};
use rtbroadcaster_core::record::{Append, Checkpoint, Header, Lives, Record};

use super::replica::Mark;
use super::text::{self, PlacedCheckpoint};
use super::{SharedLog, StoredEntry, Unsure};

/// How often a load is tried, and the pause between: an answer may be older than the log's last entry, and a checkpoint
/// may be replaced meanwhile.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// A room as the log has it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) checkpoint: Checkpoint,
    pub(super) chain: Chain,
    pub(super) marks: VecDeque<Mark>,
    /// The number of entries behind the checkpoint.
    pub(super) unkept: u64,
    /// Whether its entries begin with one that continues a copy.
    pub(super) continues_copy: bool,
}

/// The outcome of one attempt.
enum Attempt {
    Loaded(Box<Loaded>),
    /// There is no such room.
    NoRoom,
    /// The answers do not fit together.
    Again,
}

/// Loads `room`; `None` if there is none.
pub(super) async fn load<L: SharedLog>(log: &L, room: &RoomId) -> Result<Option<Box<Loaded>>, Unsure> {
    for _ in 0..ATTEMPTS {
        match attempt(log, room).await? {
            Attempt::Loaded(loaded) => return Ok(Some(loaded)),
            Attempt::NoRoom => return Ok(None),
            Attempt::Again => tokio::time::sleep(PAUSE).await,
        }
    }
    Err(Unsure)
}

async fn attempt<L: SharedLog>(log: &L, room: &RoomId) -> Result<Attempt, Unsure> {
    let Some(last) = log.last(room).await? else { return Ok(Attempt::NoRoom) };
    let is_end = |appends: &Vec<Append>| appends.iter().any(Append::is_end);
    if text::read_appends(&last.text).is_ok_and(|appends| is_end(&appends)) {
        // It is all that is left of the room.
        return Ok(Attempt::NoRoom);
    }
    let placed = match log.checkpoint(room).await? {
        // One that cannot be read is none: the entries may reach back far enough.
        Some(text) => text::read_checkpoint(&text).ok(),
        None => None,
    };
    match fold(log, room, &last, Fold::of(placed.clone())).await? {
        // What the history needs may be older than the log keeps anything: then the room goes on without it.
        Attempt::Again => fold(log, room, &last, Fold::without_history(placed)).await,
        attempt => Ok(attempt),
    }
}

/// Reads the entries of `room` up to `last`.
async fn fold<L: SharedLog>(log: &L, room: &RoomId, last: &StoredEntry, mut fold: Fold) -> Result<Attempt, Unsure> {
    while fold.chain.offset < last.offset {
        let entries = log.read(room, fold.chain.offset).await?;
        if entries.is_empty() {
            return Ok(Attempt::Again);
        }
        for entry in entries {
            if let Some(id) = text::read_copy_id(&entry.text).filter(|_| entry.offset > fold.chain.offset) {
                let Some(copy) = log.copy(room, id).await? else { return Ok(Attempt::Again) };
                let Ok(copy) = text::read_checkpoint(&copy) else { return Ok(Attempt::Again) };
                fold = Fold { continues_copy: true, ..Fold::of(Some(copy)) };
            }
            match fold.read(&entry) {
                Some(()) => {}
                None => return Ok(Attempt::Again),
            }
        }
    }
    Ok(fold.finish())
}

/// A room while its entries are read.
struct Fold {
    chain: Chain,
    /// The position of the checkpoint: what stands before it is in it, and is read for the history only.
    from: Offset,
    header: Option<Header>,
    lives: Option<Lives>,
    seq: Seq,
    records: BTreeMap<Seq, Record>,
    ids: Vec<(Seq, Box<str>, [u8; 16])>,
    marks: VecDeque<Mark>,
    unkept: u64,
    has_ended: bool,
    continues_copy: bool,
}

impl Fold {
    fn of(placed: Option<PlacedCheckpoint>) -> Self {
        let mut fold = Self {
            chain: Chain::START,
            from: Offset::START,
            header: None,
            lives: None,
            seq: Seq::ZERO,
            records: BTreeMap::new(),
            ids: Vec::new(),
            marks: VecDeque::new(),
            unkept: 0,
            has_ended: false,
            continues_copy: false,
        };
        if let Some(PlacedCheckpoint { checkpoint, chain, history }) = placed {
            let Checkpoint { header, lives, seq, history: _, records, ids } = checkpoint;
            fold.chain = history;
            fold.from = chain.offset;
            (fold.header, fold.lives, fold.seq, fold.ids) = (Some(header), Some(lives), seq, ids);
            fold.records = records.into_iter().map(|record| (record.seq, record)).collect();
        }
        fold
    }

    /// Returns a fold that begins at the checkpoint itself.
    fn without_history(placed: Option<PlacedCheckpoint>) -> Self {
        Self::of(placed.map(|placed| PlacedCheckpoint { history: placed.chain, ..placed }))
    }

    /// Reads the next entry; `None` if it does not follow.
    fn read(&mut self, entry: &StoredEntry) -> Option<()> {
        let before = self.chain;
        let Ok(link) = text::read_link(entry.offset, &entry.text) else {
            self.chain.offset = self.chain.offset.max(entry.offset);
            return Some(());
        };
        let reading = match link.continues_copy && link.offset > self.chain.offset {
            // The copy is what stands before it.
            true => self.chain.continue_copy(&link),
            false => self.chain.read(&link),
        };
        match reading {
            Reading::Hole => return None,
            Reading::Anew => {
                // The checkpoint is of an earlier room of this name.
                *self = Self::of(None);
                return self.read(entry);
            }
            Reading::Known | Reading::Ignored(_) => return Some(()),
            Reading::Counts => {}
        }
        let is_in_checkpoint = link.offset <= self.from;
        self.unkept += u64::from(!is_in_checkpoint);
        let appends = text::read_appends(&entry.text).ok()?;
        let first = appends.iter().find_map(|append| match append {
            Append::Message(record, ..) => Some(record.seq),
            _ => None,
        });
        self.marks.extend(first.map(|first| Mark { before, first }));
        for append in appends {
            match append {
                Append::Message(record, ..) => self.message(record, entry.at, is_in_checkpoint),
                Append::Header(header) if !is_in_checkpoint => self.header(header),
                Append::End(_) => self.has_ended = true,
                Append::Header(_) | Append::Turn => {}
            }
        }
        Some(())
    }

    fn message(&mut self, record: Record, at: Duration, is_in_checkpoint: bool) {
        let seq = record.seq;
        if !is_in_checkpoint {
            self.seq = seq;
            self.ids.extend(record.id.clone().map(|(id, fingerprint)| (seq, id, fingerprint)));
            if let (Some(header), Some(lives)) = (&mut self.header, &self.lives)
                && header.starts.last().is_none_or(|(life, _)| *life != lives.present_index())
            {
                header.starts.push((lives.present_index(), seq));
            }
        }
        self.records.insert(seq, Record { said: at, id: None, ..record });
    }

    fn header(&mut self, header: Header) {
        let starts = self.header.take().map_or_else(Vec::new, |known| known.starts);
        if let Some(life) = header.life {
            self.lives = Some(match self.lives.take() {
                None => Lives::only(life),
                Some(lives) => lives.followed_by(life),
            });
        }
        self.header = Some(Header { starts, ..header });
    }

    fn finish(self) -> Attempt {
        if self.has_ended {
            return Attempt::NoRoom;
        }
        let Self { chain, header, lives, seq, records, ids, marks, unkept, continues_copy, .. } = self;
        let (Some(header), Some(lives)) = (header, lives) else { return Attempt::Again };
        let history = records.keys().next().copied().unwrap_or(seq.next());
        let records = records.into_values().collect();
        let checkpoint = Checkpoint { header, lives, seq, history, records, ids };
        Attempt::Loaded(Box::new(Loaded { checkpoint, chain, marks, unkept, continues_copy }))
    }
}
