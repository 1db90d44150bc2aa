//! Random sagas of a room over two to five nodes: an owner that moves, viewers on every node, and a log whose events
//! are lost, repeated and late, whose answers do not come, which has no leader for a while, whose clocks jump, and
//! from which nodes are cut off or killed. Judged by what the log holds in the end. A seed repeats a saga.

use std::collections::BTreeMap;

use rtbroadcaster_core::chain::{Chain, Reading};
use rtbroadcaster_core::random::Seeded;
use rtbroadcaster_core::record::Append;
use tokio::task::JoinHandle;

use super::super::resending::{Number, sends};
use super::*;
use crate::engine::shared::sea::Chances;
use crate::engine::shared::{read_appends, read_checkpoint, read_copy_id, read_link};
use crate::room::Owner;

/// The most milliseconds by which a clock is wrong.
const CLOCKS_WRONG_MS: u64 = 600_000;

/// A node that viewers reach: its number, itself, and the sender that ends its connections.
type Reachable = (u32, Manager, watch::Sender<bool>);

/// Where a saga runs.
struct Saga {
    sea: Arc<Sea>,
    config: Config,
    dice: Seeded,
    /// The nodes that live, by the numbers that the log knows them by.
    nodes: BTreeMap<u32, Manager>,
    /// The same, for viewers that connect, each with the sender that ends all of its connections.
    reachable: Arc<std::sync::Mutex<Vec<Reachable>>>,
    started: u32,
    room: RoomId,
    key: OwnerKey,
    owner: Option<(u32, Owner)>,
    /// The owners of nodes that were killed.
    gone: Vec<(u32, Owner)>,
    /// The messages that were published and not acknowledged, in order.
    unacked: Vec<Number>,
    /// The numbers that the log gave.
    acked: BTreeMap<Number, Seq>,
    published: Number,
    watchers: Vec<Watcher>,
}

/// A viewer, and the messages that it got, as they came.
struct Watcher {
    viewer: Viewer,
    got: JoinHandle<Vec<Got>>,
    stop: watch::Sender<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Got {
    Message(Seq, Number),
    /// The state up to here, since messages before may be missing.
    State(Seq),
    /// Values up to here were superseded by newer ones.
    Skipped(Seq),
}

/// Connects to a node until it is killed.
fn connect(manager: &Manager, mut killed: watch::Receiver<bool>) -> tokio::io::DuplexStream {
    let mut there = manager.connect(Rights::anything().into());
    let (here, mut between) = tokio::io::duplex(16 * 1024);
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut between, &mut there) => {}
            _ = killed.wait_for(|killed| *killed) => {}
        }
    });
    here
}

fn message(number: Number) -> Message {
    let message = if number.is_multiple_of(3) {
        Message::event("event", [number])
    } else {
        Message::state(&format!("key{}", number % 7), [number])
    };
    message.unwrap().with_id(&format!("id{number}")).unwrap()
}

/// Returns how far a clock is ahead, and how far behind: one in three is wrong by up to ten minutes.
fn some_clock(dice: &Seeded) -> [Duration; 2] {
    let wrong = Duration::from_millis(dice.number() % CLOCKS_WRONG_MS);
    match dice.number() % 6 {
        0 => [wrong, Duration::ZERO],
        1 => [Duration::ZERO, wrong],
        _ => [Duration::ZERO; 2],
    }
}

/// Returns a node with such a clock.
fn some_node(sea: &Arc<Sea>, number: u32, config: &Config, dice: &Seeded) -> Manager {
    let [ahead, behind] = some_clock(dice);
    let clock = Clock::at(Clock::of_the_world().now() + ahead - behind);
    node_with_clock(sea, number, config, clock)
}

impl Saga {
    async fn begin(seed: u64) -> Self {
        let (sea, dice, config) = (Sea::new(seed), Seeded::of(seed ^ 0x5a6a), config());
        let mut nodes = BTreeMap::new();
        let count = 2 + u32::try_from(dice.number() % 4).unwrap();
        for number in 0..count {
            nodes.insert(number, some_node(&sea, number, &config, &dice));
        }
        let owner =
            nodes[&0].create_room_with(RoomOptions::new().with_grace(Duration::from_secs(3_600))).await.unwrap();
        let (room, key) = (owner.room(), owner.key().clone());
        let chance = |most| dice.number() % most;
        sea.set_chances(Chances {
            lost: chance(60),
            twice: chance(60),
            late: chance(60),
            unanswered: chance(30),
            busy: chance(30),
            behind: chance(30),
            late_extent: chance(300),
            unkept: chance(700),
            unchecked: chance(500),
        });
        let reachable = nodes.iter().map(|(number, manager)| (*number, manager.clone(), watch::Sender::new(false)));
        let reachable = Arc::new(std::sync::Mutex::new(reachable.collect()));
        Self {
            sea,
            config,
            dice,
            nodes,
            reachable,
            started: count,
            room,
            key,
            owner: Some((0, owner)),
            gone: Vec::new(),
            unacked: Vec::new(),
            acked: BTreeMap::new(),
            published: 0,
            watchers: Vec::new(),
        }
    }

    fn below(&self, end: u64) -> u64 {
        self.dice.number() % end
    }

    fn any_node(&self) -> (u32, Manager) {
        let place = usize::try_from(self.below(self.nodes.len() as u64)).unwrap();
        let (number, manager) = self.nodes.iter().nth(place).unwrap();
        (*number, manager.clone())
    }

    /// Publishes, and sends again what was not acknowledged: first all of it, in order.
    async fn publish(&mut self) {
        for _ in 0..=self.below(20) {
            self.published += 1;
            self.unacked.push(self.published);
        }
        self.send().await;
    }

    async fn send(&mut self) {
        let Some((_, owner)) = &self.owner else { return };
        if !sends(owner, &mut self.unacked, &mut self.acked, message).await {
            self.owner = None;
        }
    }

    /// Takes the room over on some node. The older owner is not told.
    async fn own(&mut self) {
        let (number, manager) = self.any_node();
        let owner = timeout(Duration::from_secs(30), manager.own(&self.room, &self.key)).await;
        if let Ok(Ok(owner)) = owner {
            if let Some((_, older)) = self.owner.replace((number, owner)) {
                // It leaves later, or never.
                let delay = Duration::from_millis(self.below(20_000));
                tokio::spawn(async move {
                    sleep(delay).await;
                    drop(older);
                });
            }
            self.send().await;
        }
    }

    /// A viewer joins, which reaches another node at each attempt.
    fn watch(&mut self) {
        let nodes = Arc::clone(&self.reachable);
        let next = std::sync::atomic::AtomicU64::new(self.below(100));
        let reach = move || {
            let place = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let nodes = nodes.lock().unwrap();
            let (_, manager, kill) = &nodes[usize::try_from(place % nodes.len() as u64).unwrap()];
            Some(connect(manager, kill.subscribe()))
        };
        let viewer = Viewer::join(Target::in_memory(reach), self.room.clone()).unwrap();
        let mut messages = viewer.messages();
        let (stop, mut stopped) = watch::channel(false);
        let got = tokio::spawn(async move {
            let mut got = Vec::new();
            loop {
                let heard = tokio::select! {
                    heard = messages.next() => heard,
                    _ = stopped.wait_for(|stopped| *stopped) => return got,
                };
                match heard {
                    Some(Heard::Message(message)) => {
                        let [number] = message.params().parse::<[Number; 1]>().unwrap();
                        got.push(Got::Message(message.seq().unwrap(), number));
                    }
                    Some(Heard::State { state, .. }) => got.push(Got::State(state.seq())),
                    Some(Heard::Skipped { through, .. }) => got.push(Got::Skipped(through)),
                    Some(_) => {}
                    None => return got,
                }
            }
        });
        self.watchers.push(Watcher { viewer, got, stop });
    }

    async fn act(&mut self) {
        match self.below(100) {
            0..60 => self.publish().await,
            60..75 => self.own().await,
            75..80 if self.watchers.len() < 8 => self.watch(),
            80..86 => {
                self.sea.loses_leader(Duration::from_millis(4_000 + self.below(5_000)));
                let [ahead, behind] = some_clock(&self.dice);
                self.sea.sets_clock(ahead, behind);
            }
            86..93 => {
                let (number, _) = self.any_node();
                self.sea.cut(number, true);
                let (sea, time) = (Arc::clone(&self.sea), Duration::from_millis(self.below(14_000)));
                tokio::spawn(async move {
                    sleep(time).await;
                    sea.cut(number, false);
                });
            }
            93..97 if self.nodes.len() > 1 => {
                // The node is killed: it says nothing more, and another one starts.
                let (number, _) = self.any_node();
                self.sea.cut(number, true);
                let killed = self.nodes.remove(&number).unwrap();
                if self.owner.as_ref().is_some_and(|(at, _)| *at == number) {
                    // It says nothing more either: its node is cut off until the end.
                    self.gone.extend(self.owner.take());
                }
                for watcher in &self.watchers {
                    watcher.viewer.reconnect();
                }
                drop(killed);
                let fresh = some_node(&self.sea, self.started, &self.config, &self.dice);
                self.nodes.insert(self.started, fresh.clone());
                let mut reachable = self.reachable.lock().unwrap();
                for (_, _, kill) in reachable.extract_if(.., |(known, ..)| *known == number) {
                    kill.send_replace(true);
                }
                reachable.push((self.started, fresh, watch::Sender::new(false)));
                self.started += 1;
            }
            97 => self.lose_log().await,
            _ => sleep(Duration::from_millis(self.below(3_000))).await,
        }
        if self.owner.is_none() {
            self.own().await;
        }
    }

    /// The power of the log's servers fails: the last entries are lost, or all. The owner's node has everything that was
    /// acknowledged, and reaches the log again.
    async fn lose_log(&mut self) {
        let Some((at, _)) = self.owner else { return };
        self.nodes.keys().for_each(|number| self.sea.cut(*number, false));
        // A node that has just started does not know what the log had.
        sleep(Duration::from_secs(8)).await;
        match self.below(4) {
            0 => self.sea.lose_everything(),
            _ => self.sea.lose_power(Duration::from_millis(self.below(20_000))),
        }
        // They have to start again, and to find a leader.
        self.sea.loses_leader(Duration::from_millis(1_000 + self.below(4_000)));
        for _ in 0..self.below(4) {
            self.publish().await;
        }
        // No other node is as new as that one until this is over.
        sleep(Duration::from_secs(30)).await;
        self.sea.cut(at, false);
        sleep(Duration::from_secs(30)).await;
    }

    /// Returns what the log holds, by the reader rule: the number of each message, by its place.
    fn log(&self) -> Vec<(Seq, Number)> {
        let mut chain = Chain::START;
        let mut messages = Vec::new();
        for entry in self.sea.entries_of_all_time(&self.room) {
            let link = read_link(entry.offset, &entry.text).unwrap();
            if let Some(copy) = read_copy_id(&entry.text) {
                // It goes on with what its writer had.
                let copy = read_checkpoint(&self.sea.copy_of_all_time(&self.room, copy).unwrap()).unwrap();
                assert!(messages.len() as u64 >= copy.checkpoint.seq.get(), "a copy holds what was never in the log");
                messages.truncate(usize::try_from(copy.checkpoint.seq.get()).unwrap());
                chain = copy.chain;
                chain.continue_copy(&link);
                continue;
            }
            match chain.read(&link) {
                Reading::Counts => {}
                Reading::Hole | Reading::Anew => panic!("the log has lost an entry"),
                Reading::Known | Reading::Ignored(_) => continue,
            }
            for append in read_appends(&entry.text).unwrap() {
                if let Append::Message(record, ..) = append {
                    messages.push((record.seq, record.params.parse::<[Number; 1]>().unwrap()[0]));
                }
            }
        }
        messages
    }

    /// All faults end; then everything has to be right.
    async fn judge(mut self, seed: u64) {
        self.sea.set_chances(Chances::default());
        sleep(Duration::from_secs(20)).await;
        self.nodes.keys().for_each(|number| self.sea.cut(*number, false));
        for _ in 0..5 {
            if self.owner.is_none() {
                self.own().await;
            }
            self.send().await;
        }
        assert!(self.unacked.is_empty(), "seed {seed}: {:?} are not acknowledged", self.unacked);
        let log = self.log();
        // Numbers have no gap, each message is there once, and those that were acknowledged have the number that was told.
        for (place, (seq, _)) in (1..).zip(&log) {
            assert_eq!(seq.get(), place, "seed {seed}");
        }
        let stored: BTreeMap<Number, Seq> = log.iter().map(|(seq, number)| (*number, *seq)).collect();
        assert_eq!(stored.len(), log.len(), "seed {seed}: a message is stored twice");
        assert_eq!(stored, self.acked, "seed {seed}");
        assert!(log.is_sorted_by_key(|(_, number)| *number), "seed {seed}: out of order");
        // Each node gives a fresh viewer the same state.
        let mut states = Vec::new();
        for manager in self.nodes.values() {
            let viewer = Viewer::join(target(manager), self.room.clone()).unwrap();
            soon(viewer.inside()).await.unwrap();
            has(&viewer, Seq::new(log.len() as u64).unwrap()).await;
            let state = viewer.state();
            let values: Vec<_> =
                (0..7).map(|key| state.parse::<[Number; 1]>(&format!("key{key}")).and_then(Result::ok)).collect();
            states.push((state.seq(), values));
        }
        assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "seed {seed}: {states:?}");
        // Each viewer got everything behind its first state, once and in order, or was told otherwise.
        for Watcher { viewer, got, stop } in std::mem::take(&mut self.watchers) {
            has(&viewer, Seq::new(log.len() as u64).unwrap()).await;
            sleep(Duration::from_millis(100)).await;
            stop.send_replace(true);
            let mut reached = None;
            for got in got.await.unwrap() {
                match got {
                    Got::State(seq) => reached = Some(seq),
                    Got::Skipped(through) => {
                        let lost = log
                            .iter()
                            .filter(|(seq, _)| reached.is_some_and(|before| *seq > before) && *seq <= through);
                        let events = lost.filter(|(_, number)| number.is_multiple_of(3)).count();
                        assert_eq!(events, 0, "seed {seed}: a viewer lost events");
                        reached = Some(through);
                    }
                    Got::Message(seq, number) => {
                        assert_eq!(stored.get(&number), Some(&seq), "seed {seed}: it is not in the log");
                        if let Some(before) = reached {
                            assert_eq!(seq.get(), before.get() + 1, "seed {seed}: a viewer lost or repeated something");
                        }
                        reached = Some(seq);
                    }
                }
            }
            assert_eq!(reached.map(Seq::get), Some(log.len() as u64), "seed {seed}");
        }
    }
}

async fn play(seed: u64) {
    let mut saga = Saga::begin(seed).await;
    saga.watch();
    for _ in 0..60 {
        saga.act().await;
    }
    saga.judge(seed).await;
}

/// Returns the numbers of this environment variable, such as `7` or `0..1000`.
fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("RTBROADCASTER_SEEDS") else {
        // Others each time, and each is printed when it fails.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let begin = u64::try_from(now).unwrap() * 1_000;
        return begin..begin + 40;
    };
    match text.split_once("..") {
        Some((begin, end)) => begin.parse().unwrap()..end.parse().unwrap(),
        None => text.parse().unwrap()..text.parse::<u64>().unwrap() + 1,
    }
}

#[test]
fn whatever_happens_to_nodes_and_log_nothing_acknowledged_is_lost_or_repeated_and_all_nodes_agree() {
    for seed in seeds() {
        println!("seed {seed}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(play(seed));
    }
}
