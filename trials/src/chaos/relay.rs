//! An address between the clients and the servers, whose connections end or go dark in the ways of real networks. Must
//! not know their contents.
//!
//! A relay has one listener and any number of paths, each with an address of its own in 127.0.0.0/8. By the address
//! that a client connects to, the relay knows its path, and cuts that client alone.

mod carry;
mod cut;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::steps::Failure;
use carry::{LinkPace, carry, reach, refuse, reset};
pub(super) use cut::{Dark, PathEntry, PathFault};

/// The first numbers of the addresses of paths, and the most paths.
const NET: [u8; 2] = [127, 64];
pub(super) const PATHS_MAX: u32 = 60_000;

/// The first three numbers of the addresses from which paths reach the server.
const SOURCES: [u8; 3] = [127, 0, 6];

/// The number of paths that the fourth number of an address distinguishes: 0 and 255 are left out.
const HOSTS: u32 = 254;

/// The number of connections that the kernel may hold before they are accepted: all clients may come at once.
const BACKLOG: u32 = 4_096;

/// The number of attempts of a path that are remembered.
const ATTEMPTS_MAX: usize = 10_000;

/// The parameters of a relay.
#[derive(Debug, Clone, Copy)]
pub(super) struct RelayOptions {
    /// The number of paths, at most `PATHS_MAX`.
    pub(super) paths: u32,
    /// The number of addresses from which it reaches the server; with 0 the system chooses one.
    pub(super) sources: u8,
    /// The bytes a second that each connection carries each way.
    pub(super) bytes_per_second: Option<u32>,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self { paths: 1, sources: 0, bytes_per_second: None }
    }
}

/// Counts of its connections.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RelayTally {
    /// Connections that were made.
    pub(super) connections: u64,
    /// Connections for which there was a server.
    pub(super) served: u64,
    /// Cuts, by way, and how many connections they ended.
    pub(super) finished: u32,
    pub(super) reset: u32,
    pub(super) parted: u32,
    pub(super) swallowed: u32,
    pub(super) darkened: u32,
    pub(super) met: usize,
}

/// The path of one client to the server.
#[derive(Debug, Default)]
struct ClientPath {
    entry: watch::Sender<PathEntry>,
    open: Vec<watch::Sender<PathFault>>,
    /// The times at which connections were requested.
    attempts: Vec<Instant>,
}

/// The parts that the relay and its tasks share.
#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    shape: RelayOptions,
    state: Mutex<PathTable>,
}

#[derive(Debug)]
struct PathTable {
    paths: Vec<ClientPath>,
    tally: RelayTally,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, PathTable> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn source(&self, path: u32) -> Option<Ipv4Addr> {
        let sources = u32::from(self.shape.sources);
        let number = u8::try_from(1 + path.checked_rem(sources)?).unwrap_or(1);
        Some(Ipv4Addr::new(SOURCES[0], SOURCES[1], SOURCES[2], number))
    }
}

/// A relay; dropping it ends its connections.
pub(super) struct Relay {
    port: u16,
    url: String,
    shared: Arc<Shared>,
    serving: tokio::task::JoinHandle<()>,
}

impl Relay {
    /// Opens a relay with one path.
    pub(super) async fn open(target: SocketAddr) -> Result<Self, Failure> {
        Self::open_as(target, RelayOptions::default()).await
    }

    /// Opens a relay of this shape.
    pub(super) async fn open_as(target: SocketAddr, shape: RelayOptions) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("the relay: {error}"));
        // The addresses of paths are this machine's alone, and `serve` drops connections to any other.
        let socket = TcpSocket::new_v4().map_err(failed)?;
        socket.bind((Ipv4Addr::UNSPECIFIED, 0).into()).map_err(failed)?;
        let listener = socket.listen(BACKLOG).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let paths = (0..shape.paths.min(PATHS_MAX)).map(|_| ClientPath::default()).collect();
        let state = Mutex::new(PathTable { paths, tally: RelayTally::default() });
        let shared = Arc::new(Shared { target, shape, state });
        let serving = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { port, url: url(0, port), shared, serving })
    }

    /// Returns the address of the first path.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address of a path.
    pub(super) fn url_of(&self, path: u32) -> String {
        url(path, self.port)
    }

    /// Returns how many connections there are.
    pub(super) fn connections(&self) -> usize {
        let mut state = self.shared.lock();
        state.paths.iter_mut().for_each(ClientPath::forget_ended);
        state.paths.iter().map(|path| path.open.len()).sum()
    }

    /// Cuts the connection of this number, or all, in this way.
    pub(super) fn cut(&self, way: PathFault, which: Option<usize>) {
        let mut state = self.shared.lock();
        let all = state.paths.iter().flat_map(|path| &path.open);
        let met = match which {
            Some(which) => all.skip(which).take(1).filter(|connection| connection.send(way).is_ok()).count(),
            None => all.filter(|connection| connection.send(way).is_ok()).count(),
        };
        state.tally.count(way, met);
    }

    /// Cuts all connections of a path in this way.
    pub(super) fn cut_path(&self, path: u32, way: PathFault) {
        let mut state = self.shared.lock();
        let open = state.paths.get(path as usize).into_iter().flat_map(|path| &path.open);
        let met = open.filter(|connection| connection.send(way).is_ok()).count();
        state.tally.count(way, met);
    }

    /// Sets how new connections on this path, or on all, are treated.
    pub(super) fn enter(&self, entry: PathEntry, path: Option<u32>) {
        let state = self.shared.lock();
        let (first, count) = path.map_or((0, usize::MAX), |path| (path as usize, 1));
        state.paths.iter().skip(first).take(count).for_each(|path| _ = path.entry.send_replace(entry));
    }

    /// Returns when connections were requested on this path.
    pub(super) fn attempts(&self, path: u32) -> Vec<Instant> {
        self.shared.lock().paths.get(path as usize).map(|path| path.attempts.clone()).unwrap_or_default()
    }

    pub(super) fn tally(&self) -> RelayTally {
        self.shared.lock().tally
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.serving.abort();
        // Their tasks hold the shared parts, so each connection is cut.
        self.cut(PathFault::Finish, None);
        self.enter(PathEntry::Reset, None);
    }
}

impl RelayTally {
    fn count(&mut self, way: PathFault, met: usize) {
        self.met += met;
        match way {
            PathFault::None => {}
            PathFault::Finish => self.finished += 1,
            PathFault::Reset => self.reset += 1,
            PathFault::Part(_) => self.parted += 1,
            PathFault::Swallow(_) => self.swallowed += 1,
            PathFault::Dark(_) => self.darkened += 1,
        }
    }
}

impl ClientPath {
    fn forget_ended(&mut self) {
        self.open.retain(|way| !way.is_closed());
    }
}

fn url(path: u32, port: u16) -> String {
    format!("ws://{}:{port}/broadcasting", address_of(path))
}

/// Returns the address of a path.
fn address_of(path: u32) -> Ipv4Addr {
    let number = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    Ipv4Addr::new(NET[0], NET[1], number(path / HOSTS), number(1 + path % HOSTS))
}

/// Returns the path of an address.
fn path_of(address: IpAddr) -> Option<u32> {
    let IpAddr::V4(address) = address else { return None };
    let [first, second, third, fourth] = address.octets();
    let host = u32::from(fourth).checked_sub(1).filter(|host| *host < HOSTS)?;
    ([first, second] == NET).then_some(u32::from(third) * HOSTS + host)
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // The error is that of one connection, or that of too many open files, which passes.
        let Ok((client, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let Some(path) = client.local_addr().ok().and_then(|address| path_of(address.ip())) else { continue };
        let (sender, way) = watch::channel(PathFault::None);
        let entry = {
            let mut state = shared.lock();
            let PathTable { paths, tally } = &mut *state;
            let Some(path) = paths.get_mut(path as usize) else { continue };
            tally.connections += 1;
            path.forget_ended();
            path.open.push(sender);
            if path.attempts.len() < ATTEMPTS_MAX {
                path.attempts.push(Instant::now());
            }
            path.entry.subscribe()
        };
        tokio::spawn(admit(client, path, entry, way, Arc::clone(&shared)));
    }
}

/// Handles one connection, from its beginning to its end.
async fn admit(
    client: TcpStream,
    path: u32,
    mut entry: watch::Receiver<PathEntry>,
    mut way: watch::Receiver<PathFault>,
    shared: Arc<Shared>,
) {
    let now = *entry.borrow_and_update();
    let entry = if now == PathEntry::Held {
        tokio::select! {
            changed = entry.wait_for(|entry| *entry != PathEntry::Held) => changed.map_or(PathEntry::Reset, |entry| *entry),
            _ = way.wait_for(|way| matches!(way, PathFault::Finish | PathFault::Reset)) => PathEntry::Reset,
        }
    } else {
        now
    };
    match entry {
        PathEntry::Open => {
            // Without a server the client is cut.
            if let Ok(server) = reach(shared.target, shared.source(path)).await {
                shared.lock().tally.served += 1;
                carry(client, server, LinkPace::of(shared.shape.bytes_per_second), way).await;
            }
        }
        PathEntry::Unavailable => refuse(client).await,
        PathEntry::Reset | PathEntry::Held => reset(&client),
    }
}

#[cfg(test)]
mod tests;
