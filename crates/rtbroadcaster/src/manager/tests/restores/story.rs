//! One story of a directory, its backups, and copies of it beside it.

use super::*;
use crate::engine::disk::{Ack, DiskError};

/// The position of a viewer, and what it had seen up to there.
struct Seen {
    room: usize,
    cursor: Cursor,
    messages: Vec<String>,
}

/// What the model knows of one directory.
#[derive(Clone, Default)]
struct Known {
    /// The messages of each room.
    logs: Vec<Vec<String>>,
    /// For each room the epochs of its lives, and how many messages it had when each ended.
    lives: Vec<Vec<(Epoch, usize)>>,
    /// Whether the model knows what is in the directory at all: not where two copies were mixed.
    is_certain: bool,
}

/// The tale of one directory and its copies.
pub(super) struct Story {
    dice: Dice,
    ack: Ack,
    directory: Directory,
    known: Known,
    /// Copies, with what was known of the directory then.
    copies: Vec<(Directory, Known)>,
    rooms: Vec<(RoomId, OwnerKey)>,
    seen: Vec<Seen>,
    said: u32,
    /// The steps so far, for a report of a failure.
    done: Vec<String>,
}

/// One is spoken in, one is often idle, and one has ephemeral messages only.
const ROOMS: usize = 3;

impl Story {
    pub(super) async fn tell(seed: u64) {
        let mut dice = Dice::new(seed);
        let ack = if dice.below(3) == 0 { Ack::Disk } else { Ack::Written };
        let known = Known { is_certain: true, ..Known::default() };
        let mut story = Self {
            dice,
            ack,
            directory: Directory::new(),
            known,
            copies: Vec::new(),
            rooms: Vec::new(),
            seen: Vec::new(),
            said: 0,
            done: Vec::new(),
        };
        for _ in 0..8 {
            story.live().await;
            story.be_tampered_with();
        }
        story.live().await;
    }

    /// Opens the directory. What cannot be opened any more is replaced by an older copy, or begun again.
    async fn open(&mut self) -> Option<Manager> {
        let mut disk = Disk::at(&self.directory.0).with_ack(self.ack);
        for _ in 0..2 {
            match Manager::open(config(), &disk).await {
                Ok(manager) => return Some(manager),
                Err(DiskError::Loss { word, what, .. }) => {
                    self.done.push(format!("accepted: {what}"));
                    self.known.is_certain = false;
                    disk = disk.accept_loss(word);
                }
                Err(DiskError::Damaged { what, .. }) => {
                    assert!(!self.known.is_certain, "{what}: {:#?}", self.done);
                    return None;
                }
                Err(error) => panic!("{error}: {:#?}", self.done),
            }
        }
        panic!("the word did not help: {:#?}", self.done);
    }

    /// One life: viewers return and are checked, messages are published, and the process ends.
    async fn live(&mut self) {
        let Some(manager) = self.open().await else {
            let Some((copy, known)) = self.copies.pop() else { return };
            (self.directory, self.known) = (copy, known);
            self.done.push("went on with a copy".to_owned());
            return;
        };
        while self.rooms.len() < ROOMS {
            let owner = manager.create_room().await.unwrap();
            self.rooms.push((owner.room(), owner.key().clone()));
        }
        self.known.logs.resize(ROOMS, Vec::new());
        self.known.lives.resize(ROOMS, Vec::new());
        self.judge(&manager);
        for room in 0..ROOMS {
            self.speak(&manager, room).await;
        }
        self.judge(&manager);
        if self.dice.below(3) == 0 {
            self.copies.push((self.directory.copy(), self.known_at_the_end(&manager)));
            self.done.push("copied while it ran".to_owned());
        }
        let known = self.known_at_the_end(&manager);
        let end = if self.dice.below(2) == 0 { End::Clean } else { End::Killed };
        let killed = (end == End::Killed).then(|| self.directory.copy());
        manager.shutdown().await;
        drop(manager);
        if let Some(killed) = killed {
            self.directory = killed;
        }
        self.known = known;
        self.done.push(format!("ended {end:?}"));
    }

    /// What is known of the directory if the life ends now.
    fn known_at_the_end(&self, manager: &Manager) -> Known {
        let mut known = self.known.clone();
        for (room, (id, _)) in self.rooms.iter().enumerate() {
            if let Some(epoch) = epoch(manager, id) {
                known.lives[room].push((epoch, known.logs[room].len()));
            }
        }
        known
    }

    /// Publishes a message in a room, and notes a viewer's position.
    async fn speak(&mut self, manager: &Manager, room: usize) {
        let (id, key) = self.rooms[room].clone();
        let Ok(owner) = manager.own(&id, &key).await else { return };
        let Some(epoch) = epoch(manager, &id) else { return };
        let count = if room == 1 && self.dice.below(2) == 0 { 0 } else { self.dice.below(6) };
        for _ in 0..count {
            self.said += 1;
            let message = match (room, self.dice.below(4)) {
                (2, _) => Message::ephemeral("pointer", [self.said]),
                (_, 0) => Message::event("event", [self.said]),
                (_, key) => Message::state(&format!("key {key}"), [self.said]).with_id(&format!("id {}", self.said)),
            };
            owner.publish(message).await.unwrap();
            if room != 2 {
                self.known.logs[room] = all_of(manager, &id).expect("the history holds everything that is said");
            }
            if self.dice.below(2) == 0 {
                let messages = self.known.logs[room].clone();
                let seq = Seq::new(messages.len() as u64).unwrap();
                self.seen.push(Seen { room, cursor: Cursor { epoch: epoch.clone(), seq }, messages });
            }
        }
    }

    /// Resumes every viewer that ever was in a room.
    fn judge(&mut self, manager: &Manager) {
        for (room, (id, _)) in self.rooms.iter().enumerate() {
            let present = all_of(manager, id);
            if self.known.is_certain {
                assert_eq!(present.as_ref(), Some(&self.known.logs[room]), "room {room}: {:#?}", self.done);
            }
            for seen in self.seen.iter().filter(|seen| seen.room == room) {
                self.judge_one(manager, id, seen, present.as_deref());
            }
            self.known.logs[room] = present.unwrap_or_default();
        }
    }

    fn judge_one(&self, manager: &Manager, id: &RoomId, seen: &Seen, present: Option<&[String]>) {
        let start = Start::After(seen.cursor.clone(), CursorScope::AllLives);
        let Some(welcome) = welcome(manager, id, &start) else {
            return assert!(!self.known.is_certain, "a room is lost: {:#?}", self.done);
        };
        let count = seen.messages.len();
        let context = || format!("{:?} of {:?} in {:?}: {:#?}", seen.cursor, seen.messages, present, self.done);
        if welcome.how == How::Resumed {
            let present = present.unwrap_or_else(|| panic!("resumed where not everything is known: {}", context()));
            assert_eq!(present.get(..count), Some(&*seen.messages), "a false resumed: {}", context());
            let missed: Vec<String> = welcome.entries.iter().map(|entry| text(entry)).collect();
            assert_eq!(present[count..], missed, "another rest: {}", context());
        } else if self.known.is_certain {
            let mut lives = self.known.lives[seen.room].iter();
            let end = lives.find(|(epoch, _)| *epoch == seen.cursor.epoch).map(|(_, end)| *end);
            let is_present = seen.cursor.epoch == welcome.standing.epoch;
            let must =
                if is_present { count <= present.map_or(0, <[_]>::len) } else { end.is_some_and(|end| count <= end) };
            assert!(!must, "a false reset ({:?}): {}", welcome.how, context());
        }
        let old = Start::After(seen.cursor.clone(), CursorScope::OneLife);
        let is_resumed = self::welcome(manager, id, &old).is_some_and(|welcome| welcome.how == How::Resumed);
        assert!(!is_resumed || seen.cursor.epoch == welcome.standing.epoch, "told another epoch: {}", context());
    }

    /// Changes the directory, which no process uses.
    fn be_tampered_with(&mut self) {
        match self.dice.below(6) {
            0 => {
                self.copies.push((self.directory.copy(), self.known.clone()));
                self.done.push("copied at rest".to_owned());
            }
            1 => {
                if self.copies.is_empty() {
                    return;
                }
                // The copy and the original go on beside each other, turn about.
                let place = usize::try_from(self.dice.below(self.copies.len() as u64)).unwrap();
                let (copy, known) = &mut self.copies[place];
                std::mem::swap(copy, &mut self.directory);
                std::mem::swap(known, &mut self.known);
                self.done.push("went on with a copy beside the original".to_owned());
            }
            2..5 => self.restore(),
            _ => {}
        }
    }

    fn restore(&mut self) {
        if self.copies.is_empty() {
            return;
        }
        let place = usize::try_from(self.dice.below(self.copies.len() as u64)).unwrap();
        let overs = [Over::Replaced, Over::Copied, Over::InPlace, Over::RolledBack];
        let over = overs[usize::try_from(self.dice.below(4)).unwrap()];
        let with_marker = self.dice.below(2) == 0;
        let (copy, known) = &self.copies[place];
        self.directory.be_replaced_by(copy, over, with_marker);
        self.known = known.clone();
        // Else a mixture, or a marker of another time, of which the server has to know by itself.
        self.known.is_certain &= matches!(over, Over::Replaced | Over::RolledBack) && !with_marker;
        self.done.push(format!("restored copy {place} {over:?}, with its marker: {with_marker}"));
    }
}

/// The epoch of a room.
fn epoch(manager: &Manager, id: &RoomId) -> Option<Epoch> {
    Some(welcome(manager, id, &Start::Fresh)?.standing.epoch)
}

/// Every message of a room, if the room is there and its history holds all of them.
pub(super) fn all_of(manager: &Manager, id: &RoomId) -> Option<Vec<String>> {
    let epoch = epoch(manager, id)?;
    let welcome = welcome(manager, id, &Start::After(Cursor { epoch, seq: Seq::ZERO }, CursorScope::OneLife))?;
    let messages = welcome.entries.iter().map(|entry| text(entry));
    (welcome.how == How::Resumed).then(|| messages.collect())
}
