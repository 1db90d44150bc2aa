//! The duties of every engine, as tests that each of them has to pass.
//! Must not know which engine is tested.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::id::{Numbering, RoomId, RoomName, Seq, Term};
use rtbroadcaster_core::message::{Change, Key, Params};
use rtbroadcaster_core::options::{Counting as Way, RoomOptions};
use rtbroadcaster_core::record::{
    Append, Forgotten, Handover, Header, LifeIndex, Lives, LogPosition, Record, Stored, Sum,
};
use rtbroadcaster_core::standing::RoomEnd;
use tokio::sync::watch;

use super::simulated::Machine;
use super::{Engine, Follower, OpenedEngine};
use crate::os_random::OsRandom;

/// A machine on which processes start and end.
pub(crate) trait EngineHost {
    /// Starts a process: returns its engine, and the rooms that it finds.
    fn open(&mut self) -> impl Future<Output = OpenedEngine>;

    /// Kills the process.
    fn kill(&mut self) -> impl Future<Output = ()>;
}

impl EngineHost for Machine {
    async fn open(&mut self) -> OpenedEngine {
        self.open()
    }

    async fn kill(&mut self) {
        self.kill(false);
    }
}

/// A room that only counts what is written.
#[derive(Debug)]
pub(crate) struct Counting {
    room: RoomId,
    handed_over: Mutex<LogPosition>,
    told: watch::Sender<LogPosition>,
    /// The sum of what must exist of it, behind everything that it hands over.
    sum: Mutex<Sum>,
}

impl Counting {
    pub(crate) fn new() -> Arc<Self> {
        Self::again(RoomId::random(&OsRandom), Sum::default())
    }

    /// Makes the room of this name, of which `sum` is kept.
    pub(crate) fn again(room: RoomId, sum: Sum) -> Arc<Self> {
        Arc::new(Self {
            room,
            handed_over: Mutex::new(LogPosition::START),
            told: watch::Sender::new(LogPosition::START),
            sum: Mutex::new(sum),
        })
    }

    /// Returns the step of message `seq`, with which other messages and the names of others are forgotten.
    pub(crate) fn message(&self, seq: u64, messages: &[u64], ids: &[u64]) -> Append {
        let mut sum = self.sum.lock().unwrap();
        let id_of = |record: &Record| {
            let id = record.id.as_ref();
            id.map_or(Sum::default(), |(id, print)| Sum::of_id(&self.room, record.seq, id, *print))
        };
        let record = record(seq);
        *sum = sum.with(record.part(&self.room)).with(id_of(&record));
        *sum = messages.iter().fold(*sum, |sum, seq| sum.without(self::record(*seq).part(&self.room)));
        *sum = ids.iter().fold(*sum, |sum, seq| sum.without(id_of(&self::record(*seq))));
        let numbers = |numbers: &[u64]| numbers.iter().map(|seq| Seq::new(*seq).unwrap()).collect();
        let forgotten = Forgotten { messages: numbers(messages), ids: numbers(ids) };
        let sum = sum.with(header(1).past(&self.room));
        Append::Message(Record { sum, ..record }, forgotten, None)
    }

    /// Hands `append` over to `engine`.
    pub(crate) fn hand_over(self: &Arc<Self>, engine: &dyn Engine, append: Append) {
        let follower: Arc<dyn Follower> = Arc::clone(self) as _;
        let mut last = self.handed_over.lock().unwrap();
        *last = last.next();
        engine.append(&follower, Handover { position: *last, term: Term::FIRST, append });
    }

    pub(crate) fn told(&self) -> u64 {
        self.told.borrow().get()
    }

    /// Waits until so many positions are written.
    pub(crate) async fn has(&self, told: u64) {
        let mut all = self.told.subscribe();
        let all = tokio::time::timeout(DEADLINE, all.wait_for(|all| all.get() >= told)).await;
        all.expect("told in time").expect("the room is here");
    }
}

impl Follower for Counting {
    fn room(&self) -> &RoomId {
        &self.room
    }

    fn written(&self, through: LogPosition) {
        assert!(through <= *self.handed_over.lock().unwrap(), "more is told than was handed over");
        self.told.send_if_modified(|told| {
            let is_news = *told < through;
            *told = through.max(*told);
            is_news
        });
    }
}

const DEADLINE: Duration = Duration::from_secs(20);

fn options() -> RoomOptions {
    let counting = Way { every: Duration::from_millis(250), once_per_viewer: true };
    let options = RoomOptions::new().with_audience().with_grace(Duration::from_secs(77));
    let options = options.with_counting("vote \"", counting).unwrap();
    options.with_counting("clap", Way::default()).unwrap()
}

pub(crate) fn header(term: u64) -> Header {
    Header {
        numbering: Numbering::from_digits("00000000000000aa").unwrap(),
        life: None,
        starts: vec![(LifeIndex(0), Seq::new(1).unwrap())],
        term: Term::new(term).unwrap(),
        key: [7; 32],
        away: None,
        moment: Some(Duration::from_millis(1_234_567)),
        place: Some(AddressBlock::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST))),
        options: options(),
        unknown: None,
    }
}

pub(crate) fn record(seq: u64) -> Record {
    let change = match seq % 3 {
        0 => Change::Event,
        1 => Change::State,
        _ => Change::Cleared,
    };
    Record {
        seq: Seq::new(seq).unwrap(),
        said: Duration::from_millis(1_000 * seq),
        term: Term::FIRST,
        change,
        key: Key::new(&format!("key \"{seq}\"\n")).unwrap(),
        params: Params::from_json(&format!(r#"[{seq}.0, "\u0041\n"  ,"ü"]"#)).unwrap(),
        id: seq.is_multiple_of(2).then(|| (format!("id {seq}").into(), [u8::try_from(seq % 251).unwrap(); 16])),
        sum: Sum::default(),
    }
}

fn append(engine: &Arc<dyn Engine>, room: &Arc<Counting>, appends: impl IntoIterator<Item = Append>) {
    appends.into_iter().for_each(|append| room.hand_over(&**engine, append));
}

/// Checks the messages of `room` among `rooms`: they must be the first ones that were handed over. Returns how many
/// there are.
fn check(rooms: &[Stored], room: &Counting, term: u64) -> u64 {
    let stored = rooms.iter().find(|stored| stored.room == room.room).expect("a room is lost");
    assert_eq!((stored.header.term, stored.header.key), (Term::new(term).unwrap(), [7; 32]));
    for (seq, found) in (1..).zip(&stored.records) {
        assert_eq!(found, &Record { id: None, sum: found.sum, ..record(seq) });
    }
    let exists = stored.sum.with(stored.header.past(&stored.room));
    assert_eq!(stored.records.last().map(|record| record.sum), (!stored.records.is_empty()).then_some(exists));
    let last = stored.records.len() as u64;
    let ids: Vec<_> =
        (1..=last).filter_map(|seq| record(seq).id.map(|(id, print)| (record(seq).seq, id, print))).collect();
    assert_eq!(stored.ids, ids);
    last
}

/// Checks that what was confirmed is there after a kill, and of the rest a first part. Each position is confirmed once,
/// in its room's order.
pub(crate) async fn keeps_what_it_told(host: &mut impl EngineHost) {
    let OpenedEngine { engine, rooms, lives, .. } = host.open().await;
    assert!(rooms.is_empty());
    let first = lives.present();
    let (one, other) = (Counting::new(), Counting::new());
    append(&engine, &one, [Append::Header(header(1))]);
    append(&engine, &other, [Append::Header(header(1))]);
    for seq in 1..=300 {
        append(&engine, &one, [one.message(seq, &[], &[])]);
        append(&engine, &other, [other.message(seq, &[], &[]), Append::Turn]);
    }
    one.has(150).await;
    let told = (one.told(), other.told());
    host.kill().await;
    let OpenedEngine { engine, rooms, lives, .. } = host.open().await;
    assert_eq!((lives.index_of(first), lives.present_index()), (Some(LifeIndex(0)), LifeIndex(1)));
    assert_eq!(rooms.len(), 2);
    let (kept, others) = (check(&rooms, &one, 1), check(&rooms, &other, 1));
    assert!(kept + 1 >= told.0, "{kept} of one room are kept, {} were told", told.0);
    assert!(2 + 2 * others >= told.1, "{others} of the other are kept, {} were told", told.1);

    // The room goes on behind what is there.
    let one = Counting::again(one.room.clone(), rooms.iter().find(|stored| stored.room == one.room).unwrap().sum);
    append(&engine, &one, [Append::Header(header(2)), one.message(kept + 1, &[], &[])]);
    one.has(2).await;
    host.kill().await;
    let OpenedEngine { rooms, .. } = host.open().await;
    assert_eq!(check(&rooms, &one, 2), kept + 1);
}

/// Checks that what a message makes superfluous is removed with it, and that a room that has ended is not there.
pub(crate) async fn forgets_what_nobody_needs(host: &mut impl EngineHost) {
    let OpenedEngine { engine, .. } = host.open().await;
    let (one, gone) = (Counting::new(), Counting::new());
    append(&engine, &one, [Append::Header(header(1))]);
    append(&engine, &gone, [Append::Header(header(1))]);
    append(&engine, &one, (1..=20).map(|seq| one.message(seq, &[], &[])));
    append(&engine, &gone, (1..=20).map(|seq| gone.message(seq, &[], &[])));
    append(&engine, &one, [one.message(21, &[1, 2, 4, 20], &[2, 4])]);
    append(&engine, &gone, [Append::End(RoomEnd::Owner)]);
    one.has(22).await;
    gone.has(22).await;
    host.kill().await;
    let OpenedEngine { rooms, .. } = host.open().await;
    assert_eq!(rooms.len(), 1, "a room that has ended is here");
    let kept: Vec<u64> = rooms[0].records.iter().map(|record| record.seq.get()).collect();
    assert_eq!(kept, [&[3][..], &(5..20).collect::<Vec<_>>(), &[21]].concat());
    let named: Vec<u64> = rooms[0].ids.iter().map(|(seq, ..)| seq.get()).collect();
    assert_eq!(named, [6, 8, 10, 12, 14, 16, 18, 20]);
}

/// Checks that a room that begins under the name of one that has ended is another one, also if nothing was written
/// between them.
pub(crate) async fn a_name_is_given_again(host: &mut impl EngineHost) {
    let OpenedEngine { engine, .. } = host.open().await;
    let name = RoomId::from(RoomName::new("lobby").unwrap());
    let rooms: Vec<_> = (0..20).map(|_| Counting::again(name.clone(), Sum::default())).collect();
    for (count, room) in (1..).zip(&rooms) {
        append(&engine, room, [Append::Header(header(count))]);
        append(&engine, room, (1..=5).map(|seq| room.message(seq, &[], &[])));
        if count < 20 {
            append(&engine, room, [Append::End(RoomEnd::Owner)]);
            room.has(if count % 7 == 0 { 7 } else { 0 }).await;
        }
    }
    let (last, ended) = rooms.split_last().unwrap();
    last.has(6).await;
    for room in ended {
        room.has(7).await;
    }
    host.kill().await;
    let OpenedEngine { rooms, .. } = host.open().await;
    assert_eq!(rooms.len(), 1);
    assert_eq!(check(&rooms, last, 20), 5);
}

/// Checks that a clean end keeps everything that was handed over, confirmed or not.
pub(crate) async fn closes_cleanly(host: &mut impl EngineHost) {
    let OpenedEngine { engine, .. } = host.open().await;
    let one = Counting::new();
    append(&engine, &one, [Append::Header(header(1))]);
    append(&engine, &one, (1..=200).map(|seq| one.message(seq, &[], &[])));
    let closing = Arc::clone(&engine);
    tokio::task::spawn_blocking(move || closing.close()).await.unwrap();
    one.has(201).await;
    drop(engine);
    let OpenedEngine { rooms, .. } = host.open().await;
    assert_eq!(check(&rooms, &one, 1), 200);
}

/// Checks that each opening is a life of its own, also that of a copy and that of its original, and that none is
/// forgotten by itself.
pub(crate) async fn begins_a_life_with_each_opening(host: &mut impl EngineHost) {
    let mut lives: Vec<Arc<Lives>> = Vec::new();
    for _ in 0..4 {
        let opened = host.open().await;
        lives.push(opened.lives);
        host.kill().await;
    }
    let order = lives.last().unwrap().order();
    for (place, lives) in lives.iter().enumerate() {
        assert_eq!(lives.order(), &order[..=place]);
    }
    assert!((1..4).all(|place| !order[..place].contains(&order[place])), "a life came twice");
}

#[tokio::test(start_paused = true)]
async fn the_simulated_engine_keeps_the_contract() {
    for seed in 0..50 {
        keeps_what_it_told(&mut Machine::new(seed)).await;
        forgets_what_nobody_needs(&mut Machine::new(seed)).await;
        a_name_is_given_again(&mut Machine::new(seed)).await;
        closes_cleanly(&mut Machine::new(seed)).await;
        begins_a_life_with_each_opening(&mut Machine::new(seed)).await;
    }
}
