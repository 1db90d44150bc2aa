//! One voter: a person with one or more tabs, whose connections end in any way, and whose viewer key stays. Must not
//! know the totals.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::CHOICES;
use crate::load::peer::{Peer, PeerError, V2};
use crate::random::Random;

/// The most tabs of a voter, and the most connections that it has lost and the server has not.
const TABS_MAX: usize = 3;
const GHOSTS_MAX: usize = 2;

/// The turn of a voter before it votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum VoterTurn {
    /// It joins for the first time, or at another server.
    Come,
    /// Does nothing.
    Stay,
    /// A tab is reset, and joins again.
    Reset,
    /// A tab's connection is ended, and it joins again.
    Finish,
    /// A tab joins again over another network: the server still holds the older connection.
    Ghost,
    /// A tab leaves, and another one joins that knows only the viewer key.
    Reload,
    /// One more tab joins.
    Tab,
}

/// A person that votes.
pub(super) struct Voter {
    random: Random,
    tabs: Vec<Peer>,
    /// Connections that it has lost, and the server has not.
    ghosts: Vec<Peer>,
    number: Option<u64>,
    key: Option<String>,
    choice: u64,
    pub(super) votes: u64,
    pub(super) renumbered: u64,
    pub(super) unnamed: u64,
    pub(super) refused: Vec<String>,
}

impl Voter {
    pub(super) fn new(random: Random) -> Self {
        let (tabs, ghosts, refused) = (Vec::new(), Vec::new(), Vec::new());
        let (number, key, choice) = (None, None, 0);
        Self { random, tabs, ghosts, number, key, choice, votes: 0, renumbered: 0, unnamed: 0, refused }
    }

    /// Drops all connections: the server has ended.
    pub(super) fn lose(&mut self) {
        self.tabs.clear();
        self.ghosts.clear();
    }

    /// Returns its last choice, as the parameters of totals have it.
    pub(super) fn choice(&self) -> String {
        format!("[{}]", self.choice)
    }

    /// Takes a turn, and votes with every tab.
    pub(super) async fn act(mut self, address: SocketAddr, room: String) -> Result<(Self, VoterTurn), PeerError> {
        let turn = self.turn();
        match turn {
            VoterTurn::Stay => {}
            VoterTurn::Come | VoterTurn::Tab => self.open(address, &room).await?,
            VoterTurn::Reset => {
                self.tabs.swap_remove(0).reset();
                self.open(address, &room).await?;
            }
            VoterTurn::Finish => {
                self.tabs.swap_remove(0).finish().await;
                self.open(address, &room).await?;
            }
            VoterTurn::Ghost => {
                let ghost = self.tabs.swap_remove(0);
                self.ghosts.push(ghost);
                self.open(address, &room).await?;
            }
            VoterTurn::Reload => {
                let mut tab = self.tabs.swap_remove(0);
                tab.say(r#"{"type":"leave"}"#).await?;
                drop(tab);
                self.open(address, &room).await?;
            }
        }
        self.choice = self.random.within(0..CHOICES);
        let vote = json!({"type": "signal", "key": "vote", "params": [self.choice]}).to_string();
        for tab in &mut self.tabs {
            tab.say(&vote).await?;
            self.votes += 1;
        }
        // Heartbeats are answered, and refusals read.
        for tab in self.tabs.iter_mut().chain(&mut self.ghosts) {
            let refused = &mut self.refused;
            let _ = timeout(Duration::ZERO, tab.hear(|text| hear(text, refused))).await;
        }
        Ok((self, turn))
    }

    fn turn(&mut self) -> VoterTurn {
        if self.tabs.is_empty() {
            return VoterTurn::Come;
        }
        match self.random.index(6) {
            0 => VoterTurn::Reset,
            1 => VoterTurn::Finish,
            2 if self.ghosts.len() < GHOSTS_MAX => VoterTurn::Ghost,
            3 => VoterTurn::Reload,
            4 if self.tabs.len() < TABS_MAX => VoterTurn::Tab,
            _ => VoterTurn::Stay,
        }
    }

    /// Joins on a new connection with the viewer key, if it has one.
    async fn open(&mut self, address: SocketAddr, room: &str) -> Result<(), PeerError> {
        let mut peer = Peer::open_as(address, V2).await?;
        let mut join = json!({"type": "join", "id": "join", "room": room});
        if let Some(key) = &self.key {
            join["viewer"] = key.as_str().into();
        }
        peer.say(&join.to_string()).await?;
        let text = peer.answer().await?;
        let joined: Value = serde_json::from_str(&text).unwrap_or_default();
        if joined["type"] != "joined" {
            return Err(PeerError::Answer(text));
        }
        match (joined["viewer"]["number"].as_u64(), joined["viewer"]["key"].as_str()) {
            (Some(number), Some(key)) => {
                if self.number.is_some_and(|before| before != number) {
                    self.renumbered += 1;
                }
                (self.number, self.key) = (Some(number), Some(key.to_owned()));
            }
            _ => self.unnamed += 1,
        }
        self.tabs.push(peer);
        Ok(())
    }
}

/// Notes a refusal.
fn hear(text: &[u8], refused: &mut Vec<String>) {
    if text.starts_with(br#"{"type":"error""#) {
        refused.push(String::from_utf8_lossy(text).into_owned());
    }
}
