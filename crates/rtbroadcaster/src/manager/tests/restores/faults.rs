//! One random fault in one file of a directory.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::story::all_of;
use super::*;
use crate::engine::disk::{Ack, DiskError};

/// A directory in which a life has ended, and what was seen of it.
struct Base {
    directory: Directory,
    ack: Ack,
    room: RoomId,
    /// Each epoch with the messages that its viewers have seen.
    seen: Vec<(Epoch, Vec<String>)>,
    /// How many of the messages the marker covers.
    covered: usize,
}

/// How many messages the room of a base has.
const MESSAGES: u32 = 60;

impl Base {
    /// Two lives, so that the journal has its own length: the second one ended as `end` says. Large ones have tables.
    async fn new(ack: Ack, end: End, is_large: bool) -> Self {
        let directory = Directory::new();
        let disk = Disk::at(&directory.0).with_ack(ack);
        let manager = Manager::open(config(), &disk).await.unwrap();
        let owner = manager.create_room().await.unwrap();
        let (room, key) = (owner.room(), owner.key().clone());
        let mut seen = Vec::new();
        let padding = if is_large { "x".repeat(60_000) } else { String::new() };
        drop(speak(&manager, owner, 0..MESSAGES / 2, &padding, &mut seen).await);
        manager.shutdown().await;
        let manager = Manager::open(config(), &disk).await.unwrap();
        let owner = manager.own(&room, &key).await.unwrap();
        let owner = speak(&manager, owner, MESSAGES / 2..MESSAGES, &padding, &mut seen).await;
        // Until the marker says so: from then on it is covered.
        let mut marked = 0;
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while marked < MESSAGES as usize {
            assert!(std::time::Instant::now() < deadline, "the marker covers {marked} messages");
            tokio::time::sleep(Duration::from_millis(10)).await;
            marked = usize::try_from(crate::engine::disk::Disk::confirmed_messages(&directory.0).unwrap()).unwrap();
        }
        let killed = (end == End::Killed).then(|| directory.copy());
        drop(owner);
        manager.shutdown().await;
        Self { directory: killed.unwrap_or(directory), ack, room, seen, covered: MESSAGES as usize }
    }
}

async fn speak(
    manager: &Manager,
    owner: Owner,
    numbers: std::ops::Range<u32>,
    padding: &str,
    seen: &mut Vec<(Epoch, Vec<String>)>,
) -> Owner {
    for number in numbers {
        let message = if number % 3 == 0 {
            Message::event("event", (number, padding)).unwrap()
        } else {
            Message::state(&format!("key {}", number % 5), (number, padding))
                .unwrap()
                .with_id(&format!("id {number}"))
                .unwrap()
        };
        owner.publish(message).await.unwrap();
    }
    let epoch = welcome(manager, &owner.room(), &Start::Fresh).unwrap().standing.epoch;
    seen.push((epoch, all_of(manager, &owner.room()).unwrap()));
    owner
}

/// Does one thing to one file of `directory`.
fn damage(directory: &Directory, dice: &mut Dice) -> String {
    let files = directory.files();
    let pick = |dice: &mut Dice| files[usize::try_from(dice.below(files.len() as u64)).unwrap()].clone();
    let file = pick(dice);
    let path = directory.0.join(&file);
    let length = fs::metadata(&path).unwrap().len();
    let place = |dice: &mut Dice| dice.below(length.max(1));
    match dice.below(5) {
        0 => {
            let (place, bit) = (place(dice), dice.below(8));
            flip(&path, place, bit);
            format!("{}: bit {bit} of byte {place} of {length}", file.display())
        }
        1 => {
            let sector = place(dice) / 512 * 512;
            let count = usize::try_from(length.saturating_sub(sector).min(512)).unwrap();
            write(&path, sector, &vec![0; count]);
            format!("{}: sector at {sector} of {length} zeroed", file.display())
        }
        2 => {
            let end = place(dice);
            OpenOptions::new().write(true).open(&path).unwrap().set_len(end).unwrap();
            format!("{}: cut at {end} of {length}", file.display())
        }
        3 => {
            let other = pick(dice);
            let aside = directory.0.join("aside");
            fs::rename(&path, &aside).unwrap();
            if other != file {
                fs::rename(directory.0.join(&other), &path).unwrap();
            }
            fs::rename(&aside, directory.0.join(&other)).unwrap();
            format!("{} and {} swapped", file.display(), other.display())
        }
        _ => {
            fs::remove_file(&path).unwrap();
            format!("{}: removed", file.display())
        }
    }
}

fn flip(path: &Path, place: u64, bit: u64) {
    let mut byte = [0];
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    if file.read_at(&mut byte, place).unwrap() == 1 {
        file.write_all_at(&[byte[0] ^ (1 << bit)], place).unwrap();
    }
}

fn write(path: &Path, place: u64, bytes: &[u8]) {
    OpenOptions::new().write(true).open(path).unwrap().write_all_at(bytes, place).unwrap();
}

/// Tries so many faults, the first by the seed `first`.
pub(super) async fn tell(first: u64, count: u64) {
    let mut bases = Vec::new();
    for ack in [Ack::Written, Ack::Disk] {
        for end in [End::Clean, End::Killed] {
            for is_large in [false, true] {
                bases.push(Base::new(ack, end, is_large).await);
            }
        }
    }
    let mut tally = std::collections::BTreeMap::<&str, u64>::new();
    for seed in first..first + count {
        let mut dice = Dice::new(seed);
        let base = &bases[usize::try_from(dice.below(bases.len() as u64)).unwrap()];
        let outcome = try_one(base, seed, &mut dice).await;
        *tally.entry(outcome).or_default() += 1;
    }
    println!("{tally:?}");
}

async fn try_one(base: &Base, seed: u64, dice: &mut Dice) -> &'static str {
    let directory = base.directory.copy();
    let what = damage(&directory, dice);
    let context = format!("seed {seed}, {:?}: {what}", base.ack);
    let disk = Disk::at(&directory.0).with_ack(base.ack);
    let (manager, outcome) = match Manager::open(config(), &disk).await {
        Ok(manager) => {
            let messages = all_of(&manager, &base.room).map_or(0, |messages| messages.len());
            let is_marked =
                directory.0.join("alive").exists() && !what.starts_with("alive") && !what.contains("and alive");
            assert!(messages >= base.covered || !is_marked, "{context}: {messages} are left, and nobody says so");
            (manager, "no harm")
        }
        Err(DiskError::Loss { what, word, .. }) => {
            assert!(what.len() > 10, "{context}: {what}");
            match Manager::open(config(), &disk.accept_loss(word)).await {
                Ok(manager) => (manager, "refused, then accepted"),
                Err(DiskError::Damaged { .. } | DiskError::Secret { .. }) => return "refused, then refused for good",
                Err(error) => panic!("{context}: {error}"),
            }
        }
        Err(
            error @ (DiskError::Damaged { .. }
            | DiskError::Secret { .. }
            | DiskError::Io { .. }
            | DiskError::Newer { .. }
            | DiskError::Unknown { .. }),
        ) => {
            assert!(error.to_string().len() > 40, "{context}: {error}");
            return "refused for good";
        }
        Err(error) => panic!("{context}: {error}"),
    };
    let present = all_of(&manager, &base.room);
    for (epoch, messages) in &base.seen {
        for count in 0..=messages.len() {
            let cursor = Cursor { epoch: epoch.clone(), seq: Seq::new(count as u64).unwrap() };
            let Some(welcome) = welcome(&manager, &base.room, &Start::After(cursor, CursorScope::AllLives)) else {
                continue;
            };
            if welcome.how == How::Resumed {
                let present = present.as_deref().unwrap_or_else(|| panic!("{context}: resumed from a hole"));
                assert_eq!(present.get(..count), Some(&messages[..count]), "{context}: a false resumed");
                let missed: Vec<String> = welcome.entries.iter().map(|entry| text(entry)).collect();
                assert_eq!(present[count..], missed, "{context}");
            }
        }
    }
    manager.shutdown().await;
    outcome
}
