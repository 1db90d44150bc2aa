//! Checkpoints and copies of rooms in the stream, in parts.
//! Must not know what they hold.

use std::collections::BTreeMap;

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use rtbroadcaster_core::id::RoomId;
use serde_json::json;

use super::feed::header;
use super::log::{NatsLog, ROOMS};
use crate::engine::shared::{CopyId, Published, Unsure};

/// The most bytes of one part.
pub(super) const PART_BYTES: usize = 512 * 1024;

impl NatsLog {
    /// Stores the parts of a checkpoint besides those of the one before.
    pub(super) async fn store_checkpoint(&self, room: &RoomId, text: Bytes) -> Result<(), Unsure> {
        let before = self.parts_at(&self.subjects.checkpoints(room)).await?;
        let generation = before.iter().map(|part| part.generation).max().unwrap_or_default() + 1;
        self.store(|part| self.subjects.checkpoint(room, generation, part), generation, text).await
    }

    /// Returns the newest checkpoint.
    pub(super) async fn newest_checkpoint(&self, room: &RoomId) -> Result<Option<Bytes>, Unsure> {
        Ok(newest(self.parts_at(&self.subjects.checkpoints(room)).await?))
    }

    /// Stores the parts of a copy. Nothing removes them before the stream forgets what is as old: a copy is rare.
    pub(super) async fn store_copy(&self, room: &RoomId, id: CopyId, text: Bytes) -> Result<(), Unsure> {
        self.store(|part| self.subjects.copy(room, id, part), 0, text).await
    }

    /// Returns a copy.
    pub(super) async fn stored_copy(&self, room: &RoomId, id: CopyId) -> Result<Option<Bytes>, Unsure> {
        Ok(newest(self.parts_at(&[self.subjects.copies(room, id)]).await?))
    }

    async fn parts_at(&self, subjects: &[String]) -> Result<Vec<Part>, Unsure> {
        let parts = self.get(&json!({ "multi_last": subjects, "batch": ROOMS })).await?;
        Ok(parts.iter().filter_map(Part::of).collect())
    }

    async fn store(&self, subject: impl Fn(usize) -> String, generation: u64, text: Bytes) -> Result<(), Unsure> {
        let parts = text.len().div_ceil(PART_BYTES);
        for number in 0..parts {
            let part = text.slice(number * PART_BYTES..text.len().min((number + 1) * PART_BYTES));
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Rollup", "sub");
            headers.insert("Rtb-Generation", generation.to_string());
            headers.insert("Rtb-Part", format!("{number}/{parts}"));
            match self.send(subject(number), headers, part).await {
                Published::Stored => {}
                _ => return Err(Unsure),
            }
        }
        Ok(())
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
fn newest(parts: impl IntoIterator<Item = Part>) -> Option<Bytes> {
    let mut generations: BTreeMap<u64, (usize, BTreeMap<usize, Bytes>)> = BTreeMap::new();
    for Part { generation, number, of, text } in parts {
        let (count, parts) = generations.entry(generation).or_default();
        *count = of;
        parts.insert(number, text);
    }
    let whole = generations.into_values().rev().find(|(of, parts)| (0..*of).all(|number| parts.contains_key(&number)));
    whole.map(|(of, parts)| parts.into_values().take(of).flatten().collect())
}
