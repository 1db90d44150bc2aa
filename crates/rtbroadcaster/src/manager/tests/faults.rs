//! What a panic ends, and what goes on beside it. Over real sockets.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rtbroadcaster_core::message::Message;
use rtbroadcaster_core::protocol::Dialect;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message as Came};

use super::*;
use crate::socket::LaneSocket;

/// What anything may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// One client.
struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    /// One that is in no room.
    async fn connect(manager: &Manager, dialect: &'static Dialect) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(connecting, listener.accept());
        let socket = Socket::direct(LaneSocket::Tcp(accepted.unwrap().0));
        let ticket = manager.server().let_in(None).unwrap();
        Client::serve(manager.server(), socket, &[], dialect, Permit::anything(), tokio::time::Instant::now(), ticket);
        Self(WebSocketStream::from_raw_socket(client.unwrap(), Role::Client, None).await)
    }

    /// An owner of version 2, its room, and the room's key.
    async fn owner(manager: &Manager) -> (Self, String, String) {
        let mut owner = Self::connect(manager, &v2::DIALECT).await;
        owner.say(&json!({"type": "create", "id": "c"})).await;
        let created = owner.hear().await;
        let text = |name: &str| created[name].as_str().unwrap().to_owned();
        (owner, text("room"), text("ownerKey"))
    }

    /// A viewer of `room`, whose state is empty.
    async fn viewer(manager: &Manager, dialect: &'static Dialect, room: &str) -> Self {
        let mut viewer = Self::connect(manager, dialect).await;
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
        self.0.send(Came::text(message.to_string())).await.unwrap();
    }

    /// Publishes an event.
    async fn publish(&mut self, key: &str) {
        self.say(&json!({"type": "publish", "key": key, "params": []})).await;
    }

    async fn next(&mut self) -> Option<Result<Came, Error>> {
        tokio::time::timeout(DEADLINE, self.0.next()).await.expect("nothing came")
    }

    /// The next message but how many watch and the first heartbeat since somebody does, which come at their own time.
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

    /// It is told in version 2 of a fault that ends its connection, and not its room.
    async fn is_told_of_its_fault(&mut self) {
        assert_eq!(self.hear().await, json!({"type": "closed", "reason": "fault"}));
        self.ends_by_fault().await;
    }

    /// It is told in version 2 of a fault that ends its room.
    async fn is_told_of_a_rooms_fault(&mut self) {
        assert_eq!(self.hear().await, json!({"type": "closed", "reason": "fault", "why": "fault"}));
        self.ends_by_fault().await;
    }

    /// It is told of a fault in its room in classic.
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
    manager.room(room.parse().unwrap()).map_or(0, |room| room.viewers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_a_viewers_task_ends_that_viewer_and_no_other() {
    let manager = manager();
    let (mut owner, room, _) = Peer::owner(&manager).await;
    let mut good = Peer::viewer(&manager, &v2::DIALECT, &room).await;
    let mut good_classic = Peer::viewer(&manager, &classic::DIALECT, &room).await;
    let mut bad = Peer::viewer(&manager, &v2::DIALECT, &room).await;
    let mut bad_classic = Peer::viewer(&manager, &classic::DIALECT, &room).await;
    owner.publish("before").await;
    for viewer in [&mut good, &mut good_classic, &mut bad, &mut bad_classic] {
        viewer.hear_event("before").await;
    }
    bad.say(&json!({"type": "unpause", "id": "panic in the client"})).await;
    bad.is_told_of_its_fault().await;
    bad_classic.say(&json!({"uuid": "panic in the client", "status": {"value": 3}})).await;
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
    let (mut owner, room, key) = Peer::owner(&manager).await;
    let mut viewer = Peer::viewer(&manager, &v2::DIALECT, &room).await;
    owner.say(&json!({"type": "publish", "id": "panic in the client", "key": "k", "params": []})).await;
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

/// The owner of one of two rooms says something at which the server panics: everybody in that room is told, everybody in
/// the other one goes on.
async fn check_that_only_its_room_ends(key: &str) {
    let manager = manager();
    let (mut owner, room, owner_key) = Peer::owner(&manager).await;
    let mut viewer = Peer::viewer(&manager, &v2::DIALECT, &room).await;
    let mut classic = Peer::viewer(&manager, &classic::DIALECT, &room).await;
    let (mut other_owner, other_room, _) = Peer::owner(&manager).await;
    let mut other_viewer = Peer::viewer(&manager, &v2::DIALECT, &other_room).await;

    owner.publish("before").await;
    viewer.hear_event("before").await;
    classic.hear_event("before").await;
    owner.publish(key).await;
    viewer.is_told_of_a_rooms_fault().await;
    classic.is_told_of_a_rooms_fault_in_classic().await;
    owner.is_told_of_a_rooms_fault().await;

    until("the room is gone", || manager.room(room.parse().unwrap()).is_none()).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_under_a_rooms_lock_ends_that_room() {
    check_that_only_its_room_ends("panic in the room").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_under_a_rosters_lock_ends_its_room() {
    check_that_only_its_room_ends("panic in the roster").await;
}

// On one thread, so that both rooms have one lane.
#[tokio::test]
async fn a_panic_of_a_lane_ends_the_room_that_it_was_serving() {
    check_that_only_its_room_ends("panic in the lane").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_goes_on_after_many_panics() {
    let manager = manager();
    let (mut good_owner, good_room, _) = Peer::owner(&manager).await;
    let mut good_viewer = Peer::viewer(&manager, &v2::DIALECT, &good_room).await;
    for _ in 0..20 {
        let (mut owner, room, _) = Peer::owner(&manager).await;
        let mut viewer = Peer::viewer(&manager, &v2::DIALECT, &room).await;
        owner.publish("panic in the lane").await;
        viewer.is_told_of_a_rooms_fault().await;
        owner.is_told_of_a_rooms_fault().await;
        good_owner.publish("beside").await;
        good_viewer.hear_event("beside").await;
    }
    until("only one room is left", || manager.rooms().len() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rust_owner_that_panics_under_the_rooms_lock_ends_the_room() {
    let manager = manager();
    let mut owner = manager.create_room().await.unwrap();
    let room = owner.room().to_string();
    let mut viewer = Peer::viewer(&manager, &v2::DIALECT, &room).await;
    let speaking = tokio::spawn(async move {
        let _ = owner.publish(Message::event("panic in the room", ())).await;
    });
    assert!(speaking.await.unwrap_err().is_panic());
    viewer.is_told_of_a_rooms_fault().await;
    assert_eq!(manager.room(room.parse().unwrap()), None);
}
