//! Entries and checkpoints in a stream of JetStream.
//! Must not know what they hold.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::client::{Request, RequestErrorKind};
use async_nats::connection::State;
use async_nats::{Client, HeaderMap};
use bytes::Bytes;
use futures_util::StreamExt;
use rtbroadcaster_core::chain::Offset;
use rtbroadcaster_core::id::RoomId;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::feed::{self, Followers, header};
use super::settings::Settings;
use super::subjects::Subjects;
use super::{ANSWER, chain};
use crate::engine::shared::{
    Asked, CopyId, EntryKind, Extent, FeedEvent, NodeId, Published, SharedLog, StoredEntry, Unsure,
};

/// The error of an entry whose place another one has.
const WRONG_LAST_SEQUENCE: u64 = 10_071;
/// The error of an entry that comes while its leader is busy with another one of its subject.
const SEQUENCE_IN_FLIGHT: u64 = 10_164;
/// The error of an entry for which there is no space.
const NO_SPACE: u64 = 10_077;
/// The error of a question about a stream that does not exist.
const NO_STREAM: u64 = 10_059;

/// The most rooms or parts of one question.
pub(super) const ROOMS: usize = 1_000;

/// The time after which a tombstone is removed.
const TOMBSTONE: &str = "60s";

/// The most beacons that wait to be looked at.
const BEACONS: usize = 1_024;

/// The log in one stream.
pub(super) struct NatsLog {
    pub(super) client: Client,
    pub(super) subjects: Subjects,
    settings: Settings,
    followers: Arc<Followers>,
    /// Whether there was the stream.
    was_seen: AtomicBool,
}

impl fmt::Debug for NatsLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsLog").field("stream", &self.stream()).finish_non_exhaustive()
    }
}

/// The answer to a publish.
#[derive(Deserialize)]
struct PublishAnswer {
    error: Option<ApiError>,
    seq: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ApiError {
    #[serde(default)]
    pub(super) err_code: u64,
}

/// What a server tells of the stream.
#[derive(Deserialize)]
struct StreamAnswer {
    error: Option<ApiError>,
    created: Option<String>,
    state: Option<StreamState>,
}

#[derive(Deserialize)]
struct StreamState {
    last_seq: u64,
}

impl NatsLog {
    pub(super) fn new(client: Client, namespace: &str, settings: Settings, followers: Arc<Followers>) -> Self {
        Self { client, subjects: Subjects::of(namespace), settings, followers, was_seen: AtomicBool::new(false) }
    }

    pub(super) fn stream(&self) -> &str {
        self.settings.stream()
    }

    /// Asks the JetStream API.
    pub(super) async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        what: &str,
        question: &serde_json::Value,
    ) -> Result<T, Unsure> {
        let subject = format!("$JS.API.{what}.{}", self.stream());
        let payload = Bytes::from(question.to_string());
        let answer = self.client.request(subject, payload).await.map_err(|_| Unsure)?;
        serde_json::from_slice(&answer.payload).map_err(|_| Unsure)
    }

    pub(super) async fn send(&self, subject: String, headers: HeaderMap, text: Bytes) -> Published {
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
        match kind {
            EntryKind::Next => {}
            EntryKind::Copy => headers.insert("Nats-Rollup", "sub"),
            EntryKind::Last => {
                headers.insert("Nats-Rollup", "sub");
                headers.insert("Nats-TTL", TOMBSTONE);
            }
        }
        self.send(self.subjects.entries(room), headers, text).await
    }

    async fn last(&self, room: &RoomId) -> Result<Option<StoredEntry>, Unsure> {
        self.of_leader(&json!({ "last_by_subj": self.subjects.entries(room) })).await
    }

    async fn entry(&self, room: &RoomId, offset: Offset) -> Result<Option<StoredEntry>, Unsure> {
        self.entry_at(room, offset).await
    }

    async fn read(&self, room: &RoomId, offset: Offset) -> Result<Vec<StoredEntry>, Unsure> {
        self.read_behind(room, offset).await
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
        self.newest_checkpoint(room).await
    }

    async fn keep_checkpoint(&self, room: &RoomId, text: Bytes, unneeded: Offset) -> Result<(), Unsure> {
        self.store_checkpoint(room, text).await?;
        if unneeded > Offset::START {
            let question = json!({ "filter": self.subjects.entries(room), "seq": unneeded.0 + 1 });
            let _: serde_json::Value = self.ask("STREAM.PURGE", &question).await?;
        }
        Ok(())
    }

    async fn keep_copy(&self, room: &RoomId, id: CopyId, text: Bytes) -> Result<(), Unsure> {
        self.store_copy(room, id, text).await
    }

    async fn copy(&self, room: &RoomId, id: CopyId) -> Result<Option<Bytes>, Unsure> {
        self.stored_copy(room, id).await
    }

    async fn extent(&self) -> Result<Extent, Unsure> {
        let mut answer: StreamAnswer = self.ask("STREAM.INFO", &json!({})).await?;
        // Before it was ever seen, another part makes it.
        let was_seen = self.was_seen.load(Ordering::Relaxed);
        if was_seen && answer.error.is_some_and(|error| error.err_code == NO_STREAM) {
            tracing::error!(stream = self.stream(), "the stream is gone, and is made again");
            self.settings.ensure(&self.client).await.map_err(|error| {
                tracing::error!(error = %chain(&error), "the stream cannot be made");
                Unsure
            })?;
            answer = self.ask("STREAM.INFO", &json!({})).await?;
        }
        let StreamAnswer { created: Some(created), state: Some(StreamState { last_seq }), .. } = answer else {
            return Err(Unsure);
        };
        self.was_seen.store(true, Ordering::Relaxed);
        Ok(Extent { made: feed::moment(&created).ok_or(Unsure)?, last: Offset(last_seq) })
    }

    fn reconnections(&self) -> watch::Receiver<u64> {
        self.followers.reconnections()
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

    async fn ask_node(&self, node: NodeId, text: Bytes, within: Duration) -> Result<Bytes, Unsure> {
        super::asking::ask(&self.client, self.subjects.questions(node), text, within).await
    }

    fn questions(&self, node: NodeId) -> mpsc::Receiver<Asked> {
        super::asking::questions(&self.client, self.subjects.questions(node))
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
