//! The owners of the attackers' rooms: one reads its frames, the other reads nothing. Must not know the viewers.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::hostile::sources::MANY;
use crate::load::peer::{Peer, PeerError, V2};

/// The number of keys that are counted.
pub(in crate::hostile::attack) const COUNTED_KEYS: u64 = 8;

/// The most time until the last totals, which are sent after a tenth of a second.
const SOON: Duration = Duration::from_secs(5);

/// The totals that an owner got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::hostile::attack) struct ReceivedTotals {
    /// The number of frames with totals.
    pub(in crate::hostile::attack) frames: u64,
    pub(in crate::hostile::attack) claps: u64,
    pub(in crate::hostile::attack) voters: u64,
}

/// An owner that gets totals.
pub(in crate::hostile::attack) struct Counter {
    hearing: JoinHandle<Result<(), PeerError>>,
    told: watch::Receiver<ReceivedTotals>,
    /// Ends the reading when it is dropped.
    enough: watch::Sender<()>,
}

/// An owner that reads nothing.
pub(in crate::hostile::attack) struct Deaf {
    _peer: Peer,
    room: String,
}

/// Totals of one key.
#[derive(Deserialize)]
struct Totals<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    counts: Vec<(&'a RawValue, u64)>,
    #[serde(default)]
    other: u64,
}

/// One viewer's signal.
#[derive(Deserialize)]
struct Single<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
}

/// Returns whether a room of these counts the signals of `key`.
fn is_counted(key: &str) -> bool {
    matches!(key, "clap" | "vote") || (2..COUNTED_KEYS).any(|number| key == format!("k{number}"))
}

impl Counter {
    /// Opens a room that counts, and starts to read. Returns also its name.
    pub(in crate::hostile::attack) async fn open(address: SocketAddr) -> Result<(Self, String), PeerError> {
        let mut peer = Peer::open_from(MANY.of(0), address, V2).await?;
        let others = (2..COUNTED_KEYS)
            .map(|key| format!(r#","k{key}":{{"count":true,"everyMs":{key}00,"oncePerViewer":true}}"#));
        let others = others.collect::<String>();
        let signals = format!(
            r#"{{"clap":{{"count":true,"everyMs":100}},"vote":{{"count":true,"everyMs":100,"oncePerViewer":true}}{others}}}"#
        );
        let room = create(&mut peer, &format!(r#","audience":true,"signals":{signals}"#)).await?;
        let ((tell, told), (enough, end)) = (watch::channel(ReceivedTotals::default()), watch::channel(()));
        Ok((Self { hearing: tokio::spawn(hear(peer, tell, end)), told, enough }, room))
    }

    /// Waits until so many claps and voters are in the totals, or that takes too long; then closes the room. Returns
    /// the totals.
    pub(in crate::hostile::attack) async fn end(
        mut self,
        claps: u64,
        voters: u64,
    ) -> Result<ReceivedTotals, PeerError> {
        let all = self.told.wait_for(|told| (told.claps, told.voters) == (claps, voters));
        // The totals show whether it ended in time.
        let _ = timeout(SOON, all).await;
        let told = *self.told.borrow();
        drop(self.enough);
        self.hearing.await.unwrap_or(Err(PeerError::Cut)).map(|()| told)
    }
}

impl Deaf {
    pub(in crate::hostile::attack) async fn open(address: SocketAddr) -> Result<Self, PeerError> {
        let mut peer = Peer::open_narrow_from(MANY.of(1), address, V2).await?;
        let room = create(&mut peer, "").await?;
        Ok(Self { _peer: peer, room })
    }

    pub(in crate::hostile::attack) fn room(&self) -> &str {
        &self.room
    }
}

/// Opens a room with these further members, and returns its name.
async fn create(peer: &mut Peer, more: &str) -> Result<String, PeerError> {
    peer.say(&format!(r#"{{"type":"create","id":"a"{more}}}"#)).await?;
    let answer = peer.answer().await?;
    let room = answer.split_once(r#""room":""#).and_then(|(_, rest)| rest.split('"').next());
    room.map(str::to_owned).ok_or_else(|| PeerError::Answer(answer.clone()))
}

/// Reads totals until that is enough, and closes the room.
async fn hear(
    mut peer: Peer,
    tell: watch::Sender<ReceivedTotals>,
    mut enough: watch::Receiver<()>,
) -> Result<(), PeerError> {
    loop {
        tokio::select! {
            // No value is ever sent: the sender is dropped.
            _ = enough.changed() => break,
            readable = peer.readable() => readable?,
        }
        let mut odd = None;
        peer.hear(|text| {
            if text.starts_with(br#"{"type":"signal""#) && !tell_totals(text, &tell) {
                odd.get_or_insert_with(|| String::from_utf8_lossy(text).into_owned());
            }
        })
        .await?;
        if let Some(odd) = odd {
            return Err(PeerError::Answer(odd));
        }
    }
    Ok(peer.say(r#"{"type":"close"}"#).await?)
}

/// Returns whether these are totals, which are recorded, or another frame that this owner may get.
fn tell_totals(text: &[u8], tell: &watch::Sender<ReceivedTotals>) -> bool {
    let Ok(Totals { key, counts, other }) = serde_json::from_slice(text) else {
        // Signals of other keys come one by one.
        return serde_json::from_slice(text).is_ok_and(|Single { key }| !is_counted(&key));
    };
    let sum = other + counts.iter().map(|(_, count)| count).sum::<u64>();
    let is_sorted = counts.is_sorted_by(|(_, one), (_, next)| one >= next);
    tell.send_modify(|told| {
        told.frames += 1;
        match &*key {
            "clap" => told.claps = sum,
            "vote" => told.voters = sum,
            _ => {}
        }
    });
    is_sorted && counts.iter().all(|(params, count)| params.get().starts_with('[') && *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_summed_up_and_what_makes_no_sense_is_found() {
        let tell = watch::Sender::new(ReceivedTotals::default());
        assert!(tell_totals(br#"{"type":"signal","key":"clap","counts":[[[1],3],[["\ud800"],1]],"other":2}"#, &tell));
        assert!(tell_totals(br#"{"type":"signal","key":"vote","counts":[[[],1]]}"#, &tell));
        assert_eq!(*tell.borrow(), ReceivedTotals { frames: 2, claps: 6, voters: 1 });
        assert!(tell_totals(br#"{"type":"signal","key":"hand","params":[1],"from":7}"#, &tell));
        assert!(!tell_totals(br#"{"type":"signal","key":"clap","counts":[[[1],1],[[2],2]]}"#, &tell));
        assert!(!tell_totals(br#"{"type":"signal","key":"clap","counts":[[1,1]]}"#, &tell));
        assert!(!tell_totals(br#"{"type":"signal","key":"clap","params":[1],"from":7}"#, &tell));
        assert!(!tell_totals(br#"{"type":"signal","key":"k7","params":[1],"from":7}"#, &tell));
        assert!(tell_totals(br#"{"type":"signal","key":"k8","params":[1],"from":7}"#, &tell));
    }
}
