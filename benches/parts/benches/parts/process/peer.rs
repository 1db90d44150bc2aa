//! A room in this process with one Rust owner, and viewers over loopback sockets, all on one thread. Must not know what
//! is measured.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rtbroadcaster::{Config, Limit, Manager, Message, Owner, Permit, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// The parameters of a message.
const PARAMS: &str = "a message of an ordinary length, as people write them in a chat or a caption";

/// A process with one room.
pub(crate) struct RoomProcess {
    runtime: Runtime,
    manager: Manager,
    owner: Owner,
    listener: TcpListener,
}

/// A viewer's end of its connection.
pub(crate) struct Viewer {
    stream: TcpStream,
    /// The bytes that arrived and are not read yet.
    came: Vec<u8>,
}

impl RoomProcess {
    /// Returns a process with a room without viewers.
    pub(crate) fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let lifted = Config { handshakes_per_address_per_second: Limit::None, ..Config::default() };
        let manager = Manager::new(lifted);
        let owner = runtime.block_on(manager.create_room()).expect("there is room for one");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("there is a free port");
        Self { runtime, manager, owner, listener }
    }

    /// Publishes one event.
    pub(crate) fn publish(&mut self) {
        let said = self.owner.publish(Message::event("line", [PARAMS]).expect("it has no fault"));
        self.runtime.block_on(said).expect("the room is there");
    }

    /// Connects and joins a viewer, reads the answer, and returns the viewer.
    pub(crate) fn viewer(&mut self) -> Viewer {
        let Self { runtime, manager, owner, listener } = self;
        let mut viewer = runtime.block_on(async {
            let address = listener.local_addr().expect("it is bound");
            let (stream, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
            tokio::spawn(serve(manager.clone(), accepted.expect("the viewer connects").0));
            let mut viewer = Viewer { stream: stream.expect("the listener accepts"), came: Vec::new() };
            viewer.stream.write_all(HANDSHAKE.as_bytes()).await.expect("the server reads");
            viewer.wait_for(b"\r\n\r\n").await;
            let join = format!(r#"{{"type":"join","id":"j","room":"{}"}}"#, owner.room());
            let length = u8::try_from(join.len()).expect("it is short");
            // The mask is zero.
            viewer.stream.write_all(&[&[0x81, 0x80 | length, 0, 0, 0, 0], join.as_bytes()].concat()).await.expect("so");
            viewer.wait_for(br#""type":"joined""#).await;
            viewer
        });
        viewer.came.clear();
        viewer
    }

    /// Reads the event that was published last.
    pub(crate) fn read(&mut self, viewer: &mut Viewer) {
        self.runtime.block_on(viewer.wait_for(PARAMS.as_bytes()));
    }

    /// Closes the connection of `viewer`, and waits until the room has removed it.
    pub(crate) fn leave(&mut self, viewer: Viewer) {
        drop(viewer);
        let Self { runtime, owner, .. } = self;
        runtime.block_on(async {
            while owner.viewers() > 0 {
                tokio::task::yield_now().await;
            }
        });
    }
}

const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
    Sec-WebSocket-Protocol: rtbroadcaster.v2\r\n\r\n";

impl Viewer {
    /// Reads up to the end of `what`, and keeps the bytes behind it.
    async fn wait_for(&mut self, what: &[u8]) {
        loop {
            if let Some(at) = self.came.windows(what.len()).position(|part| part == what) {
                self.came.drain(..at + what.len());
                return;
            }
            let count = self.stream.read_buf(&mut self.came).await.expect("the server writes");
            assert!(count > 0, "the connection has ended");
        }
    }
}

/// Serves one connection.
async fn serve(manager: Manager, stream: TcpStream) {
    let answer = service_fn(async |mut request: Request<Incoming>| {
        let response: Response<Full<Bytes>> = match Upgrade::new(&mut request) {
            Ok(upgrade) => upgrade.accept(&manager, Permit::anything()).await,
            Err(error) => error.answer(&manager),
        };
        Ok::<_, Infallible>(response)
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).with_upgrades();
    connection.await.expect("the handshake is one");
}
