//! A small server by PROTOCOL.md, in memory: one room with one owner, heartbeats, pings, silence, grace, resumes and
//! ids. Must not know the faults.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::super::script::{ROOM, key};
use super::air::Air;
use crate::traffic::{TimedStream, Traffic};

/// The time between two heartbeats to an owner whose room has viewers, and the silence after which the owner is away.
const OWNER_BEAT: Duration = Duration::from_secs(5);
const OWNER_SILENCE: Duration = Duration::from_secs(10);

/// The time between two heartbeats to a client that the server does not read.
const SLOWED_BEAT: Duration = Duration::from_secs(1);

/// The server's age when it begins: a sleep subtracts from times, which must not become negative.
const AGE: Duration = Duration::from_secs(1 << 20);

type Socket = WebSocketStream<TimedStream<DuplexStream>>;

/// An event for the room's task.
enum Event {
    /// A connection has sent its handshake.
    Open(u64, Link),
    Text(u64, Value),
    /// A client has ended its connection.
    Gone(u64),
    /// The client in this air sleeps for so long, by the server's clock alone.
    Skip(Air, Duration, oneshot::Sender<()>),
    /// The server does not read the owner for so long.
    Slow(Duration),
    Done,
}

/// The server's end of a connection.
struct Link {
    air: Air,
    /// Its number in the air.
    number: u64,
    texts: mpsc::UnboundedSender<Message>,
    traffic: Traffic,
    reads: watch::Sender<bool>,
    role: Option<Role>,
    /// When bytes last arrived, by the server's clock and by tokio's.
    heard: Duration,
    read: Duration,
    /// When the next heartbeat is due.
    beat: Duration,
    /// Until when the server does not read it.
    slowed_until: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Owner,
    Viewer,
}

/// The server. Its task ends with its runtime.
pub(super) struct Server {
    events: mpsc::UnboundedSender<Event>,
    faults: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server with this heartbeat interval, and the shortest grace that is safe with it.
    pub(super) fn start(beat: Duration) -> Self {
        let (events, receiver) = mpsc::unbounded_channel();
        let faults = Arc::<Mutex<Vec<String>>>::default();
        let room = RoomTask {
            beat,
            begun: Instant::now(),
            links: HashMap::new(),
            said: Vec::new(),
            ids: HashMap::new(),
            term: 0,
            owner: None,
            away_since: None,
            faults: Arc::clone(&faults),
            is_done: false,
        };
        tokio::spawn(room.run(receiver));
        Self { events, faults }
    }

    /// Accepts the clients of this receiver, through this air.
    pub(super) fn meets(&self, mut clients: mpsc::UnboundedReceiver<DuplexStream>, air: Air) {
        let events = self.events.clone();
        tokio::spawn(async move {
            while let Some(client) = clients.recv().await {
                let (stream, number) = air.carries(client);
                tokio::spawn(serve(stream, air.clone(), number, events.clone()));
            }
        });
    }

    /// Lets the machine in this air sleep for so long.
    pub(super) async fn skips(&self, air: &Air, time: Duration) {
        let (done, skipped) = oneshot::channel();
        let _ = self.events.send(Event::Skip(air.clone(), time, done));
        skipped.await.unwrap();
    }

    pub(super) fn slows(&self, time: Duration) {
        let _ = self.events.send(Event::Slow(time));
    }

    /// Allows clients to disconnect from now on.
    pub(super) fn ends(&self) {
        let _ = self.events.send(Event::Done);
    }

    /// Returns the first fault of a client.
    pub(super) fn faults(&self) -> Result<(), String> {
        self.faults.lock().unwrap().first().map_or(Ok(()), |fault| Err(fault.clone()))
    }
}

async fn serve(stream: DuplexStream, air: Air, number: u64, events: mpsc::UnboundedSender<Event>) {
    static IDS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let id = IDS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    #[allow(clippy::result_large_err, reason = "the callback's type is not ours")]
    let speak_v2 = |_: &Request, mut response: Response| {
        response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("rtbroadcaster.v2"));
        Ok(response)
    };
    let traffic = Traffic::new();
    let Ok(socket) = tokio_tungstenite::accept_hdr_async(traffic.of(stream), speak_v2).await else { return };
    let (writer, reader) = socket.split();
    let (texts, receiver) = mpsc::unbounded_channel();
    let (reads, may_read) = watch::channel(true);
    let zero = Duration::ZERO;
    let (heard, read, beat, slowed_until) = (zero, zero, zero, zero);
    let link = Link { air, number, texts, traffic, reads, role: None, heard, read, beat, slowed_until };
    let _ = events.send(Event::Open(id, link));
    tokio::spawn(write(writer, receiver));
    listen(reader, may_read, id, events).await;
}

async fn write(mut writer: SplitSink<Socket, Message>, mut texts: mpsc::UnboundedReceiver<Message>) {
    while let Some(text) = texts.recv().await {
        if writer.send(text).await.is_err() {
            return;
        }
    }
    let _ = writer.close().await;
}

async fn listen(
    mut reader: SplitStream<Socket>,
    mut may_read: watch::Receiver<bool>,
    id: u64,
    events: mpsc::UnboundedSender<Event>,
) {
    loop {
        if may_read.wait_for(|may| *may).await.is_err() {
            return;
        }
        match reader.next().await {
            Some(Ok(Message::Text(text))) => {
                let text = serde_json::from_str(&text).unwrap();
                let _ = events.send(Event::Text(id, text));
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            Some(Ok(_)) => {}
        }
    }
    let _ = events.send(Event::Gone(id));
}

/// The room and its connections.
struct RoomTask {
    beat: Duration,
    begun: Instant,
    links: HashMap<u64, Link>,
    /// The parameters of each message.
    said: Vec<Value>,
    ids: HashMap<String, usize>,
    term: u64,
    /// The air of the owner.
    owner: Option<Air>,
    /// Since when there is no owner.
    away_since: Option<Duration>,
    faults: Arc<Mutex<Vec<String>>>,
    is_done: bool,
}

impl RoomTask {
    async fn run(mut self, mut events: mpsc::UnboundedReceiver<Event>) {
        loop {
            let due = self.begun + (self.due() - AGE);
            tokio::select! {
                // An event takes precedence over a deadline.
                biased;
                event = events.recv() => match event {
                    Some(event) => self.takes(event),
                    None => return,
                },
                () = sleep_until(due) => {}
            }
            self.looks();
        }
    }

    /// Returns the server's time.
    fn now(&self) -> Duration {
        self.begun.elapsed() + AGE
    }

    fn has_viewers(&self) -> bool {
        self.links.values().any(|link| link.role == Some(Role::Viewer))
    }

    fn grace(&self) -> Duration {
        self.beat * 2 + Duration::from_secs(5)
    }

    /// Returns the time between two heartbeats to this role, and the silence after which the server drops it.
    fn beat_of(&self, role: Role) -> (Duration, Duration) {
        match role {
            Role::Owner if self.has_viewers() => (OWNER_BEAT.min(self.beat), OWNER_SILENCE.min(self.beat * 2)),
            _ => (self.beat, self.beat * 2),
        }
    }

    /// Returns the next deadline.
    fn due(&self) -> Duration {
        let links = self.links.values().filter_map(|link| {
            let silence = link.heard + self.beat_of(link.role?).1;
            let slowed = (link.slowed_until > Duration::ZERO).then_some(link.slowed_until);
            Some(link.beat.min(silence).min(slowed.unwrap_or(Duration::MAX)))
        });
        let ends = self.away_since.map(|since| since + self.grace());
        links.chain(ends).min().unwrap_or(Duration::from_secs(1 << 40)).max(self.now())
    }

    fn takes(&mut self, event: Event) {
        self.hears();
        match event {
            Event::Open(id, link) => _ = self.links.insert(id, link),
            Event::Text(id, text) => self.answers(id, &text),
            Event::Gone(id) => self.goes(id),
            Event::Skip(air, time, done) => {
                let links = self.links.values_mut().filter(|link| link.role.is_some() && link.air.is(&air));
                let mut is_owner = false;
                for link in links {
                    (link.heard, link.beat) = (link.heard - time, link.beat - time);
                    is_owner |= link.role == Some(Role::Owner);
                }
                // Without a connection, an owner's grace runs on, too.
                if is_owner || self.owner.as_ref().is_some_and(|owner| owner.is(&air)) {
                    self.away_since = self.away_since.map(|since| since - time);
                }
                self.looks();
                let _ = done.send(());
            }
            Event::Slow(time) => {
                let until = self.now() + time;
                for link in self.links.values_mut().filter(|link| link.role == Some(Role::Owner)) {
                    link.reads.send_replace(false);
                    (link.slowed_until, link.beat) = (until, Duration::ZERO);
                }
            }
            Event::Done => self.is_done = true,
        }
    }

    /// Notes when bytes last arrived.
    fn hears(&mut self) {
        for link in self.links.values_mut() {
            let read = link.traffic.read().saturating_duration_since(self.begun);
            if read > link.read {
                (link.read, link.heard) = (read, read + AGE);
            }
        }
    }

    /// Handles deadlines: heartbeats, silence, the end of a slowed read, the grace.
    fn looks(&mut self) {
        self.hears();
        let now = self.now();
        let last = self.said.len();
        let mut gone = Vec::new();
        let beats: HashMap<_, _> = [Role::Owner, Role::Viewer].map(|role| (role as u8, self.beat_of(role))).into();
        for (&id, link) in &mut self.links {
            let Some(role) = link.role else { continue };
            let (beat, silence) = beats[&(role as u8)];
            if link.slowed_until > Duration::ZERO {
                link.heard = now;
                if link.slowed_until <= now {
                    link.slowed_until = Duration::ZERO;
                    link.reads.send_replace(true);
                }
            }
            if link.heard + silence <= now {
                gone.push(id);
                continue;
            }
            if link.beat <= now {
                let next = if link.slowed_until > Duration::ZERO { SLOWED_BEAT } else { beat };
                link.beat = now + next;
                let millis = u64::try_from(beat.as_millis()).unwrap();
                link.says(&json!({"type": "alive", "seq": last, "nextMs": millis}));
                let _ = link.texts.send(Message::Ping("?".into()));
            }
        }
        for id in gone {
            if let Some(link) = self.links.get(&id) {
                link.says(&json!({"type": "closed", "reason": "silent"}));
                let _ =
                    link.texts.send(Message::Close(Some(CloseFrame { code: 4012.into(), reason: "silent".into() })));
            }
            let silent_since = self.links.get(&id).map(|link| link.heard + beats[&(Role::Owner as u8)].1);
            self.drops(id, silent_since.unwrap_or(now));
        }
        if self.away_since.is_some_and(|since| since + self.grace() <= now) {
            self.away_since = None;
            self.wrong("the room was lost".into());
        }
    }

    fn wrong(&self, fault: String) {
        self.faults.lock().unwrap().push(fault);
    }

    /// Handles a client's end of its connection.
    fn goes(&mut self, id: u64) {
        let Some(link) = self.links.get(&id) else { return };
        if link.role.is_some() && !link.air.was_silent(link.number) && !self.is_done {
            self.wrong(format!("a {:?} ended a healthy connection", link.role));
        }
        self.drops(id, self.now());
    }

    fn drops(&mut self, id: u64, at: Duration) {
        let Some(link) = self.links.remove(&id) else { return };
        link.air.ends(link.number);
        if link.role == Some(Role::Owner) {
            self.away_since = Some(at.min(self.now()));
            let away = json!({"type": "owner", "status": "away", "term": self.term, "awayMs": 0});
            self.tell_viewers(&away);
        }
    }

    fn tell_viewers(&self, text: &Value) {
        self.links.values().filter(|link| link.role == Some(Role::Viewer)).for_each(|link| link.says(text));
    }

    fn message(&self, seq: usize) -> Value {
        json!({"type": "message", "seq": seq, "key": "bell", "params": self.said[seq - 1]})
    }

    fn answers(&mut self, id: u64, asked: &Value) {
        // The server reads nothing of a connection that it has dropped.
        let Some(link) = self.links.get(&id) else { return };
        match asked["type"].as_str().unwrap() {
            "ping" => link.says(&json!({"type": "pong", "id": asked["id"], "seq": self.said.len()})),
            "publish" if link.role == Some(Role::Owner) => {
                let name = asked["id"].as_str().unwrap().to_owned();
                let seq = match self.ids.get(&name) {
                    Some(&seq) => seq,
                    None => {
                        self.said.push(asked["params"].clone());
                        self.ids.insert(name, self.said.len());
                        self.tell_viewers(&self.message(self.said.len()));
                        self.said.len()
                    }
                };
                link.says(&json!({"type": "ack", "id": asked["id"], "seq": seq}));
            }
            "create" | "own" => self.lets_own(id, asked),
            "join" => self.lets_join(id, asked),
            "leave" => {}
            other => self.wrong(format!("{other} from {:?}", link.role)),
        }
    }

    /// Lets a client in, with these members of the answer besides.
    fn enters(&mut self, id: u64, asked: &Value, role: Role, members: &Value) {
        let now = self.now();
        let link = self.links.get_mut(&id).expect("it has asked");
        (link.role, link.heard) = (Some(role), now);
        let (beat, _) = self.beat_of(role);
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap();
        let mut answer = json!({"id": asked["id"], "room": ROOM, "epoch": "e", "term": self.term, "seq": self.said.len(),
            "aliveMs": millis(self.beat), "nextMs": millis(beat), "graceMs": millis(self.grace()), "limits": {}});
        answer.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let link = self.links.get_mut(&id).expect("it has asked");
        link.beat = now + beat;
        link.says(&answer);
    }

    fn lets_own(&mut self, id: u64, asked: &Value) {
        let older = self.links.iter().find(|(_, link)| link.role == Some(Role::Owner)).map(|(&id, _)| id);
        if let Some(older) = older {
            // The owner has given the older connection up.
            self.goes(older);
        }
        self.term += 1;
        self.away_since = None;
        self.owner = Some(self.links[&id].air.clone());
        let members = match asked["type"].as_str() {
            Some("create") => json!({"type": "created", "ownerKey": key()}),
            _ => json!({"type": "owned", "how": "resumed", "replay": 0}),
        };
        self.enters(id, asked, Role::Owner, &members);
        self.tell_viewers(&json!({"type": "owner", "status": "live", "term": self.term}));
    }

    fn lets_join(&mut self, id: u64, asked: &Value) {
        let seen = asked["cursor"]["seq"].as_u64().map(|seq| usize::try_from(seq).unwrap());
        let owner = if self.away_since.is_some() { "away" } else { "live" };
        let (how, replay) = seen.map_or(("snapshot", 0), |seen| ("resumed", self.said.len() - seen));
        self.enters(id, asked, Role::Viewer, &json!({"type": "joined", "how": how, "replay": replay, "owner": owner}));
        let link = &self.links[&id];
        (seen.unwrap_or(self.said.len())..self.said.len()).for_each(|seq| link.says(&self.message(seq + 1)));
        // An owner whose room has viewers has a shorter silence limit.
        let (beat, now) = (self.beat_of(Role::Owner).0, self.now());
        for link in self.links.values_mut().filter(|link| link.role == Some(Role::Owner)) {
            (link.heard, link.beat) = (now, link.beat.min(now + beat));
        }
    }
}

impl Link {
    fn says(&self, text: &Value) {
        let _ = self.texts.send(Message::text(text.to_string()));
    }
}
