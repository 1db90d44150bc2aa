//! Tests only: a room whose owner and half of whose viewers speak over TLS, the others in plain. All get the same
//! messages, whatever their sockets and keys do meanwhile. Must not know how a TLS session is shared.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::limit::Limit;
use serde_json::{Value, json};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Barrier;
use tokio::task::yield_now;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Came;

use super::*;
use crate::socket::pairs::secured;

/// How long a whole conversation may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// How many messages the owner publishes.
const MESSAGES: u32 = 1_000;

/// The buffers of a peer to which records are written in many parts.
const TINY_BYTES: usize = 4 * 1024;

/// How a client is connected, and how it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Viewer {
    Plain,
    Secured,
    /// With small buffers, and reading seldom.
    Slow,
    /// It changes its keys again and again, and has the server do so.
    Changing,
}

/// The server: in plain, and over TLS.
#[derive(Debug)]
struct TestServer {
    plain: SocketAddr,
    secured: SocketAddr,
}

impl TestServer {
    async fn open(config: Config) -> Self {
        let manager = Manager::new(config);
        let [plain, secured] = [TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await];
        let (plain, secured) = (plain.unwrap(), secured.unwrap());
        let server = Self { plain: plain.local_addr().unwrap(), secured: secured.local_addr().unwrap() };
        let other = manager.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = plain.accept().await {
                tokio::spawn(serve(tcp, other.clone()));
            }
        });
        tokio::spawn(async move {
            let acceptor = secured::acceptor();
            while let Ok((tcp, _)) = secured.accept().await {
                let (acceptor, manager) = (acceptor.clone(), manager.clone());
                SockRef::from(&tcp).set_send_buffer_size(TINY_BYTES).unwrap();
                tokio::spawn(async move { serve(acceptor.accept(tcp).await.unwrap(), manager).await });
            }
        });
        server
    }

    async fn connect_plain(&self) -> WebSocketStream<TcpStream> {
        greet(TcpStream::connect(self.plain).await.unwrap()).await
    }

    async fn connect_secured(&self, receive_bytes: Option<usize>) -> WebSocketStream<TlsStream<TcpStream>> {
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = receive_bytes {
            socket.set_recv_buffer_size(u32::try_from(bytes).unwrap()).unwrap();
        }
        greet(secured::connect(socket.connect(self.secured).await.unwrap()).await).await
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S, manager: Manager) {
    let answer = async |mut request: http::Request<Incoming>| {
        Ok::<http::Response<Full<Bytes>>, Infallible>(match Upgrade::new(&mut request) {
            Ok(upgrade) => upgrade.accept(&manager, Permit::anything()).await,
            Err(error) => error.answer(&manager),
        })
    };
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
    connection.with_upgrades().await.unwrap();
}

async fn greet<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> WebSocketStream<S> {
    tokio_tungstenite::client_async("ws://in.memory/", stream).await.unwrap().0
}

/// Changes the keys of this end, and asks the server to change its own.
fn change_keys(client: &mut WebSocketStream<TlsStream<TcpStream>>) {
    client.get_mut().get_mut().1.refresh_traffic_keys().unwrap();
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(client: &mut WebSocketStream<S>, message: &Value) {
    client.send(Came::text(message.to_string())).await.unwrap();
}

/// Returns the next text.
async fn hear<S: AsyncRead + AsyncWrite + Unpin>(client: &mut WebSocketStream<S>) -> Value {
    loop {
        match client.next().await {
            Some(Ok(Came::Text(text))) => return serde_json::from_str(&text).unwrap(),
            Some(Ok(Came::Ping(_) | Came::Pong(_))) => {}
            other => panic!("no message: {other:?}"),
        }
    }
}

/// What a viewer has in the end: a hash over all events in their order, and the newest value of every key.
#[derive(Debug, Default, PartialEq, Eq)]
struct Received {
    events: u64,
    hash: u64,
    state: BTreeMap<String, String>,
}

/// A room, and the barrier at which its clients wait for each other.
#[derive(Debug)]
struct TestRoom {
    server: TestServer,
    id: String,
    all_here: Barrier,
}

/// Joins the room and reads to its end. `between` is called before each message.
async fn watch<S: AsyncRead + AsyncWrite + Unpin>(
    mut client: WebSocketStream<S>,
    room: &TestRoom,
    mut between: impl AsyncFnMut(&mut WebSocketStream<S>, u64),
) -> Received {
    say(&mut client, &json!({"uuid": room.id, "status": {"value": 2}})).await;
    assert_eq!(hear(&mut client).await["status"]["value"], 3);
    room.all_here.wait().await;
    let (mut received, mut hasher) = (Received::default(), DefaultHasher::new());
    loop {
        between(&mut client, received.events).await;
        let message = hear(&mut client).await;
        if message["status"]["value"] == 0 {
            break;
        }
        let (key, params) = (message["funcKey"].as_str().unwrap(), message["funcParams"].to_string());
        if message["stateMessage"] == true {
            received.state.insert(key.to_owned(), params);
        } else {
            (key, params).hash(&mut hasher);
            received.events += 1;
        }
    }
    received.hash = hasher.finish();
    // The close frame, then the end of the session as TLS wants it: anything else is an error.
    while let Some(came) = client.next().await {
        came.unwrap();
    }
    received
}

async fn view(viewer: Viewer, room: Arc<TestRoom>) -> Received {
    let server = &room.server;
    match viewer {
        Viewer::Plain => watch(server.connect_plain().await, &room, async |_, _| {}).await,
        Viewer::Secured => watch(server.connect_secured(None).await, &room, async |_, _| {}).await,
        Viewer::Slow => {
            let client = server.connect_secured(Some(TINY_BYTES)).await;
            watch(client, &room, async |_, _| {
                for _ in 0..200 {
                    yield_now().await;
                }
            })
            .await
        }
        Viewer::Changing => {
            let client = server.connect_secured(Some(TINY_BYTES)).await;
            watch(client, &room, async |client, events| {
                if events % 20 == 7 {
                    change_keys(client);
                    client.send(Came::Ping(Bytes::from_static(b"changed"))).await.unwrap();
                }
            })
            .await
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_over_tls_and_in_plain_get_the_same_whatever_their_sockets_do() {
    let config = Config {
        backlog_bytes_max: Limit::None,
        stall_timeout: Limit::None,
        ping_interval: Limit::None,
        ..Config::default()
    };
    let server = TestServer::open(config).await;
    let mut owner = server.connect_secured(None).await;
    say(&mut owner, &json!({"status": {"value": 1}})).await;
    let id = hear(&mut owner).await["uuid"].as_str().unwrap().to_owned();
    let kinds = [Viewer::Plain, Viewer::Secured, Viewer::Slow, Viewer::Changing].map(|kind| [kind, kind]).concat();
    let room = Arc::new(TestRoom { server, id, all_here: Barrier::new(kinds.len() + 1) });
    let viewers = kinds.into_iter().map(|kind| (kind, tokio::spawn(view(kind, Arc::clone(&room)))));
    let viewers: Vec<_> = viewers.collect();
    let conversation = async {
        room.all_here.wait().await;
        for number in 0..MESSAGES {
            let mix = number.wrapping_mul(2_654_435_761).rotate_left(7);
            let text = "x".repeat((mix % 9_000) as usize);
            let state = mix % 4 == 0;
            let key = if state { format!("s{}", mix % 5) } else { "e".to_owned() };
            let message =
                json!({"status": {"value": 3}, "funcKey": key, "funcParams": [number, text], "stateMessage": state});
            say(&mut owner, &message).await;
            if number % 50 == 9 {
                change_keys(&mut owner);
            }
        }
        say(&mut owner, &json!({"status": {"value": 4}})).await;
        while let Some(Ok(_)) = owner.next().await {}
        let mut all = Vec::new();
        for (kind, viewer) in viewers {
            all.push((kind, viewer.await.unwrap()));
        }
        all
    };
    let all = timeout(DEADLINE, conversation).await.expect("a viewer waits for ever");
    let (_, first) = &all[0];
    assert!(first.events > u64::from(MESSAGES) / 2, "{first:?}");
    assert_eq!(first.state.len(), 5);
    for (kind, received) in &all {
        assert!(
            received == first,
            "{kind:?} has {} events, hash {:x}; not {}, {:x}",
            received.events,
            received.hash,
            first.events,
            first.hash
        );
    }
}
