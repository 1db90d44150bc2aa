//! Viewers that do not take their messages for a while: each hole is announced, and in the end they hold the owner's
//! state.

use rtbroadcaster::{Config, Limit, Manager};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};

use super::dice::Dice;
use super::follower::Follower;
use super::frame::How;
use super::ledger::{Change, Ledger, Speaker};
use super::viewer::{Listener, Viewer, connect_in_memory, connect_narrow};
use crate::house::House;
use crate::moment::until;

/// What may wait for a viewer.
pub(super) const BACKLOG: usize = 64 * 1024;

pub(super) fn config() -> Config {
    // No history has to end here, and no viewer is closed for its slowness.
    let lifted = Config { history_messages_max: Limit::None, history_bytes_max: Limit::None, ..Config::default() };
    Config { backlog_bytes_max: Limit::Max(BACKLOG), stall_timeout: Limit::None, ..lifted }
}

/// A room with an owner and a viewer that reads everything, joined last: what it has was offered to all before it.
pub(super) struct Scene {
    pub(super) speaker: Speaker,
    pub(super) witness: Listener,
}

impl Scene {
    fn new(speaker: Speaker, witness: Viewer) -> Self {
        Self { speaker, witness: Listener::follow(witness) }
    }

    /// Publishes an event of some `bytes`, and waits for the witness only.
    pub(super) async fn event(&mut self, n: usize, bytes: usize) -> u64 {
        let seq = self.speaker.event("bell", &format!(r#"[{n},"{}"]"#, "x".repeat(bytes))).await;
        self.witness.is_in_step(seq).await;
        seq
    }

    pub(super) async fn state(&mut self, key: &str, n: usize, bytes: usize) -> u64 {
        let seq = self.speaker.state(key, &format!(r#"[{n},"{}"]"#, "x".repeat(bytes))).await;
        self.witness.is_in_step(seq).await;
        seq
    }

    /// Says more than any kernel holds for a viewer that does not read, in few enough keys to wait for it: its task has
    /// met a full socket before anything may overflow.
    pub(super) async fn fill(&mut self) {
        for n in 0..100 {
            self.state(&format!("fill{}", n % 3), n, 4_000).await;
        }
    }

    /// Says more events than may wait, then a state, and gives its number.
    pub(super) async fn overflow(&mut self) -> u64 {
        for n in 0..150 {
            self.event(n, 4_000).await;
        }
        let seq = self.state("round", 0, 10).await;
        self.witness.is_at(seq).await;
        seq
    }

    /// Ends the room.
    pub(super) fn end_room(self) -> Ledger {
        self.speaker.owner.close();
        self.speaker.ledger
    }

    /// Says the last thing. The witness has got everything.
    pub(super) async fn end(mut self) -> Ledger {
        self.speaker.last().await;
        self.witness.follower().await.check_whole(&self.speaker.ledger);
        self.speaker.ledger
    }
}

pub(super) async fn scene(house: &House, room: &str, speaker: Speaker) -> Scene {
    Scene::new(speaker, Viewer::new(house, room).await)
}

/// A viewer over a stream that is no TCP socket and takes little.
pub(super) async fn in_memory(manager: &Manager, room: &str) -> Viewer<DuplexStream> {
    Viewer::join(connect_in_memory(manager, 4 * 1024).await, room, Follower::default()).await
}

/// States and their ends supersede each other while `slow` does not read, events stay.
async fn check_holes<S: AsyncRead + AsyncWrite + Unpin>(mut slow: Viewer<S>, mut scene: Scene) {
    scene.fill().await;
    let filled = scene.speaker.ledger.seq();
    for n in 0..800 {
        match n % 20 {
            19 => _ = scene.event(n, 20).await,
            0..5 => _ = scene.state(&format!("s{}", n * 7 % 16), n, 1_500).await,
            // Keys that end in a value, and keys that end in nothing.
            5..15 => _ = scene.speaker.clear(&format!("s{}", n % 16)).await,
            _ => _ = scene.state(&format!("t{}", n % 3), n, 100).await,
        }
    }
    let ledger = scene.end().await;
    slow.until_last().await;
    slow.follower.check_caught_up(&ledger);
    assert_eq!(slow.follower.resets(), 0);
    assert!(slow.follower.holes() > 0, "nothing was superseded");
    let mut waited: Vec<_> = slow.follower.numbers().filter(|seq| *seq > filled).collect();
    waited.retain(|seq| ledger.line(*seq).change != Change::Event);
    let newest = ledger.lines().filter(|(seq, line)| *seq > filled && line.superseded.is_none());
    let newest: Vec<_> = newest.filter(|(_, line)| line.change != Change::Event).map(|(seq, _)| seq).collect();
    assert_eq!(waited, newest, "of each key only the newest waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_lags_is_told_each_hole_and_no_event_is_in_one() {
    let house = House::open(config()).await;
    let (owner, room) = house.rust_owner().await;
    let slow = Viewer::narrow(&house, &room).await;
    check_holes(slow, scene(&house, &room, Speaker::new(owner)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_no_tcp_socket_is_told_its_holes_in_the_same_way() {
    let house = House::open(config()).await;
    let (owner, room) = house.rust_owner().await;
    let slow = in_memory(&house.manager, &room).await;
    check_holes(slow, scene(&house, &room, Speaker::new(owner)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_reads_slowly_is_told_each_hole_as_it_is_when_it_comes() {
    // As many keys as make several writes, superseded while these are under way.
    const KEYS: u64 = 200;
    let house = House::open(Config { backlog_bytes_max: Limit::Max(256 * 1024), ..config() }).await;
    let (owner, room) = house.rust_owner().await;
    let mut slow = Viewer::narrow(&house, &room).await;
    let mut scene = scene(&house, &room, Speaker::new(owner)).await;
    let mut dice = Dice::new();
    for n in 0..4_000 {
        _ = scene.state(&format!("k{}", dice.below(KEYS)), n, 300).await;
        if n > 500 && n % 4 == 0 {
            slow.step().await;
        }
    }
    let ledger = scene.end().await;
    slow.until_last().await;
    slow.follower.check_caught_up(&ledger);
    assert_eq!(slow.follower.resets(), 0);
    assert!(slow.follower.holes() > 100, "only {} holes", slow.follower.holes());
}

/// A room with a state of 60 times 10 KB, and a viewer that has asked to join `how` and reads nothing.
pub(super) async fn unread_replay(house: &House, how: How) -> (Viewer, Scene) {
    let (owner, room) = house.rust_owner().await;
    let mut speaker = Speaker::new(owner);
    for n in 0..60 {
        speaker.state(&format!("k{n}"), &format!(r#"["{}"]"#, "x".repeat(10_000))).await;
    }
    let epoch = Viewer::new(house, &room).await.follower.last_joined().epoch.clone();
    let follower = if how == How::Resumed { Follower::at(&epoch, 0) } else { Follower::default() };
    until("the first one has left", || speaker.owner.viewers() == 0).await;
    let slow = Viewer::asking(connect_narrow(house).await, &room, follower).await;
    until("it is let in", || speaker.owner.viewers() == 1).await;
    let scene = scene(house, &room, speaker).await;
    (slow, scene)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_is_ephemeral_only_the_newest_of_each_key_waits() {
    let house = House::open(config()).await;
    let (owner, room) = house.rust_owner().await;
    let mut slow = Viewer::narrow(&house, &room).await;
    let mut scene = scene(&house, &room, Speaker::new(owner)).await;
    scene.fill().await;
    for n in 0..1_000 {
        scene.speaker.ephemeral(&format!("p{}", n % 2), &format!("[{n}]")).await;
        if n % 10 == 5 {
            scene.event(n, 20).await;
        }
    }
    let ledger = scene.end().await;
    slow.until_last().await;
    slow.follower.check_caught_up(&ledger);
    let newest: Vec<_> = ledger.passing()[998..].iter().map(|passing| passing.text.as_str()).collect();
    assert_eq!(slow.follower.passing(), newest);
}

#[tokio::test(flavor = "multi_thread")]
async fn ephemerals_of_many_keys_cost_a_viewer_that_lags_no_event() {
    let house = House::open(config()).await;
    let (owner, room) = house.rust_owner().await;
    let mut slow = Viewer::narrow(&house, &room).await;
    let mut scene = scene(&house, &room, Speaker::new(owner)).await;
    scene.fill().await;
    // Three times what may wait for it.
    for n in 0..500 {
        scene.speaker.ephemeral(&format!("p{n}"), &format!(r#"[{n},"{}"]"#, "x".repeat(250))).await;
        if n % 10 == 5 {
            scene.event(n, 20).await;
        }
    }
    let ledger = scene.end().await;
    slow.until_last().await;
    slow.follower.check_caught_up(&ledger);
    assert_eq!(slow.follower.resets(), 0);
    let passing = slow.follower.passing();
    assert_eq!(passing.last().copied(), ledger.passing().last().map(|last| last.text.as_str()), "the oldest go first");
    assert!((1..250).contains(&passing.len()), "{} came", passing.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_ephemeral_comes_during_a_replay_and_behind_it_at_most_the_newest() {
    let house = House::open(config()).await;
    for how in [How::Snapshot, How::Resumed] {
        let (mut slow, mut scene) = unread_replay(&house, how).await;
        for n in 0..100 {
            scene.speaker.ephemeral("p", &format!("[{n}]")).await;
        }
        let seq = scene.event(0, 10).await;
        scene.witness.is_at(seq).await;
        slow.until_seq(seq).await;
        slow.follower.check(&scene.speaker.ledger);
        let newest = scene.speaker.ledger.passing()[99].text.as_str();
        assert!(slow.follower.passing().iter().all(|text| *text == newest), "{:?}", slow.follower.passing());
        // From here on it is sent again.
        scene.speaker.ephemeral("q", "[]").await;
        let ledger = scene.end().await;
        slow.until_last().await;
        assert_eq!(slow.follower.passing().last().copied(), ledger.passing().last().map(|last| last.text.as_str()));
    }
}
