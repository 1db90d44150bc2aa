//! Requests that are refused or change nothing, as fast as they can be written. Must not know the rate limit.

use std::time::Duration;

use tokio::time::timeout;

use super::{Made, Plan, crowd};
use crate::hostile::memory::ServerLoad;
use crate::hostile::sources::MANY;
use crate::load::frame::{self, Opcode};
use crate::load::peer::{Peer, PeerError, V2};
use crate::random::Random;
use crate::steps::Failure;

/// The number of connections at full scale, the number at once, and the requests of each.
const CONNECTIONS: u64 = 2_000;
const AT_ONCE: u64 = 48;
const REQUESTS: usize = 600;

/// The most refusals before the close: a burst of 128, 20 a second, and as many again for a busy machine.
const REFUSED_MAX: u64 = 400;

/// The most time of a connection.
const PATIENCE: Duration = Duration::from_secs(15);

/// The repeated request.
#[derive(Debug, Clone, Copy)]
enum RepeatedRequest {
    /// Signals of 4 KB over the viewer's rate.
    Signals,
    /// `pause` and `unpause`.
    Turns,
    /// A second join.
    Again,
    /// Joins of rooms that do not exist.
    Absent,
    /// The same by the older protocol.
    AbsentClassic,
    /// `own` without the room's key.
    Keys,
    /// Texts that cannot be understood.
    Odd,
}

impl RepeatedRequest {
    const ALL: [Self; 7] =
        [Self::Signals, Self::Turns, Self::Again, Self::Absent, Self::AbsentClassic, Self::Keys, Self::Odd];

    /// Returns the text that is written `REQUESTS` times.
    fn text(self, room: &str) -> String {
        match self {
            Self::Signals => format!(r#"{{"type":"signal","id":"a","key":"k","params":["{}"]}}"#, "x".repeat(4_000)),
            Self::Turns => r#"{"type":"pause"}"#.into(),
            Self::Again => join(room),
            Self::Absent => join("00000000-0000-4000-8000-000000000000"),
            Self::AbsentClassic => r#"{"uuid":"00000000-0000-4000-8000-000000000000","status":{"value":2}}"#.into(),
            Self::Keys => format!(r#"{{"type":"own","id":"a","room":"{room}","ownerKey":"{}"}}"#, "k".repeat(43)),
            Self::Odd => r#"{"type":"?"}"#.into(),
        }
    }

    fn protocol(self) -> Option<&'static str> {
        if matches!(self, Self::AbsentClassic) { None } else { V2 }
    }

    /// Returns whether a client has to be in the room for it.
    fn is_of_viewers(self) -> bool {
        matches!(self, Self::Signals | Self::Turns | Self::Again)
    }

    /// Returns the only code that is right.
    fn code(self) -> u16 {
        match self {
            Self::Signals | Self::Turns | Self::Again => 4029,
            Self::Absent | Self::AbsentClassic | Self::Keys => 4510,
            Self::Odd => 4501,
        }
    }
}

fn join(room: &str) -> String {
    format!(r#"{{"type":"join","id":"a","room":"{room}"}}"#)
}

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let (address, room) = (plan.address, plan.room.clone());
    let work = move |number: u64, random: Random| {
        let room = room.clone();
        async move {
            let flood = RepeatedRequest::ALL[usize::try_from(number).unwrap_or(0) % RepeatedRequest::ALL.len()];
            let (mut made, mut refused) = (Made { count: 1, ..Made::default() }, 0_u64);
            let end = timeout(PATIENCE, async {
                let mut peer = Peer::open_from(MANY.of(number), address, flood.protocol()).await?;
                if flood.is_of_viewers() {
                    peer.say(&join(&room)).await?;
                    peer.answer().await?;
                }
                let mut once = frame::masked(Opcode::Text, flood.text(&room).as_bytes());
                if matches!(flood, RepeatedRequest::Turns) {
                    once.extend(frame::masked(Opcode::Text, br#"{"type":"unpause","id":"b"}"#));
                }
                // The server may close before all are written.
                let _ = peer.send(&once.repeat(REQUESTS)).await;
                loop {
                    let mut count = |text: &[u8]| refused += u64::from(text.starts_with(br#"{"type":"error""#));
                    peer.hear(&mut count).await?;
                }
            });
            match end.await {
                Ok(Err::<std::convert::Infallible, PeerError>(PeerError::Closed(code))) if code == flood.code() => {
                    made.answer(code.to_string());
                }
                Ok(Err(PeerError::Cut | PeerError::Io(_))) => made.answer("cut"),
                Ok(Err(error)) => made.faults.push(format!("{flood:?}: {error}")),
                Ok(Ok(never)) => match never {},
                Err(_) => made.faults.push(format!("{flood:?}: a connection lasts over {PATIENCE:?}")),
            }
            if refused > REFUSED_MAX {
                made.faults.push(format!("{flood:?}: {refused} were refused on one connection"));
            }
            *made.answers.entry("refusals".into()).or_insert(0) += refused;
            (made, random)
        }
    };
    let mut all = crowd(&plan, AT_ONCE, plan.share(CONNECTIONS), work).await?;
    // A reset loses the close frame when the flood continues after it.
    let cut = all.times("cut");
    if cut * 2 > all.count {
        all.faults.push(format!("{cut} of {} got no close code", all.count));
    }
    all.load = ServerLoad { connections: AT_ONCE, half_messages: AT_ONCE, lagging: AT_ONCE, ..ServerLoad::default() };
    Ok(all)
}
