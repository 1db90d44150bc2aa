//! Four lives of one directory, and the backups made of it. Must not know how backups are restored.

mod backup;
mod fill;

use super::client::{Owner, Room, StayingViewer};
use super::judge::{self, Asker};
use super::known::{Branch, KnownLives, PerRoom, ROOMS, ViewerPosition};
use super::medium::Medium;
use super::script::{self, BUSY};
use super::site::{DataSite, ServerEnd};
use super::way::Moment;
use crate::chaos::lives::Keeping;
use crate::load::peer::PeerError;
use crate::model::answer::How;
use crate::model::fault::{Fault, Faults};
use crate::random::Random;
use crate::steps::Failure;

/// The life after which a backup is made without a server, and the one in which a backup is made of a running one.
const LAST_BEFORE_REST: usize = 1;
const RUNNING: usize = 2;

/// The lives in which much is written.
const FULL: [usize; 2] = [1, 3];

/// The number of messages on their way when a server ends, and the least number that a backup of a running one lacks.
const BURST: usize = 6;

/// The parameters of a story.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot {
    pub(super) keeping: Keeping,
    /// The way in which servers end.
    pub(super) end: ServerEnd,
    /// Whether so much is written that the store begins other files, before, while and after backups are made.
    pub(super) fills: bool,
}

/// The result of a story.
pub(super) struct BackupStory {
    pub(super) plot: Plot,
    pub(super) medium: Medium,
    pub(super) rooms: PerRoom<Room>,
    pub(super) known: KnownLives,
    /// The message counts at the beginnings and ends of backups.
    pub(super) marks: Vec<PerRoom<u64>>,
    at_rest: Branch,
    running: Branch,
    /// The number of backups of the running server that did not open and were made again.
    pub(super) made_again: u64,
    /// The lives of the directory at the end.
    pub(super) last: Branch,
}

/// A story that is being made.
struct StoryMaker<'a> {
    plot: Plot,
    site: DataSite,
    medium: &'a Medium,
    rooms: PerRoom<Room>,
    known: KnownLives,
    marks: Vec<PerRoom<u64>>,
    made_again: u64,
    faults: &'a mut Faults,
    random: &'a mut Random,
}

/// The connections of one life.
struct LifeClients {
    owners: Vec<Owner>,
    watchers: Vec<StayingViewer>,
}

/// A viewer's memory: its epoch and the messages it has seen.
type ViewerMemory = (String, Vec<String>);

impl BackupStory {
    /// Returns the branch of a backup.
    pub(super) fn backup(&self, moment: Moment) -> &Branch {
        match moment {
            Moment::AtRest => &self.at_rest,
            Moment::Running => &self.running,
        }
    }

    pub(super) async fn make(
        medium: Medium,
        plot: Plot,
        random: &mut Random,
        faults: &mut Faults,
    ) -> Result<Self, Failure> {
        let branch = Branch { is_certain: true, ..Branch::default() };
        let site = DataSite::new(medium.data(), medium.log(&medium.data()), plot.keeping, branch);
        let (rooms, known) = (PerRoom::default(), KnownLives::default());
        let (marks, made_again) = (Vec::new(), 0);
        let mut telling = StoryMaker { plot, site, medium: &medium, rooms, known, marks, made_again, faults, random };
        let (mut taken, mut at_rest, mut running) = (Vec::new(), Branch::default(), Branch::default());
        for life in 0..script::LIVES.len() {
            let mut clients = telling.begin(life, taken).await?;
            telling.speak(life, &mut clients).await?;
            if plot.fills && FULL.contains(&life) {
                fill::fill(telling.site.address()?, telling.random.clone()).await.map_err(|error| failed(&error))?;
            }
            if life == RUNNING {
                running = telling.back_up_while_running(&mut clients.owners[BUSY]).await?;
                // An acknowledgement may arrive before the viewer's copy does, and a server that is killed sends no
                // more.
                telling.hear(life, BUSY, &mut clients).await?;
            }
            taken = telling.end(life, plot.end, clients).await?;
            if life == LAST_BEFORE_REST {
                at_rest = telling.site.branch.clone();
                telling.back_up(Moment::AtRest).await?;
            }
        }
        let StoryMaker { site, rooms, known, marks, made_again, .. } = telling;
        medium.save_end()?;
        Ok(Self { plot, medium, rooms, known, marks, at_rest, running, made_again, last: site.branch })
    }
}

impl StoryMaker<'_> {
    /// Starts a server; all clients join or own their rooms.
    async fn begin(&mut self, life: usize, taken: Vec<ViewerMemory>) -> Result<LifeClients, Failure> {
        self.site.must_start().await?;
        let address = self.site.address()?;
        let mut owners = Vec::new();
        if life == 0 {
            for room in &mut self.rooms {
                let (owner, made) = Owner::create(address, self.random.next()).await.map_err(|error| failed(&error))?;
                owners.push(owner);
                *room = made;
            }
        }
        self.site.enter(&self.rooms, &mut self.known, self.faults).await?;
        for room in owners.len()..ROOMS {
            owners.push(
                own(&self.site, &self.rooms, &self.known, room, life - 1, self.random.next(), self.faults).await?,
            );
        }
        let mut watchers = Vec::new();
        let mut taken = taken.into_iter();
        for (number, room) in self.rooms.iter().enumerate() {
            let before = taken.next();
            let is_first = before.is_none();
            let before = before.as_ref().map(|(epoch, seen)| (epoch.as_str(), seen.clone()));
            let (watcher, how) = StayingViewer::join(address, room, before).await.map_err(|error| failed(&error))?;
            let said = &self.known.lives[life].said[number];
            if (how == How::Resumed) == is_first || watcher.seen != *said {
                self.faults
                    .note(Fault::FalseReset, || format!("in life {life}: {how:?}, {:?} of {said:?}", watcher.seen));
            }
            watchers.push(watcher);
        }
        Ok(LifeClients { owners, watchers })
    }

    /// Publishes the messages of a quiet time: all are acknowledged and seen.
    async fn speak(&mut self, life: usize, clients: &mut LifeClients) -> Result<(), Failure> {
        for (room, &count) in script::LIVES[life].iter().enumerate() {
            for number in 0..count {
                self.say(&mut clients.owners[room], room, number).await?;
            }
            self.hear(life, room, clients).await?;
        }
        Ok(())
    }

    /// The viewer of a room reads every message that was acknowledged in it.
    async fn hear(&mut self, life: usize, room: usize, clients: &mut LifeClients) -> Result<(), Failure> {
        let acked = self.known.lives[life].acked[room];
        clients.watchers[room].hear_until(acked).await.map_err(|error| failed(&error))
    }

    /// Publishes one message and waits until it is acknowledged.
    async fn say(&mut self, owner: &mut Owner, room: usize, number: usize) -> Result<(), Failure> {
        let place = self.known.lives.len() - 1;
        let life = &mut self.known.lives[place];
        let saying = script::saying(room, place, number);
        life.said[room].extend(script::heard(life.said[room].len() as u64 + 1, &saying));
        owner.say(&[saying]).await.map_err(|error| failed(&error))?;
        if let Some(seq) = owner.settle().await.map_err(|error| failed(&error))? {
            let last = life.said[room].len() as u64;
            if seq != last {
                self.faults.note(Fault::FalseAck, || format!("{seq} instead of {last}"));
            }
            (life.acked[room], self.site.branch.at_least[room]) = (seq, seq);
        }
        Ok(())
    }

    /// Ends the server while messages are on their way. Returns the viewers' memories.
    async fn end(
        &mut self,
        life: usize,
        end: ServerEnd,
        mut clients: LifeClients,
    ) -> Result<Vec<ViewerMemory>, Failure> {
        let said = &mut self.known.lives[life].said[BUSY];
        let burst: Vec<_> = (0..BURST).map(|number| script::event(life, number)).collect();
        for saying in &burst {
            said.extend(script::heard(said.len() as u64 + 1, saying));
        }
        clients.owners[BUSY].say(&burst).await.map_err(|error| failed(&error))?;
        let owners: Vec<_> = clients.owners.into_iter().map(|owner| tokio::spawn(owner.attend())).collect();
        let watchers: Vec<_> = clients.watchers.into_iter().map(|watcher| tokio::spawn(watcher.attend())).collect();
        self.site.end(end).await?;
        for owner in owners {
            owner.await.map_err(|error| Failure::new(error.to_string()))?;
        }
        let mut taken = Vec::new();
        for (room, watcher) in watchers.into_iter().enumerate() {
            let (epoch, seen) = watcher.await.map_err(|error| Failure::new(error.to_string()))?;
            let said = &self.known.lives[life].said[room];
            if !said.starts_with(&seen) || (seen.len() as u64) < self.site.branch.at_least[room] {
                self.faults.note(Fault::OtherBytes, || format!("in life {life}: seen {seen:?}, published {said:?}"));
            }
            // Every message that a viewer has seen is in the directory.
            self.site.branch.at_least[room] = seen.len() as u64;
            taken.push((epoch, seen));
        }
        Ok(taken)
    }
}

/// Lets the owner of a room come back with its newest acknowledgement of life `before`, and judges the answer.
pub(super) async fn own(
    site: &DataSite,
    rooms: &PerRoom<Room>,
    known: &KnownLives,
    room: usize,
    before: usize,
    prefix: u64,
    faults: &mut Faults,
) -> Result<Owner, Failure> {
    let position = ViewerPosition { room, life: before, seq: known.lives[before].acked[room] };
    let at = (known.epoch(position), position.seq);
    let (owner, owned) = Owner::own(site.address()?, prefix, &rooms[room], at).await.map_err(|error| failed(&error))?;
    let (seq, seen, end) = (position.seq, known.seen(position), site.branch.end(position));
    let asker = Asker { seq, seen, is_present: site.branch.is_present(position), end, lives: true };
    let texts = site.holds[room].texts();
    let is_other = texts.is_some_and(|texts| texts.len() as u64 != owned.seq);
    if let Some(fault) = judge::how(asker, texts, owned.how, owned.reason).or(is_other.then_some(Fault::OtherState)) {
        let (how, reason) = (owned.how, owned.reason);
        faults.note(fault, || {
            format!("an owner at {position:?}: {how:?} {reason:?} at {} of {}", owned.seq, owned.epoch)
        });
    }
    Ok(owner)
}

fn failed(error: &PeerError) -> Failure {
    Failure::new(format!("a client: {error}"))
}
