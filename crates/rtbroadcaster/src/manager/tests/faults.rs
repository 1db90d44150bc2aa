//! What a panic ends, and what goes on beside it. Over real sockets; what panics is a stream, an engine, or the
//! protocol of a member: whatever of a running server comes from outside.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
#[cfg(feature = "disk")]
use rtbroadcaster_core::id::Life;
#[cfg(feature = "disk")]
use rtbroadcaster_core::identity::Secret;
use rtbroadcaster_core::identity::ViewerKey;
#[cfg(feature = "disk")]
use rtbroadcaster_core::message::Message;
use rtbroadcaster_core::protocol::{Dialect, classic, v2};
#[cfg(feature = "disk")]
use rtbroadcaster_core::record::{Append, Handover, LifeIndex, Lives};
use rtbroadcaster_core::room::core::Welcome;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
#[cfg(feature = "disk")]
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message as Came};

use super::*;
#[cfg(feature = "disk")]
use crate::engine::{Engine, Follower, Health};
use crate::socket::LaneSocket;

/// What anything may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// One client.
struct Peer {
    socket: WebSocketStream<TcpStream>,
    /// The server's next read from it panics.
    panics: Arc<AtomicBool>,
}

/// A stream under a client whose next read panics if that is said: in the client's task, which holds no lock then.
struct Faulty {
    tcp: TcpStream,
    panics: Arc<AtomicBool>,
}

impl AsyncRead for Faulty {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        assert!(!self.panics.swap(false, Ordering::Relaxed), "a test wants this");
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

impl Peer {
    /// One that is in no room.
    async fn connect(manager: &Manager, dialect: &'static Dialect) -> Self {
        Self::connect_over(manager, dialect, |tcp, _| Socket::direct(LaneSocket::Tcp(tcp))).await
    }

    /// One that is in no room, and whose task can be made to panic.
    async fn connect_faulty(manager: &Manager, dialect: &'static Dialect) -> Self {
        Self::connect_over(manager, dialect, |tcp, panics| Socket::Stream(Box::new(Faulty { tcp, panics }))).await
    }

    async fn connect_over(
        manager: &Manager,
        dialect: &'static Dialect,
        socket: impl FnOnce(TcpStream, Arc<AtomicBool>) -> Socket,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(connecting, listener.accept());
        let panics = Arc::new(AtomicBool::new(false));
        let socket = socket(accepted.unwrap().0, Arc::clone(&panics));
        let ticket = manager.server().admit(None).unwrap();
        Client::serve(manager.server(), socket, &[], dialect, Permit::anything(), tokio::time::Instant::now(), ticket);
        Self { socket: WebSocketStream::from_raw_socket(client.unwrap(), Role::Client, None).await, panics }
    }

    /// Its task panics at what it says now.
    async fn panic(&mut self) {
        self.panics.store(true, Ordering::Relaxed);
        self.say(&json!({})).await;
    }

    /// An owner of version 2, its room, and the room's key.
    async fn owner(manager: &Manager) -> (Self, String, String) {
        Self::connect(manager, &v2::DIALECT).await.create().await
    }

    async fn create(self) -> (Self, String, String) {
        let mut owner = self;
        owner.say(&json!({"type": "create", "id": "c"})).await;
        let created = owner.hear().await;
        let text = |name: &str| created[name].as_str().unwrap().to_owned();
        (owner, text("room"), text("ownerKey"))
    }

    /// A viewer of `room`, whose state is empty.
    async fn viewer(manager: &Manager, dialect: &'static Dialect, room: &str) -> Self {
        Self::connect(manager, dialect).await.join(dialect, room).await
    }

    async fn join(self, dialect: &'static Dialect, room: &str) -> Self {
        let mut viewer = self;
        let join = match dialect.name {
            None => json!({"uuid": room, "status": {"value": 2}}),
            Some(_) => json!({"type": "join", "id": "j", "room": room}),
        };
        viewer.say(&join).await;
        let joined = viewer.hear().await;
        assert!(joined["type"] == "joined" || joined["status"]["value"] == 3, "{joined}");
        viewer
    }

    async fn say(&mut self, message: &Value) {
        self.socket.send(Came::text(message.to_string())).await.unwrap();
    }

    /// Publishes an event.
    async fn publish(&mut self, key: &str) {
        self.say(&json!({"type": "publish", "key": key, "params": []})).await;
    }

    async fn next(&mut self) -> Option<Result<Came, Error>> {
        tokio::time::timeout(DEADLINE, self.socket.next()).await.expect("nothing came")
    }

    /// Returns the next message. Skips the size of the audience and the first heartbeat with viewers, which come at
    /// their own time.
    async fn hear(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Ok(Came::Ping(_))) => {}
                Some(Ok(Came::Text(text)))
                    if text.starts_with(r#"{"type":"audience""#) || text.starts_with(r#"{"type":"alive""#) => {}
                Some(Ok(Came::Text(text))) => return serde_json::from_str(&text).unwrap(),
                other => panic!("no message: {other:?}"),
            }
        }
    }

    /// The next message is the event `key`.
    async fn hear_event(&mut self, key: &str) {
        let message = self.hear().await;
        assert!(message["key"] == key || message["funcKey"] == key, "{message}");
    }

    /// The next thing is the close frame of a fault.
    async fn ends_by_fault(&mut self) {
        match self.next().await {
            Some(Ok(Came::Close(Some(close)))) => assert_eq!((close.code.into(), &*close.reason), (1011, "fault")),
            other => panic!("no close frame: {other:?}"),
        }
    }

    /// Checks that a version 2 client gets a fault that ends its connection, and not its room.
    async fn is_told_of_its_fault(&mut self) {
        assert_eq!(self.hear().await, json!({"type": "closed", "reason": "fault"}));
        self.ends_by_fault().await;
    }

    /// Checks that a version 2 client gets a fault that ends its room.
    async fn is_told_of_a_rooms_fault(&mut self) {
        assert_eq!(self.hear().await, json!({"type": "closed", "reason": "fault", "why": "fault"}));
        self.ends_by_fault().await;
    }

    /// Checks that a classic client gets a fault that ends its room.
    async fn is_told_of_a_rooms_fault_in_classic(&mut self) {
        assert_eq!(self.hear().await["status"], json!({"value": 0, "text": "not connected"}));
        self.ends_by_fault().await;
    }
}

/// Waits until `condition` holds.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(DEADLINE, holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn manager() -> Manager {
    Manager::new(Config::default())
}

fn viewers(manager: &Manager, room: &str) -> usize {
    manager.room(&room.parse().unwrap()).map_or(0, |room| room.viewers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_a_viewers_task_ends_that_viewer_and_no_other() {
    let manager = manager();
    let (mut owner, room, _) = Peer::owner(&manager).await;
    let mut good = Peer::viewer(&manager, &v2::DIALECT, &room).await;
    let mut good_classic = Peer::viewer(&manager, &classic::DIALECT, &room).await;
    let mut bad = Peer::connect_faulty(&manager, &v2::DIALECT).await.join(&v2::DIALECT, &room).await;
    let mut bad_classic = Peer::connect_faulty(&manager, &classic::DIALECT).await.join(&classic::DIALECT, &room).await;
    owner.publish("before").await;
    for viewer in [&mut good, &mut good_classic, &mut bad, &mut bad_classic] {
        viewer.hear_event("before").await;
    }
    bad.panic().await;
    bad.is_told_of_its_fault().await;
    bad_classic.panic().await;
    bad_classic.ends_by_fault().await;
    until("the room knows that they are gone", || viewers(&manager, &room) == 2).await;
    owner.publish("after").await;
    good.hear_event("after").await;
    good_classic.hear_event("after").await;
    drop((bad, bad_classic));
    until("their connections are counted no more", || manager.connections() == 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_an_owners_task_is_a_loss_of_the_owner_from_which_it_can_come_back() {
    let manager = manager();
    let (mut owner, room, key) = Peer::connect_faulty(&manager, &v2::DIALECT).await.create().await;
    let mut viewer = Peer::viewer(&manager, &v2::DIALECT, &room).await;
    owner.panic().await;
    owner.is_told_of_its_fault().await;
    let away = viewer.hear().await;
    assert_eq!((&away["status"], &away["term"]), (&json!("away"), &json!(1)), "{away}");
    let mut back = Peer::connect(&manager, &v2::DIALECT).await;
    back.say(&json!({"type": "own", "id": "o", "room": room, "ownerKey": key})).await;
    assert_eq!(back.hear().await["type"], "owned");
    assert_eq!(viewer.hear().await, json!({"type": "owner", "status": "live", "term": 2}));
    back.publish("again").await;
    viewer.hear_event("again").await;
}

/// The owner of one of two rooms publishes [`PANIC`], at which the server panics: all members of that room get its end,
/// and all of the other room go on.
async fn check_that_only_its_room_ends(manager: Manager, prepare: impl FnOnce(&Manager, &str)) {
    let (mut owner, room, owner_key) = Peer::owner(&manager).await;
    prepare(&manager, &room);
    let mut viewer = Peer::viewer(&manager, &v2::DIALECT, &room).await;
    let mut classic = Peer::viewer(&manager, &classic::DIALECT, &room).await;
    let (mut other_owner, other_room, _) = Peer::owner(&manager).await;
    let mut other_viewer = Peer::viewer(&manager, &v2::DIALECT, &other_room).await;

    owner.publish("before").await;
    viewer.hear_event("before").await;
    classic.hear_event("before").await;
    owner.publish(PANIC).await;
    viewer.is_told_of_a_rooms_fault().await;
    classic.is_told_of_a_rooms_fault_in_classic().await;
    owner.is_told_of_a_rooms_fault().await;

    until("the room is gone", || manager.room(&room.parse().unwrap()).is_none()).await;
    let mut late = Peer::connect(&manager, &v2::DIALECT).await;
    for request in [
        json!({"type": "join", "id": "j", "room": room}),
        json!({"type": "own", "id": "o", "room": room, "ownerKey": owner_key}),
    ] {
        late.say(&request).await;
        assert_eq!(late.hear().await["code"], "no_room");
    }
    other_owner.publish("after").await;
    other_viewer.hear_event("after").await;
    let mut other_late = Peer::viewer(&manager, &classic::DIALECT, &other_room).await;
    other_owner.publish("last").await;
    for viewer in [&mut other_viewer, &mut other_late] {
        viewer.hear_event("last").await;
    }
    drop((owner, viewer, classic, late));
    until("their connections are counted no more", || manager.connections() == 3).await;
    assert_eq!(manager.rooms().len(), 1);
}

/// The key of a message at which something panics.
const PANIC: &str = "panic";

/// An engine that panics when it is to take such a message, under the room's lock, and writes all others at once.
#[cfg(feature = "disk")]
#[derive(Debug)]
struct FaultyEngine(watch::Sender<Health>);

#[cfg(feature = "disk")]
impl Engine for FaultyEngine {
    fn append(&self, follower: &Arc<dyn Follower>, handover: Handover) {
        let Handover { position, append, .. } = handover;
        assert!(!matches!(append, Append::Message(record, ..) if record.key.as_str() == PANIC), "a test wants this");
        let follower = Arc::clone(follower);
        tokio::spawn(async move { follower.written(position) });
    }

    fn forget_lives_before(&self, _: LifeIndex) {}

    fn health(&self) -> watch::Receiver<Health> {
        self.0.subscribe()
    }

    fn close(&self) {}
}

/// A manager whose rooms are kept by a [`FaultyEngine`].
#[cfg(feature = "disk")]
fn faulty_manager() -> Manager {
    let manager = manager();
    let (lives, secret) = (Arc::new(Lives::only(Life::random(&OsRandom))), Secret::random(&OsRandom));
    let engine = Arc::new(FaultyEngine(watch::Sender::new(Health::Fine)));
    manager.server().take_over(engine, Vec::new(), lives, secret);
    manager
}

#[cfg(feature = "disk")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_under_a_rooms_lock_ends_that_room() {
    check_that_only_its_room_ends(faulty_manager(), |_, _| {}).await;
}

/// Has a member watch `room` whose protocol panics at such a message: in its lane, which encodes for it. It has to come
/// before other classic viewers, for which one frame is made, and before which no others are served.
fn watch_in_a_faulty_protocol(manager: &Manager, room: &str) {
    let dialect = Box::leak(Box::new(Dialect {
        encode: |entry, params| {
            assert!(entry.key.as_str() != PANIC, "a test wants this");
            (classic::DIALECT.encode)(entry, params)
        },
        ..classic::DIALECT
    }));
    let server = manager.server();
    let outbox = Outbox::new(None, dialect, server.clock(), server.counters(), manager.config());
    let announce = |_: &Welcome, _: &ViewerKey| (Bytes::new(), Hold::default());
    let member =
        server.registry().get(&room.parse().unwrap()).unwrap().join(outbox, &Start::Fresh, None, &announce).unwrap();
    // It never leaves.
    std::mem::forget(member);
}

// On one thread, so that both rooms have one lane.
#[tokio::test]
async fn a_panic_of_a_lane_ends_the_room_that_it_was_serving() {
    check_that_only_its_room_ends(manager(), watch_in_a_faulty_protocol).await;
}

#[tokio::test]
async fn a_lane_goes_on_after_many_panics() {
    let manager = manager();
    let (mut good_owner, good_room, _) = Peer::owner(&manager).await;
    let mut good_viewer = Peer::viewer(&manager, &v2::DIALECT, &good_room).await;
    for _ in 0..20 {
        let (mut owner, room, _) = Peer::owner(&manager).await;
        watch_in_a_faulty_protocol(&manager, &room);
        let mut viewer = Peer::viewer(&manager, &v2::DIALECT, &room).await;
        owner.publish(PANIC).await;
        viewer.is_told_of_a_rooms_fault().await;
        owner.is_told_of_a_rooms_fault().await;
        good_owner.publish("beside").await;
        good_viewer.hear_event("beside").await;
    }
    until("only one room is left", || manager.rooms().len() == 1).await;
}

#[cfg(feature = "disk")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rust_owner_that_panics_under_the_rooms_lock_ends_the_room() {
    let manager = faulty_manager();
    let owner = manager.create_room().await.unwrap();
    let room = owner.room().to_string();
    let mut viewer = Peer::viewer(&manager, &v2::DIALECT, &room).await;
    let speaking = tokio::spawn(async move {
        let _ = owner.publish(Message::event(PANIC, ()).unwrap()).await;
    });
    assert!(speaking.await.unwrap_err().is_panic());
    viewer.is_told_of_a_rooms_fault().await;
    assert_eq!(manager.room(&room.parse().unwrap()), None);
}
