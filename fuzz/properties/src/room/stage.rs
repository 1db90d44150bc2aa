//! The clients, the rooms and the time of one course; reads and judges every frame. Must not know op codes.

use std::collections::BTreeMap;
use std::time::Duration;

use rtbroadcaster::{CloseReason, Config, Limit, Manager};
use rtbroadcaster_core::protocol::{classic, v2};
use rtbroadcaster_core::refusal::Refusal;

use super::client::{Client, ExpectedAnswer, Role, SentCursor};
use super::frame::{PONG, ServerFrame, masked};
use super::ledger::{MessageKind, PublishedMessage, ReceivedMessage, Room, number};
use super::viewer::{HISTORY, Viewer, string, whole};
use crate::members::Members;

/// The number of client slots that the ops address; the last ones are classic.
pub(super) const PLACES: usize = 6;
const V2_PLACES: usize = 4;

/// The most open connections: one for every slot, and one more for each room.
const CONNECTIONS_MAX: usize = 10;

/// Longer than the life of any room without clients, or of any connection without a peer.
const LONG: Duration = Duration::from_secs(600);

/// The whole state of a course.
pub(super) struct Stage {
    pub(super) manager: Manager,
    /// The clients in slots, then for each room a viewer that reads all the time.
    pub(super) clients: Vec<Client>,
    pub(super) rooms: Vec<Room>,
    /// Every published message, by number.
    pub(super) said: BTreeMap<u64, PublishedMessage>,
    /// The text of each message with an id.
    pub(super) texts: BTreeMap<u64, String>,
    /// The number of requests with an id of their own.
    pub(super) requests: u64,
    /// Whether any client has sent unchecked bytes.
    pub(super) is_wild: bool,
}

impl Stage {
    /// Returns a stage with a manager whose limits a short course can reach; `code` chooses the `flush_interval`.
    pub(super) fn open(code: u8) -> Self {
        let config = Config {
            message_bytes_max: Limit::Max(512),
            history_messages_max: Limit::Max(usize::try_from(HISTORY).expect("a few")),
            history_age_max: Limit::None,
            state_keys_max: Limit::Max(3),
            state_bytes_max: Limit::Max(1_000),
            backlog_bytes_max: Limit::Max(if code & 2 == 0 { 4_096 } else { 1_024 }),
            flush_interval: if code & 1 == 0 { Limit::None } else { Limit::Max(Duration::from_millis(50)) },
            rooms_max: Limit::Max(3),
            viewers_per_room_max: Limit::Max(4),
            connections_max: Limit::Max(CONNECTIONS_MAX),
            ..Config::default()
        };
        let dialect = |place| if place < V2_PLACES { &v2::DIALECT } else { &classic::DIALECT };
        Self {
            manager: Manager::new(config),
            clients: (0..PLACES).map(|place| Client::absent(dialect(place))).collect(),
            rooms: Vec::new(),
            said: BTreeMap::new(),
            texts: BTreeMap::new(),
            requests: 0,
            is_wild: false,
        }
    }

    /// Lets `time` pass, while reading clients continue to read.
    pub(super) async fn pass(&mut self, mut time: Duration) {
        while !time.is_zero() {
            let step = time.min(Duration::from_secs(1));
            time -= step;
            tokio::time::sleep(step).await;
            self.settle().await;
        }
    }

    /// Waits until no byte moves any more. The clock advances only while all tasks wait.
    pub(super) async fn settle(&mut self) {
        let mut moves = true;
        while std::mem::take(&mut moves) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            for place in 0..self.clients.len() {
                moves |= self.clients[place].pump();
                self.clients[place].came().into_iter().for_each(|came| self.take(place, came));
                if !self.clients[place].is_connected() {
                    self.clients[place].vanish();
                }
            }
        }
        for client in self.clients.iter_mut().filter(|client| client.reads && client.unsent.is_empty()) {
            if let Some(viewer) = &mut client.viewer {
                viewer.is_paused = viewer.pauses && client.rest.is_empty() && !client.is_wild;
            }
        }
    }

    fn take(&mut self, place: usize, came: ServerFrame) {
        let client = &mut self.clients[place];
        match came {
            ServerFrame::Pong => assert!(client.is_wild, "a pong without a ping"),
            // Not into a frame of which half is held back.
            ServerFrame::Ping(_) if !client.rest.is_empty() => {}
            ServerFrame::Ping(payload) => client.unsent.extend(masked(PONG, &payload)),
            ServerFrame::Close(code, word) => {
                let is_told = client.last_word.as_ref().is_none_or(|told| *told == word);
                let is_known = |known: &CloseReason| Some(known.code()) == code && known.word() == word;
                let is_known = is_told && CloseReason::ALL.iter().any(is_known);
                assert!(is_known || client.is_wild, "closed with {code:?} {word:?} behind {:?}", client.last_word);
                client.vanish();
            }
            ServerFrame::Text(text) => {
                assert_eq!(client.last_word, None, "then came {text}");
                let members = Members::read(&text).unwrap_or_else(|| panic!("not an object: {text}"));
                if client.is_v2() {
                    self.take_v2(place, &text, &members);
                } else {
                    self.take_classic(place, &text, &members);
                }
            }
        }
    }

    fn take_v2(&mut self, place: usize, text: &str, members: &Members<'_>) {
        let client = &mut self.clients[place];
        let id = members.get("id").string().unwrap_or_default();
        match string(members, "type").as_str() {
            "closed" => client.last_word = Some(string(members, "reason")),
            "error" => {
                let code = string(members, "code");
                assert!(Refusal::ALL.iter().any(|refusal| refusal.code() == code), "{text}");
                client.asked.remove(&id);
            }
            "alive" => _ = whole(members, "seq"),
            "owner" | "draining" => {}
            "audience" => _ = whole(members, "viewers"),
            "message" => self.message(place, ReceivedMessage::read(text, members)),
            _ if client.is_wild => {}
            "created" => {
                client.asked.remove(&id);
                client.role = Role::Owner(self.rooms.len());
                self.room_is_there(string(members, "room"), string(members, "ownerKey"));
            }
            "owned" => {
                client.asked.remove(&id).expect("it was asked");
                let room = room_named(&self.rooms, &string(members, "room"));
                client.role = Role::Owner(room);
                client.viewer = Some(Viewer::owned(room, members));
                self.end_replay(place);
            }
            "joined" => {
                let asked = client.asked.remove(&id).expect("it was asked");
                let room = room_named(&self.rooms, &string(members, "room"));
                client.role = Role::Viewer(room);
                client.viewer = Some(Viewer::joined(client.viewer.take(), room, members, asked));
                self.end_replay(place);
            }
            "ack" => self.acknowledged(place, &id, whole(members, "seq")),
            "reset" => {
                client.viewer.as_mut().expect("only a viewer is reset").reset(members);
                self.end_replay(place);
            }
            "skipped" => {
                client.viewer.as_mut().expect("only a viewer gets `skipped`").skipped(whole(members, "through"));
            }
            _ => panic!("no such type: {text}"),
        }
    }

    fn end_replay(&mut self, place: usize) {
        if let Some(viewer) = &mut self.clients[place].viewer {
            viewer.end_replay(&mut self.rooms[viewer.room]);
        }
    }

    fn acknowledged(&mut self, place: usize, id: &str, seq: u64) {
        let client = &mut self.clients[place];
        let Role::Owner(room) = client.role else { panic!("an ack to {:?}", client.role) };
        if let Some(number) = id.strip_prefix('m').and_then(|number| number.parse().ok()) {
            self.rooms[room].acknowledged(number, seq);
            client.acknowledged = self.texts.get(&number).cloned();
        }
    }

    fn message(&mut self, place: usize, line: ReceivedMessage) {
        let (Role::Owner(room) | Role::Viewer(room)) = self.clients[place].role else {
            return assert!(self.clients[place].is_wild, "without a room came {line:?}");
        };
        self.was_said(line.number, &line.key, line.change);
        self.rooms[room].heard(&line);
        let client = &mut self.clients[place];
        if client.is_wild {
            return;
        }
        let viewer = client.viewer.as_mut().expect("it has joined or owns");
        assert!(matches!(client.role, Role::Viewer(_)) || !viewer.is_whole(), "to an owner came {line:?}");
        viewer.message(line, &mut self.rooms[room]);
        self.end_replay(place);
    }

    fn take_classic(&mut self, place: usize, text: &str, members: &Members<'_>) {
        let status = members.get("status").once().and_then(Members::read).expect("a status");
        let (uuid, key) = (string(members, "uuid"), string(members, "funcKey"));
        if whole(&status, "value") == 0 {
            let text = string(&status, "text");
            let is_known = Refusal::ALL.iter().any(|refusal| refusal.text() == text);
            return assert!(is_known || text == "not connected", "{text}");
        }
        assert_eq!(whole(&status, "value"), 3, "{text}");
        let known = self.rooms.iter().position(|room| room.name == uuid);
        let client = &mut self.clients[place];
        match (key.is_empty(), known) {
            (true, None) => {
                client.role = Role::Owner(self.rooms.len());
                self.room_is_there(uuid, String::new());
            }
            (true, Some(room)) => client.role = Role::Viewer(room),
            (false, _) => {
                let number = number(members.get("funcParams").once().expect("params"));
                let is_state = members.get("stateMessage").flag().expect("a flag");
                assert!(matches!(client.role, Role::Viewer(room) if Some(room) == known), "{:?}: {text}", client.role);
                client.listener.message(key.clone(), number, is_state);
                // An ephemeral message looks like an event here.
                if is_state {
                    self.was_said(number, &key, MessageKind::State);
                }
            }
        }
    }

    /// Checks that a received message was published, unless there are wild clients.
    fn was_said(&self, number: Option<u64>, key: &str, change: MessageKind) {
        match number.map(|number| self.said.get(&number)) {
            Some(Some(said)) => assert_eq!((said.key.as_str(), said.change), (key, change), "published as {number:?}"),
            _ => assert!(
                self.is_wild || change == MessageKind::Cleared,
                "never published: {key:?} {change:?} {number:?}"
            ),
        }
    }

    /// A room was created: from now on it has a viewer that reads all the time.
    fn room_is_there(&mut self, name: String, key: String) {
        self.rooms.push(Room::new(name, key));
        self.clients.push(Client::absent(&v2::DIALECT));
        self.join(self.clients.len() - 1, self.rooms.len() - 1, SentCursor::None);
    }

    /// A client of version 2 joins a room.
    pub(super) fn join(&mut self, place: usize, room: usize, cursor: SentCursor) {
        self.be_connected(place);
        let at = |epoch: &str, seq: u64| format!(r#","cursor":{{"epoch":"{epoch}","seq":{seq}}}"#);
        let epoch = self.clients[place].viewer.as_ref().map_or("", |viewer| &viewer.epoch);
        let cursor_text = match cursor {
            SentCursor::None => String::new(),
            SentCursor::At(seq) => at(epoch, seq),
            SentCursor::Future => at(epoch, 1 << 40),
            SentCursor::OtherEpoch => at("another", 1),
            SentCursor::Malformed => r#","cursor":[7]"#.into(),
        };
        let request = format!(r#""type":"join","room":"{}"{cursor_text}"#, self.rooms[room].name);
        self.ask(place, &request, ExpectedAnswer::Join(cursor));
    }

    pub(super) fn be_connected(&mut self, place: usize) {
        if !self.clients[place].is_connected() {
            self.clients[place].connect(&self.manager, 64 * 1024);
        }
    }

    /// Sends a request of version 2 with an id of its own.
    pub(super) fn ask(&mut self, place: usize, members: &str, asked: ExpectedAnswer) {
        self.requests += 1;
        let id = format!("r{}", self.requests);
        let text = format!(r#"{{"id":"{id}",{members}}}"#);
        let client = &mut self.clients[place];
        client.asked.insert(id, asked);
        client.say(&text);
    }

    /// Ends the course: all clients read on and have caught up, then leave, and nothing is left of them.
    pub(super) async fn end(mut self) {
        self.clients.iter_mut().for_each(|client| client.reads = true);
        // Reads what is there first: what follows comes at each `flush_interval`, as much as the socket takes.
        self.settle().await;
        for _ in 0..20 {
            self.pass(Duration::from_millis(50)).await;
            self.settle().await;
        }
        self.rooms.iter().for_each(Room::check);
        self.clients.iter().for_each(|client| self.check_caught_up(client));
        self.clients.clear();
        tokio::time::sleep(LONG).await;
        assert!(self.manager.rooms().is_empty(), "rooms are left: {:?}", self.manager.rooms());
        assert_eq!(self.manager.connections(), 0, "connections are left");
        self.clients.extend((0..CONNECTIONS_MAX).map(|_| Client::absent(&v2::DIALECT)));
        (0..CONNECTIONS_MAX).for_each(|place| self.be_connected(place));
        self.ask(0, r#""type":"create""#, ExpectedAnswer::Room);
        self.settle().await;
        let open = self.clients[..CONNECTIONS_MAX].iter().filter(|client| client.is_open()).count();
        assert_eq!(open, CONNECTIONS_MAX, "the gate counts connections that are gone");
        assert!(matches!(self.clients[0].role, Role::Owner(_)), "no room is free");
        self.clients.clear();
        self.manager.shutdown().await;
    }

    fn check_caught_up(&self, client: &Client) {
        let Role::Viewer(place) = client.role else { return };
        if !client.is_open() || client.is_wild {
            return;
        }
        let room = &self.rooms[place];
        let standing = room.name.parse().ok().and_then(|name| self.manager.room(&name));
        let seq = standing.expect("a room with viewers is there").seq.get();
        match (&client.viewer, client.is_v2()) {
            (_, false) => client.listener.check_caught_up(seq, room),
            (Some(viewer), true) if !viewer.pauses => viewer.check_caught_up(seq, room),
            _ => {}
        }
        assert!(client.asked.is_empty() || !client.rest.is_empty(), "not answered: {:?}", client.asked);
    }
}

/// Returns the index of a known room.
fn room_named(rooms: &[Room], name: &str) -> usize {
    rooms.iter().position(|room| room.name == name).unwrap_or_else(|| panic!("no client knows the room {name}"))
}
