//! The viewers that join the rooms of a starting server. Must not know how long that may take.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::chaos::model_feed::ModelFeed;
use crate::chaos::speaker::SharedRecord;
use crate::load::peer::{Peer, PeerError, V2};
use crate::model::answer::How;
use crate::model::fault::{Fault, Faults};
use crate::model::state;
use crate::model::{CursorClaim, Model};
use crate::steps::Failure;

/// The time until a client that found no server tries again.
const RETRY: Duration = Duration::from_millis(1);

/// The most time of each step.
const PATIENCE: Duration = Duration::from_secs(60);

/// The observations of one server, and their times.
#[derive(Debug)]
pub(super) struct ArrivalTimes {
    port: Instant,
    ready: Instant,
    first: Instant,
    all: Instant,
    resumed: usize,
    faults: Faults,
}

/// The times from the start of the server's process.
#[derive(Debug, Clone, Copy)]
pub(super) struct ArrivalDelays {
    /// Until a connection was accepted.
    pub(super) port: Duration,
    /// Until `/readyz` answered that the server is ready.
    pub(super) ready: Duration,
    /// Until the first viewer had all of a room's state.
    pub(super) first: Duration,
    /// Until one viewer in each room had all of its messages.
    pub(super) all: Duration,
    /// The number of them that resumed and ended with the owner's state.
    pub(super) resumed: usize,
}

impl ArrivalTimes {
    pub(super) fn since(self, begun: Instant) -> (ArrivalDelays, Faults) {
        let since = |at: Instant| at.saturating_duration_since(begun);
        let Self { port, ready, first, all, resumed, faults } = self;
        (
            ArrivalDelays { port: since(port), ready: since(ready), first: since(first), all: since(all), resumed },
            faults,
        )
    }
}

/// Tries to join the room number `first`, and after that all of them.
pub(super) async fn arrive(
    address: SocketAddr,
    rooms: Vec<SharedRecord>,
    first: usize,
) -> Result<ArrivalTimes, Failure> {
    let arriving = async {
        let stranger = ArrivingViewer::new(rooms[first].clone(), Model::default());
        let stranger = async { Ok::<_, io::Error>((stranger.stay(address).await, Instant::now())) };
        let ((port, ready), (stranger, first)) = tokio::try_join!(probe(address), stranger)?;
        let viewers = rooms.into_iter().map(|room| ArrivingViewer::new(room, Model::from_the_first()));
        let mut staying: JoinSet<_> = viewers.map(|viewer| viewer.stay(address)).collect();
        let mut viewers = Vec::new();
        while let Some(viewer) = staying.join_next().await {
            viewers.push(viewer.expect("a viewer does not panic"));
        }
        let all = Instant::now();
        let resumed = viewers.iter().filter(|viewer| viewer.has_resumed()).count();
        let mut faults = stranger.model.faults;
        viewers.iter().for_each(|viewer| faults.add(&viewer.model.faults));
        Ok(ArrivalTimes { port, ready, first, all, resumed, faults })
    };
    let arrived = timeout(PATIENCE, arriving).await;
    let arrived = arrived.map_err(|_| Failure::new(format!("not every viewer was in a room after {PATIENCE:?}")))?;
    arrived.map_err(|error: io::Error| Failure::new(format!("the server is not ready: {error}")))
}

/// Returns when a connection was accepted, and when the server said that it is ready.
async fn probe(address: SocketAddr) -> io::Result<(Instant, Instant)> {
    let mut port = None;
    loop {
        let mut stream = connect(address).await?;
        let port = *port.get_or_insert_with(Instant::now);
        stream
            .write_all(format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
            .await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        if answer.starts_with("HTTP/1.1 200 ") {
            return Ok((port, Instant::now()));
        }
        sleep(RETRY).await;
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    loop {
        match TcpStream::connect(address).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => sleep(RETRY).await,
            connected => return connected,
        }
    }
}

/// A viewer of one room.
struct ArrivingViewer {
    room: SharedRecord,
    model: Model,
    feed: ModelFeed,
    /// Its connection, once it has everything that it asked for.
    peer: Option<Peer>,
}

impl ArrivingViewer {
    fn new(room: SharedRecord, model: Model) -> Self {
        Self { room, model, feed: ModelFeed::default(), peer: None }
    }

    /// Joins as soon as there is a server, reads everything that it has missed, and stays.
    async fn stay(mut self, address: SocketAddr) -> Self {
        let stayed = loop {
            match self.join(address).await {
                Err(PeerError::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => sleep(RETRY).await,
                joined => break joined,
            }
        };
        match stayed {
            Ok(peer) => self.peer = Some(peer),
            Err(error) => self.model.faults.note(Fault::OddEnd, || format!("a viewer's connection: {error}")),
        }
        self
    }

    async fn join(&mut self, address: SocketAddr) -> Result<Peer, PeerError> {
        let mut peer = Peer::open_as(address, V2).await?;
        let join = self.model.join("join".into(), CursorClaim::Honest, &self.room.read());
        peer.say(&join).await?;
        while !self.model.is_live() {
            self.feed.hear(&mut peer, usize::MAX, &mut self.model, &self.room).await?;
            if let Some(code) = self.feed.refused.take() {
                return Err(PeerError::Answer(code));
            }
        }
        Ok(peer)
    }

    /// Returns whether it resumed, and has every message and the owner's state now.
    fn has_resumed(&self) -> bool {
        let record = self.room.read();
        let last = record.last();
        let fold = record.fold(last);
        let has_state = self.model.state().hash() == state::hash(fold.iter().filter_map(|&seq| record.frame(seq)));
        let has_all = self.model.ledger().counts(last).received == last && self.model.position() == Some(last);
        self.peer.is_some() && self.feed.joined == Some((How::Resumed, None)) && has_state && has_all
    }
}
