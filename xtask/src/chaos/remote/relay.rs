//! An address between the clients and the servers whose connections end in the ways in which networks end them.
//! Must not know what is said on them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::chaos::random::Random;
use crate::steps::Failure;

/// How many bytes pass before a cut in the middle of what is said.
const PART_BYTES: std::ops::Range<u64> = 1..400;

/// How long nothing arrives any more before a connection is gone, in milliseconds.
const SWALLOW_MS: std::ops::Range<u64> = 5..150;

/// How long a cut in the middle of something waits for it.
const PART_TIME: Duration = Duration::from_millis(100);

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Not yet.
    None,
    /// Both ends are closed.
    Finish,
    /// Both ends are reset.
    Reset,
    /// So many bytes more arrive at either end, and then it is closed.
    Part(usize),
    /// Nothing arrives any more for a time, though it is taken; then it is reset.
    Swallow(Duration),
}

impl Cut {
    /// Some way.
    pub(super) fn any(random: &mut Random) -> Self {
        match random.index(4) {
            0 => Self::Finish,
            1 => Self::Reset,
            2 => Self::Part(usize::try_from(random.within(PART_BYTES)).unwrap_or(1)),
            _ => Self::Swallow(Duration::from_millis(random.within(SWALLOW_MS))),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::chaos) struct Tally {
    /// Connections that were made.
    pub(super) connections: u64,
    /// Those for which there was a server.
    pub(in crate::chaos) served: u64,
    /// Times that somebody was cut, by way, and how many connections that met.
    pub(super) finished: u32,
    pub(super) reset: u32,
    pub(super) parted: u32,
    pub(super) swallowed: u32,
    pub(super) met: usize,
}

/// What the relay and its tasks share.
#[derive(Debug, Default)]
struct Shared {
    open: Vec<watch::Sender<Cut>>,
    tally: Tally,
}

/// Relays until it is dropped.
pub(in crate::chaos) struct Relay {
    url: String,
    shared: Arc<Mutex<Shared>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Relay {
    pub(in crate::chaos) async fn open(target: SocketAddr) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("the relay: {error}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let url = format!("ws://{}/broadcasting", listener.local_addr().map_err(failed)?);
        let shared = Arc::<Mutex<Shared>>::default();
        let serving = tokio::spawn(serve(listener, target, Arc::clone(&shared)));
        Ok(Self { url, shared, serving })
    }

    pub(in crate::chaos) fn url(&self) -> &str {
        &self.url
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        let mut shared = lock(&self.shared);
        shared.open.retain(|way| !way.is_closed());
        shared.open.len()
    }

    /// Ends the connection of this number, or all.
    pub(super) fn cut(&self, way: Cut, which: Option<usize>) {
        let mut shared = lock(&self.shared);
        let (from, to) = which.map_or((0, shared.open.len()), |which| (which, which + 1));
        let met = shared.open.iter().take(to).skip(from).filter(|connection| connection.send(way).is_ok()).count();
        let tally = &mut shared.tally;
        tally.met += met;
        match way {
            Cut::None => {}
            Cut::Finish => tally.finished += 1,
            Cut::Reset => tally.reset += 1,
            Cut::Part(_) => tally.parted += 1,
            Cut::Swallow(_) => tally.swallowed += 1,
        }
    }

    pub(in crate::chaos) fn tally(&self) -> Tally {
        lock(&self.shared).tally
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, target: SocketAddr, shared: Arc<Mutex<Shared>>) {
    while let Ok((client, _)) = listener.accept().await {
        let (sender, way) = watch::channel(Cut::None);
        {
            let mut shared = lock(&shared);
            shared.tally.connections += 1;
            shared.open.push(sender);
        }
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // Without a server the client is cut.
            if let Ok(server) = TcpStream::connect(target).await {
                lock(&shared).tally.served += 1;
                carry(client, server, way).await;
            }
        });
    }
}

/// Carries bytes both ways until either ends.
async fn carry(mut client: TcpStream, mut server: TcpStream, way: watch::Receiver<Cut>) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            () = pump(from_client, to_server, way.clone()) => {}
            () = pump(from_server, to_client, way.clone()) => {}
        }
    }
    if matches!(*way.borrow(), Cut::Reset | Cut::Swallow(_)) {
        // Closing at once is a reset (RFC 9293 section 3.6).
        for socket in [&client, &server] {
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
        }
    }
}

/// Carries bytes one way until it ends or is cut.
async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut way: watch::Receiver<Cut>) {
    let mut bytes = vec![0; 8_192];
    loop {
        let carried = async {
            match from.read(&mut bytes).await {
                Ok(count @ 1..) => to.write_all(&bytes[..count]).await.is_ok(),
                _ => false,
            }
        };
        let cut = tokio::select! {
            biased;
            changed = way.changed() => changed.map_or(Cut::Finish, |()| *way.borrow_and_update()),
            is_open = carried => if is_open { Cut::None } else { return },
        };
        match cut {
            Cut::None => {}
            Cut::Finish | Cut::Reset => return,
            Cut::Part(count) => {
                let part = timeout(PART_TIME, from.read(&mut bytes[..count])).await;
                if let Ok(Ok(count)) = part {
                    let _ = to.write_all(&bytes[..count]).await;
                }
                return;
            }
            Cut::Swallow(time) => {
                let swallowed = async { while let Ok(1..) = from.read(&mut bytes).await {} };
                tokio::select! {
                    () = swallowed => {}
                    () = sleep(time) => {}
                }
                return;
            }
        }
    }
}
