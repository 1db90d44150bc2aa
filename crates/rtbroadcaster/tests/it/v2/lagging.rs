//! Viewers that do not take their messages for a while: each hole is told, and in the end they hold the owner's state.

use std::time::{Duration, Instant};

use rtbroadcaster::{Config, Manager};
use tokio::io::{AsyncRead, AsyncWrite};

use super::follower::{Follower, Heard};
use super::frame::How;
use super::ledger::{Change, Ledger, Speaker};
use super::viewer::{Listener, Viewer, connect_in_memory, connect_narrow};
use crate::client::Came;
use crate::house::House;
use crate::moment::until;

const BACKLOG: usize = 64 * 1024;

fn config() -> Config {
    // No history has to end here, and nobody is closed for its slowness.
    let lifted = Config { history_messages_max: 0, history_bytes_max: 0, ..Config::default() };
    Config { backlog_bytes_max: BACKLOG, stall_timeout: Duration::ZERO, ..lifted }
}

/// A room with an owner and a viewer that reads everything, joined last: what it has was offered to all before it.
struct Scene {
    speaker: Speaker,
    witness: Listener,
}

impl Scene {
    fn new(speaker: Speaker, witness: Viewer) -> Self {
        Self { speaker, witness: Listener::follow(witness) }
    }

    /// Says an event of some `bytes`, and waits for nobody but the witness.
    async fn event(&mut self, n: usize, bytes: usize) -> u64 {
        let seq = self.speaker.event("bell", &format!(r#"[{n},"{}"]"#, "x".repeat(bytes))).await;
        self.witness.is_in_step(seq).await;
        seq
    }

    async fn state(&mut self, key: &str, n: usize, bytes: usize) -> u64 {
        let seq = self.speaker.state(key, &format!(r#"[{n},"{}"]"#, "x".repeat(bytes))).await;
        self.witness.is_in_step(seq).await;
        seq
    }

    /// Says more than any kernel holds for a viewer that does not read, in few enough keys to wait for it: its task has
    /// met a full socket before anything may overflow.
    async fn fill(&mut self) {
        for n in 0..100 {
            self.state(&format!("fill{}", n % 3), n, 4_000).await;
        }
    }

    /// Says more events than may wait, then a state, and gives its number.
    async fn overflow(&mut self) -> u64 {
        for n in 0..150 {
            self.event(n, 4_000).await;
        }
        let seq = self.state("round", 0, 10).await;
        self.witness.is_at(seq).await;
        seq
    }

    /// Ends the room.
    fn end_room(self) -> Ledger {
        self.speaker.owner.close();
        self.speaker.ledger
    }

    /// Says the last thing. The witness has got everything.
    async fn end(mut self) -> Ledger {
        self.speaker.last().await;
        self.witness.follower().await.check_whole(&self.speaker.ledger);
        self.speaker.ledger
    }
}

async fn scene(house: &House, room: &str, speaker: Speaker) -> Scene {
    Scene::new(speaker, Viewer::new(house, room).await)
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

/// More events than may wait for `slow` are one reset for each time that it stops reading.
async fn check_overflows<S: AsyncRead + AsyncWrite + Unpin>(mut slow: Viewer<S>, mut scene: Scene) {
    for round in 1..=2 {
        scene.fill().await;
        let filled = scene.speaker.ledger.seq();
        let seq = scene.overflow().await;
        slow.until_seq(seq).await;
        assert_eq!(slow.follower.resets(), round);
        assert!(slow.follower.numbers().all(|number| number <= filled), "what waited did not go");
        let live = scene.event(0, 10).await;
        slow.until_seq(live).await;
        assert_eq!(slow.follower.numbers().last(), Some(live), "live does not go on behind the reset");
        assert_eq!(slow.follower.resets(), round);
    }
    let ledger = scene.end().await;
    slow.until_last().await;
    slow.follower.check_caught_up(&ledger);
    assert_eq!(slow.follower.resets(), 2);
    assert_eq!(slow.follower.answers(How::Snapshot, None), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_lags_is_told_each_hole_and_no_event_is_in_one() {
    let house = House::open(config()).await;
    let (owner, room) = house.rust_owner().await;
    let slow = Viewer::narrow(&house, &room).await;
    check_holes(slow, scene(&house, &room, Speaker::new(owner)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_whose_backlog_overflows_is_reset_once_each_time_and_goes_on_live() {
    let house = House::open(config()).await;
    let (owner, room) = house.rust_owner().await;
    let slow = Viewer::narrow(&house, &room).await;
    check_overflows(slow, scene(&house, &room, Speaker::new(owner)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_no_tcp_socket_is_told_its_holes_and_resets_in_the_same_way() {
    let house = House::open(config()).await;
    let join = async |manager: &Manager, room: &str| {
        Viewer::join(connect_in_memory(manager, 4 * 1024).await, room, Follower::default()).await
    };
    let (owner, room) = house.rust_owner().await;
    let slow = join(&house.manager, &room).await;
    check_holes(slow, scene(&house, &room, Speaker::new(owner)).await).await;
    let (owner, room) = house.rust_owner().await;
    let slow = join(&house.manager, &room).await;
    check_overflows(slow, scene(&house, &room, Speaker::new(owner)).await).await;
}

/// A room with a state of 60 times 10 KB, and a viewer that has asked to join `how` and reads nothing.
async fn unread_replay(house: &House, how: How) -> (Viewer, Scene) {
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
async fn an_overflow_during_a_replay_is_told_when_the_replay_is_out() {
    let house = House::open(config()).await;
    for how in [How::Snapshot, How::Resumed] {
        let (mut slow, mut scene) = unread_replay(&house, how).await;
        let seq = scene.overflow().await;
        slow.until_seq(seq).await;
        let ledger = scene.end().await;
        slow.until_last().await;
        slow.follower.check_caught_up(&ledger);
        assert_eq!((slow.follower.resets(), slow.follower.answers(how, None)), (1, 1));
        let reset = slow.follower.heard().iter().position(|heard| matches!(heard, Heard::Reset)).unwrap();
        let whole = |heard: &Heard| matches!(heard, Heard::State { seq: 60, .. } | Heard::Message { seq: 60, .. });
        assert!(slow.follower.heard()[..reset].iter().any(whole), "the replay is not out before the reset");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_whose_backlog_has_overflowed_is_brought_to_where_its_room_ended() {
    let house = House::open(config()).await;
    for how in [How::Snapshot, How::Resumed] {
        // In the middle of a replay, too.
        let (mut slow, mut scene) = unread_replay(&house, how).await;
        let seq = scene.overflow().await;
        let ledger = scene.end_room();
        slow.until_seq(seq).await;
        slow.follower.check(&ledger);
        assert_eq!((slow.follower.resets(), slow.follower.seq()), (1, seq));
        slow.client.expect_closed(4503, "room_closed").await;
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_takes_nothing_is_closed_in_time_and_resumes_with_nothing_lost() {
    const STALL: Duration = Duration::from_millis(300);
    let house = House::open(Config { stall_timeout: STALL, backlog_bytes_max: 0, ..config() }).await;
    let (owner, room) = house.rust_owner().await;
    let mut slow = Viewer::narrow(&house, &room).await;
    let mut scene = scene(&house, &room, Speaker::new(owner)).await;
    let begin = Instant::now();
    let mut n = 0;
    while scene.speaker.owner.viewers() > 1 {
        assert!(begin.elapsed() < STALL + Duration::from_secs(3), "it is still there after {:?}", begin.elapsed());
        scene.event(n, 1_000).await;
        n += 1;
    }
    assert!(begin.elapsed() >= STALL, "it was closed before the limit: {:?}", begin.elapsed());
    let end = slow.until_end().await;
    match end {
        Came::Close(4008, word) if word == "slow" => {
            let last = slow.follower.heard().last().unwrap();
            assert!(matches!(last, Heard::Closed { reason } if reason == "slow"), "the last frame is {last:?}");
        }
        Came::End(_) => {}
        other => panic!("expected the close 4008, but came {other:?}"),
    }
    let mut back = Viewer::again(&house, &room, slow.follower).await;
    assert_eq!(back.follower.answers(How::Resumed, None), 1);
    let ledger = scene.end().await;
    back.until_last().await;
    back.follower.check_whole(&ledger);
    assert_eq!((back.follower.holes(), back.follower.size().0), (0, usize::try_from(ledger.seq()).unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_that_stall_hold_little_and_the_others_get_everything() {
    let house = House::open(config()).await;
    let (owner, room) = house.rust_owner().await;
    let mut stalled = Vec::new();
    for _ in 0..6 {
        stalled.push(Viewer::narrow(&house, &room).await);
    }
    let other = Listener::join(&house, &room).await;
    let mut scene = scene(&house, &room, Speaker::new(owner)).await;
    for n in 0..1_000 {
        let seq =
            if n % 3 == 0 { scene.state(&format!("s{}", n % 5), n, 4_000).await } else { scene.event(n, 4_000).await };
        other.is_in_step(seq).await;
    }
    let ledger = scene.end().await;
    let others = other.follower().await;
    others.check_whole(&ledger);
    assert_eq!(others.size().0, usize::try_from(ledger.seq()).unwrap());
    for mut stalled in stalled {
        stalled.until_last().await;
        stalled.follower.check_caught_up(&ledger);
        // Whatever waited is what came: the kernel's two buffers, the frames taken for a write, the backlog, the state.
        let (_, bytes) = stalled.follower.size();
        assert!(bytes < BACKLOG + 512 * 1024, "{bytes} bytes were held");
        assert_eq!(stalled.follower.resets(), 1);
    }
}
