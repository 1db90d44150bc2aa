//! What nodes ask each other about a room, as text.
//! Must not know when it is asked.

use std::borrow::Cow;

use bytes::Bytes;
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::identity::ViewerNumber;
use rtbroadcaster_core::message::{Key, Params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::FORMAT;
use crate::engine::{Question, Reply};
use crate::metrics::SignalRefusal;

#[derive(Serialize, Deserialize)]
struct QuestionText<'a> {
    format: u32,
    #[serde(borrow)]
    room: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    signal: Option<SignalText<'a>>,
}

#[derive(Serialize, Deserialize)]
struct SignalText<'a> {
    from: u64,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    params: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
struct ReplyText<'a> {
    format: u32,
    /// Why nothing was done.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    refused: Option<Cow<'a, str>>,
}

/// Writes a question about `room`.
pub(in crate::engine::shared) fn write_question(room: &RoomId, question: &Question) -> Bytes {
    let Question::Signal { from, key, params } = question;
    let params = serde_json::from_str(params.as_str()).expect("parameters are JSON");
    let signal = Some(SignalText { from: from.get(), key: key.as_str().into(), params });
    let text = QuestionText { format: FORMAT, room: room.to_string().into(), signal };
    serde_json::to_vec(&text).expect("plain data has a text").into()
}

/// Reads a question; `None` for one of a later version, and for what is none.
pub(in crate::engine::shared) fn read_question(text: &[u8]) -> Option<(RoomId, Question)> {
    let QuestionText { format, room, signal: Some(SignalText { from, key, params }) } =
        serde_json::from_slice(text).ok()?
    else {
        return None;
    };
    if format > FORMAT {
        return None;
    }
    let (key, params) = (Key::new(&key)?, Params::from_json(params.get())?);
    Some((room.parse().ok()?, Question::Signal { from: ViewerNumber::of(from), key, params }))
}

/// Writes a reply.
pub(in crate::engine::shared) fn write_reply(reply: Reply) -> Bytes {
    let refused = match reply {
        Reply::Done => None,
        Reply::Refused(refusal) => Some(refusal.word().into()),
    };
    serde_json::to_vec(&ReplyText { format: FORMAT, refused }).expect("plain data has a text").into()
}

/// Reads a reply; `None` for what is none. A reason that a later version has added says that the owner did not hear it.
pub(in crate::engine::shared) fn read_reply(text: &[u8]) -> Option<Reply> {
    let ReplyText { format: _, refused } = serde_json::from_slice(text).ok()?;
    let Some(word) = refused else { return Some(Reply::Done) };
    let known = SignalRefusal::ALL.into_iter().find(|refusal| refusal.word() == word);
    Some(Reply::Refused(known.unwrap_or(SignalRefusal::Unheard)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os_random::OsRandom;

    #[test]
    fn questions_and_replies_are_read_as_they_were_written() {
        let room = RoomId::random(&OsRandom);
        let (key, params) = (Key::new("hand").unwrap(), Params::from_json("[\"up\"]").unwrap());
        let question = Question::Signal { from: ViewerNumber::random(&OsRandom), key, params };
        assert_eq!(read_question(&write_question(&room, &question)), Some((room, question)));
        for reply in SignalRefusal::ALL.map(Reply::Refused).into_iter().chain([Reply::Done]) {
            assert_eq!(read_reply(&write_reply(reply)), Some(reply));
        }
    }

    #[test]
    fn what_a_later_version_asks_or_replies_does_no_harm() {
        let later = br#"{"format":2,"room":"final","signal":{"from":1,"key":"hand","params":[]}}"#;
        let unknown = br#"{"format":1,"room":"final","kick":{"from":1}}"#;
        assert_eq!(read_question(later), None);
        assert_eq!(read_question(unknown), None);
        assert_eq!(read_question(b"[1"), None);
        let reply = br#"{"format":1,"refused":"asleep","until":1}"#;
        assert_eq!(read_reply(reply), Some(Reply::Refused(SignalRefusal::Unheard)));
        assert_eq!(read_reply(b"{}"), None);
    }
}
