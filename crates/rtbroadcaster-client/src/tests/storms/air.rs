//! The network between a client and its server: it delays, slows, holds back or drops bytes. Must not know their
//! meaning.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep, sleep_until};

/// How many bytes a slow link carries per second, and in which pieces.
const SLOW_BYTES: u64 = 4_000;
const PIECE: usize = 400;

/// The delay of each piece.
const LATENCY: Duration = Duration::from_millis(30);

/// To the server, or from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// The air around one client.
#[derive(Debug, Clone)]
pub(super) struct Air {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// How many connections there were.
    connections: u64,
    /// Connections below these numbers carry nothing any more, up and down.
    silent_below: [u64; 2],
    /// The newest connection that was silent or out at any time.
    was_silent: u64,
    out_until: Instant,
    slow_until: Instant,
    /// The newest connection that the server has ended.
    ended: u64,
}

impl Air {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let state =
            State { connections: 0, silent_below: [0; 2], was_silent: 0, out_until: now, slow_until: now, ended: 0 };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Returns whether both are the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    /// Silences the present connections for good.
    pub(super) fn is_silent(&self, way: Option<Way>) {
        let mut state = self.state.lock().unwrap();
        state.was_silent = state.connections;
        for at in [Way::Up, Way::Down] {
            if way.is_none_or(|way| way == at) {
                state.silent_below[at as usize] = state.connections + 1;
            }
        }
    }

    /// Holds everything back for some time.
    pub(super) fn is_out(&self, time: Duration) {
        let mut state = self.state.lock().unwrap();
        state.was_silent = state.connections;
        state.out_until = Instant::now() + time;
    }

    pub(super) fn is_slow(&self, time: Duration) {
        self.state.lock().unwrap().slow_until = Instant::now() + time;
    }

    /// Ends every outage and slow link.
    pub(super) fn clears(&self) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap();
        (state.out_until, state.slow_until) = (now, now);
    }

    /// Returns whether this connection was silent or out at any time.
    pub(super) fn was_silent(&self, connection: u64) -> bool {
        self.state.lock().unwrap().was_silent >= connection
    }

    /// Returns whether the client receives nothing on the present connection any more. If only the other direction is
    /// silent, the server ends the connection by itself.
    pub(super) fn is_dead(&self) -> bool {
        let state = self.state.lock().unwrap();
        let is_ended = state.ended >= state.connections && state.slow_until <= Instant::now();
        is_ended || state.silent_below[Way::Down as usize] > state.connections
    }

    /// Notes that the server has ended this connection.
    pub(super) fn ends(&self, connection: u64) {
        let mut state = self.state.lock().unwrap();
        state.ended = state.ended.max(connection);
    }

    /// Connects the client's end. Returns the server's end and the connection's number.
    pub(super) fn carries(&self, client: DuplexStream) -> (DuplexStream, u64) {
        let (here, server) = tokio::io::duplex(1 << 16);
        let connection = {
            let mut state = self.state.lock().unwrap();
            state.connections += 1;
            if state.out_until > Instant::now() {
                state.was_silent = state.connections;
            }
            state.connections
        };
        let (from_client, to_client) = tokio::io::split(client);
        let (from_server, to_server) = tokio::io::split(here);
        tokio::spawn(self.clone().pump(from_client, to_server, Way::Up, connection));
        tokio::spawn(self.clone().pump(from_server, to_client, Way::Down, connection));
        (server, connection)
    }

    async fn pump(self, mut from: ReadHalf<DuplexStream>, mut to: WriteHalf<DuplexStream>, way: Way, connection: u64) {
        let mut pieces = vec![0; 1 << 16];
        loop {
            let is_slow = self.state.lock().unwrap().slow_until > Instant::now();
            let piece = if is_slow { &mut pieces[..PIECE] } else { &mut pieces[..] };
            let Ok(count) = from.read(piece).await else { return };
            let slowly = Duration::from_millis(count as u64 * 1_000 / SLOW_BYTES);
            sleep(if is_slow { slowly } else { LATENCY }).await;
            self.is_through(way, connection).await;
            if count == 0 {
                let _ = to.shutdown().await;
                return;
            }
            if to.write_all(&pieces[..count]).await.is_err() {
                return;
            }
        }
    }

    /// Waits until this connection carries data in this direction, for ever if it is silent.
    async fn is_through(&self, way: Way, connection: u64) {
        loop {
            let out_until = {
                let state = self.state.lock().unwrap();
                (state.silent_below[way as usize] <= connection).then_some(state.out_until)
            };
            match out_until {
                None => std::future::pending().await,
                Some(until) if until <= Instant::now() => return,
                Some(until) => sleep_until(until).await,
            }
        }
    }
}
