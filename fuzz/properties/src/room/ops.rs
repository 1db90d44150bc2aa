//! The meaning of the op codes. Must not know what is expected of the server.

use std::time::Duration;

use super::client::{Client, ExpectedAnswer, Role, SentCursor};
use super::frame::{TEXT, masked};
use super::ledger::{MessageKind, PublishedMessage};
use super::stage::{PLACES, Stage};
use crate::codes::Codes;

/// The bytes that a connection holds while the other side does not read.
const BUFFERS: [usize; 4] = [64 * 1024, 4_096, 1_024, 200];

/// The most unsent bytes of a client: at more, it publishes nothing.
const UNSENT_BYTES_MAX: usize = 32 * 1024;

impl Stage {
    pub(super) async fn step(&mut self, code: u8, codes: &mut Codes<'_>) {
        let place = codes.below(PLACES);
        if self.clients[place].unsent.len() > UNSENT_BYTES_MAX {
            return self.settle().await;
        }
        match code % 16 {
            0 => self.clients[place].connect(&self.manager, BUFFERS[codes.below(4)]),
            1 => self.create(place),
            2 => self.watch(place, codes.byte(), codes.byte()),
            3..=5 => self.publish(place, codes),
            6 => self.clear(place, codes.byte()),
            7 => self.pause(place),
            8 => self.unpause(place),
            9 => self.send_raw(place, codes),
            10 => self.pass(Duration::from_millis(100) * codes.byte().into()).await,
            11 => self.clients[place].reads = codes.flag(),
            12 => self.clients[place].vanish(),
            13 => self.own(place, codes.byte()),
            14 => self.leave(place, codes.flag()),
            _ => {
                let (count, what) = (codes.byte() % 100, codes.byte());
                (0..count).for_each(|n| self.say(place, what.wrapping_add(n % 4), n % 16, false));
            }
        }
        self.settle().await;
    }

    fn is_v2(&self, place: usize) -> bool {
        self.clients[place].is_v2()
    }

    fn create(&mut self, place: usize) {
        self.be_connected(place);
        if self.is_v2(place) {
            self.ask(place, r#""type":"create""#, ExpectedAnswer::Room);
        } else {
            self.clients[place].say(r#"{"status":{"value":1}}"#);
        }
    }

    fn room(&self, number: u8) -> Option<usize> {
        (!self.rooms.is_empty()).then(|| usize::from(number) % self.rooms.len())
    }

    fn watch(&mut self, place: usize, room: u8, cursor: u8) {
        let Some(room) = self.room(room) else { return };
        self.be_connected(place);
        if !self.is_v2(place) {
            let text = format!(r#"{{"uuid":"{}","status":{{"value":2}}}}"#, self.rooms[room].name);
            return self.clients[place].say(&text);
        }
        let client = &mut self.clients[place];
        if client.role != Role::None || !client.asked.is_empty() {
            // It is refused, and what the viewer remembers stays what it sees.
            return self.join(place, room, SentCursor::Malformed);
        }
        let known = client.viewer.take().filter(|viewer| viewer.room == room);
        let cursor = match (cursor % 5, &known) {
            (0, _) | (1 | 2, None) => SentCursor::None,
            (1, Some(viewer)) => SentCursor::At(viewer.at),
            (2, Some(_)) => SentCursor::Future,
            (3, _) => SentCursor::OtherEpoch,
            _ => SentCursor::Malformed,
        };
        client.viewer = known.filter(|_| cursor != SentCursor::None);
        self.join(place, room, cursor);
    }

    fn own(&mut self, place: usize, room: u8) {
        let Some(room) = self.room(room).filter(|_| self.is_v2(place)) else { return };
        self.be_connected(place);
        let (name, key) = (&self.rooms[room].name, &self.rooms[room].key);
        let request = format!(r#""type":"own","room":"{name}","ownerKey":"{key}""#);
        self.ask(place, &request, ExpectedAnswer::Room);
    }

    fn publish(&mut self, place: usize, codes: &mut Codes<'_>) {
        let (what, size, how) = (codes.byte(), codes.byte(), codes.byte());
        let again = self.clients[place].acknowledged.clone().filter(|_| how & 4 != 0);
        if how & 8 != 0 {
            self.clients[place].splits = true;
        }
        match again {
            Some(text) => self.clients[place].say(&text),
            None => self.say(place, what, size, how & 1 != 0),
        }
        if how & 16 != 0 {
            self.clients[place].hold_back_half();
        }
    }

    /// A client publishes a new message, with an id if `with_id` and if it may have one.
    fn say(&mut self, place: usize, what: u8, size: u8, with_id: bool) {
        self.be_connected(place);
        let number = self.said.last_key_value().map_or(1, |(number, _)| number + 1);
        let change =
            [MessageKind::State, MessageKind::Event, MessageKind::Ephemeral, MessageKind::State][usize::from(what) % 4];
        let key = format!("k{}", what / 4 % 4);
        // The longest are longer than a message may be.
        let params = format!(r#"[{number},"said{}"]"#, "x".repeat(usize::from(size) * if size > 250 { 2 } else { 1 }));
        let is_v2 = self.is_v2(place);
        let change = if is_v2 || change != MessageKind::Ephemeral { change } else { MessageKind::Event };
        let text = if is_v2 {
            let id = if with_id && change != MessageKind::Ephemeral {
                format!(r#""id":"m{number}","#)
            } else {
                String::new()
            };
            let kind = match change {
                MessageKind::State => r#","state":true"#,
                MessageKind::Ephemeral => r#","ephemeral":true"#,
                MessageKind::Event | MessageKind::Cleared => "",
            };
            format!(r#"{{"type":"publish",{id}"key":"{key}","params":{params}{kind}}}"#)
        } else {
            let is_state = change == MessageKind::State;
            format!(r#"{{"status":{{"value":3}},"funcKey":"{key}","funcParams":{params},"stateMessage":{is_state}}}"#)
        };
        self.clients[place].say(&text);
        self.said.insert(number, PublishedMessage { key, change });
        self.texts.insert(number, text);
    }

    fn clear(&mut self, place: usize, key: u8) {
        if self.is_v2(place) {
            self.be_connected(place);
            self.requests += 1;
            let id = format!("c{}", self.requests);
            self.clients[place].say(&format!(r#"{{"type":"clear","id":"{id}","key":"k{}"}}"#, key % 4));
        }
    }

    fn pause(&mut self, place: usize) {
        if let (true, Role::Viewer(_)) = (self.is_v2(place), self.clients[place].role) {
            self.clients[place].say(r#"{"type":"pause"}"#);
            if let Some(viewer) = &mut self.clients[place].viewer {
                viewer.pauses = true;
            }
        }
    }

    fn unpause(&mut self, place: usize) {
        if self.is_v2(place) && self.clients[place].role != Role::None {
            if let Some(viewer) = &mut self.clients[place].viewer {
                viewer.is_paused = false;
            }
            self.ask(place, r#""type":"unpause""#, ExpectedAnswer::Unpause);
        }
    }

    fn leave(&mut self, place: usize, closes: bool) {
        self.be_connected(place);
        let text = match (self.is_v2(place), closes) {
            (true, true) => r#"{"type":"close"}"#,
            (true, false) => r#"{"type":"leave"}"#,
            (false, _) => r#"{"status":{"value":4}}"#,
        };
        self.clients[place].say(text);
    }

    /// Sends bytes as they are, or as the text of a frame.
    fn send_raw(&mut self, place: usize, codes: &mut Codes<'_>) {
        self.be_connected(place);
        self.is_wild = true;
        let length = codes.byte();
        let bytes = codes.bytes(usize::from(length / 2));
        let client = &mut self.clients[place];
        client.is_wild = true;
        client.send(&if length & 1 == 0 { bytes.to_vec() } else { masked(TEXT, bytes) });
    }
}

impl Client {
    /// Sends one text, in fragments if `splits` is set.
    pub(super) fn say(&mut self, text: &str) {
        let frame = if std::mem::take(&mut self.splits) {
            let (first, last) = text.as_bytes().split_at(text.len() / 2);
            [masked(0x01, first), masked(0x80, last)].concat()
        } else {
            masked(TEXT, text.as_bytes())
        };
        self.send(&frame);
    }

    /// Sends bytes, after the rest that was held back.
    fn send(&mut self, bytes: &[u8]) {
        let held_back = std::mem::take(&mut self.rest);
        self.unsent.extend(held_back);
        self.unsent.extend_from_slice(bytes);
    }

    /// Holds back half of the unsent bytes until the next send.
    fn hold_back_half(&mut self) {
        self.rest = self.unsent.split_off(self.unsent.len() / 2);
    }
}
