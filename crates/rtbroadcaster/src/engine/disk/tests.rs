//! The directory as processes come and go, with and without a warning.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::engine::contract::{self, Counting, House, header, record};
use crate::engine::{Append, Follower, Forgotten, Header};
use crate::id::RoomId;

/// A directory that goes with its test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let name = format!("rtbroadcaster-{}-{}", std::process::id(), RoomId::random());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The system clears what cannot be removed now.
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn open(disk: &Disk, now: u64) -> Result<Opened, DiskError> {
    disk.open(Duration::from_secs(now), Counters::idle()).await
}

/// A machine whose processes leave what they had written, and nothing else, to the next.
struct Directories(Vec<Place>);

impl House for Directories {
    async fn open(&mut self) -> (Arc<dyn Engine>, Vec<Stored>) {
        let Opened { engine, rooms } = open(&Disk::at(&self.0.last().unwrap().0), 1_000_000).await.unwrap();
        (engine, rooms)
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
async fn the_disk_closes_cleanly() {
    contract::closes_cleanly(&mut directories()).await;
}

async fn close(engine: Arc<dyn Engine>) {
    tokio::task::spawn_blocking(move || engine.close()).await.unwrap();
}

/// A room with so many messages in `disk`, closed.
async fn fill(disk: &Disk, messages: u64) -> Arc<Counting> {
    let Opened { engine, .. } = open(disk, 1_000).await.unwrap();
    let room = Counting::new();
    let follower: Arc<dyn Follower> = Arc::clone(&room) as _;
    engine.append(&follower, Append::Header(header(1)));
    (1..=messages).for_each(|seq| engine.append(&follower, Append::Message(record(seq), Forgotten::default())));
    room.has(1 + usize::try_from(messages).unwrap()).await;
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
    let store = disk.store().unwrap();
    store.house.insert("format", "2").unwrap();
    drop(store);
    let error = open(&disk, 1).await.err().unwrap();
    assert!(matches!(error, DiskError::Newer { found: 2, .. }), "{error}");
}

#[tokio::test]
async fn what_makes_no_sense_is_said_with_its_room() {
    let place = Place::new();
    let disk = Disk::at(&place.0);
    let room = fill(&disk, 3).await.room();
    let store = disk.store().unwrap();
    let first = store.log.first_key_value().unwrap().key().unwrap();
    store.log.insert(first, "nonsense").unwrap();
    drop(store);
    let error = open(&disk, 1).await.err().unwrap().to_string();
    assert!(error.ends_with(&format!("is damaged: room {room:?}: a message")), "{error}");
}

#[tokio::test]
async fn a_file_in_the_place_of_the_directory_is_an_error() {
    let place = Place::new();
    fs::write(&place.0, "a file").unwrap();
    let error = open(&Disk::at(&place.0), 1).await.err().unwrap();
    assert!(matches!(error, DiskError::Io { .. }), "{error}");
    fs::remove_file(&place.0).unwrap();
}

/// The epoch of the one room in `disk`, and how many messages it has.
async fn found(disk: &Disk) -> (String, usize) {
    let Opened { engine, rooms } = open(disk, 2_000).await.unwrap();
    close(engine).await;
    (rooms[0].header.epoch.as_str().to_owned(), rooms[0].records.len())
}

/// Where the journal of the store ends, and which file it is.
fn journal(place: &Place) -> (PathBuf, u64) {
    let files = fs::read_dir(place.0.join("store")).unwrap().map(|entry| entry.unwrap().path());
    let journal = files.filter(|path| path.extension().is_some_and(|ext| ext == "jnl")).max().unwrap();
    let bytes = fs::read(&journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    (journal, end as u64)
}

#[tokio::test]
async fn a_clean_end_keeps_the_numbering_over_another_start_of_the_machine() {
    let place = Place::new();
    fill(&Disk::at(&place.0).with_boot("one"), 9).await;
    assert_eq!(found(&Disk::at(&place.0).with_boot("two")).await, ("e".to_owned(), 9));
}

#[tokio::test]
async fn a_copy_has_a_numbering_of_its_own() {
    let (place, copy) = (Place::new(), Place::new());
    fill(&Disk::at(&place.0), 9).await;
    copy_all(&place.0, &copy.0);
    let (epoch, messages) = found(&Disk::at(&copy.0)).await;
    assert_ne!(epoch, "e", "the original may have gone on: the same numbers would name other messages");
    assert_eq!(messages, 9);
    assert_eq!(found(&Disk::at(&place.0)).await, ("e".to_owned(), 9));
}

/// A room of which the last messages are lost with the power, and those that the disk had by then.
async fn lose_power(place: &Place, ack: Ack) -> u64 {
    let disk = Disk::at(&place.0).with_boot("one").with_ack(ack);
    let Opened { engine, .. } = open(&disk, 1_000).await.unwrap();
    let room = Counting::new();
    let follower: Arc<dyn Follower> = Arc::clone(&room) as _;
    engine.append(&follower, Append::Header(header(1)));
    room.has(1).await;
    // What stands there by now is on the disk: nothing else is synced by itself with `written`.
    let (file, mut end) = journal(place);
    for seq in 1..=40 {
        engine.append(&follower, Append::Message(record(seq), Forgotten::default()));
        room.has(1 + usize::try_from(seq).unwrap()).await;
        if seq == if ack == Ack::Disk { 40 } else { 25 } {
            end = journal(place).1;
        }
    }
    close(engine).await;
    // The end of the process is lost too.
    fs::OpenOptions::new().write(true).open(file).unwrap().set_len(end).unwrap();
    room.told() as u64 - 1
}

#[tokio::test]
async fn a_tail_that_was_lost_with_the_power_begins_another_numbering() {
    let place = Place::new();
    lose_power(&place, Ack::Written).await;
    let (epoch, messages) = found(&Disk::at(&place.0).with_boot("two")).await;
    assert_ne!(epoch, "e");
    assert_eq!(messages, 25);
    let again = found(&Disk::at(&place.0).with_boot("two")).await;
    assert_eq!(again, (epoch, messages), "from then on it is the room's own");
}

#[tokio::test]
async fn what_the_disk_had_when_it_was_told_goes_on_after_a_loss_of_power() {
    let place = Place::new();
    let told = lose_power(&place, Ack::Disk).await;
    assert_eq!(found(&Disk::at(&place.0).with_boot("two")).await, ("e".to_owned(), usize::try_from(told).unwrap()));
}

#[tokio::test]
async fn a_half_written_batch_is_cut() {
    let place = Place::new();
    let disk = Disk::at(&place.0).with_boot("one");
    lose_power(&place, Ack::Written).await;
    let (file, end) = journal(&place);
    fs::OpenOptions::new().write(true).open(file).unwrap().set_len(end - 5).unwrap();
    assert_eq!(found(&disk).await.1, 24, "all but the one that is torn");
}

#[tokio::test]
async fn no_time_passes_for_an_owner_that_could_not_come_back() {
    let place = Place::new();
    let disk = Disk::at(&place.0);
    let Opened { engine, .. } = open(&disk, 1_000).await.unwrap();
    let (here, away) = (Counting::new(), Counting::new());
    for (room, away) in [(&here, None), (&away, Some(Duration::from_secs(980)))] {
        let follower: Arc<dyn Follower> = Arc::clone(room) as _;
        engine.append(&follower, Append::Header(Header { away, ..header(1) }));
        room.has(1).await;
    }
    close(engine).await;
    // The process ended at 1 000, the next one begins at 1 500.
    let alive = fs::OpenOptions::new().append(true).open(place.0.join("alive")).unwrap();
    alive.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000)).unwrap();
    let Opened { engine, rooms } = open(&disk, 1_500).await.unwrap();
    let since = |room: &Counting| rooms.iter().find(|stored| stored.room == room.room()).unwrap().header.away;
    assert_eq!(since(&here), Some(Duration::from_secs(1_500)), "its grace begins");
    assert_eq!(since(&away), Some(Duration::from_secs(1_480)), "20 s of it are over");
    close(engine).await;
}

#[tokio::test]
async fn what_is_not_needed_takes_no_space_for_ever() {
    let place = Place::new();
    let Opened { engine, .. } = open(&Disk::at(&place.0), 1_000).await.unwrap();
    let room = Counting::new();
    let follower: Arc<dyn Follower> = Arc::clone(&room) as _;
    engine.append(&follower, Append::Header(header(1)));
    let params = crate::message::Params::from_json(&format!(r#"["{}"]"#, "x".repeat(60_000))).unwrap();
    // 120 MB, of which 10 messages are needed at any time.
    for seq in 1..=2_000_u64 {
        let forgotten = seq.checked_sub(10).and_then(crate::id::Seq::new).filter(|seq| seq.get() > 0);
        let forgotten = Forgotten { messages: forgotten.into_iter().collect(), ids: Vec::new() };
        let record = super::super::Record { params: params.clone(), id: None, ..record(seq) };
        engine.append(&follower, Append::Message(record, forgotten));
        if seq % 100 == 0 {
            room.has(usize::try_from(seq).unwrap()).await;
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
