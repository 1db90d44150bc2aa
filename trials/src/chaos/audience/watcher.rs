//! A viewer that joins, stops reading, reads on and leaves at random, and records it in the truth. Must not know the
//! owner's figures.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::{sleep, sleep_until, timeout};

use super::BEAT;
use super::truth::{Truth, ViewerChange};
use crate::load::peer::{Peer, PeerError, V2};
use crate::model::answer::Answer;
use crate::random::Random;

/// The time between two changes of a viewer, in milliseconds.
const STAY_MS: std::ops::Range<u64> = 200..3_000;

/// The time after which a viewer that does not read lags for certain: its socket holds some messages, then something
/// has waited for long enough. Until then it may lag.
const CERTAIN: Duration = Duration::from_millis(2_000);

/// The time without a new message after which a viewer that reads everything does not lag for certain.
const CAUGHT_UP: Duration = Duration::from_millis(20);

/// The most time until the server knows that a viewer has left.
const NOTICED: Duration = Duration::from_millis(500);

/// One viewer.
pub(super) struct Watcher {
    address: SocketAddr,
    room: String,
    random: Random,
    truth: Arc<Mutex<Truth>>,
    state: WatcherState,
}

enum WatcherState {
    Away,
    Reads(Peer),
    /// The moment since when it does not read.
    Stopped(Peer, Instant, IsCertain),
}

/// Whether the truth knows that it lags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IsCertain {
    Yes,
    No,
}

impl Watcher {
    pub(super) fn new(address: SocketAddr, room: String, random: Random, truth: Arc<Mutex<Truth>>) -> Self {
        Self { address, room, random, truth, state: WatcherState::Away }
    }

    /// Changes at random until it is time to rest, and then stays as it is until the end.
    pub(super) async fn live(mut self, rests: Instant, end: Instant) -> Result<Self, PeerError> {
        while Instant::now() < rests {
            let time = Duration::from_millis(self.random.within(STAY_MS));
            self.stay((Instant::now() + time).min(rests)).await?;
            if Instant::now() < rests {
                self.change().await?;
            }
        }
        // Viewers that read continue to read, or they would lag too.
        self.stay(end).await?;
        Ok(self)
    }

    /// Ends its connection.
    pub(super) async fn go(self) {
        let (goes, is_gone) = match &self.state {
            WatcherState::Away => return,
            WatcherState::Reads(_) => (ViewerChange::Goes, ViewerChange::IsGone),
            WatcherState::Stopped(..) => (ViewerChange::GoesLagging, ViewerChange::IsGoneLagging),
        };
        note(&self.truth, goes);
        drop(self.state);
        sleep(NOTICED).await;
        note(&self.truth, is_gone);
    }

    /// Stays as it is until `until`: reads, or does not.
    async fn stay(&mut self, until: Instant) -> Result<(), PeerError> {
        match &mut self.state {
            WatcherState::Away => sleep_until(until.into()).await,
            WatcherState::Reads(peer) => read_until(peer, until).await?,
            WatcherState::Stopped(_, since, certain) => {
                let lags_at = *since + CERTAIN;
                if *certain == IsCertain::No && lags_at < until {
                    sleep_until(lags_at.into()).await;
                    *certain = IsCertain::Yes;
                    note(&self.truth, ViewerChange::Lags);
                }
                sleep_until(until.into()).await;
            }
        }
        Ok(())
    }

    /// Makes one change.
    async fn change(&mut self) -> Result<(), PeerError> {
        self.state = match std::mem::replace(&mut self.state, WatcherState::Away) {
            WatcherState::Away => {
                note(&self.truth, ViewerChange::Comes);
                let peer = join(self.address, &self.room).await?;
                note(&self.truth, ViewerChange::IsIn);
                WatcherState::Reads(peer)
            }
            WatcherState::Reads(peer) if self.random.one_in(2) => {
                note(&self.truth, ViewerChange::Stops);
                WatcherState::Stopped(peer, Instant::now(), IsCertain::No)
            }
            WatcherState::Reads(peer) => {
                note(&self.truth, ViewerChange::Goes);
                drop(peer);
                sleep(NOTICED).await;
                note(&self.truth, ViewerChange::IsGone);
                WatcherState::Away
            }
            WatcherState::Stopped(peer, since, certain) => {
                let certain = self.become_certain(since, certain).await;
                debug_assert_eq!(certain, IsCertain::Yes);
                self.resume(peer).await?
            }
        };
        Ok(())
    }

    /// Waits until it lags for certain.
    async fn become_certain(&self, since: Instant, certain: IsCertain) -> IsCertain {
        if certain == IsCertain::No {
            sleep_until((since + CERTAIN).into()).await;
            note(&self.truth, ViewerChange::Lags);
        }
        IsCertain::Yes
    }

    /// A viewer that lags leaves, or reads on.
    async fn resume(&mut self, mut peer: Peer) -> Result<WatcherState, PeerError> {
        if self.random.one_in(2) {
            note(&self.truth, ViewerChange::GoesLagging);
            drop(peer);
            sleep(NOTICED).await;
            note(&self.truth, ViewerChange::IsGoneLagging);
            return Ok(WatcherState::Away);
        }
        note(&self.truth, ViewerChange::Reads);
        // Until no message comes for a moment: after that one comes only with each beat.
        while timeout(CAUGHT_UP.min(BEAT / 2), peer.readable()).await.is_ok() {
            peer.hear(|_| {}).await?;
        }
        sleep(CAUGHT_UP).await;
        note(&self.truth, ViewerChange::IsInStep);
        Ok(WatcherState::Reads(peer))
    }
}

fn note(truth: &Mutex<Truth>, change: ViewerChange) {
    truth.lock().unwrap_or_else(PoisonError::into_inner).note(change);
}

async fn read_until(peer: &mut Peer, until: Instant) -> Result<(), PeerError> {
    let reading = async {
        loop {
            peer.readable().await?;
            peer.hear(|_| {}).await?;
        }
    };
    tokio::time::timeout_at(until.into(), reading).await.unwrap_or(Ok(()))
}

async fn join(address: SocketAddr, room: &str) -> Result<Peer, PeerError> {
    let mut peer = Peer::open_narrow(address, V2).await?;
    peer.say(&format!(r#"{{"type":"join","id":"join","room":"{room}"}}"#)).await?;
    let text = peer.answer().await?;
    if matches!(Answer::read(&text), Ok(Answer::Joined(_))) { Ok(peer) } else { Err(PeerError::Answer(text)) }
}
