//! The owner of the herds' room: publishes at a steady rate, and counts the acknowledged messages. Must not know
//! viewers.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::chaos::clients::{Event, EventKind, Library, PublishHandle, events};
use crate::steps::Failure;

/// The most time until it has its room, and until its last message is acknowledged.
const SOON: Duration = Duration::from_secs(30);

/// The owner, connected directly to the server.
pub(in crate::chaos) struct Owner {
    pub(in crate::chaos) room: String,
    /// The number of messages that it was asked to publish.
    published: u64,
    voice: PublishHandle,
    _library: Library,
    settled: watch::Receiver<(u64, u64)>,
    _listening: JoinHandle<()>,
}

impl Owner {
    /// Creates a room.
    pub(in crate::chaos) async fn open(server: SocketAddr) -> Result<Self, Failure> {
        let (told, mut received) = events();
        let mut library = Library::default();
        let voice = library.host(0, &format!("ws://{server}/broadcasting"), &told);
        let (opened, room) = oneshot::channel();
        let (count, settled) = watch::channel((0, 0));
        let listening = tokio::spawn(async move {
            let mut opened = Some(opened);
            while let Some(Event { what, .. }) = received.recv().await {
                match what {
                    EventKind::Opened { room } => drop(opened.take().map(|opened| opened.send(room))),
                    EventKind::Acked { .. } => count.send_modify(|(acked, _)| *acked += 1),
                    EventKind::Failed { .. } => count.send_modify(|(_, failed)| *failed += 1),
                    _ => {}
                }
            }
        });
        let room = timeout(SOON, room).await.ok().and_then(Result::ok);
        let room = room.ok_or_else(|| Failure::new("the owner has no room"))?;
        Ok(Self { room, published: 0, voice, _library: library, settled, _listening: listening })
    }

    /// Publishes one message each `every` until `is_enough` is done.
    pub(in crate::chaos) async fn speak<T>(&mut self, every: Duration, is_enough: impl Future<Output = T>) -> T {
        let mut beat = interval(every);
        // As many messages as there are beats, however busy the machine is.
        beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
        tokio::pin!(is_enough);
        loop {
            tokio::select! {
                biased;
                done = &mut is_enough => return done,
                _ = beat.tick() => {
                    self.published += 1;
                    self.voice.publish(self.published, 0).await;
                }
            }
        }
    }

    /// Waits until everything is acknowledged, and returns the number of the last message.
    pub(in crate::chaos) async fn settle(&mut self) -> Result<u64, Failure> {
        let published = self.published;
        let settled = timeout(SOON, self.settled.wait_for(|(acked, failed)| acked + failed == published)).await;
        match settled {
            Ok(Ok(counts)) if counts.1 == 0 => Ok(published),
            _ => Err(Failure::new(format!("of {published} messages not all are acknowledged"))),
        }
    }
}
