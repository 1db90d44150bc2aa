//! The owner of a room: publishes given messages, writes them into the record first, and checks every acknowledgement.
//! Must not know the messages' contents.

mod comeback;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::load::frame::{Opcode, masked};
use crate::load::peer::{Peer, PeerError, ReadOutcome, V2};
use crate::model::answer::Answer;
use crate::model::fault::{Fault, Faults};
use crate::model::record::{Effect, Record};

/// The record of a room, written by its owner and read by all other clients.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedRecord(Arc<RwLock<Record>>);

impl SharedRecord {
    fn new(record: Record) -> Self {
        Self(Arc::new(RwLock::new(record)))
    }

    /// A task that panicked ends the run by itself; its record is consistent, since each entry is one push.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Record> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Record> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Saying {
    /// `None` is ephemeral.
    pub(super) kind: Option<Effect>,
    pub(super) key: String,
    pub(super) params: String,
    /// Whether it has an id, and so an answer.
    pub(super) has_id: bool,
}

impl Saying {
    /// Returns the client's text.
    pub(super) fn text(&self, id: &str) -> String {
        let Self { kind, key, params, has_id } = self;
        let id = if *has_id { format!(r#""id":"{id}","#) } else { String::new() };
        match kind {
            Some(Effect::Clear) => format!(r#"{{"type":"clear",{id}"key":"{key}"}}"#),
            Some(Effect::Event) => format!(r#"{{"type":"publish",{id}"key":"{key}","params":{params}}}"#),
            Some(Effect::State) => format!(r#"{{"type":"publish",{id}"key":"{key}","params":{params},"state":true}}"#),
            None => format!(r#"{{"type":"publish","key":"{key}","params":{params},"ephemeral":true}}"#),
        }
    }

    /// Returns the params as viewers get them: with their literals unchanged, line ends between tokens as spaces.
    fn heard(&self) -> String {
        self.params.replace(['\r', '\n'], " ")
    }
}

/// An owner with its connection.
pub(super) struct Speaker {
    peer: Peer,
    record: SharedRecord,
    /// The owner key with which it comes back.
    key: String,
    /// The number of its lease.
    term: u64,
    /// The epoch of its newest acknowledgement.
    epoch: String,
    /// The prefix of its ids.
    prefix: String,
    /// The number of ids it has used.
    ids: u64,
    /// The messages without an answer.
    unacked: VecDeque<Unacked>,
    pub(super) faults: Faults,
}

/// A message without an answer.
#[derive(Debug)]
struct Unacked {
    id: String,
    /// The number that it must get.
    seq: u64,
    text: String,
}

impl Speaker {
    /// Opens a room.
    pub(super) async fn open(address: SocketAddr, prefix: u64) -> Result<Self, PeerError> {
        let mut peer = Peer::open_as(address, V2).await?;
        peer.say(r#"{"type":"create","id":"create"}"#).await?;
        let text = peer.answer().await?;
        let Ok(Answer::Created(created)) = Answer::read(&text) else {
            return Err(PeerError::Answer(text));
        };
        let mut faults = Faults::default();
        if created.id != "create" || (created.term, created.seq) != (1, 0) || created.epoch.len() > 32 {
            faults.note(Fault::OddRoom, || text.clone());
        }
        let record = SharedRecord::new(Record::new(&created.room, &created.epoch, created.alive_ms));
        let prefix = format!("{prefix:016x}");
        let (key, term, epoch) = (created.owner_key.into_owned(), created.term, created.epoch.into_owned());
        Ok(Self { peer, record, key, term, epoch, prefix, ids: 0, unacked: VecDeque::new(), faults })
    }

    pub(super) fn record(&self) -> &SharedRecord {
        &self.record
    }

    /// Publishes these messages in one write.
    pub(super) async fn say(&mut self, sayings: &[Saying]) -> Result<(), PeerError> {
        let mut frames = Vec::new();
        for saying in sayings {
            let id = format!("{}-{}", self.prefix, self.ids);
            let text = saying.text(&id);
            frames.extend(masked(Opcode::Text, text.as_bytes()));
            let mut record = self.record.write();
            let Some(kind) = saying.kind else {
                record.say_ephemeral(&saying.key, &saying.heard());
                continue;
            };
            let seq = record.say(kind, &saying.key, &saying.heard());
            if saying.has_id {
                self.ids += 1;
                self.unacked.push_back(Unacked { id, seq, text });
            }
        }
        Ok(self.peer.send(&frames).await?)
    }

    /// Answers the server until `done` is done.
    pub(super) async fn hear_until<T>(&mut self, done: impl Future<Output = T>) -> Result<T, PeerError> {
        let mut done = pin!(done);
        loop {
            tokio::select! {
                value = &mut done => return Ok(value),
                readable = self.peer.readable() => {
                    readable?;
                    self.hear().await?;
                }
            }
        }
    }

    /// Reads once. Returns the word of the server's `closed`, if it arrived.
    async fn hear(&mut self) -> Result<(ReadOutcome, Option<String>), PeerError> {
        let Self { peer, record, unacked, faults, .. } = self;
        let mut word = None;
        let link = peer.hear(|text| {
            let text = String::from_utf8_lossy(text);
            match Answer::read(&text) {
                Ok(Answer::Ack(ack)) => match unacked.pop_front() {
                    Some(Unacked { id, seq, .. }) if id == ack.id && seq == ack.seq => record.write().acked = seq,
                    wanted => faults.note(Fault::FalseAck, || format!("{text} instead of {wanted:?}")),
                },
                Ok(Answer::Alive(alive)) => {
                    let last = record.read().last();
                    if alive.seq > last {
                        faults.note(Fault::Unsaid, || format!("{text} after {last}"));
                    }
                }
                // Another scenario checks the figures.
                Ok(Answer::Audience(audience)) if audience.lagging.is_some() => {}
                Ok(Answer::Draining(_)) if record.read().may_be_away => {}
                Ok(Answer::Closed(closed)) => word = Some(closed.reason.into_owned()),
                Ok(_) => faults.note(Fault::Forbidden, || format!("to an owner: {text}")),
                Err(why) => faults.note(Fault::Forbidden, || format!("to an owner: {why}: {text}")),
            }
        });
        let link = link.await?;
        Ok((link, word))
    }

    /// Waits until at most `count` messages have no answer.
    pub(super) async fn settle(&mut self, count: usize) -> Result<(), PeerError> {
        while self.unacked.len() > count {
            if self.hear().await?.0 == ReadOutcome::Done {
                return Err(PeerError::Cut);
            }
        }
        Ok(())
    }

    /// Ends the room.
    pub(super) async fn close(mut self) -> Result<Faults, PeerError> {
        self.peer.say(r#"{"type":"close"}"#).await?;
        let mut word = None;
        loop {
            let (link, heard) = self.hear().await?;
            word = heard.or(word);
            if link == ReadOutcome::Done {
                break;
            }
        }
        if word.as_deref() != Some("room_closed") {
            self.faults.note(Fault::OddEnd, || format!("the owner's room ended with {word:?}"));
        }
        Ok(self.faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_the_protocol_says() {
        let saying = |kind| Saying { kind, key: "k".into(), params: "[1,\n2]".into(), has_id: true };
        let (event, state) = (saying(Some(Effect::Event)), saying(Some(Effect::State)));
        assert_eq!(event.text("i"), "{\"type\":\"publish\",\"id\":\"i\",\"key\":\"k\",\"params\":[1,\n2]}");
        let with_state = "{\"type\":\"publish\",\"id\":\"i\",\"key\":\"k\",\"params\":[1,\n2],\"state\":true}";
        assert_eq!(state.text("i"), with_state);
        assert_eq!(saying(Some(Effect::Clear)).text("i"), r#"{"type":"clear","id":"i","key":"k"}"#);
        let ephemeral = Saying { has_id: false, ..saying(None) };
        assert_eq!(ephemeral.text("i"), "{\"type\":\"publish\",\"key\":\"k\",\"params\":[1,\n2],\"ephemeral\":true}");
        assert_eq!(event.heard(), "[1, 2]");
    }
}
