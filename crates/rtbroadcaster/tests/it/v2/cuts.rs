//! Viewers whose connections are cut again and again, in every way a network knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rtbroadcaster::{Config, Limit};
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::dice::Dice;
use super::follower::{Follower, Heard};
use super::frame::How;
use super::ledger::Speaker;
use super::viewer::{Listener, Viewer};
use crate::house::House;
use crate::moment::{LONG, within_time};

/// How a connection goes away.
const WAYS: [Way; 5] = [Way::Ended, Way::Reset, Way::Silent, Way::ReadingHalf, Way::WritingHalf];

#[derive(Debug, Clone, Copy)]
enum Way {
    /// FIN.
    Ended,
    /// RST.
    Reset,
    /// Nothing is read any more, and nothing is said about that.
    Silent,
    /// RST when only a part of a frame was read.
    ReadingHalf,
    /// FIN behind the half of a frame.
    WritingHalf,
}

/// A viewer over all its connections.
struct Wanderer {
    house: Arc<House>,
    room: String,
    dice: Dice,
    follower: Follower,
    /// The connections that were never ended.
    silent: Vec<TcpStream>,
    cuts: [usize; WAYS.len()],
}

impl Wanderer {
    /// Comes and is cut until `is_over`, then comes once more and stays to the last message.
    async fn wander(mut self, is_over: Arc<AtomicBool>) -> Self {
        while !is_over.load(Ordering::Relaxed) {
            let mut viewer = Viewer::again(&self.house, &self.room, self.follower).await;
            let reading = async {
                loop {
                    viewer.step().await;
                }
            };
            // How long it stays is its own choice, no deadline.
            let stay = tokio::time::timeout(self.dice.millis(100, 300), reading);
            stay.await.expect_err("it reads for ever");
            let way = usize::try_from(self.dice.below(WAYS.len() as u64)).unwrap();
            self.cuts[way] += 1;
            self.follower = viewer.follower;
            self.silent.extend(cut(WAYS[way], viewer.client.into_stream()).await);
        }
        let mut viewer = Viewer::again(&self.house, &self.room, self.follower).await;
        viewer.until_last().await;
        self.follower = viewer.follower;
        self
    }
}

/// Cuts a connection, and gives it back if it stays open.
async fn cut(way: Way, mut stream: TcpStream) -> Option<TcpStream> {
    match way {
        Way::Silent => return Some(stream),
        Way::Ended => _ = stream.shutdown().await,
        Way::Reset => SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap(),
        Way::ReadingHalf => {
            // Whatever is there is longer than a header and shorter than a frame.
            let mut half = [0; 20];
            _ = stream.try_read(&mut half);
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
        Way::WritingHalf => {
            // RFC 6455 section 5.2: a text frame of 16 bytes, masked with zeros, of which the first half follows.
            _ = stream.write_all(b"\x81\x90\0\0\0\0{\"type\":").await;
            _ = stream.shutdown().await;
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_that_are_cut_again_and_again_lose_nothing_and_get_nothing_twice() {
    const VIEWERS: usize = 40;
    const TIME: Duration = Duration::from_secs(4);
    const PACE: Duration = Duration::from_millis(4);
    let house = Arc::new(
        House::open(Config { history_messages_max: Limit::None, history_bytes_max: Limit::None, ..Config::default() })
            .await,
    );
    let (owner, room) = house.rust_owner().await;
    let mut speaker = Speaker::new(owner);
    let staying = Listener::join(&house, &room).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let (mut dice, mut wandering) = (Dice::new(), JoinSet::new());
    for _ in 0..VIEWERS {
        let wanderer = Wanderer {
            house: Arc::clone(&house),
            room: room.clone(),
            dice: dice.split(),
            follower: Follower::default(),
            silent: Vec::new(),
            cuts: [0; WAYS.len()],
        };
        wandering.spawn(wanderer.wander(Arc::clone(&is_over)));
    }
    let mut pace = tokio::time::interval(PACE);
    for n in 0..TIME.as_millis() / PACE.as_millis() {
        pace.tick().await;
        speaker.mixed(usize::try_from(n).unwrap()).await;
    }
    is_over.store(true, Ordering::Relaxed);
    speaker.last().await;
    let wanderers = within_time(LONG, "all viewers", wandering.join_all()).await;
    staying.follower().await.check_whole(&speaker.ledger);
    let mut cuts = [0; WAYS.len()];
    for wanderer in &wanderers {
        check(&wanderer.follower, &speaker);
        for (sum, cuts) in cuts.iter_mut().zip(wanderer.cuts) {
            *sum += cuts;
        }
    }
    assert!(cuts.iter().all(|cuts| *cuts > 0), "a way to be cut was never taken: {cuts:?} of {WAYS:?}");
}

/// Checks that it got every message behind its first state once, in order, with the same bytes as all others, but for
/// announced holes.
fn check(follower: &Follower, speaker: &Speaker) {
    follower.check_caught_up(&speaker.ledger);
    assert_eq!(follower.resets(), 0, "it was reset");
    let mut next = None;
    for heard in follower.heard() {
        match heard {
            Heard::Joined { joined, .. } => {
                assert!(next.is_none() || joined.how == How::Resumed, "it was not resumed: {joined:?}");
            }
            Heard::State { seq, .. } => next = Some(seq + 1),
            Heard::Hole { after, through } => {
                assert_eq!(next, Some(after + 1));
                next = Some(through + 1);
            }
            Heard::Message { seq, .. } => {
                assert_eq!(next, Some(*seq), "lost, repeated or out of order");
                next = Some(seq + 1);
            }
            _ => {}
        }
    }
    assert_eq!(next, Some(speaker.ledger.seq() + 1));
}
