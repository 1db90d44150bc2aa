//! The owners' messages. Pure.

use super::known::PerRoom;
use crate::chaos::speaker::Saying;
use crate::model::record::{Effect, frame};

/// The room with messages on their way when a server ends, and the one whose messages have no numbers.
pub(super) const BUSY: usize = 0;
pub(super) const EPHEMERAL: usize = 2;

/// The most values of the state.
const KEYS: usize = 4;

/// The number of messages of each room in each life of a story: the second room is idle in two of them.
pub(super) const LIVES: [PerRoom<usize>; 4] = [[9, 5, 3], [8, 0, 3], [8, 0, 0], [9, 4, 3]];

/// Returns the message of this number in this life: every one is different, except those that clear a key.
pub(super) fn saying(room: usize, life: usize, number: usize) -> Saying {
    let params = format!("[\"life {life}\",{number}]");
    let (kind, key) = match (room, number % 5) {
        (EPHEMERAL, _) => return Saying { kind: None, key: "pointer".into(), params, has_id: false },
        (_, 1 | 3) => (Effect::Event, "event".into()),
        (_, 4) if number % 10 == 4 => (Effect::Clear, format!("key {}", number % KEYS)),
        _ => (Effect::State, format!("key {}", number % KEYS)),
    };
    Saying { kind: Some(kind), key, params, has_id: true }
}

/// Returns an event: no newer message supersedes it.
pub(super) fn event(life: usize, number: usize) -> Saying {
    let params = format!("[\"life {life}\",{number}]");
    Saying { kind: Some(Effect::Event), key: "burst".into(), params, has_id: true }
}

/// Returns the text that viewers get of it.
pub(super) fn heard(seq: u64, saying: &Saying) -> Option<String> {
    saying.kind.map(|kind| frame(seq, kind, &saying.key, if kind == Effect::Clear { "[]" } else { &saying.params }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_events_and_clears_are_said_and_every_text_is_another() {
        let all: Vec<_> = (0..20).map(|number| saying(BUSY, 1, number)).collect();
        for kind in [Effect::Event, Effect::State, Effect::Clear] {
            assert!(all.iter().any(|saying| saying.kind == Some(kind)), "{kind:?}");
        }
        let other = saying(BUSY, 2, 0);
        assert!(heard(1, &all[0]).is_some() && heard(1, &all[0]) != heard(1, &other));
        assert_eq!(heard(1, &saying(EPHEMERAL, 0, 0)), None);
    }
}
