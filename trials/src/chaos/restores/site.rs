//! One data directory with the servers on it, one after the other, and what is known of it. Must not know how its files
//! are restored.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::task::spawn_blocking;

use super::client::{JoinAnswer, JoinRequest, Read, Room, join};
use super::judge::fold;
use super::known::{Branch, KnownLife, KnownLives, PerRoom, ROOMS};
use crate::chaos::lives::Keeping;
use crate::load::peer::PeerError;
use crate::load::release;
use crate::load::server::Server;
use crate::model::answer::How;
use crate::model::fault::{Fault, Faults};
use crate::steps::Failure;

/// The way in which a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerEnd {
    /// By SIGTERM.
    Stopped,
    /// By SIGKILL.
    Killed,
}

/// The outcome of a start.
#[derive(Debug)]
pub(super) enum StartOutcome {
    Ready,
    /// The server's output, and the word with which it would start.
    Refused {
        said: String,
        word: Option<String>,
    },
}

/// The messages that a room holds now.
#[derive(Debug, Clone, Default)]
pub(super) enum RoomContents {
    /// The room does not exist any more.
    #[default]
    Nothing,
    /// Only a part is known: the history does not reach back to its first message.
    Part,
    All(Vec<String>),
}

impl RoomContents {
    pub(super) fn texts(&self) -> Option<&[String]> {
        match self {
            Self::All(texts) => Some(texts),
            Self::Nothing | Self::Part => None,
        }
    }

    pub(super) fn is_there(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

/// A directory and its server.
pub(super) struct DataSite {
    directory: PathBuf,
    log: PathBuf,
    keeping: Keeping,
    server: Option<Server>,
    pub(super) branch: Branch,
    /// The messages that each room holds, as far as they were looked at.
    pub(super) holds: PerRoom<RoomContents>,
}

impl DataSite {
    pub(super) fn new(directory: PathBuf, log: PathBuf, keeping: Keeping, branch: Branch) -> Self {
        Self { directory, log, keeping, server: None, branch, holds: PerRoom::default() }
    }

    /// Returns the address of the running server.
    pub(super) fn address(&self) -> Result<SocketAddr, Failure> {
        self.server.as_ref().map(Server::address).ok_or_else(|| Failure::new("there is no server"))
    }

    /// Returns the log of the last server.
    pub(super) fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default().trim().to_owned()
    }

    /// Starts a server, optionally with a word by which it accepts a loss.
    pub(super) async fn start(&mut self, accepted: Option<&str>) -> Result<StartOutcome, Failure> {
        // There may be none yet.
        let _ = fs::remove_file(&self.log);
        let mut flags = self.keeping.flags(&self.directory);
        if let Some(word) = accepted {
            flags.extend(["--accept-data-loss".into(), word.into()]);
        }
        let log = self.log.clone();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let started = spawn_blocking(move || Server::start_logged(any, &release("rtbroadcaster"), &flags, &log)).await;
        match started.map_err(|error| Failure::new(error.to_string()))? {
            Ok(server) => {
                self.server = Some(server);
                Ok(StartOutcome::Ready)
            }
            Err(failure) => {
                let said = self.logged();
                if !said.contains("rtbroadcaster: ") {
                    return Err(failure);
                }
                let word = word(&said).map(str::to_owned);
                Ok(StartOutcome::Refused { said, word })
            }
        }
    }

    /// Starts a server that has no reason to refuse.
    pub(super) async fn must_start(&mut self) -> Result<(), Failure> {
        match self.start(None).await? {
            StartOutcome::Ready => Ok(()),
            StartOutcome::Refused { said, .. } => Err(Failure::new(format!("a server does not start: {said}"))),
        }
    }

    /// Ends the server.
    pub(super) async fn end(&mut self, end: ServerEnd) -> Result<(), Failure> {
        let Some(server) = self.server.take() else { return Ok(()) };
        let ended = spawn_blocking(move || match end {
            ServerEnd::Stopped => server.stop(),
            ServerEnd::Killed => server.kill(),
        });
        ended.await.map_err(|error| Failure::new(error.to_string()))?
    }

    /// Begins a new life: looks at the messages of every room, and records that life. A contradiction is a fault.
    pub(super) async fn enter(
        &mut self,
        rooms: &PerRoom<Room>,
        known: &mut KnownLives,
        faults: &mut Faults,
    ) -> Result<(), Failure> {
        let mut life = KnownLife::default();
        for (room, epoch) in rooms.iter().zip(&mut life.epochs) {
            if let Some(told) = self.look(room, None).await? {
                *epoch = told.epoch;
            }
        }
        self.look_at_all(rooms, faults).await?;
        let mut lengths = [0; ROOMS];
        for (room, length) in lengths.iter_mut().enumerate() {
            let texts = self.holds[room].texts().unwrap_or_default();
            *length = texts.len() as u64;
            (life.said[room], life.acked[room]) = (texts.to_vec(), *length);
            let Some(&newest) = self.branch.lives.last().filter(|_| self.branch.is_certain) else { continue };
            let (least, said) = (self.branch.at_least[room], &known.lives[newest].said[room]);
            if *length < least {
                faults.note(Fault::Forgotten, || format!("room {room} has {length} of {least} messages"));
            }
            if !said.starts_with(texts) {
                faults.note(Fault::OtherBytes, || format!("room {room} holds {texts:?}, {said:?} was published"));
            }
        }
        known.lives.push(life);
        self.branch.begin(known.lives.len() - 1, lengths);
        self.branch.at_least = lengths;
        Ok(())
    }

    /// Looks at the messages that every room holds.
    pub(super) async fn look_at_all(&mut self, rooms: &PerRoom<Room>, faults: &mut Faults) -> Result<(), Failure> {
        for (number, room) in rooms.iter().enumerate() {
            let Some(state) = self.look(room, None).await? else {
                self.holds[number] = RoomContents::Nothing;
                continue;
            };
            let all = self.look(room, Some((&state.epoch, 0))).await?;
            self.holds[number] = match all {
                Some(JoinAnswer { how: How::Resumed, replay, .. }) => {
                    if !state.replay.iter().map(String::as_str).eq(fold(&replay).frames()) {
                        faults.note(Fault::OtherState, || format!("room {number}: {:?} of {replay:?}", state.replay));
                    }
                    RoomContents::All(replay)
                }
                _ => RoomContents::Part,
            };
        }
        Ok(())
    }

    /// Returns the answer to a join; `None` if there is no such room.
    async fn look(&self, room: &Room, cursor: Option<(&str, u64)>) -> Result<Option<JoinAnswer>, Failure> {
        match join(self.address()?, room, JoinRequest { cursor, lives: true, read: Read::All }).await {
            Ok(told) => Ok(Some(told)),
            Err(PeerError::Answer(text)) if text.contains(r#""code":"no_room""#) => Ok(None),
            Err(error) => Err(Failure::new(format!("a viewer: {error}"))),
        }
    }
}

/// Returns the word that a refused start has printed.
fn word(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("(--accept-data-loss ")?;
    rest.split_once(')').map(|(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_read_from_what_a_refused_start_says() {
        let said =
            "rtbroadcaster: --data-dir: ... accept the loss with the word 1f3a9c2e (--accept-data-loss 1f3a9c2e)\n";
        assert_eq!(word(said), Some("1f3a9c2e"));
        assert_eq!(word("rtbroadcaster: --data-dir: another server uses it"), None);
    }
}
