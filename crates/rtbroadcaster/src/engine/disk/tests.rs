//! The directory as processes come and go, with and without a warning.

use std::fs;
use std::path::{Path, PathBuf};

use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::record::{Append, Forgotten, Header, Record, Sum};

use super::*;
use crate::engine::contract::{self, Counting, EngineHost, header, record};
use crate::engine::{Engine, Follower};
use crate::os_random::OsRandom;

impl Disk {
    /// As after another start of the machine.
    pub(crate) fn with_boot(mut self, boot: &str) -> Self {
        self.boot = Some(boot.to_owned());
        self
    }

    /// Returns how many messages the marker of `directory` says the store has confirmed.
    pub(crate) fn confirmed_messages(directory: &Path) -> Option<u64> {
        match marker::read(directory).ok()? {
            marker::FoundMarker::Mark(mark) => Some(mark.tally().messages),
            _ => None,
        }
    }
}

/// A directory that goes with its test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let name = format!("rtbroadcaster-{}-{}", std::process::id(), RoomId::random(&OsRandom));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The system clears what cannot be removed now.
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn open(disk: &Disk, now: u64) -> Result<OpenedEngine, DiskError> {
    disk.open(Duration::from_secs(now), Counters::idle(), None).await
}

/// A machine whose processes leave what they had written, and nothing else, to the next.
struct Directories(Vec<Place>);

impl EngineHost for Directories {
    async fn open(&mut self) -> OpenedEngine {
        open(&Disk::at(&self.0.last().unwrap().0), 1_000_000).await.unwrap()
    }

    /// As a copy at this moment, while the process goes on.
    async fn kill(&mut self) {
        let copy = Place::new();
        copy_all(&self.0.last().unwrap().0, &copy.0);
        self.0.push(copy);
    }
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() { copy_all(&entry.path(), &to) } else { _ = fs::copy(entry.path(), to) }
    }
}

fn directories() -> Directories {
    Directories(vec![Place::new()])
}

#[tokio::test]
async fn the_disk_keeps_what_it_told() {
    contract::keeps_what_it_told(&mut directories()).await;
}

#[tokio::test]
async fn the_disk_forgets_what_nobody_needs() {
    contract::forgets_what_nobody_needs(&mut directories()).await;
}

#[tokio::test]
async fn the_disk_gives_a_name_again() {
    contract::a_name_is_given_again(&mut directories()).await;
}

#[tokio::test]
async fn the_disk_closes_cleanly() {
    contract::closes_cleanly(&mut directories()).await;
}

#[tokio::test]
async fn the_disk_begins_a_life_with_each_opening() {
    contract::begins_a_life_with_each_opening(&mut directories()).await;
}

async fn close(engine: Arc<dyn Engine>) {
    tokio::task::spawn_blocking(move || engine.close()).await.unwrap();
}

/// A room with so many messages in `disk`, closed.
async fn fill(disk: &Disk, messages: u64) -> Arc<Counting> {
    let OpenedEngine { engine, .. } = open(disk, 1_000).await.unwrap();
    let room = Counting::new();
    room.hand_over(&*engine, Append::Header(header(1)));
    (1..=messages).for_each(|seq| room.hand_over(&*engine, room.message(seq, &[], &[])));
    room.has(1 + messages).await;
    close(engine).await;
    room
}

#[tokio::test]
async fn a_directory_in_use_is_not_opened_by_another() {
    let place = Place::new();
    let disk = Disk::at(&place.0);
    let first = open(&disk, 1).await.unwrap();
    let error = open(&disk, 1).await.err().unwrap();
    assert_eq!(error.to_string(), format!("the directory {} is in use by another process", place.0.display()));
    close(first.engine).await;
    assert!(open(&disk, 1).await.is_ok(), "nobody uses it any more");
}

#[tokio::test]
async fn a_new_directory_is_for_its_user_only() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    fill(&Disk::at(&place.0), 1).await;
    assert_eq!(fs::metadata(&place.0).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_directory_of_a_later_version_is_left_alone() {
    let place = Place::new();
    let disk = Disk::at(&place.0);
    fill(&disk, 3).await;
    let store = Store::open(&place.0.join("store")).unwrap();
    store.facts.insert("format", "3").unwrap();
    drop(store);
    let error = open(&disk, 1).await.err().unwrap();
    assert!(matches!(error, DiskError::Newer { found: 3, .. }), "{error}");
}

#[tokio::test]
async fn a_file_in_the_place_of_the_directory_is_an_error() {
    let place = Place::new();
    fs::write(&place.0, "a file").unwrap();
    let error = open(&Disk::at(&place.0), 1).await.err().unwrap();
    assert!(matches!(error, DiskError::Io { .. }), "{error}");
    fs::remove_file(&place.0).unwrap();
}

/// How many messages the one room in `disk` has, and whether its numbering is the one that it was created with.
async fn found(disk: &Disk) -> Result<(usize, bool), DiskError> {
    let OpenedEngine { engine, rooms, .. } = open(disk, 2_000).await?;
    close(engine).await;
    Ok((rooms[0].records.len(), rooms[0].header.numbering == header(1).numbering))
}

/// Where the journal of the store ends, and which file it is.
fn journal(place: &Place) -> (PathBuf, u64) {
    let files = fs::read_dir(place.0.join("store")).unwrap().map(|entry| entry.unwrap().path());
    let journal = files.filter(|path| path.extension().is_some_and(|ext| ext == "jnl")).max().unwrap();
    let bytes = fs::read(&journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    (journal, end as u64)
}

/// How many messages the marker of a directory says are in the store.
fn confirmed(directory: &Path) -> u64 {
    match marker::read(directory).unwrap() {
        marker::FoundMarker::Mark(mark) => mark.tally().messages,
        other => panic!("{other:?}"),
    }
}

/// A process that wrote so many messages and was killed, and whose marker says so if it `is_marked`.
async fn killed(disk: &Disk, messages: u64, is_marked: bool) -> Place {
    let OpenedEngine { engine, .. } = open(disk, 1_000).await.unwrap();
    let room = Counting::new();
    room.hand_over(&*engine, Append::Header(header(1)));
    for seq in 1..=messages {
        // Each in a batch of its own.
        room.hand_over(&*engine, room.message(seq, &[], &[]));
        room.has(1 + seq).await;
    }
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while is_marked && confirmed(disk.directory()) < messages {
        assert!(std::time::Instant::now() < deadline, "the marker is written every second");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let copy = Place::new();
    copy_all(disk.directory(), &copy.0);
    close(engine).await;
    copy
}

/// Cuts so many bytes from the end of the journal.
fn cut(place: &Place, bytes: u64) {
    let (file, end) = journal(place);
    fs::OpenOptions::new().write(true).open(file).unwrap().set_len(end - bytes).unwrap();
}

#[tokio::test]
async fn the_numbering_stays_over_ends_of_all_kinds_and_in_copies() {
    let (place, copy) = (Place::new(), Place::new());
    fill(&Disk::at(&place.0).with_boot("one"), 9).await;
    copy_all(&place.0, &copy.0);
    for boot in ["two", "two", "three"] {
        assert_eq!(found(&Disk::at(&place.0).with_boot(boot)).await.unwrap(), (9, true));
        assert_eq!(found(&Disk::at(&copy.0).with_boot(boot)).await.unwrap(), (9, true));
    }
    let killed = killed(&Disk::at(Place::new().0.clone()).with_boot("one"), 9, false).await;
    assert_eq!(found(&Disk::at(&killed.0).with_boot("two")).await.unwrap(), (9, true));
}

#[tokio::test]
async fn what_was_confirmed_and_is_missing_is_a_loss_that_has_to_be_accepted() {
    // The level, whether the process was killed, and whether the machine was restarted since.
    let cases = [
        (Ack::Written, true, false, true),
        (Ack::Written, true, true, false),
        (Ack::Written, false, true, true),
        (Ack::Disk, true, true, true),
    ];
    for (ack, is_killed, is_new_boot, is_refused) in cases {
        let original = Place::new();
        let disk = Disk::at(&original.0).with_ack(ack).with_boot("one");
        let copy = killed(&disk, 40, true).await;
        let place = if is_killed { &copy } else { &original };
        // More than the last message takes, and than a clean end writes.
        cut(place, 300);
        let disk = Disk::at(&place.0).with_ack(ack).with_boot(if is_new_boot { "two" } else { "one" });
        let case = format!("{ack:?} killed {is_killed} boot {is_new_boot}");
        let first = found(&disk).await;
        if !is_refused {
            let (messages, is_own) = first.unwrap();
            assert!((30..40).contains(&messages) && is_own, "{case}: {messages}");
            continue;
        }
        let Err(DiskError::Loss { what, word, .. }) = first else { panic!("{case}: {first:?}") };
        assert!(what.contains("messages (") && what.contains(".jnl ends at byte"), "{case}: {what}");
        let again = found(&disk).await.unwrap_err();
        assert!(matches!(&again, DiskError::Loss { word: second, .. } if *second == word), "{case}: {again}");
        assert!(found(&disk.clone().accept_loss("12345678")).await.is_err(), "{case}: a word of another loss");
        let disk = disk.accept_loss(&word);
        let (messages, is_own) = found(&disk).await.unwrap();
        assert!((30..40).contains(&messages) && is_own, "{case}: only the end is missing: {messages}");
        assert_eq!(found(&disk).await.unwrap(), (messages, true), "{case}: from then on it is whole");
        cut(place, 200);
        assert!(found(&disk).await.is_err(), "{case}: the next loss has another word");
    }
}

#[tokio::test]
async fn without_its_marker_only_the_store_is_checked() {
    let original = Place::new();
    let copy = killed(&Disk::at(&original.0), 40, true).await;
    cut(&copy, 300);
    fs::remove_file(copy.0.join(marker::NAME)).unwrap();
    let (messages, is_own) = found(&Disk::at(&copy.0)).await.unwrap();
    assert!((30..40).contains(&messages) && is_own, "{messages}");
}

#[tokio::test]
async fn a_half_written_end_behind_what_was_confirmed_is_cut() {
    for _ in 0..20 {
        let original = Place::new();
        let copy = killed(&Disk::at(&original.0), 40, false).await;
        if confirmed(&copy.0) == 40 {
            // The machine was so busy that the marker's second was over before the copy was made.
            continue;
        }
        cut(&copy, 5);
        let (messages, is_own) = found(&Disk::at(&copy.0)).await.unwrap();
        assert!(messages < 40 && is_own, "all but the batch that is torn: {messages}");
        return;
    }
    panic!("each copy was made behind a marker");
}

#[tokio::test]
async fn a_store_that_is_gone_is_not_made_anew() {
    let place = Place::new();
    let disk = Disk::at(&place.0);
    fill(&disk, 3).await;
    fs::remove_dir_all(place.0.join("store")).unwrap();
    for _ in 0..2 {
        let error = open(&disk, 1).await.err().unwrap();
        assert!(matches!(&error, DiskError::Loss { what, .. } if what.starts_with("3 messages (")), "{error}");
    }
}

/// What is changed in a store, what the loss says, and how many messages are there when it is accepted.
type Change = (&'static str, fn(&Store, RoomId), &'static str, usize);

#[tokio::test]
async fn what_is_missing_or_changed_in_the_store_is_said_with_its_room() {
    fn first(store: &Store, room: &RoomId) -> fjall::Slice {
        let first = kept::place(room, Seq::new(1).unwrap());
        assert!(store.log.contains_key(&first).unwrap());
        first
    }
    let cases: [Change; 6] = [
        ("a message", |store, room| store.log.insert(first(store, &room), "nonsense").unwrap(), "a message of room", 2),
        ("a hole", |store, room| store.log.remove(first(store, &room)).unwrap(), "messages of room", 2),
        (
            "another message",
            |store, room| {
                let record = Record { seq: Seq::new(1).unwrap(), ..record(2) };
                store.log.insert(first(store, &room), kept::record(&record, None)).unwrap();
            },
            "messages of room",
            3,
        ),
        (
            "a name",
            |store, room| store.ids.remove(kept::place(&room, Seq::new(2).unwrap())).unwrap(),
            "messages of room",
            3,
        ),
        (
            "where a life began",
            |store, room| {
                let starts = vec![(rtbroadcaster_core::record::LifeIndex(0), Seq::new(2).unwrap())];
                store.rooms.insert(room.encode().as_ref(), kept::header(&Header { starts, ..header(1) })).unwrap();
            },
            "messages of room",
            3,
        ),
        (
            "an older header",
            |store, room| store.rooms.insert(room.encode().as_ref(), kept::header(&header(7))).unwrap(),
            "rooms are missing or were changed",
            3,
        ),
    ];
    for (case, change, says, left) in cases {
        let place = Place::new();
        let disk = Disk::at(&place.0);
        let room = fill(&disk, 3).await.room().clone();
        let store = Store::open(&place.0.join("store")).unwrap();
        change(&store, room.clone());
        drop(store);
        let error = open(&disk, 1).await.err().unwrap();
        let DiskError::Loss { what, word, .. } = &error else { panic!("{case}: {error}") };
        assert!(what.contains(says), "{case}: {what}");
        if says.contains("of room") {
            assert!(what.contains(&format!("{room:?}")), "{case}: {what}");
        }
        let is_own = says.starts_with("rooms");
        let disk = disk.accept_loss(word);
        assert_eq!(found(&disk).await.unwrap(), (left, is_own), "{case}: more than the end is missing");
        assert_eq!(found(&disk).await.unwrap(), (left, is_own), "{case}: from then on it is whole");
    }
}

#[tokio::test]
async fn a_room_of_which_nothing_is_known_goes_when_that_is_accepted() {
    let place = Place::new();
    let disk = Disk::at(&place.0);
    let room = fill(&disk, 3).await.room().clone();
    let store = Store::open(&place.0.join("store")).unwrap();
    store.rooms.insert(room.encode().as_ref(), "nonsense").unwrap();
    drop(store);
    let error = open(&disk, 1).await.err().unwrap();
    let DiskError::Loss { what, word, .. } = error else { panic!("{error}") };
    assert!(what.contains("what is known of it of room"), "{what}");
    let OpenedEngine { engine, rooms, .. } = open(&disk.clone().accept_loss(word), 1).await.unwrap();
    assert!(rooms.is_empty());
    close(engine).await;
    let OpenedEngine { engine, rooms, .. } = open(&disk, 1).await.unwrap();
    assert!(rooms.is_empty());
    close(engine).await;
    let store = Store::open(&place.0.join("store")).unwrap();
    assert!(store.log.is_empty().unwrap() && store.ids.is_empty().unwrap(), "its messages went with it");
}

#[tokio::test]
async fn what_a_later_version_added_is_kept_and_what_it_requires_is_refused() {
    let place = Place::new();
    let disk = Disk::at(&place.0);
    let room = fill(&disk, 3).await.room().clone();
    let change = |from: &'static str, to: &'static str| {
        let store = Store::open(&place.0.join("store")).unwrap();
        let text = store.rooms.get(room.encode().as_ref()).unwrap().unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        let text = text.replacen(from, to, 1);
        store.rooms.insert(room.encode().as_ref(), &text).unwrap();
        text
    };
    change("{", r#"{"mood":{"is":"good"},"#);
    let error = open(&disk, 1).await.err().unwrap();
    let DiskError::Loss { word, .. } = error else { panic!("{error}") };
    // As if it had been written so.
    close(open(&disk.clone().accept_loss(word), 1).await.unwrap().engine).await;
    let OpenedEngine { engine, rooms, .. } = open(&disk, 1).await.unwrap();
    assert_eq!(rooms[0].header.unknown.as_deref(), Some(r#"{"mood":{"is":"good"}}"#));
    close(engine).await;
    change(r#""mood""#, r#""!mood""#);
    let error = open(&disk, 1).await.err().unwrap();
    assert!(matches!(&error, DiskError::Unknown { field, .. } if field == "!mood"), "{error}");
}

#[tokio::test]
async fn no_time_passes_for_an_owner_that_could_not_come_back() {
    let place = Place::new();
    let disk = Disk::at(&place.0);
    // The marker tells the time of the machine.
    let ended = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let OpenedEngine { engine, .. } = open(&disk, ended).await.unwrap();
    let (here, away) = (Counting::new(), Counting::new());
    for (room, away) in [(&here, None), (&away, Some(Duration::from_secs(ended - 20)))] {
        room.hand_over(&*engine, Append::Header(Header { away, ..header(1) }));
        room.has(1).await;
    }
    close(engine).await;
    // The process ended some moments after `ended`, the next one begins 500 s later.
    let begun = Duration::from_secs(ended + 500);
    let OpenedEngine { engine, rooms, .. } = open(&disk, begun.as_secs()).await.unwrap();
    let since = |rooms: &[Stored], room: &Counting| {
        rooms.iter().find(|stored| stored.room == *room.room()).unwrap().header.away.unwrap()
    };
    assert_eq!(since(&rooms, &here), begun, "its grace begins");
    let spent = (begun - since(&rooms, &away)).as_secs();
    assert!((20..40).contains(&spent), "{spent} s of it are over");
    close(engine).await;
    fs::remove_file(place.0.join(marker::NAME)).unwrap();
    let OpenedEngine { engine, rooms, .. } = open(&disk, begun.as_secs()).await.unwrap();
    assert_eq!([since(&rooms, &here), since(&rooms, &away)], [begun; 2], "nobody knows how long nobody could come");
    close(engine).await;
}

#[tokio::test]
async fn what_is_not_needed_takes_no_space_for_ever() {
    let place = Place::new();
    let OpenedEngine { engine, .. } = open(&Disk::at(&place.0), 1_000).await.unwrap();
    let room = Counting::new();
    room.hand_over(&*engine, Append::Header(header(1)));
    let params = rtbroadcaster_core::message::Params::from_json(&format!(r#"["{}"]"#, "x".repeat(60_000))).unwrap();
    // 120 MB, of which 10 messages are needed at any time.
    let record = |seq| Record { params: params.clone(), id: None, ..record(seq) };
    let mut sum = Sum::default();
    for seq in 1..=2_000_u64 {
        let forgotten = seq.checked_sub(10).filter(|seq| *seq > 0).map(record);
        let gone = forgotten.as_ref().map_or(Sum::default(), |record| record.part(room.room()));
        sum = sum.with(record(seq).part(room.room())).without(gone);
        let forgotten = Forgotten { messages: forgotten.iter().map(|record| record.seq).collect(), ids: Vec::new() };
        let record = Record { sum: sum.with(header(1).past(room.room())), ..record(seq) };
        room.hand_over(&*engine, Append::Message(record, forgotten, None));
        if seq % 100 == 0 {
            room.has(seq).await;
        }
    }
    room.has(2_001).await;
    close(engine).await;
    let bytes = occupied(&place.0);
    assert!(bytes < 60_000_000, "{bytes} bytes for 10 messages of 60 kB");
}

fn occupied(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    let sizes = entries.map(|entry| match entry.metadata().unwrap() {
        metadata if metadata.is_dir() => occupied(&entry.path()),
        metadata => metadata.blocks() * 512,
    });
    sizes.sum()
}

#[tokio::test]
async fn a_directory_of_format_1_opens_with_another_numbering_and_is_of_format_2_from_then_on() {
    let place = Place::new();
    let room = RoomId::random(&OsRandom);
    fs::create_dir(&place.0).unwrap();
    fs::write(place.0.join(marker::NAME), "").unwrap();
    let store = Store::open(&place.0.join("store")).unwrap();
    store.facts.insert("format", "1").unwrap();
    store.facts.insert("run", r#"{"boot":"b","ack":"written","place":7,"is_clean":true}"#).unwrap();
    let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let header = format!(r#"{{"epoch":"0b9e7c1d5a3f4e2f8c6d4b2a19070503","term":3,"key":"{key}","audience":true}}"#);
    store.rooms.insert(room.encode().as_ref(), header).unwrap();
    for seq in 1..=3_u64 {
        let record = format!("{{\"said\":{seq},\"term\":2,\"change\":\"state\",\"key\":\"k{seq}\"}}\n[{seq}.0]");
        store.log.insert(kept::place(&room, Seq::new(seq).unwrap()), record).unwrap();
    }
    let id = r#"{"id":"i","fingerprint":"BwcHBwcHBwcHBwcHBwcHBw"}"#;
    store.ids.insert(kept::place(&room, Seq::new(2).unwrap()), id).unwrap();
    drop(store);

    let disk = Disk::at(&place.0);
    let mut numberings = Vec::new();
    for life in 0..3 {
        let OpenedEngine { engine, rooms, lives, .. } = open(&disk, 2_000_000_000).await.unwrap();
        let Stored { header, records, ids, .. } = &rooms[0];
        assert_eq!((header.term.get(), header.key, header.options.has_audience()), (3, [7; 32], true));
        assert_eq!(header.starts, [(crate::engine::LifeIndex(0), Seq::new(1).unwrap())]);
        assert_eq!((records.len(), ids.len(), lives.order().len()), (3, 1, life + 1));
        assert_eq!(std::str::from_utf8(records[2].params.as_bytes()).unwrap(), "[3.0]");
        numberings.push(header.numbering);
        close(engine).await;
    }
    assert!(numberings.windows(2).all(|two| two[0] == two[1]), "drawn once");
    let format = Store::open(&place.0.join("store")).unwrap().facts().map(|facts| facts.format);
    assert_eq!(format.ok().flatten(), Some(2));
}
