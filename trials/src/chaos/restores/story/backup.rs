//! Backups made during a story. Must not know how they are restored.

use tokio::task::{JoinHandle, spawn_blocking};

use super::fill::fill;
use super::{BURST, RUNNING, StoryMaker, failed};
use crate::chaos::restores::client::Owner;
use crate::chaos::restores::known::Branch;
use crate::chaos::restores::script::{self, BUSY};
use crate::chaos::restores::site::{DataSite, ServerEnd, StartOutcome};
use crate::chaos::restores::way::{MarkerFile, Moment};
use crate::steps::Failure;

/// The most messages published while a backup is made.
const MEANWHILE_MAX: usize = 60;

/// The most backups of a running server until one opens.
const BACKUPS_MAX: u32 = 12;

impl StoryMaker<'_> {
    /// Makes a backup while the owner publishes, and again until one opens, as an operator does. Returns what is known
    /// of it.
    pub(super) async fn back_up_while_running(&mut self, owner: &mut Owner) -> Result<Branch, Failure> {
        let mut number = script::LIVES[RUNNING][BUSY];
        for _ in 0..BACKUPS_MAX {
            let branch = self.site.branch.clone();
            self.marks.push(branch.at_least);
            number = self.copy_while_speaking(owner, number).await?;
            self.marks.push(self.site.branch.at_least);
            if self.opens().await? {
                // So that the backup lacks something for certain.
                for number in number..number + BURST {
                    self.say(owner, BUSY, number).await?;
                }
                return Ok(branch);
            }
            self.made_again += 1;
        }
        Err(Failure::new(format!("none of {BACKUPS_MAX} backups opens")))
    }

    /// Copies while the owner publishes, from message `number`. Returns the number of the next one.
    async fn copy_while_speaking(&mut self, owner: &mut Owner, mut number: usize) -> Result<usize, Failure> {
        let (address, random) = (self.site.address()?, self.random.clone());
        let filling = self.plot.fills.then(|| tokio::spawn(fill(address, random)));
        let copying: JoinHandle<_> = spawn_blocking(self.medium.back_up(Moment::Running));
        let end = number + MEANWHILE_MAX;
        while !copying.is_finished() && number < end {
            self.say(owner, BUSY, number).await?;
            number += 1;
        }
        copying.await.map_err(|error| Failure::new(error.to_string()))??;
        if let Some(filling) = filling {
            let filled = filling.await.map_err(|error| Failure::new(error.to_string()))?;
            filled.map_err(|error| failed(&error))?;
        }
        Ok(number)
    }

    /// Returns whether a server starts on the backup. Files appear and disappear while `cp` copies them; an image of a
    /// device needs no trial.
    async fn opens(&self) -> Result<bool, Failure> {
        if self.medium.is_device() {
            return Ok(true);
        }
        let backup = self.medium.backup(Moment::Running, MarkerFile::Without)?;
        let log = self.medium.log(&backup);
        let mut trial = DataSite::new(backup, log, self.plot.keeping, Branch::default());
        let is_ready = matches!(trial.start(None).await?, StartOutcome::Ready);
        trial.end(ServerEnd::Stopped).await?;
        Ok(is_ready)
    }

    /// Makes a backup while no owner publishes.
    pub(super) async fn back_up(&mut self, moment: Moment) -> Result<(), Failure> {
        self.marks.push(self.site.branch.at_least);
        let copied = spawn_blocking(self.medium.back_up(moment)).await;
        copied.map_err(|error| Failure::new(error.to_string()))?
    }
}
