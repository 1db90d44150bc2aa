//! How a viewer's connection ends early. Must not know what was said on it.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::chaos::random::Random;
use crate::load::frame::{Opcode, masked};
use crate::load::peer::Peer;

/// One way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cut {
    /// The client ends its side and reads to the end.
    Fin,
    /// The connection is reset.
    Rst,
    /// The client neither reads nor writes any more, and holds the socket for some seconds.
    Silence,
    /// The client has read a part of a frame, writes half of one, and goes.
    MidFrame,
}

/// All ways, in the order of a report.
pub(super) const ALL: [(Cut, &str); 4] =
    [(Cut::Fin, "FIN"), (Cut::Rst, "RST"), (Cut::Silence, "silence"), (Cut::MidFrame, "mid-frame")];

/// How long one connection lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// So long.
    Time(Duration),
    /// Until so many bytes have come, from the answer to the join on.
    Bytes(usize),
}

impl Cut {
    /// One of all, and when it comes: after 1 to 3 s, or now and then so early that it may hit the replay.
    pub(super) fn choose(random: &mut Random) -> (Self, Life) {
        let (cut, _) = ALL[random.index(ALL.len())];
        let life = match random.within(0..16) {
            0 => Life::Time(Duration::from_millis(random.within(0..30))),
            1 | 2 => Life::Bytes(random.index(6_000) + 1),
            _ => Life::Time(Duration::from_millis(random.within(1_000..3_000))),
        };
        (cut, life)
    }

    /// Cuts. What goes on in the background is added to `rest`, and says whether the server ended its side.
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
                // The socket of a viewer that says nothing has room for it.
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
