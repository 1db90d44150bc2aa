//! Clients of version 2 on real connections: one that says and reads frames, and a viewer that follows a room by the
//! rules. Must not know what the server should say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rtbroadcaster::Manager;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::follower::Follower;
use super::frame::{self, Frame, Owned};
use super::ledger::LAST;
use crate::client::{Came, Client, request};
use crate::house::{House, in_memory_speaking};
use crate::moment::{LONG, until_time, within_time};

/// What is offered to speak version 2.
pub(crate) const V2: &str = "rtbroadcaster.v2";

/// A connection that speaks version 2 and has said nothing yet.
pub(crate) async fn connect(house: &House) -> Client {
    let request = request(&house.address.to_string(), Some(V2));
    Client::connect_as(house.address, request).await.unwrap()
}

/// The same with a kernel that holds little, so that the client is slow as soon as it does not read.
pub(crate) async fn connect_narrow(house: &House) -> Client {
    Client::connect_narrow_as(house.address, request(&house.address.to_string(), Some(V2))).await
}

/// The same over a stream of which the library cannot know the socket. It takes `buffer_bytes` that are not read.
pub(crate) async fn connect_in_memory(manager: &Manager, buffer_bytes: usize) -> Client<DuplexStream> {
    in_memory_speaking(manager, buffer_bytes, Some(V2)).await
}

/// What an owner has to know of its room.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) epoch: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// The next thing that comes is a frame.
    pub(crate) async fn frame(&mut self) -> Frame {
        frame::read(&self.text().await)
    }

    /// Joins `room` by version 2, whose state is empty.
    pub(crate) async fn watch(&mut self, room: &str) {
        self.send(&frame::join("join", room, None)).await;
        assert!(matches!(self.frame().await, Frame::Joined(_)));
    }

    /// Opens a room by version 2.
    pub(crate) async fn open_room(&mut self) -> Room {
        self.send(&frame::create("create")).await;
        match self.frame().await {
            Frame::Created { id, room, owner_key, epoch, term: 1, seq: 0, .. } if id == "create" => {
                Room { name: room, key: owner_key, epoch }
            }
            other => panic!("expected `created`, but came {other:?}"),
        }
    }

    /// Takes `room` over, and gives the answer and the state that follows it.
    pub(crate) async fn take_over(&mut self, room: &Room) -> (Owned, Vec<(u64, String)>) {
        self.send(&frame::own("own", &room.name, &room.key)).await;
        self.owned(room).await
    }

    /// The next thing that comes is the answer to a takeover, and the state.
    pub(crate) async fn owned(&mut self, room: &Room) -> (Owned, Vec<(u64, String)>) {
        let owned = match self.frame().await {
            Frame::Owned(owned) => owned,
            other => panic!("expected `owned`, but came {other:?}"),
        };
        assert_eq!((owned.id.as_str(), &owned.room, &owned.epoch), ("own", &room.name, &room.epoch));
        let mut state = Vec::new();
        for _ in 0..owned.replay {
            let text = self.text().await;
            match frame::read(&text) {
                Frame::Message(message) if message.state => state.push((message.seq.unwrap(), text)),
                other => panic!("expected the state, but came {other:?}"),
            }
        }
        (owned, state)
    }

    /// The next frame tells that the server closes, the next thing is the close with the same word.
    pub(crate) async fn expect_closed(&mut self, code: u16, word: &str) {
        let closed = self.frame().await;
        // Only the end of a room has a cause of its own.
        let is_room = word == "room_closed";
        let Frame::Closed { reason, why } = &closed else { panic!("no end: {closed:?}") };
        assert!(reason == word && why.is_some() == is_room, "{closed:?}");
        assert_eq!(self.next().await, Came::Close(code, word.to_owned()));
        self.expect_end().await;
    }
}

/// A viewer on one connection.
#[derive(Debug)]
pub(crate) struct Viewer<S = TcpStream> {
    pub(crate) client: Client<S>,
    pub(crate) follower: Follower,
}

impl Viewer<TcpStream> {
    /// A viewer that has just come to `room`.
    pub(crate) async fn new(house: &House, room: &str) -> Self {
        Self::join(connect(house).await, room, Follower::default()).await
    }

    /// The same, slow as soon as it does not read.
    pub(crate) async fn narrow(house: &House, room: &str) -> Self {
        Self::join(connect_narrow(house).await, room, Follower::default()).await
    }

    /// Comes to `room` with what `follower` has heard on other connections.
    pub(crate) async fn again(house: &House, room: &str, follower: Follower) -> Self {
        Self::join(connect(house).await, room, follower).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Viewer<S> {
    /// Joins `room` where `follower` stands, and reads the answer.
    pub(crate) async fn join(client: Client<S>, room: &str, follower: Follower) -> Self {
        let mut viewer = Self::asking(client, room, follower).await;
        viewer.step().await;
        let joined = viewer.follower.last_joined();
        assert_eq!((joined.id.as_str(), joined.room.as_str()), ("join", room));
        viewer
    }

    /// Asks to join, and reads nothing.
    pub(crate) async fn asking(mut client: Client<S>, room: &str, mut follower: Follower) -> Self {
        follower.cut();
        let cursor = follower.ask();
        client.send(&frame::join("join", room, cursor.as_deref())).await;
        Self { client, follower }
    }

    /// Takes what comes next in; it is a frame.
    pub(crate) async fn step(&mut self) {
        match self.client.next().await {
            Came::Text(text) => self.follower.take(&text),
            other => panic!("expected a frame at {}, but came {other:?}", self.follower.seq()),
        }
    }

    /// Reads until `condition` holds.
    pub(crate) async fn until(&mut self, what: &str, condition: impl Fn(&Follower) -> bool) {
        let reading = async {
            while !condition(&self.follower) {
                self.step().await;
            }
        };
        within_time(LONG, what, reading).await;
    }

    /// Reads until it stands at `seq`, or behind it.
    pub(crate) async fn until_seq(&mut self, seq: u64) {
        self.until("that message", |follower| follower.seq() >= seq && !follower.is_owed()).await;
    }

    /// Reads until it holds the last thing of the story.
    pub(crate) async fn until_last(&mut self) {
        self.until("the last message", |follower| follower.holds(LAST) && !follower.is_owed()).await;
    }

    /// Reads all that comes before the answer to a ping, and what is owed then.
    pub(crate) async fn until_answered(&mut self) {
        self.client.send_ping(b"there?").await;
        loop {
            match self.client.next().await {
                Came::Text(text) => self.follower.take(&text),
                Came::Pong(payload) if payload == b"there?" => break,
                other => panic!("expected the pong, but came {other:?}"),
            }
        }
        self.until("what is owed", |follower| !follower.is_owed()).await;
    }

    /// Pauses, and reads until the server has taken that.
    pub(crate) async fn pause(&mut self) {
        self.client.send(frame::PAUSE).await;
        self.until_answered().await;
        self.follower.pause_is_taken();
    }

    /// Goes on, and reads the answer and what it announces.
    pub(crate) async fn unpause(&mut self, id: &str) {
        self.follower.ask();
        self.client.send(&frame::unpause(id)).await;
        self.until("what is owed", |follower| !follower.is_owed()).await;
        assert_eq!(self.follower.last_joined().id, id);
    }

    /// Reads until the connection ends, and gives how.
    pub(crate) async fn until_end(&mut self) -> Came {
        loop {
            match self.client.next().await {
                Came::Text(text) => self.follower.take(&text),
                other => return other,
            }
        }
    }
}

/// A viewer that reads as fast as it can, on a task of its own, up to the last thing of the story.
#[derive(Debug)]
pub(crate) struct Listener {
    /// Where it stands.
    at: Arc<AtomicU64>,
    reading: JoinHandle<Follower>,
}

/// How far behind a viewer may be for which nothing waits but in the kernel.
const BEHIND_MAX: u64 = 8;

impl Listener {
    pub(crate) async fn join(house: &House, room: &str) -> Self {
        Self::follow(Viewer::new(house, room).await)
    }

    pub(crate) fn follow<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(mut viewer: Viewer<S>) -> Self {
        let at = Arc::new(AtomicU64::new(0));
        let reading = async move |at: Arc<AtomicU64>| {
            while !viewer.follower.holds(LAST) || viewer.follower.is_owed() {
                match viewer.client.next_at_any_time().await {
                    Came::Text(text) => viewer.follower.take(&text),
                    other => panic!("a reading viewer was closed at {}: {other:?}", viewer.follower.seq()),
                }
                at.store(viewer.follower.seq(), Ordering::Relaxed);
            }
            viewer.follower
        };
        Self { at: Arc::clone(&at), reading: tokio::spawn(reading(at)) }
    }

    /// Waits until it is at most a few messages behind `seq`.
    pub(crate) async fn is_in_step(&self, seq: u64) {
        let near = || self.at.load(Ordering::Relaxed) + BEHIND_MAX >= seq || self.reading.is_finished();
        until_time(LONG, "a listener is in step", near).await;
    }

    /// Waits until it stands at `seq`, so that everything up to there was offered to all members.
    pub(crate) async fn is_at(&self, seq: u64) {
        until_time(LONG, "a listener is there", || self.at.load(Ordering::Relaxed) >= seq).await;
    }

    /// What it heard up to the last thing of the story.
    pub(crate) async fn follower(self) -> Follower {
        within_time(LONG, "the last message", self.reading).await.unwrap()
    }
}
