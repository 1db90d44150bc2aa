//! The program: a viewer or an owner with little patience, on a server that runs one row. Must not know what the
//! row does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rtbroadcaster::remote::{Closing, OpenError, Options, Owner, PublishError, Status, Viewer};
use rtbroadcaster::{Message, RoomOptions};
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::peer::{Peer, ROOM};
use crate::row::{Ends, Phase, Row};

/// The patience of a client whose patience is to end, and of any other one.
const LITTLE_PATIENCE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);

/// How long any step may take. Leaving takes up to 2 s.
const DEADLINE: Duration = Duration::from_secs(12);

/// The role of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Viewer,
    Owner,
}

/// The outcome of a client.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How the client ended; `None` if it stayed until its program left.
    pub(crate) closing: Option<Closing>,
    pub(crate) connections: usize,
}

fn options(row: &Row) -> Options {
    let mut options = Options::default();
    (options.backoff_first, options.backoff_max) = (Duration::from_millis(50), Duration::from_millis(400));
    (options.patience, options.answer_timeout) = match row.ends {
        Ends::GivesUp => (Some(LITTLE_PATIENCE), Duration::from_millis(700)),
        _ => (Some(PATIENCE), PATIENCE),
    };
    (options.frame_bytes_max, options.state_bytes_max, options.messages_bytes_max) = (1 << 20, 1 << 20, 1 << 20);
    options
}

/// A server that runs one row on every connection. It ends when it is dropped.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    _playing: JoinSet<()>,
}

impl Server {
    async fn start(row: &Row) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // Small, so that data that a server does not read waits in the client and not in the kernel.
        socket.set_recv_buffer_size(16 << 10).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(64).unwrap();
        let url = format!("ws://{}/broadcasting", listener.local_addr().unwrap());
        let (act, phase, connections) = (Arc::clone(&row.act), row.phase, Arc::<AtomicUsize>::default());
        let (counted, mut playing) = (Arc::clone(&connections), JoinSet::new());
        playing.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let act = Arc::clone(&act);
                open.spawn(async move {
                    let Some(mut peer) = Peer::meet(stream).await else { return };
                    if phase != Phase::Asked && peer.open("").await.is_none() {
                        return;
                    }
                    if phase == Phase::Inside && !peer.enter(serde_json::json!({})).await {
                        return;
                    }
                    act(peer).await;
                });
            }
        });
        Self { url, connections, _playing: playing }
    }

    fn outcome(&self, closing: Option<Closing>) -> Outcome {
        Outcome { closing, connections: self.connections.load(Ordering::Relaxed) }
    }
}

/// Connects a client to a server that runs `row`. Returns the outcome, or which step hung.
pub(crate) async fn meet(row: &Row, role: Role) -> Result<Outcome, String> {
    let server = Server::start(row).await;
    match role {
        Role::Viewer => watch(row, server).await,
        Role::Owner => publish(row, server).await,
    }
}

/// Returns how long to wait for a client's end.
fn until_over(row: &Row) -> Duration {
    if row.ends == Ends::Stays { row.settled } else { DEADLINE }
}

async fn within<T>(what: &str, time: Duration, future: impl Future<Output = T>) -> Result<T, String> {
    timeout(time, future).await.map_err(|_| format!("{what} takes longer than {time:?}"))
}

async fn watch(row: &Row, server: Server) -> Result<Outcome, String> {
    let viewer = Viewer::join_with(&server.url, ROOM.parse().unwrap(), options(row)).unwrap();
    let mut messages = viewer.messages();
    let status = viewer.watch_status();
    let heard = async {
        while row.is_heard && messages.next().await.is_some() {}
        std::future::pending().await
    };
    let ended = tokio::select! {
        ended = timeout(until_over(row), over(status.clone())) => ended.ok().flatten(),
        never = heard => never,
    };
    let outcome = server.outcome(ended);
    let _server = row.is_left.then_some(server);
    if outcome.closing.is_none() {
        within("leaving", DEADLINE, viewer.leave()).await?;
    }
    Ok(outcome)
}

async fn publish(row: &Row, server: Server) -> Result<Outcome, String> {
    let creating = Owner::create_with(&server.url, RoomOptions::new(), options(row));
    let owner = match within("creating", DEADLINE, creating).await? {
        Ok(owner) => owner,
        Err(OpenError::Closed(closing)) => return Ok(server.outcome(Some(closing))),
        Err(other) => return Err(other.to_string()),
    };
    let mut signals = owner.signals();
    let heard = async {
        while row.is_heard && signals.next().await.is_some() {}
        std::future::pending().await
    };
    let status = owner.watch_status();
    let speaking = async {
        for number in 0..3 {
            match owner.publish(Message::state("slide", [number]).unwrap()).await {
                Ok(_) | Err(PublishError::Refused(_)) => {}
                Err(_) => break,
            }
        }
        std::future::pending().await
    };
    let ended = tokio::select! {
        ended = timeout(until_over(row), over(status.clone())) => ended.ok().flatten(),
        never = speaking => never,
        never = heard => never,
    };
    let outcome = server.outcome(ended);
    let _server = row.is_left.then_some(server);
    drop(owner);
    within("leaving", DEADLINE, over(status)).await?;
    Ok(outcome)
}

/// Waits for a client's end. Panics if its task ends without a closing status.
async fn over(mut status: watch::Receiver<Status>) -> Option<Closing> {
    let over = status.wait_for(|status| status.closing().is_some()).await;
    over.expect("the client's task sends its closing status before it ends").closing().cloned()
}
