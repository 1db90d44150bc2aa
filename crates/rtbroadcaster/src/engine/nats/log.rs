//! Entries and checkpoints in a stream of JetStream.
//! Must not know what they hold.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_nats::client::{Request, RequestErrorKind};
use async_nats::connection::State;
use async_nats::{Client, HeaderMap, Message, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::StreamExt;
use rtbroadcaster_core::chain::Offset;
use rtbroadcaster_core::id::RoomId;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::ANSWER;
use super::feed::{self, Followers, header};
use super::subjects::Subjects;
use crate::engine::shared::{EntryKind, FeedEvent, Published, SharedLog, StoredEntry, Unsure};

/// The error of an entry whose place another one has.
const WRONG_LAST_SEQUENCE: u64 = 10_071;
/// The error of an entry that comes while its leader is busy with another one of its subject.
const SEQUENCE_IN_FLIGHT: u64 = 10_164;
/// The error of an entry for which there is no space.
const NO_SPACE: u64 = 10_077;
/// The error of a question for an entry that does not exist.
const NOT_FOUND: u64 = 10_037;

/// The most entries of one answer, and the most rooms of one question.
const BATCH: usize = 256;
const ROOMS: usize = 1_000;

/// The most bytes of one part of a checkpoint.
pub(super) const PART_BYTES: usize = 512 * 1024;

/// The time after which a tombstone is removed.
const TOMBSTONE: &str = "60s";

/// The most beacons that wait to be looked at.
const BEACONS: usize = 1_024;

/// The log in one stream.
pub(super) struct NatsLog {
    client: Client,
    subjects: Subjects,
    stream: String,
    followers: Arc<Followers>,
}

impl fmt::Debug for NatsLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsLog").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// The answer to a publish.
#[derive(Deserialize)]
struct PublishAnswer {
    error: Option<ApiError>,
    seq: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct ApiError {
    #[serde(default)]
    err_code: u64,
}

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
    pub(super) fn new(client: Client, namespace: &str, stream: &str, followers: Arc<Followers>) -> Self {
        Self { client, subjects: Subjects::of(namespace), stream: stream.into(), followers }
    }

    /// Asks the JetStream API.
    async fn ask<T: for<'de> Deserialize<'de>>(&self, what: &str, question: &serde_json::Value) -> Result<T, Unsure> {
        let subject = format!("$JS.API.{what}.{}", self.stream);
        let payload = Bytes::from(question.to_string());
        let answer = self.client.request(subject, payload).await.map_err(|_| Unsure)?;
        serde_json::from_slice(&answer.payload).map_err(|_| Unsure)
    }

    /// Gets messages from any copy of the stream, in the order of their offsets.
    async fn get(&self, question: &serde_json::Value) -> Result<Vec<Message>, Unsure> {
        let inbox = self.client.new_inbox();
        let mut answers = self.client.subscribe(inbox.clone()).await.map_err(|_| Unsure)?;
        let subject = format!("$JS.API.DIRECT.GET.{}", self.stream);
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

    async fn send(&self, subject: String, headers: HeaderMap, text: Bytes) -> Published {
        let request = Request::new().payload(text).headers(headers).timeout(Some(ANSWER));
        let answer = match self.client.send_request(subject, request).await {
            Ok(answer) => answer,
            Err(error) => {
                return match error.kind() {
                    RequestErrorKind::NoResponders
                    | RequestErrorKind::InvalidSubject
                    | RequestErrorKind::MaxPayloadExceeded => Published::Absent,
                    RequestErrorKind::TimedOut | RequestErrorKind::Other => Published::Unknown,
                };
            }
        };
        match serde_json::from_slice(&answer.payload) {
            Ok(PublishAnswer { error: None, seq: Some(_) }) => Published::Stored,
            Ok(PublishAnswer { error: Some(ApiError { err_code }), .. }) => match err_code {
                WRONG_LAST_SEQUENCE => Published::Taken,
                SEQUENCE_IN_FLIGHT => Published::Busy,
                NO_SPACE => Published::Absent,
                _ => Published::Unknown,
            },
            _ => Published::Unknown,
        }
    }
}

impl SharedLog for NatsLog {
    async fn publish(&self, room: &RoomId, after: Offset, text: Bytes, kind: EntryKind) -> Published {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Expected-Last-Subject-Sequence", after.0.to_string());
        if kind == EntryKind::Last {
            headers.insert("Nats-Rollup", "sub");
            headers.insert("Nats-TTL", TOMBSTONE);
        }
        self.send(self.subjects.entries(room), headers, text).await
    }

    async fn last(&self, room: &RoomId) -> Result<Option<StoredEntry>, Unsure> {
        // Only the leader answers this question.
        let question = json!({ "last_by_subj": self.subjects.entries(room) });
        let answer: MessageAnswer = self.ask("STREAM.MSG.GET", &question).await?;
        match answer {
            MessageAnswer { message: Some(StoredMessage { seq, data, time }), .. } => {
                let text = BASE64.decode(data).map_err(|_| Unsure)?.into();
                let at = feed::moment(&time).ok_or(Unsure)?;
                Ok(Some(StoredEntry { offset: Offset(seq), at, text }))
            }
            MessageAnswer { error: Some(ApiError { err_code: NOT_FOUND }), .. } => Ok(None),
            MessageAnswer { .. } => Err(Unsure),
        }
    }

    async fn read(&self, room: &RoomId, offset: Offset) -> Result<Vec<StoredEntry>, Unsure> {
        let question = json!({
            "seq": offset.0 + 1,
            "next_by_subj": self.subjects.entries(room),
            "batch": BATCH,
        });
        Ok(self.get(&question).await?.iter().filter_map(feed::stored).collect())
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Offset)>, Unsure> {
        let mut heads = Vec::new();
        for rooms in rooms.chunks(ROOMS) {
            let subjects: Vec<_> = rooms.iter().map(|room| self.subjects.entries(room)).collect();
            for message in self.get(&json!({ "multi_last": subjects, "batch": ROOMS })).await? {
                let subject = message.headers.as_ref().and_then(|headers| header(headers, "Nats-Subject"));
                let room = subject.and_then(|subject| self.subjects.room(subject)?.parse().ok());
                heads.extend(room.zip(feed::stored(&message).map(|entry| entry.offset)));
            }
        }
        Ok(heads)
    }

    async fn checkpoint(&self, room: &RoomId) -> Result<Option<Bytes>, Unsure> {
        let parts = self.get(&json!({ "multi_last": [self.subjects.checkpoints(room)], "batch": ROOMS })).await?;
        Ok(newest(parts.iter().filter_map(Part::of)))
    }

    async fn keep_checkpoint(&self, room: &RoomId, text: Bytes, unneeded: Offset) -> Result<(), Unsure> {
        let before = self.get(&json!({ "multi_last": [self.subjects.checkpoints(room)], "batch": ROOMS })).await?;
        let generation = before.iter().filter_map(Part::of).map(|part| part.generation).max().unwrap_or_default() + 1;
        let parts = text.len().div_ceil(PART_BYTES);
        for number in 0..parts {
            let part = text.slice(number * PART_BYTES..text.len().min((number + 1) * PART_BYTES));
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Rollup", "sub");
            headers.insert("Rtb-Generation", generation.to_string());
            headers.insert("Rtb-Part", format!("{number}/{parts}"));
            match self.send(self.subjects.checkpoint(room, generation, number), headers, part).await {
                Published::Stored => {}
                _ => return Err(Unsure),
            }
        }
        if unneeded > Offset::START {
            let question = json!({ "filter": self.subjects.entries(room), "seq": unneeded.0 + 1 });
            let _: serde_json::Value = self.ask("STREAM.PURGE", &question).await?;
        }
        Ok(())
    }

    async fn follow(&self, room: &RoomId, events: mpsc::Sender<FeedEvent>) -> Result<(), Unsure> {
        let told = self.client.subscribe(self.subjects.told(room)).await.map_err(|_| Unsure)?;
        // Behind this the server has the subscription.
        timeout(ANSWER, self.client.flush()).await.map_err(|_| Unsure)?.map_err(|_| Unsure)?;
        self.followers.add(&events);
        tokio::spawn(feed::pass_on(told, events));
        Ok(())
    }

    fn whisper(&self, room: &RoomId, text: Bytes) {
        self.tell(self.subjects.whispers(room), text);
    }

    fn beacon(&self, text: Bytes) {
        self.tell(self.subjects.beacons(), text);
    }

    fn beacons(&self) -> mpsc::Receiver<Bytes> {
        let (beacons, told) = mpsc::channel(BEACONS);
        let (client, subject) = (self.client.clone(), self.subjects.beacons());
        tokio::spawn(async move {
            let Ok(mut subscriber) = client.subscribe(subject).await else { return };
            while let Some(message) = subscriber.next().await {
                if beacons.send(message.payload).await.is_err() {
                    return;
                }
            }
        });
        told
    }
}

impl NatsLog {
    /// Sends what need not arrive.
    fn tell(&self, subject: String, text: Bytes) {
        if self.client.connection_state() != State::Connected {
            // It would wait for a connection, and then tell what is long over.
            return;
        }
        let client = self.client.clone();
        tokio::spawn(async move { client.publish(subject, text).await });
    }
}

/// A part of a checkpoint.
struct Part {
    generation: u64,
    number: usize,
    of: usize,
    text: Bytes,
}

impl Part {
    fn of(message: &Message) -> Option<Self> {
        let headers = message.headers.as_ref()?;
        let (number, of) = header(headers, "Rtb-Part")?.split_once('/')?;
        Some(Self {
            generation: header(headers, "Rtb-Generation")?.parse().ok()?,
            number: number.parse().ok()?,
            of: of.parse().ok()?,
            text: message.payload.clone(),
        })
    }
}

/// Returns the newest checkpoint of which all parts are there.
fn newest(parts: impl Iterator<Item = Part>) -> Option<Bytes> {
    let mut generations: BTreeMap<u64, (usize, BTreeMap<usize, Bytes>)> = BTreeMap::new();
    for Part { generation, number, of, text } in parts {
        let (count, parts) = generations.entry(generation).or_default();
        *count = of;
        parts.insert(number, text);
    }
    let whole = generations.into_values().rev().find(|(of, parts)| (0..*of).all(|number| parts.contains_key(&number)));
    whole.map(|(of, parts)| parts.into_values().take(of).flatten().collect())
}
