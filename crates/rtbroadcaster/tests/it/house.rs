//! A real application on a port of its own, with the manager in the test's hand. Must not know what it is used for.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::{Router, routing::any};
use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rtbroadcaster::{Config, Manager, Owner, Permit, RoomId, Upgrade};
use tokio::io::{BufStream, DuplexStream};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use crate::client::{Client, request};

/// Serves until it is dropped.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) manager: Manager,
    pub(crate) address: SocketAddr,
    _serving: AbortOnDropHandle<std::io::Result<()>>,
}

impl House {
    pub(crate) async fn open(config: Config) -> Self {
        Self::of(Manager::new(config)).await
    }

    /// The same with rooms that are kept.
    #[cfg(feature = "disk")]
    pub(crate) async fn kept(config: Config, disk: &rtbroadcaster::Disk) -> Self {
        Self::of(Manager::open(config, disk).await.unwrap()).await
    }

    async fn of(manager: Manager) -> Self {
        let app = Router::new().route("/broadcasting", any(rtbroadcaster::axum::handler)).with_state(manager.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, app).await });
        Self { manager, address, _serving: AbortOnDropHandle::new(serving) }
    }

    /// A client that has said nothing yet.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// A client that owns a new room.
    pub(crate) async fn owner(&self) -> (Client, String) {
        let mut client = self.client().await;
        let room = client.create().await;
        (client, room)
    }

    /// A client that watches `room`.
    pub(crate) async fn viewer(&self, room: &str) -> Client {
        let mut client = self.client().await;
        client.join(room).await;
        client
    }

    /// A Rust program's own room, and its name.
    pub(crate) async fn rust_owner(&self) -> (Owner, String) {
        let owner = self.manager.create_room().await.unwrap();
        let room = owner.room().to_string();
        (owner, room)
    }

    /// How many watch `room`, 0 if there is none.
    pub(crate) fn viewers(&self, room: &str) -> usize {
        let id: RoomId = room.parse().unwrap();
        self.manager.room(&id).map_or(0, |room| room.viewers)
    }
}

/// A client whose connection is in memory, so that the library cannot know its socket. It takes `buffer_bytes` that the
/// client has not read.
pub(crate) async fn in_memory(manager: &Manager, buffer_bytes: usize) -> Client<DuplexStream> {
    in_memory_speaking(manager, buffer_bytes, None).await
}

/// The same, offering `protocol`.
pub(crate) async fn in_memory_speaking(
    manager: &Manager,
    buffer_bytes: usize,
    protocol: Option<&'static str>,
) -> Client<DuplexStream> {
    Client::open(request("in.memory", protocol), stream(manager, buffer_bytes, 1)).await.unwrap()
}

/// A client of version 2 with these rights.
pub(crate) async fn in_memory_with(manager: &Manager, permit: impl Into<Permit>) -> Client<DuplexStream> {
    let stream = stream_with(manager, 64 << 10, 1, permit.into());
    Client::open(request("in.memory", Some("rtbroadcaster.v2")), stream).await.unwrap()
}

/// The same behind a layer that holds back up to `held_back_bytes` until it is flushed, as TLS may.
pub(crate) async fn in_memory_behind(
    manager: &Manager,
    buffer_bytes: usize,
    held_back_bytes: usize,
) -> Client<DuplexStream> {
    let stream = stream(manager, buffer_bytes, held_back_bytes);
    Client::open(request("in.memory", None), stream).await.unwrap()
}

/// A stream at whose other end the library is served.
fn stream(manager: &Manager, buffer_bytes: usize, held_back_bytes: usize) -> DuplexStream {
    stream_with(manager, buffer_bytes, held_back_bytes, Permit::anything())
}

/// The same for a client that may do what `permit` allows.
fn stream_with(manager: &Manager, buffer_bytes: usize, held_back_bytes: usize, permit: Permit) -> DuplexStream {
    let (here, there) = tokio::io::duplex(buffer_bytes);
    let manager = manager.clone();
    tokio::spawn(async move {
        let answer = async |mut request: Request<hyper::body::Incoming>| {
            let response: Response<Full<Bytes>> = match Upgrade::new(&mut request) {
                Ok(upgrade) => upgrade.accept(&manager, permit.clone()).await,
                Err(error) => error.answer(&manager),
            };
            Ok::<_, Infallible>(response)
        };
        let stream = BufStream::with_capacity(1, held_back_bytes, there);
        let connection = hyper::server::conn::http1::Builder::new();
        connection.serve_connection(TokioIo::new(stream), service_fn(answer)).with_upgrades().await
    });
    here
}

/// A data directory that goes with its test.
#[cfg(feature = "disk")]
pub(crate) struct Directory(pub(crate) std::path::PathBuf);

#[cfg(feature = "disk")]
impl Directory {
    pub(crate) fn new() -> Self {
        let name = format!("rtbroadcaster-{}-{}", std::process::id(), RoomId::random(&rtbroadcaster::OsRandom));
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) async fn house(&self, config: Config) -> House {
        House::kept(config, &rtbroadcaster::Disk::at(&self.0)).await
    }
}

#[cfg(feature = "disk")]
impl Drop for Directory {
    fn drop(&mut self) {
        // The system clears what cannot be removed now.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
