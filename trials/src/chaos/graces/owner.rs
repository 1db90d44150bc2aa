//! The owner of a room as a client that behaves: it comes back when the server has advised it, or by its backoff. Must
//! not know when a server ends.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};

use super::backoff::{Backoff, part_of};
use crate::load::peer::{Peer, PeerError, ReadOutcome, V2};
use crate::model::answer::{Answer, Reason};
use crate::random::Random;

/// The most time of an attempt to come back: a starting server accepts connections before it reads them.
const ATTEMPT: Duration = Duration::from_secs(20);

/// The longest time after a refusal until it tries again.
const REFUSAL_MAX: Duration = Duration::from_secs(15);

/// The events of an owner.
#[derive(Debug)]
pub(super) enum OwnerEvent {
    /// It owns its room, and a message was acknowledged.
    Back { room: usize, at: Instant },
    /// Its room does not exist any more.
    Lost { room: usize, text: String },
    /// There was no server.
    NoServer,
    /// The server asked it to come back later.
    Refused,
    /// It received something that cannot be.
    Odd { room: usize, what: String },
}

/// An owner.
pub(super) struct Owner {
    peer: Peer,
    /// Its index.
    number: usize,
    room: String,
    key: String,
    epoch: String,
    /// The number of its newest message that was acknowledged.
    acked: u64,
    /// The number of messages it has published.
    said: u64,
    alive: Duration,
    random: Random,
}

/// The reason why it is not back.
enum Outside {
    NoServer,
    Lost(String),
    Later(Duration),
}

impl Owner {
    /// Opens a room whose owner asks for the first of these graces, and which waits for its owner for the second.
    pub(super) async fn create(
        address: SocketAddr,
        number: usize,
        (wish, grace): (Option<u64>, u64),
        random: Random,
    ) -> Result<Self, PeerError> {
        let mut peer = Peer::open_as(address, V2).await?;
        let wish = wish.map_or_else(String::new, |wish| format!(r#","graceMs":{wish}"#));
        peer.say(&format!(r#"{{"type":"create","id":"create"{wish}}}"#)).await?;
        let text = peer.answer().await?;
        let Ok(Answer::Created(created)) = Answer::read(&text) else {
            return Err(PeerError::Answer(text));
        };
        if created.grace_ms != Some(grace) {
            return Err(PeerError::Answer(format!("{text}, not a grace of {grace} ms")));
        }
        let (room, key) = (created.room.into_owned(), created.owner_key.into_owned());
        let (epoch, acked) = (created.epoch.into_owned(), created.seq);
        let alive = Duration::from_millis(created.alive_ms);
        let mut owner = Self { peer, number, room, key, epoch, acked, said: 0, alive, random };
        owner.say().await?;
        Ok(owner)
    }

    /// Stays, and comes back, until its room is lost or the task is aborted.
    pub(super) async fn attend(mut self, address: SocketAddr, events: UnboundedSender<OwnerEvent>) {
        // If the receiver has ended, this owner ends too.
        let tell = |event| drop(events.send(event));
        let (mut backoff, mut begun) = (Backoff::default(), Instant::now());
        loop {
            let advice = self.stay().await;
            backoff.ended_after(begun.elapsed());
            sleep(advice.unwrap_or_else(|| backoff.next(&mut self.random))).await;
            let mut refusals = 0;
            loop {
                match self.come_back(address).await {
                    Ok(odd) => {
                        odd.into_iter().for_each(|what| tell(OwnerEvent::Odd { room: self.number, what }));
                        break;
                    }
                    Err(Outside::Lost(text)) => return tell(OwnerEvent::Lost { room: self.number, text }),
                    Err(Outside::NoServer) => {
                        tell(OwnerEvent::NoServer);
                        sleep(backoff.next(&mut self.random)).await;
                    }
                    Err(Outside::Later(time)) => {
                        tell(OwnerEvent::Refused);
                        let bound = time.saturating_mul(1 << refusals).min(REFUSAL_MAX);
                        refusals = (refusals + 1).min(16);
                        sleep(part_of(bound, &mut self.random)).await;
                    }
                }
            }
            begun = Instant::now();
            tell(OwnerEvent::Back { room: self.number, at: begun });
        }
    }

    /// Answers the server until the connection ends. Returns the server's advice when to come back, if there is any.
    async fn stay(&mut self) -> Option<Duration> {
        let mut advice = None;
        // Servers without heartbeats are not tried here.
        let silence = self.alive * 2;
        loop {
            let heard = self.peer.hear(|text| {
                let text = String::from_utf8_lossy(text);
                if let Ok(Answer::Draining(draining)) = Answer::read(&text) {
                    advice = Some(Instant::now() + Duration::from_millis(draining.reconnect_in_ms));
                }
            });
            if !matches!(timeout(silence, heard).await, Ok(Ok(ReadOutcome::Open))) {
                // The server need not wait for this side.
                let _ = self.peer.end_this_side().await;
                return advice.map(|advice| advice.saturating_duration_since(Instant::now()));
            }
        }
    }

    /// Connects and owns the room again. Returns what it received that cannot be, if anything.
    async fn come_back(&mut self, address: SocketAddr) -> Result<Option<String>, Outside> {
        let attempt = async {
            let Self { room, key, epoch, acked, .. } = &*self;
            let mut peer = Peer::open_as(address, V2).await?;
            let cursor = format!(r#""cursor":{{"epoch":"{epoch}","seq":{acked}}}"#);
            peer.say(&format!(
                r#"{{"type":"own","id":"own","room":"{room}","ownerKey":"{key}",{cursor},"lives":true}}"#
            ))
            .await?;
            let text = next(&mut peer).await?;
            Ok::<_, PeerError>((peer, text))
        };
        let Ok(Ok((mut peer, text))) = timeout(ATTEMPT, attempt).await else { return Err(Outside::NoServer) };
        let owned = match Answer::read(&text) {
            Ok(Answer::Owned(owned)) => owned,
            Ok(Answer::Error(refusal)) if refusal.code == "no_room" => return Err(Outside::Lost(text)),
            Ok(Answer::Error(refusal)) => {
                return Err(Outside::Later(Duration::from_millis(refusal.retry_in_ms.unwrap_or(1_000))));
            }
            _ => return Err(Outside::NoServer),
        };
        for _ in 0..owned.replay {
            next(&mut peer).await.map_err(|_| Outside::NoServer)?;
        }
        let is_odd = owned.reason.is_some_and(|reason| reason != Reason::Retention) || owned.seq < self.acked;
        self.epoch = owned.epoch.to_string();
        self.peer = peer;
        let odd = is_odd.then(|| format!("{text}, {} was acknowledged", self.acked));
        self.say().await.map_err(|_| Outside::NoServer)?;
        Ok(odd)
    }

    /// Publishes a message and waits until it is acknowledged.
    async fn say(&mut self) -> Result<(), PeerError> {
        self.said += 1;
        let (number, id) = (self.said, self.random.next());
        self.peer
            .say(&format!(
                r#"{{"type":"publish","id":"{id:016x}-{number}","key":"count","params":[{number}],"state":true}}"#
            ))
            .await?;
        let text = next(&mut self.peer).await?;
        match Answer::read(&text) {
            Ok(Answer::Ack(ack)) => self.acked = ack.seq,
            _ => return Err(PeerError::Answer(text)),
        }
        Ok(())
    }
}

/// Returns the next text that is no heartbeat.
async fn next(peer: &mut Peer) -> Result<String, PeerError> {
    loop {
        let text = peer.answer().await?;
        if !matches!(Answer::read(&text), Ok(Answer::Alive(_) | Answer::Audience(_))) {
            return Ok(text);
        }
    }
}
