//! Viewers to whom everything happens at random: they lag, overflow, pause, and are cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rtbroadcaster::{Config, Limit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::dice::Dice;
use super::follower::Follower;
use super::frame;
use super::ledger::Speaker;
use super::viewer::{Viewer, connect_in_memory, connect_narrow};
use crate::client::Client;
use crate::house::House;
use crate::moment::{LONG, within_time};

/// How many messages are held: what a viewer misses in a long pause is gone.
const HISTORY: usize = 150;

fn config() -> Config {
    let history =
        Config { history_messages_max: Limit::Max(HISTORY), history_bytes_max: Limit::None, ..Config::default() };
    Config { backlog_bytes_max: Limit::Max(16 * 1024), stall_timeout: Limit::None, ..history }
}

/// A viewer that does what the dice say.
struct Pawn<S> {
    viewer: Viewer<S>,
    room: String,
    dice: Dice,
    is_paused: bool,
    /// How often it has gone on after a pause, and been cut.
    turns: (usize, usize),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pawn<S> {
    /// Lives until `is_over` and then to the last message. `connect` makes the next connection.
    async fn live(mut self, is_over: Arc<AtomicBool>, connect: impl AsyncFn() -> Client<S>) -> Self {
        while !is_over.load(Ordering::Relaxed) {
            match self.dice.below(16) {
                0..=5 => self.read().await,
                // It reads nothing for a while: what it does is no waiting for something.
                6..=10 => sleep(self.dice.millis(1, 25)).await,
                11 | 12 => self.pause().await,
                13 | 14 => self.go_on().await,
                _ if self.dice.below(6) == 0 => {
                    let follower = self.viewer.follower;
                    self.viewer = Viewer::asking(connect().await, &self.room, follower).await;
                    self.is_paused = false;
                    self.turns.1 += 1;
                }
                _ => self.read().await,
            }
        }
        if self.is_paused {
            self.go_on().await;
        }
        self.viewer.until_last().await;
        self
    }

    /// Reads a few frames, if there are any.
    async fn read(&mut self) {
        for _ in 0..self.dice.below(60) {
            if timeout(Duration::from_millis(3), self.viewer.step()).await.is_err() {
                break;
            }
        }
    }

    async fn pause(&mut self) {
        if !self.is_paused {
            self.is_paused = true;
            if self.dice.below(2) == 0 {
                self.viewer.pause().await;
            } else {
                self.viewer.client.send(frame::PAUSE).await;
            }
        }
    }

    async fn go_on(&mut self) {
        if self.is_paused {
            self.is_paused = false;
            self.turns.0 += 1;
            self.viewer.follower.ask();
            self.viewer.client.send(&frame::unpause("on")).await;
        }
    }
}

fn pawn<S>(viewer: Viewer<S>, room: &str, dice: Dice) -> Pawn<S> {
    Pawn { viewer, room: room.to_owned(), dice, is_paused: false, turns: (0, 0) }
}

/// Says bursts of events and states, and sometimes what is ephemeral.
async fn speak(speaker: &mut Speaker, dice: &mut Dice) {
    for _ in 0..dice.below(6) {
        let padding = "x".repeat(usize::try_from(dice.below(4_000)).unwrap());
        let params = format!(r#"[{},"{padding}"]"#, speaker.ledger.seq());
        let key = format!("k{}", dice.below(4));
        match dice.below(10) {
            0..=3 => _ = speaker.event("bell", &params).await,
            4..=7 => _ = speaker.state(&key, &params).await,
            8 => _ = speaker.clear(&key).await,
            _ => speaker.ephemeral(&key, &format!("[{}]", speaker.ledger.passing().len())).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_a_viewer_it_ends_in_the_owners_state_and_knows_what_it_lost() {
    const EACH: usize = 6;
    const TIME: Duration = Duration::from_millis(2_500);
    let house = Arc::new(House::open(config()).await);
    let (owner, room) = house.rust_owner().await;
    let (mut speaker, mut dice) = (Speaker::new(owner), Dice::new());
    let is_over = Arc::new(AtomicBool::new(false));
    let mut lives: JoinSet<(Follower, (usize, usize))> = JoinSet::new();
    for _ in 0..EACH {
        let (over, there) = (Arc::clone(&is_over), Arc::clone(&house));
        let narrow = async move || connect_narrow(&there).await;
        let pawn = pawn(Viewer::narrow(&house, &room).await, &room, dice.split());
        lives.spawn(async move {
            let pawn = pawn.live(over, narrow).await;
            (pawn.viewer.follower, pawn.turns)
        });
    }
    for _ in 0..EACH {
        let (over, manager) = (Arc::clone(&is_over), house.manager.clone());
        let in_memory = async move || connect_in_memory(&manager, 4 * 1024).await;
        let viewer = Viewer::join(connect_in_memory(&house.manager, 4 * 1024).await, &room, Follower::default()).await;
        let pawn = self::pawn(viewer, &room, dice.split());
        lives.spawn(async move {
            let pawn = pawn.live(over, in_memory).await;
            (pawn.viewer.follower, pawn.turns)
        });
    }
    let begin = tokio::time::Instant::now();
    let mut pace = interval(Duration::from_millis(4));
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while begin.elapsed() < TIME {
        pace.tick().await;
        speak(&mut speaker, &mut dice).await;
    }
    is_over.store(true, Ordering::Relaxed);
    speaker.last().await;
    let lives = within_time(LONG, "all lives", lives.join_all()).await;
    let (mut resets, mut holes) = (0, 0);
    for (follower, (pauses, cuts)) in lives {
        follower.check_caught_up(&speaker.ledger);
        follower.check_answers(HISTORY as u64);
        assert!(pauses > 0 || cuts > 0, "nothing happened to it");
        (resets, holes) = (resets + follower.resets(), holes + follower.holes());
    }
    assert!(resets > 0 && holes > 0, "nobody was slow: {resets} resets, {holes} holes");
}
