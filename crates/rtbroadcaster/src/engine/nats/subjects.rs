//! The names of everything in NATS: subjects of entries, checkpoints, whispers and questions.
//! Must not know what is sent there.

use rtbroadcaster_core::id::RoomId;

use crate::engine::shared::{CopyId, NodeId};

/// The number of slots over which rooms are spread, so that a later version may give slots to several streams.
const SLOTS: u64 = 64;

/// The subjects of one namespace.
#[derive(Debug, Clone)]
pub(super) struct Subjects {
    namespace: Box<str>,
}

impl Subjects {
    pub(super) fn of(namespace: &str) -> Self {
        Self { namespace: namespace.into() }
    }

    /// Returns the subjects of the stream.
    pub(super) fn all(&self) -> Vec<String> {
        vec![format!("rbi.{}.*.*", self.namespace), format!("rbs.{}.*.*.*.*", self.namespace)]
    }

    /// Returns from where to where entries are told.
    pub(super) fn republish(&self) -> (String, String) {
        let Self { namespace } = self;
        (format!("rbi.{namespace}.*.*"), format!("rbo.{namespace}.{{{{wildcard(1)}}}}.{{{{wildcard(2)}}}}.e"))
    }

    /// Returns the subject of a room's entries.
    pub(super) fn entries(&self, room: &RoomId) -> String {
        format!("rbi.{}.{}.{room}", self.namespace, slot(room))
    }

    /// Returns the name of the room in a subject of entries.
    pub(super) fn room<'a>(&self, subject: &'a str) -> Option<&'a str> {
        let rest = subject.strip_prefix("rbi.")?.strip_prefix(&*self.namespace)?.strip_prefix('.')?;
        Some(rest.split_once('.')?.1)
    }

    /// Returns the subject of a part of a room's checkpoint: of two generations, one is whole.
    pub(super) fn checkpoint(&self, room: &RoomId, generation: u64, part: usize) -> String {
        format!("rbs.{}.{}.{room}.{}.{part}", self.namespace, slot(room), generation % 2)
    }

    /// Returns the subjects of all parts of a room's checkpoints.
    pub(super) fn checkpoints(&self, room: &RoomId) -> [String; 2] {
        [0, 1].map(|generation| format!("rbs.{}.{}.{room}.{generation}.*", self.namespace, slot(room)))
    }

    /// Returns the subject of a part of a copy of a room.
    pub(super) fn copy(&self, room: &RoomId, CopyId(id): CopyId, part: usize) -> String {
        format!("rbs.{}.{}.{room}.c{id:016x}.{part}", self.namespace, slot(room))
    }

    /// Returns the subject of all parts of a copy.
    pub(super) fn copies(&self, room: &RoomId, CopyId(id): CopyId) -> String {
        format!("rbs.{}.{}.{room}.c{id:016x}.*", self.namespace, slot(room))
    }

    /// Returns the subject of everything that is told about a room.
    pub(super) fn told(&self, room: &RoomId) -> String {
        format!("rbo.{}.{}.{room}.*", self.namespace, slot(room))
    }

    /// Returns the subject of whispers about a room.
    pub(super) fn whispers(&self, room: &RoomId) -> String {
        format!("rbo.{}.{}.{room}.w", self.namespace, slot(room))
    }

    /// Returns the subject of beacons.
    pub(super) fn beacons(&self) -> String {
        format!("rbn.{}", self.namespace)
    }

    /// Returns the subject of questions to `node`.
    pub(super) fn questions(&self, node: NodeId) -> String {
        format!("rbq.{}.{node}", self.namespace)
    }
}

/// Returns whether what was told at `subject` is a whisper.
pub(super) fn is_whisper(subject: &str) -> bool {
    subject.ends_with(".w")
}

/// Returns the slot of a room: the same on every node and in every version.
fn slot(room: &RoomId) -> u64 {
    // FNV-1a, which has no seed.
    let hash = room
        .to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_has_the_same_subjects_on_every_node() {
        let (subjects, room) = (Subjects::of("ns"), "final-1_a".parse::<RoomId>().unwrap());
        let entries = subjects.entries(&room);
        assert_eq!(entries, "rbi.ns.21.final-1_a");
        assert_eq!(subjects.room(&entries), Some("final-1_a"));
        assert_eq!(subjects.room("rbi.other.21.final-1_a"), None);
        assert_eq!(subjects.told(&room), "rbo.ns.21.final-1_a.*");
        assert!(is_whisper(&subjects.whispers(&room)) && !is_whisper("rbo.ns.21.final-1_a.e"));
        assert_eq!(subjects.checkpoint(&room, 3, 0), "rbs.ns.21.final-1_a.1.0");
    }
}
