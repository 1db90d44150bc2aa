//! `watch` and `publish` on servers that do anything; the library's clients meet many more of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use rtbroadcaster::{OsRandom, RoomId};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::process::{End, Process};
use crate::server::soon;

/// What a server does with one connection.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// It answers the handshake with these bytes, and waits.
    Answer(&'static str),
    /// It lets the client in and sends this.
    Say(&'static str),
    /// It lets the client in, has it come back in so many milliseconds, and closes.
    Drain(u64),
    /// It lets the client in and sends values of new keys without end.
    State,
    /// It lets the client in and sends pings without end, and reads nothing.
    Pings,
    /// It lets the client in and refuses whatever it is asked with this code.
    Refuse(&'static str),
    /// It lets the client in and closes with this reason.
    Close(&'static str),
    /// It lets the client in, gives it this key, and closes with the key that the client sent.
    Identify(&'static str),
}

/// A server that does the same on each connection, as long as the test runs.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/broadcasting", listener.local_addr().unwrap());
        let connections = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(act.play(stream));
            }
        });
        Self { url, connections }
    }
}

impl Act {
    /// Plays it. The client may go at any time.
    async fn play(self, mut stream: TcpStream) {
        if let Self::Answer(answer) = self {
            let _ = (stream.read(&mut [0; 4_096]).await, stream.write_all(answer.as_bytes()).await);
            let _ = stream.read(&mut [0; 1]).await;
            return;
        }
        #[allow(clippy::result_large_err, reason = "the callback's type is not ours")]
        let speak_v2 = |_: &Request, mut response: Response| {
            response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("rtbroadcaster.v2"));
            Ok(response)
        };
        let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, speak_v2).await else { return };
        let Some(asked) = asked(&mut socket).await else { return };
        let entered = match asked["type"].as_str() {
            Some("create") => "created",
            Some("own") => "owned",
            _ => "joined",
        };
        let answer = json!({"type": entered, "id": asked["id"],
            "room": RoomId::random(&OsRandom).to_string(), "ownerKey": "0123456789abcdef".repeat(4), "epoch": "e", "term": 1, "seq": 0,
            "how": "snapshot", "replay": 0, "owner": "live", "aliveMs": 25_000});
        let mut answer = answer;
        if let Self::Identify(key) = self {
            answer["viewer"] = json!({"number": 7, "key": key});
        }
        let mut is_there = says(&mut socket, answer.to_string()).await;
        match self {
            Self::Identify(_) => {
                let reason = asked["viewer"].as_str().unwrap_or("none").to_owned().into();
                let frame = CloseFrame { code: 4_503.into(), reason };
                is_there = socket.send(Message::Close(Some(frame))).await.is_ok();
            }
            Self::Say(text) => is_there = says(&mut socket, text.into()).await,
            Self::Drain(millis) => {
                let draining = json!({"type": "draining", "reconnectInMs": millis});
                let frame = CloseFrame { code: 1_012.into(), reason: "restart".into() };
                let _ = says(&mut socket, draining.to_string()).await;
                is_there = socket.send(Message::Close(Some(frame))).await.is_ok();
            }
            Self::Close(reason) => {
                let frame = CloseFrame { code: 4_501.into(), reason: reason.into() };
                is_there = socket.send(Message::Close(Some(frame))).await.is_ok();
            }
            _ => {}
        }
        for seq in 1_u64.. {
            is_there = is_there
                && match self {
                    Self::State => {
                        let (key, params) = (format!("k{seq}"), ["x".repeat(60_000)]);
                        let value = json!({"type": "message", "seq": seq, "key": key, "params": params, "state": true});
                        says(&mut socket, value.to_string()).await
                    }
                    Self::Pings => socket.feed(Message::Ping("?".repeat(125).into())).await.is_ok(),
                    Self::Refuse(code) => match self::asked(&mut socket).await {
                        Some(asked) => {
                            let refused = json!({"type": "error", "id": asked["id"], "code": code, "message": code});
                            says(&mut socket, refused.to_string()).await
                        }
                        None => false,
                    },
                    _ => self::asked(&mut socket).await.is_some(),
                };
            if !is_there {
                return;
            }
        }
    }
}

async fn asked(socket: &mut WebSocketStream<TcpStream>) -> Option<Value> {
    match socket.next().await?.ok()? {
        Message::Text(text) => serde_json::from_str(&text).ok(),
        _ => Some(Value::Null),
    }
}

async fn says(socket: &mut WebSocketStream<TcpStream>, text: String) -> bool {
    socket.send(Message::text(text)).await.is_ok()
}

/// The most memory that a process has had up to now; `None` when it has ended.
fn peak_mib(pid: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(kib.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() >> 10)
}

/// Waits for the end of a process, and gives its peak of memory.
async fn watched_to_its_end(process: Process) -> (End, u64) {
    let pid = process.pid();
    let sampled = tokio::spawn(async move {
        let mut peak = 0;
        while let Some(now) = peak_mib(&pid) {
            peak = now;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        peak
    });
    let end = process.end_within(LIMIT).await;
    (end, soon("the last sample", sampled).await.unwrap())
}

/// How long a program with a patience of 1 s may take on a busy machine, also for 64 MiB of state.
const LIMIT: Duration = Duration::from_secs(20);

const REFUSED: &str = "HTTP/1.1 503 No\r\nretry-after: 18446744073709551615\r\n\r\n";

#[tokio::test]
async fn no_server_holds_a_program_beyond_its_patience_or_fills_its_memory() {
    let room = RoomId::random(&OsRandom).to_string();
    let (watch, publish) =
        (&["watch", "--patience", "1s"][..], &["publish", "--patience", "1s", "--state", "a=1", "--close"][..]);
    let rows = [
        (watch, Act::Answer(REFUSED), "(HTTP 503)", 1),
        (publish, Act::Answer(REFUSED), "(HTTP 503)", 1),
        (watch, Act::Answer(""), "no answer from ws://127.0.0.1", 1),
        (publish, Act::Answer(""), "no answer from ws://127.0.0.1", 1),
        (watch, Act::Answer("HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n"), "(HTTP 302)", 1),
        (watch, Act::Drain(1 << 63), "no answer", 1),
        (watch, Act::Drain(0), "no answer", 40),
        (watch, Act::Say("nonsense"), "does not speak rtbroadcaster.v2", 40),
        (publish, Act::Drain(0), "no answer", 40),
        (publish, Act::Say(r#"{"type":"alive","seq":0}"#), "no answer", 1),
        (publish, Act::Pings, "no answer", 1),
        (publish, Act::Refuse("unavailable"), "no answer", 1),
        (watch, Act::Close("\u{1b}[2J"), "has closed the connection (4501 )", 1),
    ];
    join_all(rows.map(|(program, act, said, connections)| ends(program, &room, act, said, connections, 64))).await;
    // Its state alone may have 64 MiB, and is copied while it grows.
    ends(watch, &room, Act::State, "sends more than this program accepts", 1, 256).await;
}

/// A program on such a server fails, in time, and says why.
async fn ends(program: &[&str], room: &str, act: Act, said: &str, connections_max: usize, mib_max: u64) {
    let server = Server::start(act).await;
    let named: &[&str] = if program[0] == "watch" { &[&server.url, room] } else { &[&server.url] };
    let (end, peak) = watched_to_its_end(Process::start(&[program, named].concat())).await;
    let stderr = end.stderr.join("\n");
    let is_said = stderr.contains(said) && !stderr.contains('\u{1b}') && !stderr.contains("panic");
    assert!(end.code == Some(4) && is_said, "{program:?}, {act:?}: {:?} {stderr}", end.code);
    let met = server.connections.load(Ordering::Relaxed);
    assert!((1..=connections_max).contains(&met), "{program:?}, {act:?}: {met} connections");
    assert!(peak <= mib_max, "{program:?}, {act:?}: {peak} MiB");
}

#[tokio::test]
async fn watch_takes_no_memory_for_pings_of_a_server_that_reads_nothing() {
    let server = Server::start(Act::Pings).await;
    let watcher = Process::start(&["watch", &server.url, &RoomId::random(&OsRandom).to_string()]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let peak = peak_mib(&watcher.pid()).expect("it watches");
    assert!(peak <= 64, "{peak} MiB");
    watcher.signal("TERM").await;
    assert_eq!(watcher.end().await.code, Some(143));
}

#[tokio::test]
async fn watch_keeps_who_it_is_in_a_file_if_it_is_asked_to() {
    let directory = super::keys::Directory::new("identity");
    let file = directory.path("me");
    let room = RoomId::random(&OsRandom).to_string();
    // A server that does not know the key gives another one.
    for (said, given) in [("none", "key_1"), ("key_1", "key_1"), ("key_1", "key_2"), ("key_2", "key_2")] {
        let server = Server::start(Act::Identify(given)).await;
        let end = Process::start(&["watch", "--identity", &file, &server.url, &room]).end().await;
        let last: Value = serde_json::from_str(end.stdout.last().unwrap()).unwrap();
        assert_eq!((&last["reason"], end.code), (&json!(said), Some(0)), "{:?}", end.stderr);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{given}\n"));
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::write(&file, "not a key").unwrap();
    let end = Process::start(&["watch", "--identity", &file, "ws://127.0.0.1:1", &room]).end().await;
    assert_eq!(end.code, Some(2), "{:?}", end.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not a key");
}

#[tokio::test]
async fn publish_writes_json_whatever_a_server_calls_a_refusal() {
    let server = Server::start(Act::Refuse("\",\u{1b}[2J")).await;
    let mut publisher = Process::start(&["publish", "--patience", "1s", &server.url]);
    assert_eq!(publisher.json().await["type"], "created");
    publisher.say(r#"{"key":"a"}"#).await;
    let error = publisher.json().await;
    assert_eq!((&error["type"], &error["code"], &error["n"]), (&json!("error"), &json!("other"), &json!(1)));
    publisher.signal("KILL").await;
}
