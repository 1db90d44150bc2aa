//! Clients of the Rust library, with its default options. Must not know the faults of their connections.

use rtbroadcaster::remote::{Heard, Owner, Status, Viewer};
use rtbroadcaster::{Message, RoomId};
use serde::de::IgnoredAny;
use tokio::task::JoinSet;

use super::{ClientStatus, EventKind, Events, KEY, now, queue};
use crate::steps::Failure;

/// All clients of this kind. Dropping it ends them without a close.
#[derive(Debug, Default)]
pub(in crate::chaos) struct Library {
    tasks: JoinSet<()>,
}

/// An owner that can be asked to publish.
#[derive(Debug, Clone)]
pub(in crate::chaos) struct PublishHandle {
    numbers: tokio::sync::mpsc::Sender<(u64, usize)>,
}

/// The most messages that wait for their owner.
const NUMBERS_MAX: usize = 1_024;

impl Library {
    /// Starts to watch a room.
    pub(in crate::chaos) fn watch(
        &mut self,
        client: u32,
        url: &str,
        room: &str,
        events: &Events,
    ) -> Result<(), Failure> {
        let room: RoomId = room.parse().map_err(|_| Failure::new(format!("{room} is no room")))?;
        let viewer = Viewer::join(url, room).map_err(|error| Failure::new(error.to_string()))?;
        self.tasks.spawn(listen(client, viewer, events.clone()));
        Ok(())
    }

    /// Creates a room and owns it.
    pub(in crate::chaos) fn host(&mut self, client: u32, url: &str, events: &Events) -> PublishHandle {
        let (numbers, asked) = tokio::sync::mpsc::channel(NUMBERS_MAX);
        self.tasks.spawn(own(client, url.to_owned(), asked, events.clone()));
        PublishHandle { numbers }
    }
}

impl PublishHandle {
    /// Has the owner publish a message with `padding_bytes` of padding. An owner that does not even take it has failed,
    /// and reports that by itself.
    pub(in crate::chaos) async fn publish(&self, number: u64, padding_bytes: usize) {
        let _ = self.numbers.send((number, padding_bytes)).await;
    }
}

/// Runs one viewer until it ends.
async fn listen(client: u32, viewer: Viewer, events: Events) {
    let (mut messages, mut statuses) = (viewer.messages(), viewer.watch_status());
    let mut shown = None;
    loop {
        tokio::select! {
            biased;
            changed = statuses.changed() => {
                let status = statuses.borrow_and_update().clone();
                show(client, &status, &mut shown, &events).await;
                if changed.is_err() || status.closing().is_some() {
                    return;
                }
            }
            Some(heard) = messages.next() => match heard {
                Heard::Message(message) => {
                    let Ok((number, said, IgnoredAny)) = message.parse() else { continue };
                    queue(&events, client, EventKind::Heard { number, said }).await;
                }
                Heard::Skipped { .. } | Heard::State { reset: Some(_), .. } => queue(&events, client, EventKind::Reset).await,
                _ => {}
            },
        }
    }
}

/// Runs one owner until it ends.
async fn own(client: u32, url: String, mut asked: tokio::sync::mpsc::Receiver<(u64, usize)>, events: Events) {
    let owner = match Owner::create(&url).await {
        Ok(owner) => owner,
        Err(error) => {
            let what = EventKind::Status { name: ClientStatus::Closed, reason: Some(error.to_string()) };
            return queue(&events, client, what).await;
        }
    };
    queue(&events, client, EventKind::Opened { room: owner.room().to_string() }).await;
    let mut statuses = owner.watch_status();
    let (mut shown, mut tickets) = (None, JoinSet::new());
    show(client, &owner.status(), &mut shown, &events).await;
    loop {
        tokio::select! {
            changed = statuses.changed() => {
                let status = statuses.borrow_and_update().clone();
                show(client, &status, &mut shown, &events).await;
                if changed.is_err() || status.closing().is_some() {
                    // The outcomes of the requested messages are in their tickets.
                    while tickets.join_next().await.is_some() {}
                    return;
                }
            }
            Some((number, padding_bytes)) = asked.recv() => {
                let sent = owner.send(Message::event(KEY, (number, now(), "x".repeat(padding_bytes))).expect("it has no fault")).await;
                let events = events.clone();
                tickets.spawn(async move {
                    let acked = match sent {
                        Ok(ticket) => ticket.await.map(drop),
                        Err(error) => Err(error),
                    };
                    let what = match acked {
                        Ok(()) => EventKind::Acked { number },
                        Err(error) => EventKind::Failed { number, code: error.to_string() },
                    };
                    queue(&events, client, what).await;
                });
            }
            Some(_) = tickets.join_next() => {}
        }
    }
}

/// Reports a status, unless it is shown already.
async fn show(client: u32, status: &Status, shown: &mut Option<ClientStatus>, events: &Events) {
    let name = standing(status);
    let reason = match status {
        Status::Resuming { after, .. } => Some(after),
        other => other.closing(),
    };
    if *shown == Some(name) {
        return;
    }
    *shown = Some(name);
    let reason = reason.map(|closing| format!("{} {}", closing.code(), closing.reason()));
    queue(events, client, EventKind::Status { name, reason }).await;
}

/// Returns the name of a status, also of one that this program does not know.
fn standing(status: &Status) -> ClientStatus {
    let shown = format!("{status:?}");
    let name = shown.split(|letter: char| !letter.is_alphabetic()).next().unwrap_or_default().to_lowercase();
    serde_json::from_value(name.into()).unwrap_or(ClientStatus::Other)
}

#[cfg(test)]
mod tests {
    use rtbroadcaster::remote::Closing;

    use super::*;

    #[test]
    fn a_status_is_known_by_its_name() {
        let after = Closing::with(1006, "lost");
        assert_eq!(standing(&Status::Live), ClientStatus::Live);
        assert_eq!(standing(&Status::Connecting { failed: 2, next: None }), ClientStatus::Connecting);
        assert_eq!(standing(&Status::Resuming { failed: 1, next: None, after: after.clone() }), ClientStatus::Resuming);
        assert_eq!(standing(&Status::Closed(after)), ClientStatus::Closed);
    }
}
