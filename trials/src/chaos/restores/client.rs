//! Joins of one viewer and returns of one owner, each on a connection of its own. Must not know which answers are
//! right.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use crate::chaos::speaker::Saying;
use crate::load::frame::{Opcode, masked};
use crate::load::peer::{Peer, PeerError, V2};
use crate::model::answer::{Answer, How, Reason};

/// The most time of an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A room as its owner knows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Room {
    pub(super) id: String,
    pub(super) key: String,
}

/// The request of a join.
#[derive(Debug, Clone, Copy)]
pub(super) struct JoinRequest<'a> {
    pub(super) cursor: Option<(&'a str, u64)>,
    pub(super) lives: bool,
    /// How much of the replay is read before the connection is closed.
    pub(super) read: Read,
}

/// How much of a replay is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    All,
    Half,
}

/// The answer to a join.
#[derive(Debug, Clone)]
pub(super) struct JoinAnswer {
    pub(super) epoch: String,
    pub(super) seq: u64,
    pub(super) how: How,
    pub(super) reason: Option<Reason>,
    /// The number of frames that the replay has.
    pub(super) announced: u64,
    /// The frames that were read.
    pub(super) replay: Vec<String>,
}

/// Joins a room, reads the replay and closes the connection.
pub(super) async fn join(address: SocketAddr, room: &Room, asked: JoinRequest<'_>) -> Result<JoinAnswer, PeerError> {
    in_time(async {
        let (_, told) = enter(address, room, asked).await?;
        Ok(told)
    })
    .await
}

/// Joins a room and reads the replay.
pub(super) async fn enter(
    address: SocketAddr,
    room: &Room,
    asked: JoinRequest<'_>,
) -> Result<(Peer, JoinAnswer), PeerError> {
    let mut peer = Peer::open_as(address, V2).await?;
    let cursor = asked.cursor.map_or_else(String::new, cursor);
    let lives = if asked.lives { r#","lives":true"# } else { "" };
    peer.say(&format!(r#"{{"type":"join","id":"join","room":"{}"{cursor}{lives}}}"#, room.id)).await?;
    let text = next(&mut peer).await?;
    let Ok(Answer::Joined(joined)) = Answer::read(&text) else {
        return Err(PeerError::Answer(text));
    };
    let mut replay = Vec::new();
    let count = if asked.read == Read::All { joined.replay } else { joined.replay / 2 };
    for _ in 0..count {
        replay.push(next(&mut peer).await?);
    }
    let (seq, how, reason) = (joined.seq, joined.how, joined.reason);
    let told = JoinAnswer { epoch: joined.epoch.to_string(), seq, how, reason, announced: joined.replay, replay };
    Ok((peer, told))
}

fn cursor((epoch, seq): (&str, u64)) -> String {
    format!(r#","cursor":{{"epoch":"{epoch}","seq":{seq}}}"#)
}

/// Returns the next text that is neither `alive` nor `audience`.
async fn next(peer: &mut Peer) -> Result<String, PeerError> {
    loop {
        let text = peer.answer().await?;
        if !matches!(Answer::read(&text), Ok(Answer::Alive(_) | Answer::Audience(_))) {
            return Ok(text);
        }
    }
}

/// Returns the outcome of `work`, or fails if it takes too long.
pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, PeerError>>) -> Result<T, PeerError> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(PeerError::Answer(format!("none within {PATIENCE:?}"))))
}

/// An owner with its connection.
pub(super) struct Owner {
    peer: Peer,
    /// The prefix of its ids.
    prefix: u64,
    /// The number of messages it has published.
    said: u64,
    /// The number of them that are acknowledged.
    acked: u64,
}

/// The answer to an owner that comes back.
pub(super) struct Owned {
    pub(super) epoch: String,
    pub(super) seq: u64,
    pub(super) how: Option<How>,
    pub(super) reason: Option<Reason>,
}

impl Owner {
    /// Opens a room.
    pub(super) async fn create(address: SocketAddr, prefix: u64) -> Result<(Self, Room), PeerError> {
        in_time(async {
            let mut peer = Peer::open_as(address, V2).await?;
            peer.say(r#"{"type":"create","id":"create"}"#).await?;
            let text = next(&mut peer).await?;
            let Ok(Answer::Created(created)) = Answer::read(&text) else {
                return Err(PeerError::Answer(text));
            };
            let room = Room { id: created.room.to_string(), key: created.owner_key.to_string() };
            Ok((Self { peer, prefix, said: 0, acked: 0 }, room))
        })
        .await
    }

    /// Owns a room again, by its key.
    pub(super) async fn own(
        address: SocketAddr,
        prefix: u64,
        room: &Room,
        at: (&str, u64),
    ) -> Result<(Self, Owned), PeerError> {
        in_time(async {
            let mut peer = Peer::open_as(address, V2).await?;
            let (id, key) = (&room.id, &room.key);
            let cursor = cursor(at);
            peer.say(&format!(r#"{{"type":"own","id":"own","room":"{id}","ownerKey":"{key}"{cursor},"lives":true}}"#))
                .await?;
            let text = next(&mut peer).await?;
            let Ok(Answer::Owned(owned)) = Answer::read(&text) else {
                return Err(PeerError::Answer(text));
            };
            for _ in 0..owned.replay {
                next(&mut peer).await?;
            }
            let (seq, how, reason) = (owned.seq, owned.how, owned.reason);
            let owned = Owned { epoch: owned.epoch.to_string(), seq, how, reason };
            Ok((Self { peer, prefix, said: 0, acked: 0 }, owned))
        })
        .await
    }

    /// Publishes these messages in one write.
    pub(super) async fn say(&mut self, sayings: &[Saying]) -> Result<(), PeerError> {
        let mut frames = Vec::new();
        for saying in sayings {
            let id = format!("{:016x}-{}", self.prefix, self.said);
            self.said += u64::from(saying.has_id);
            frames.extend(masked(Opcode::Text, saying.text(&id).as_bytes()));
        }
        Ok(self.peer.send(&frames).await?)
    }

    /// Waits until every message with an id is acknowledged. Returns the number of the last one, if there was any.
    pub(super) async fn settle(&mut self) -> Result<Option<u64>, PeerError> {
        in_time(async {
            let mut last = None;
            while self.acked < self.said {
                let text = next(&mut self.peer).await?;
                match Answer::read(&text) {
                    Ok(Answer::Ack(ack)) => (self.acked, last) = (self.acked + 1, Some(ack.seq)),
                    _ => return Err(PeerError::Answer(text)),
                }
            }
            Ok(last)
        })
        .await
    }

    /// Ends the room.
    pub(super) async fn close(mut self) -> Result<(), PeerError> {
        self.peer.say(r#"{"type":"close"}"#).await?;
        self.attend().await;
        Ok(())
    }

    /// Reads until the server ends the connection.
    pub(super) async fn attend(mut self) {
        while in_time(self.peer.answer()).await.is_ok() {}
    }
}

/// A viewer that stays.
pub(super) struct StayingViewer {
    peer: Peer,
    pub(super) epoch: String,
    /// The texts of all numbered messages that it has seen, from the first one on.
    pub(super) seen: Vec<String>,
}

impl StayingViewer {
    /// Joins with the messages of an earlier life, if there are any. Returns also the answer.
    pub(super) async fn join(
        address: SocketAddr,
        room: &Room,
        before: Option<(&str, Vec<String>)>,
    ) -> Result<(Self, How), PeerError> {
        in_time(async {
            let (cursor, mut seen) = match before {
                Some((epoch, seen)) => (Some((epoch, seen.len() as u64)), seen),
                None => (None, Vec::new()),
            };
            let (peer, told) = enter(address, room, JoinRequest { cursor, lives: true, read: Read::All }).await?;
            if told.how == How::Resumed {
                seen.extend(told.replay);
            }
            Ok((Self { peer, epoch: told.epoch, seen }, told.how))
        })
        .await
    }

    /// Reads until it has so many messages.
    pub(super) async fn hear_until(&mut self, count: u64) -> Result<(), PeerError> {
        in_time(async {
            while (self.seen.len() as u64) < count {
                let text = next(&mut self.peer).await?;
                self.enter(text);
            }
            Ok(())
        })
        .await
    }

    /// Reads until the server ends the connection. Returns its epoch and its messages.
    pub(super) async fn attend(mut self) -> (String, Vec<String>) {
        while let Ok(text) = in_time(next(&mut self.peer)).await {
            self.enter(text);
        }
        (self.epoch, self.seen)
    }

    fn enter(&mut self, text: String) {
        if matches!(Answer::read(&text), Ok(Answer::Message(message)) if message.seq.is_some()) {
            self.seen.push(text);
        }
    }
}
