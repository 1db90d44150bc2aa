//! The ways in which a viewer's connection ends early. Must not know its messages.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::load::frame::{Opcode, masked};
use crate::load::peer::Peer;
use crate::random::Random;

/// One way to end a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CutWay {
    /// The client ends its side and reads to the end.
    Fin,
    /// The connection is reset.
    Rst,
    /// The client neither reads nor writes any more, and holds the socket for some seconds.
    Silence,
    /// The client has read a part of a frame, writes half of one, and ends the connection.
    MidFrame,
}

/// All ways, in the order of a report.
pub(super) const ALL: [(CutWay, &str); 4] =
    [(CutWay::Fin, "FIN"), (CutWay::Rst, "RST"), (CutWay::Silence, "silence"), (CutWay::MidFrame, "mid-frame")];

/// How long a client must be behind before a server may close it as slow (`stall_timeout`).
const SLOW: Duration = Duration::from_secs(10);

/// The length of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// This long.
    Time(Duration),
    /// Until so many bytes have arrived, from the answer to the join on.
    Bytes(usize),
}

/// The state of a connection.
#[derive(Debug)]
pub(super) struct ConnectionState {
    /// The way in which it will be cut.
    pub(super) cut: CutWay,
    /// When it will be cut; `None` once the storm is over.
    pub(super) life: Option<Lifetime>,
    /// The time between two heartbeats, twice.
    pub(super) two_alive: Duration,
    begun: Instant,
    /// The moment from which it counts as silent.
    silent_at: Instant,
    /// Since when it may be behind.
    behind: Option<Instant>,
}

impl ConnectionState {
    pub(super) fn begin(random: &mut Random, two_alive: Duration) -> Self {
        let (cut, life) = CutWay::choose(random);
        let begun = Instant::now();
        Self { cut, life: Some(life), two_alive, begun, silent_at: begun + two_alive, behind: None }
    }

    /// Returns until when to wait for bytes.
    pub(super) fn deadline(&self) -> Instant {
        match self.life {
            Some(Lifetime::Time(time)) => self.silent_at.min(self.begun + time),
            _ => self.silent_at,
        }
    }

    /// Returns whether its time is over.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.life, Some(Lifetime::Time(time)) if self.begun.elapsed() >= time)
    }

    /// Returns how many bytes may be read.
    pub(super) fn bytes_max(&self) -> usize {
        match self.life {
            Some(Lifetime::Bytes(left)) => left,
            _ => usize::MAX,
        }
    }

    /// Records that so many bytes arrived.
    pub(super) fn heard(&mut self, bytes: usize, has_text: bool) {
        if has_text {
            self.silent_at = Instant::now() + self.two_alive;
        }
        if let Some(Lifetime::Bytes(left)) = &mut self.life {
            *left = left.saturating_sub(bytes);
        }
    }

    /// Records that nothing is read from now on.
    pub(super) fn lags(&mut self) {
        // It may not have caught up since an earlier lag.
        self.behind.get_or_insert_with(Instant::now);
    }

    /// Prolongs the connection by `more`.
    pub(super) fn prolong(&mut self, more: Duration) {
        self.silent_at = Instant::now() + self.two_alive;
        if self.life.is_some() {
            self.life = Some(Lifetime::Time(self.begun.elapsed() + more));
        }
    }

    /// Returns whether the server may close this client as slow.
    pub(super) fn may_be_slow(&self) -> bool {
        self.behind.is_some_and(|since| since.elapsed() >= SLOW)
    }
}

impl CutWay {
    /// Returns one of all ways, and its time: after 1 to 3 s, or now and then so early that it may hit the replay.
    fn choose(random: &mut Random) -> (Self, Lifetime) {
        let (cut, _) = ALL[random.index(ALL.len())];
        let life = match random.within(0..16) {
            0 => Lifetime::Time(Duration::from_millis(random.within(0..30))),
            1 | 2 => Lifetime::Bytes(random.index(6_000) + 1),
            _ => Lifetime::Time(Duration::from_millis(random.within(1_000..3_000))),
        };
        (cut, life)
    }

    /// Cuts. Background tasks are added to `rest`; each returns whether the server ended its side.
    pub(super) fn apply(self, peer: Peer, random: &mut Random, rest: &mut JoinSet<bool>) {
        match self {
            Self::Fin => _ = rest.spawn(peer.finish()),
            Self::Rst => peer.reset(),
            Self::Silence => {
                let time = Duration::from_millis(random.within(2_000..8_000));
                rest.spawn(async move {
                    tokio::time::sleep(time).await;
                    drop(peer);
                    true
                });
            }
            Self::MidFrame => {
                let frame = masked(Opcode::Text, br#"{"type":"leave","padding":"a viewer that goes in the middle"}"#);
                // The socket of a viewer that sends nothing has room for it.
                let _ = peer.try_write(&frame[..random.index(frame.len() - 1) + 1]);
                if random.one_in(2) {
                    rest.spawn(peer.finish());
                } else {
                    peer.reset();
                }
            }
        }
    }
}
