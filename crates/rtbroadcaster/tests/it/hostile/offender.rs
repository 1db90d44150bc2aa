//! Who sends what it should not, and how it is seen that it got its answer and nothing more came of it.
//! Must not know which answers are right.

use serde_json::Value;

use super::company::Company;
use super::framing;
use crate::classic;
use crate::client::{Came, Client};
use crate::house::House;
use crate::v2::frame::{self, Frame, Status};
use crate::v2::viewer::connect;

/// What the offender has agreed to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    Classic,
    V2,
}

/// What the offender is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// In no room.
    Nobody,
    /// A viewer of the live room.
    Viewer,
    /// The owner of a room of its own, in which nothing was said.
    Owner,
}

/// A connection that offends, and the end that it got.
struct Offender {
    client: Client,
    closed: Option<String>,
}

impl Company {
    /// `text` with names in the places that are kept for them: `<room>` is the live one, `<other>` another one, `<key>` the
    /// owner key of the live one, `<x65>` as many letters, `<deep31>` an array that is so deep.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut text = text.replace("<room>", &self.room).replace("<other>", &self.other).replace("<key>", &self.key);
        for length in [33, 65, 256, 257, 4_092, 4_093] {
            text = text.replace(&format!("<x{length}>"), &"x".repeat(length));
        }
        for depth in [31, 32, 33] {
            text = text.replace(&format!("<deep{depth}>"), &("[".repeat(depth) + &"]".repeat(depth)));
        }
        text
    }

    /// A new client that is `who` sends `bytes`, and gets `answers`: the codes of refusals, then the one of the end, if
    /// there is one. Nothing of it is applied.
    pub(super) async fn check(&self, what: &str, speech: Speech, who: Who, bytes: &[u8], answers: &[&str]) {
        let row = format!("{speech:?} {who:?}: {what}");
        let mut client = match speech {
            Speech::Classic => self.house().client().await,
            Speech::V2 => connect(self.house()).await,
        };
        let mut witness = None;
        match who {
            Who::Nobody => {}
            Who::Viewer => client.send(&join(speech, &self.room)).await,
            Who::Owner => witness = Some(own_room(self.house(), &mut client, speech).await),
        }
        let mut offender = Offender { client, closed: None };
        if who == Who::Viewer {
            assert_eq!(offender.word().await, "joined", "{row}");
        }
        offender.client.send_raw(bytes).await;
        for answer in answers {
            assert_eq!(offender.word().await, *answer, "{row}");
        }
        let is_closed = answers.last().is_some_and(|answer| answer.starts_with(|first: char| first.is_ascii_digit()));
        if !is_closed {
            offender.is_there(&row).await;
        }
        if let Some(witness) = witness {
            unmoved(witness, &mut offender.client, speech, is_closed, &row).await;
        }
    }
}

fn join(speech: Speech, room: &str) -> String {
    match speech {
        Speech::Classic => classic::join(room),
        Speech::V2 => frame::join("join", room, None),
    }
}

/// The client opens a room, and gets a viewer.
async fn own_room(house: &House, client: &mut Client, speech: Speech) -> Client {
    let room = match speech {
        Speech::Classic => client.create().await,
        Speech::V2 => client.open_room().await.name,
    };
    let mut witness = connect(house).await;
    witness.send(&frame::join("witness", &room, None)).await;
    assert!(matches!(witness.frame().await, Frame::Joined(_)));
    witness
}

/// Nothing that was refused reached the viewer of the offender's room: the next thing that it hears is the first message, or that
/// the owner is gone.
async fn unmoved(mut witness: Client, owner: &mut Client, speech: Speech, is_closed: bool, row: &str) {
    if is_closed {
        let heard = witness.frame().await;
        assert!(matches!(heard, Frame::Owner { status: Status::Away, term: 1, away_ms: Some(_) }), "{row}: {heard:?}");
        return;
    }
    owner.send_raw(&framing::text(&publish(speech))).await;
    match witness.frame().await {
        Frame::Message(message) => assert_eq!((message.seq, message.key.as_str()), (Some(1), "good"), "{row}"),
        other => panic!("{row}: the witness heard {other:?}"),
    }
}

fn publish(speech: Speech) -> String {
    match speech {
        Speech::Classic => classic::publish("good", "[]"),
        Speech::V2 => frame::publish("", rtbroadcaster::Kind::Event, "good", "[]"),
    }
}

impl Offender {
    /// Returns the next answer about itself: the code of a refusal or of the end, or how it was admitted.
    async fn word(&mut self) -> String {
        loop {
            match self.client.next().await {
                Came::Text(text) => {
                    if let Some(word) = self.read(&text) {
                        return word;
                    }
                }
                Came::Close(code, word) => {
                    assert!(self.closed.as_ref().is_none_or(|closed| *closed == word), "{:?}, but {word}", self.closed);
                    self.client.expect_end().await;
                    return code.to_string();
                }
                other => return format!("{other:?}"),
            }
        }
    }

    /// The connection is open, and nothing came that was not looked at.
    async fn is_there(&mut self, row: &str) {
        self.client.send_ping(b"there?").await;
        loop {
            match self.client.next().await {
                Came::Text(text) => assert_eq!(self.read(&text), None, "{row}"),
                Came::Pong(payload) if payload == b"there?" => return,
                other => panic!("{row}: expected the pong, but came {other:?}"),
            }
        }
    }

    /// What of a message is about the offender; what the live room's owner says is not.
    fn read(&mut self, text: &str) -> Option<String> {
        let message: Value = serde_json::from_str(text).unwrap();
        let word = |value: &Value| value.as_str().map(str::to_owned);
        match message["type"].as_str() {
            Some("error") => word(&message["code"]),
            Some("joined") => word(&message["reason"]).or(Some("joined".to_owned())),
            Some("closed") => {
                self.closed = word(&message["reason"]);
                None
            }
            Some("message" | "owner" | "alive") => None,
            Some(other) => Some(other.to_owned()),
            None => classic_word(&message),
        }
    }
}

/// The same word for the same thing in the older protocol.
fn classic_word(message: &Value) -> Option<String> {
    let word = match message["status"]["text"].as_str().unwrap() {
        "connected" if message["funcKey"] == "" => "joined",
        "connected" => return None,
        "bad message" => "bad_message",
        "room not found" => "no_room",
        "not the owner" => "not_owner",
        "already in a room" => "already_in_room",
        other => other,
    };
    Some(word.to_owned())
}
