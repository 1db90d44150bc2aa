//! One restore: every client that ever was in a room comes back to it and is judged. Must not know how files are
//! copied.

use std::path::Path;

use super::client::{JoinAnswer, JoinRequest, Read, join};
use super::judge::{self, Asker};
use super::known::{Branch, KnownLives, ROOMS, ViewerPosition};
use super::script::{self, EPHEMERAL};
use super::site::{DataSite, RoomContents, StartOutcome};
use super::story::{BackupStory, own};
use super::tally::WayTally;
use super::tool::copy;
use super::way::{MarkerFile, Moment, RestoreWay};
use crate::model::answer::How;
use crate::model::fault::{Fault, Faults};
use crate::random::Random;
use crate::steps::Failure;

/// By how many messages each room exceeds its former maximum after a restore.
const MORE: u64 = 4;

/// One in so many viewers is cut in the middle of its replay.
const CUT_IN: u64 = 4;

/// The parameters of a restore.
#[derive(Debug, Clone, Copy)]
pub(super) struct RestoreCase {
    pub(super) way: RestoreWay,
    pub(super) moment: Moment,
    pub(super) marker: MarkerFile,
}

/// A restore under test.
struct RestoreTrial<'a> {
    case: RestoreCase,
    story: &'a BackupStory,
    known: KnownLives,
    row: &'a mut WayTally,
    faults: Faults,
    random: &'a mut Random,
}

/// Restores a backup and judges every answer after it.
pub(super) async fn run(
    story: &mut BackupStory,
    case: RestoreCase,
    row: &mut WayTally,
    random: &mut Random,
) -> Result<Faults, Failure> {
    let RestoreCase { way, moment, marker } = case;
    story.medium.return_to_the_end()?;
    let data = story.medium.data();
    let backup = Branch { is_certain: !way.is_mixture(), ..story.backup(moment).clone() };
    let site = |directory: &Path, branch| {
        let log = story.medium.log(directory);
        DataSite::new(directory.into(), log, story.plot.keeping, branch)
    };
    let mut sites = Vec::new();
    match way {
        RestoreWay::Beside => {
            let beside = story.medium.beside();
            copy(&story.medium.backup(moment, marker)?, &beside)?;
            sites.extend([site(&data, story.last.clone()), site(&beside, backup)]);
        }
        RestoreWay::RolledBack => sites.push(site(&data, backup)),
        _ => {
            way.restore(&story.medium.backup(moment, marker)?, &data)?;
            sites.push(site(&data, backup));
        }
    }
    if way == RestoreWay::RolledBack {
        story.medium.roll_back(moment, marker)?;
    }
    row.restores += 1;
    let known = story.known.clone();
    let mut trial = RestoreTrial { case, story, known, row, faults: Faults::default(), random };
    if let Err(failure) = trial.play(&mut sites).await {
        let logs: Vec<_> = sites.iter().map(DataSite::logged).collect();
        trial.faults.note(Fault::OddEnd, || format!("{case:?}: {failure}: {logs:?}"));
    }
    Ok(trial.faults)
}

impl RestoreTrial<'_> {
    async fn play(&mut self, sites: &mut [DataSite]) -> Result<(), Failure> {
        for site in &mut *sites {
            if !self.open(site).await? {
                return Ok(());
            }
        }
        // No message is published yet.
        self.judge_all(sites).await?;
        for site in &mut *sites {
            self.speak(site).await?;
        }
        self.judge_all(sites).await?;
        for site in &mut *sites {
            site.end(self.story.plot.end).await?;
            if let StartOutcome::Refused { said, .. } = site.start(None).await? {
                self.faults.note(Fault::NotStarted, || format!("{:?}, after another life: {said}", self.case));
                return Ok(());
            }
            site.enter(&self.story.rooms, &mut self.known, &mut self.faults).await?;
        }
        self.judge_all(sites).await?;
        for site in sites {
            site.end(self.story.plot.end).await?;
        }
        Ok(())
    }

    /// Starts the first server after the restore. Returns whether it runs.
    async fn open(&mut self, site: &mut DataSite) -> Result<bool, Failure> {
        let RestoreCase { way, moment, marker } = self.case;
        if let StartOutcome::Refused { said, word } = site.start(None).await? {
            if let Some(fault) = way.refused(moment, marker, word.is_some()) {
                self.faults.note(fault, || format!("{:?}: {said}", self.case));
            }
            let Some(word) = word else {
                self.row.refused += 1;
                return Ok(false);
            };
            if let StartOutcome::Refused { said, .. } = site.start(Some(&word)).await? {
                self.row.refused += 1;
                self.faults.note(Fault::NotStarted, || format!("{:?}, with the word {word}: {said}", self.case));
                return Ok(false);
            }
            self.row.accepted += 1;
        }
        site.enter(&self.story.rooms, &mut self.known, &mut self.faults).await?;
        self.row.rooms_gone += site.holds.iter().filter(|holding| !holding.is_there()).count();
        if site.branch.is_certain && !site.holds.iter().all(|holding| matches!(holding, RoomContents::All(_))) {
            self.faults.note(Fault::Forgotten, || format!("{:?}: {:?}", self.case, site.holds));
        }
        Ok(true)
    }

    /// Lets every owner come back and publish other messages, more than there ever were.
    async fn speak(&mut self, site: &mut DataSite) -> Result<(), Failure> {
        let Some(&life) = site.branch.lives.last() else { return Ok(()) };
        let before = self.story.known.lives.len() - 1;
        for room in (0..ROOMS).filter(|&room| site.holds[room].is_there()) {
            let (prefix, rooms) = (self.random.next(), &self.story.rooms);
            let mut owner = own(site, rooms, &self.known, room, before, prefix, &mut self.faults).await?;
            let wanted = self.story.known.longest(room) + MORE;
            let said = &mut self.known.lives[life].said[room];
            let count = if room == EPHEMERAL { MORE } else { wanted.saturating_sub(said.len() as u64) };
            for number in 0..usize::try_from(count).unwrap_or(0) {
                let saying = script::saying(room, life, number);
                said.extend(script::heard(said.len() as u64 + 1, &saying));
                owner.say(&[saying]).await.map_err(|error| Failure::new(format!("an owner: {error}")))?;
            }
            let acked = owner.settle().await.map_err(|error| Failure::new(format!("an owner: {error}")))?;
            self.known.lives[life].acked[room] = acked.unwrap_or(site.branch.at_least[room]);
            site.branch.at_least[room] = self.known.lives[life].acked[room];
        }
        site.look_at_all(&self.story.rooms, &mut self.faults).await?;
        for (room, holding) in site.holds.iter().enumerate() {
            let said = &self.known.lives[life].said[room];
            if holding.texts().is_some_and(|texts| texts != said) {
                self.faults.note(Fault::OtherBytes, || format!("{:?}, room {room}: {said:?}, {holding:?}", self.case));
            }
        }
        Ok(())
    }

    async fn judge_all(&mut self, sites: &[DataSite]) -> Result<(), Failure> {
        let positions = self.known.positions(&self.story.marks);
        let first = self.story.known.lives.len();
        for site in sites {
            for &position in &positions {
                // The contents at the beginning of that life are not known.
                let is_unknown = matches!(site.holds[position.room], RoomContents::Part) && position.life >= first;
                if site.holds[position.room].is_there() && !is_unknown {
                    self.judge(site, position).await?;
                }
            }
        }
        Ok(())
    }

    /// Lets a viewer come back from this position: with `lives`, without it, and with a cut in between.
    async fn judge(&mut self, site: &DataSite, position: ViewerPosition) -> Result<(), Failure> {
        let told = self.join(site, position, true, Read::All).await?;
        self.row.enter(told.how, told.reason);
        self.note(site, position, &told, true);
        let old = self.join(site, position, false, Read::All).await?;
        self.row.without_lives[usize::from(old.how == How::Resumed)] += 1;
        self.note(site, position, &old, false);
        if told.announced > 1 && self.random.one_in(CUT_IN) {
            self.cut(site, position).await?;
        }
        Ok(())
    }

    async fn join(
        &self,
        site: &DataSite,
        position: ViewerPosition,
        lives: bool,
        read: Read,
    ) -> Result<JoinAnswer, Failure> {
        let cursor = Some((self.known.epoch(position), position.seq));
        let told = join(site.address()?, &self.story.rooms[position.room], JoinRequest { cursor, lives, read }).await;
        told.map_err(|error| Failure::new(format!("a viewer at {position:?}: {error}")))
    }

    fn note(&mut self, site: &DataSite, position: ViewerPosition, told: &JoinAnswer, lives: bool) {
        let (seen, end) = (self.known.seen(position), site.branch.end(position));
        let asker = Asker { seq: position.seq, seen, is_present: site.branch.is_present(position), end, lives };
        if let Some(fault) = judge::join(asker, site.holds[position.room].texts(), told) {
            let (case, lives_here) = (self.case, &site.branch.lives);
            self.row.note(fault);
            self.faults.note(fault, || {
                format!("{case:?}, lives {lives_here:?} ended {end:?} here: {asker:?} {position:?} got {told:?}")
            });
        }
    }

    /// Ends the connection in the middle of the replay, and lets the viewer come back with what it has then.
    async fn cut(&mut self, site: &DataSite, position: ViewerPosition) -> Result<(), Failure> {
        let Some(present) = site.holds[position.room].texts() else { return Ok(()) };
        let half = self.join(site, position, true, Read::Half).await?;
        self.row.cuts += 1;
        let read = half.replay.len() as u64;
        let (epoch, seq) = match half.how {
            How::Resumed => (half.epoch.as_str(), position.seq + read),
            // An incomplete state is not applied, and its epoch is not taken.
            _ => (self.known.epoch(position), position.seq),
        };
        let asked = JoinRequest { cursor: Some((epoch, seq)), lives: true, read: Read::All };
        let told = join(site.address()?, &self.story.rooms[position.room], asked).await;
        let told = told.map_err(|error| Failure::new(format!("a viewer that was cut at {position:?}: {error}")))?;
        let is_exact = if half.how == How::Resumed {
            let seen = self.known.seen(position).unwrap_or_default().iter();
            told.how == How::Resumed && seen.chain(&half.replay).chain(&told.replay).eq(present)
        } else {
            told.how == half.how && told.replay.iter().map(String::as_str).eq(judge::fold(present).frames())
        };
        if !is_exact {
            self.row.note(Fault::OtherState);
            self.faults.note(Fault::OtherState, || {
                format!("{:?}: cut at {position:?} after {half:?}, then {told:?}, not {present:?}", self.case)
            });
        }
        Ok(())
    }
}
