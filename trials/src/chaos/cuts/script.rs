//! The owner's messages while its viewers are cut: the seed and the number of a message decide its contents. Pure.

use crate::chaos::speaker::Saying;
use crate::model::record::Effect;
use crate::random::Random;

/// The most keys of the state.
const STATE_KEYS: u64 = 36;

/// The most bytes of a message from a client (`message_bytes_max`).
const MESSAGE_BYTES_MAX: usize = 65_536;

/// One message in so many has the greatest length.
const LONGEST_IN: u64 = 1_000;

/// Returns the message with this number, from 0; the number is in its params, so that every one is different.
pub(in crate::chaos) fn saying(seed: u64, number: u64) -> Saying {
    let random = &mut Random::new(seed, number);
    if number % LONGEST_IN == LONGEST_IN / 2 {
        return longest(number);
    }
    let (kind, key) = match random.within(0..100) {
        0..45 => (Some(Effect::Event), format!("event-{}", random.within(0..6))),
        45..84 => (Some(Effect::State), format!("state-{}", random.within(0..STATE_KEYS))),
        84..90 => (Some(Effect::Clear), format!("state-{}", random.within(0..STATE_KEYS))),
        _ => (None, format!("pointer-{}", random.within(0..3))),
    };
    let params = match kind {
        Some(Effect::Clear) => "[]".into(),
        _ => params(number, random),
    };
    Saying { has_id: kind.is_some(), kind, key, params }
}

/// Returns params with every form of JSON that must arrive unchanged, and lengths around the edges of a frame's length
/// field.
fn params(number: u64, random: &mut Random) -> String {
    let padding = match random.within(0..40) {
        0 => random.within(1_000..9_000),
        1 => 60_000 / 8,
        _ => random.within(0..200),
    };
    let padding = "x".repeat(usize::try_from(padding).expect("it is small"));
    match random.within(0..8) {
        0 => format!("[{number},\n 1.50E+2 , \"\u{fc}\\u00e9\\\"\",\r\n{{\"b\":1,\"a\":[null,-0.0]}},\"{padding}\"]"),
        1 => format!(r#"[ {number} ,{{"number":{number}}},"{padding}" ]"#),
        _ => format!(r#"[{number},"{padding}"]"#),
    }
}

/// Returns an event that fills a client's message to the last byte; viewers get a longer one, so its length takes 8
/// bytes.
fn longest(number: u64) -> Saying {
    let saying = |padding: usize| Saying {
        kind: Some(Effect::Event),
        key: "long".into(),
        params: format!(r#"[{number},"{}"]"#, "y".repeat(padding)),
        has_id: false,
    };
    saying(MESSAGE_BYTES_MAX - saying(0).text("").len())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    #[test]
    fn a_seed_says_the_same_again_and_every_message_is_another() {
        let all = |seed| (0..3_000).map(move |number| saying(seed, number));
        assert!(all(1).eq(all(1)));
        assert!(!all(1).eq(all(2)));
        let (mut kinds, mut params) = (BTreeMap::new(), HashSet::new());
        for saying in all(1) {
            *kinds.entry(format!("{:?}", saying.kind)).or_insert(0) += 1;
            assert!(saying.text("0123456789abcdef-12345").len() <= MESSAGE_BYTES_MAX);
            assert!(saying.kind == Some(Effect::Clear) || params.insert(saying.params.clone()), "{}", saying.params);
        }
        assert_eq!(kinds.len(), 4);
        assert!(kinds.values().all(|&count| count > 100), "{kinds:?}");
        assert_eq!(saying(1, 500).text("").len(), MESSAGE_BYTES_MAX);
    }
}
