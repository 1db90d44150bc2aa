//! Reads the entries of a stream: many at once of any server that has it, or one by one of its leader.
//! Must not know what they hold.

use async_nats::{Message, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::StreamExt;
use rtbroadcaster_core::chain::Offset;
use rtbroadcaster_core::id::RoomId;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::log::{ApiError, NatsLog};
use super::{ANSWER, feed};
use crate::engine::shared::{StoredEntry, Unsure};

/// The error of a question for an entry that does not exist.
const NOT_FOUND: u64 = 10_037;

/// The most entries of one answer.
const BATCH: usize = 256;

/// The most entries that are read of the leader, one question each.
const BATCH_OF_LEADER: usize = 32;

/// The answer of a leader to a question for a message.
#[derive(Deserialize)]
struct MessageAnswer {
    error: Option<ApiError>,
    message: Option<StoredMessage>,
}

#[derive(Deserialize)]
struct StoredMessage {
    seq: u64,
    #[serde(default)]
    data: String,
    time: String,
}

impl NatsLog {
    /// Gets messages from any copy of the stream, in the order of their offsets.
    pub(super) async fn get(&self, question: &serde_json::Value) -> Result<Vec<Message>, Unsure> {
        let inbox = self.client.new_inbox();
        let mut answers = self.client.subscribe(inbox.clone()).await.map_err(|_| Unsure)?;
        let subject = format!("$JS.API.DIRECT.GET.{}", self.stream());
        let payload = Bytes::from(question.to_string());
        self.client.publish_with_reply(subject, inbox, payload).await.map_err(|_| Unsure)?;
        let mut messages = Vec::new();
        loop {
            let answer = timeout(ANSWER, answers.next()).await.map_err(|_| Unsure)?.ok_or(Unsure)?;
            match answer.status {
                None | Some(StatusCode::OK) => messages.push(answer),
                // The end of the batch.
                Some(status) if status.as_u16() == 204 => return Ok(messages),
                Some(StatusCode::NOT_FOUND) => return Ok(Vec::new()),
                Some(_) => return Err(Unsure),
            }
        }
    }

    /// Gets one entry from the leader, which alone answers this question.
    pub(super) async fn of_leader(&self, question: &serde_json::Value) -> Result<Option<StoredEntry>, Unsure> {
        let answer: MessageAnswer = self.ask("STREAM.MSG.GET", question).await?;
        match answer {
            MessageAnswer { message: Some(StoredMessage { seq, data, time }), .. } => {
                let text = BASE64.decode(data).map_err(|_| Unsure)?.into();
                let at = feed::moment(&time).ok_or(Unsure)?;
                Ok(Some(StoredEntry { offset: Offset(seq), at, follows: None, text }))
            }
            MessageAnswer { error: Some(ApiError { err_code: NOT_FOUND }), .. } => Ok(None),
            MessageAnswer { .. } => Err(Unsure),
        }
    }

    /// Returns the entry of the room at `offset`, if the leader has it.
    pub(super) async fn entry_at(&self, room: &RoomId, offset: Offset) -> Result<Option<StoredEntry>, Unsure> {
        let question = json!({ "seq": offset.0, "next_by_subj": self.subjects.entries(room) });
        Ok(self.of_leader(&question).await?.filter(|entry| entry.offset == offset))
    }

    /// Returns the first entries behind `offset`, in order.
    pub(super) async fn read_behind(&self, room: &RoomId, offset: Offset) -> Result<Vec<StoredEntry>, Unsure> {
        let question = json!({
            "seq": offset.0 + 1,
            "next_by_subj": self.subjects.entries(room),
            "batch": BATCH,
        });
        let entries: Vec<_> = self.get(&question).await?.iter().filter_map(feed::stored).collect();
        let Some(last) = entries.last() else { return Ok(entries) };
        // Behind a loss of power, servers that do not sync each write may have entries that their leader has lost.
        let is_shared = self.entry_at(room, last.offset).await?.is_some_and(|of_leader| of_leader.text == last.text);
        if is_shared { Ok(entries) } else { self.read_leader(room, offset).await }
    }

    /// Reads as [`SharedLog::read`] does, from the leader only.
    async fn read_leader(&self, room: &RoomId, mut offset: Offset) -> Result<Vec<StoredEntry>, Unsure> {
        let mut entries = Vec::new();
        while entries.len() < BATCH_OF_LEADER {
            let question = json!({ "seq": offset.0 + 1, "next_by_subj": self.subjects.entries(room) });
            let Some(entry) = self.of_leader(&question).await? else { break };
            offset = entry.offset;
            entries.push(entry);
        }
        Ok(entries)
    }
}
