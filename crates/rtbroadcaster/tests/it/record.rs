//! The one sentence that every viewer is held to: what it receives is a subsequence of what the owner said, in order, no
//! event is missing in between, and once caught up it holds the newest value of every key. Must not know sockets.

use std::collections::HashMap;

use rtbroadcaster::{Kind, Message};
use serde_json::value::RawValue;

use crate::classic;

/// Everything an owner said, in order. Every message of it is different from every other.
#[derive(Debug)]
pub(crate) struct Said {
    room: String,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    kind: Kind,
    key: String,
    /// As viewers get it.
    text: String,
}

impl Said {
    pub(crate) fn new(room: &str) -> Self {
        Self { room: room.to_owned(), lines: Vec::new() }
    }

    /// Notes that `params` are being said, and gives the message that says it.
    pub(crate) fn say(&mut self, kind: Kind, key: &str, params: &str) -> Message {
        let text = classic::message(&self.room, key, params, kind == Kind::State);
        self.lines.push(Line { kind, key: key.to_owned(), text });
        let params: Box<RawValue> = serde_json::from_str(params).unwrap();
        match kind {
            Kind::Event => Message::event(key, params).unwrap(),
            Kind::State => Message::state(key, params).unwrap(),
            Kind::Ephemeral => Message::ephemeral(key, params).unwrap(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The last message, as viewers get it.
    pub(crate) fn last(&self) -> &str {
        &self.lines.last().unwrap().text
    }

    /// All messages, as viewers get them.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.text.as_str())
    }

    /// The newest value of every key.
    fn state(&self) -> HashMap<&str, &str> {
        let states = self.lines.iter().filter(|line| line.kind == Kind::State);
        states.map(|line| (line.key.as_str(), line.text.as_str())).collect()
    }
}

/// What one viewer received.
#[derive(Debug, Default)]
pub(crate) struct Record {
    heard: Vec<String>,
}

impl Record {
    pub(crate) fn hear(&mut self, text: String) {
        self.heard.push(text);
    }

    pub(crate) fn append(&mut self, mut rest: Record) {
        self.heard.append(&mut rest.heard);
    }

    pub(crate) fn len(&self) -> usize {
        self.heard.len()
    }

    /// How many bytes of text were received.
    pub(crate) fn bytes(&self) -> usize {
        self.heard.iter().map(String::len).sum()
    }

    /// The places in `said` of what was heard; fails if that is no subsequence of it.
    fn places(&self, said: &Said) -> Vec<usize> {
        let mut lines = said.lines.iter().enumerate();
        let place = |text: &String| {
            let found = lines.find(|(_, line)| line.text == *text);
            found.unwrap_or_else(|| panic!("not said, or not after what was heard before: {text}")).0
        };
        self.heard.iter().map(place).collect()
    }

    /// For a viewer that may still miss the rest: what came is right so far, and no event is missing in between.
    pub(crate) fn check(&self, said: &Said) {
        let places = self.places(said);
        let Some(first) = places.iter().copied().find(|place| said.lines[*place].kind == Kind::Event) else { return };
        let last = *places.last().unwrap();
        let mut heard = places.into_iter().peekable();
        for (place, line) in said.lines.iter().enumerate().take(last + 1).skip(first) {
            while heard.next_if(|next| *next < place).is_some() {}
            let is_heard = heard.peek() == Some(&place);
            assert!(is_heard || line.kind != Kind::Event, "an event is missing in between: {}", line.text);
        }
    }

    /// For a viewer that has heard the last message, too.
    pub(crate) fn check_caught_up(&self, said: &Said) {
        self.check(said);
        assert_eq!(self.heard.last().map(String::as_str), Some(said.last()), "not caught up");
        let state = said.state();
        let mut held: HashMap<&str, &str> = HashMap::new();
        for place in self.places(said) {
            let line = &said.lines[place];
            if line.kind == Kind::State {
                held.insert(&line.key, &line.text);
            }
        }
        assert_eq!(held, state);
    }

    /// For a viewer that was there from the beginning, too: it heard every event. Of the states it need not have heard those
    /// that newer values of their keys superseded: on a busy machine also a viewer that reads at once lags for a moment.
    pub(crate) fn check_whole(&self, said: &Said) {
        self.check_caught_up(said);
        let is_event = |place: &usize| said.lines[*place].kind == Kind::Event;
        let heard = self.places(said).into_iter().filter(is_event).count();
        assert_eq!(heard, (0..said.len()).filter(is_event).count(), "an event is missing");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An owner that said the event e1, the state s1, the event e2, the state s2, the event e3.
    fn said() -> Said {
        let mut said = Said::new("room");
        let lines = [Kind::Event, Kind::State, Kind::Event, Kind::State, Kind::Event].iter().zip([1, 1, 2, 2, 3]);
        for (kind, n) in lines {
            said.say(*kind, "key", &format!("[{n}]"));
        }
        said
    }

    fn heard(said: &Said, places: &[usize]) -> Record {
        Record { heard: places.iter().map(|place| said.lines[*place].text.clone()).collect() }
    }

    #[test]
    fn every_way_to_be_wrong_is_found() {
        let said = said();
        for right in [&[0, 1, 2, 3, 4][..], &[0, 2, 3, 4], &[1, 2, 3, 4], &[3, 4], &[4, 4][..0]] {
            heard(&said, right).check(&said);
        }
        for wrong in [&[1, 0][..], &[1, 1], &[0, 1, 4], &[0, 3, 4]] {
            let wrong = heard(&said, wrong);
            std::panic::catch_unwind(|| wrong.check(&said)).expect_err("it was let through");
        }
        heard(&said, &[3, 4]).check_caught_up(&said);
        for behind in [&[4][..], &[0, 1, 2, 3], &[0, 1, 2, 4], &[]] {
            let behind = heard(&said, behind);
            std::panic::catch_unwind(|| behind.check_caught_up(&said)).expect_err("it was let through");
        }
        heard(&said, &[0, 2, 3, 4]).check_whole(&said);
        let late = heard(&said, &[2, 3, 4]);
        std::panic::catch_unwind(|| late.check_whole(&said)).expect_err("it was let through");
    }
}
