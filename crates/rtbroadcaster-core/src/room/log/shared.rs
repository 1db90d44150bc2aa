//! A log that several nodes write: what another node has published, and what a node loads that does not know the room.
//! Pure: it must not know where the log is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Fingerprint, Lineage, Log, LogLimits};
use crate::id::{Life, RoomId, Seq, Term};
use crate::message::Entry;
use crate::record::{Checkpoint, Header, Lives, MessageIds, Record};

impl Log {
    /// Makes the log one that several nodes write, of a room that is created.
    pub fn share(&mut self) {
        self.is_shared = true;
    }

    /// Returns the log as another node has left it.
    pub fn load(room: &RoomId, checkpoint: Checkpoint, limits: LogLimits) -> Self {
        let Checkpoint { header: Header { numbering, starts, term, .. }, lives, seq, records, ids, .. } = checkpoint;
        let lineage = Lineage::recalled(numbering, Arc::new(lives), starts);
        let mut log = Self { is_shared: true, ..Self::with_lineage(room.clone(), lineage, limits) };
        for Record { seq, said, term, change, key, params, .. } in records {
            log.recall(&Arc::new(Entry::new(room.clone(), Some(seq), term, key, params, change)), said);
        }
        for (seq, id, fingerprint) in ids {
            log.recall_id(id, Fingerprint::from_bytes(fingerprint), seq);
        }
        if log.seq < seq {
            // The last messages are forgotten.
            log.history.begin_anew();
            log.seq = seq;
        }
        log.term = term;
        log
    }

    /// Begins the lease of `term`, which is a life of the log if it was given one.
    pub fn begin_lease(&mut self, term: Term, life: Option<Life>) {
        self.term = term;
        if let Some(life) = life {
            self.lineage.continue_in(life);
        }
    }

    /// Applies a message that another node has published, and returns it.
    pub fn follow(&mut self, record: Record, at: Duration) -> Arc<Entry> {
        let Record { seq, term, change, key, params, id, .. } = record;
        let entry = Arc::new(Entry::new(self.room.clone(), Some(seq), term, key, params, change));
        self.recall(&entry, at);
        self.lineage.begin_with(seq);
        if let Some((id, fingerprint)) = id {
            self.remember(id, Fingerprint::from_bytes(fingerprint), seq);
        }
        entry
    }

    /// Returns the lives of the log.
    pub fn lives(&self) -> &Lives {
        self.lineage.lives()
    }

    /// Returns the messages of the state and those of the history before `logged`, all of them if that is `None`; the
    /// first message of the history; and the ids, for a checkpoint.
    pub fn checkpoint(&mut self, logged: Option<Seq>) -> (Vec<Record>, Seq, MessageIds) {
        let record = |(said, entry): (Duration, &Arc<Entry>)| {
            let Entry { term, change, .. } = **entry;
            let (key, params) = (entry.key.clone(), entry.params());
            Some(Record { seq: entry.seq?, said, term, change, key, params, id: None, sum: Default::default() })
        };
        let first = self.history.first().unwrap_or(self.seq.next());
        let values = self.state.in_order();
        // When a message was said is needed only for the history.
        let values = values.iter().map(|entry| (Duration::ZERO, entry));
        let history = self.history.before(logged).map(|(said, entry)| (*said, entry));
        let records: BTreeMap<Seq, Record> =
            values.chain(history).filter_map(record).map(|record| (record.seq, record)).collect();
        (
            records.into_values().collect(),
            first,
            self.ids.in_order().map(|(id, (print, seq))| (seq, id.into(), print.to_bytes())).collect(),
        )
    }
}
