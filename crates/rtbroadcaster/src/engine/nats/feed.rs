//! What NATS tells of rooms without having been asked.
//! Must not know what is told.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::{HeaderMap, Message, Subscriber};
use futures_util::StreamExt;
use rtbroadcaster_core::chain::Offset;
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};

use super::subjects;
use crate::engine::shared::{FeedEvent, StoredEntry};

/// Those who follow rooms on this connection.
#[derive(Debug, Default)]
pub(super) struct Followers {
    events: Mutex<Vec<mpsc::WeakSender<FeedEvent>>>,
    /// How often it was connected.
    connections: watch::Sender<u64>,
}

impl Followers {
    pub(super) fn add(&self, events: &mpsc::Sender<FeedEvent>) {
        let mut followers = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if followers.len() == followers.capacity() {
            followers.retain(|events| events.strong_count() > 0);
        }
        followers.push(events.downgrade());
    }

    /// Tells all that there is a connection, and that events may be missing.
    pub(super) fn connected(&self) {
        self.missed();
        self.connections.send_modify(|count| *count += 1);
    }

    /// Returns how often it was connected, from now on.
    pub(super) fn reconnections(&self) -> watch::Receiver<u64> {
        self.connections.subscribe()
    }

    /// Tells all that events may be missing.
    pub(super) fn missed(&self) {
        let followers = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        for events in followers.iter().filter_map(mpsc::WeakSender::upgrade) {
            // One that is full looks anyway: what does not fit is missing.
            let _ = events.try_send(FeedEvent::Missed);
        }
    }
}

/// Passes on what is told, until the receiver is dropped.
pub(super) async fn pass_on(mut told: Subscriber, events: mpsc::Sender<FeedEvent>) {
    loop {
        let message = tokio::select! {
            message = told.next() => message,
            () = events.closed() => return,
        };
        let Some(message) = message else { return };
        let event = if subjects::is_whisper(&message.subject) {
            FeedEvent::Whisper(message.payload)
        } else {
            match stored(&message) {
                Some(entry) => FeedEvent::Entry(StoredEntry { follows: follows(&message), ..entry }),
                None => FeedEvent::Missed,
            }
        };
        // What does not fit is missing, which the next entry shows.
        let _ = events.try_send(event);
    }
}

/// Returns the entry in a message that was told, or that was got directly.
pub(super) fn stored(message: &Message) -> Option<StoredEntry> {
    let headers = message.headers.as_ref()?;
    let offset = header(headers, "Nats-Sequence")?.parse().ok()?;
    Some(StoredEntry {
        offset: Offset(offset),
        at: moment(header(headers, "Nats-Time-Stamp")?)?,
        follows: None,
        text: message.payload.clone(),
    })
}

/// Returns where the entry is that was the last one of its room before the one in a message that was told.
fn follows(message: &Message) -> Option<Offset> {
    header(message.headers.as_ref()?, "Nats-Last-Sequence")?.parse().ok().map(Offset)
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(async_nats::HeaderValue::as_str)
}

/// Returns a time of the log, since 1970.
pub(super) fn moment(text: &str) -> Option<Duration> {
    let at = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()?;
    Duration::try_from(at - OffsetDateTime::UNIX_EPOCH).ok()
}
