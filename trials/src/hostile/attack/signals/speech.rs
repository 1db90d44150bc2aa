//! The texts of viewers that send too many signals, and the answers to them. Pure.

use std::collections::BTreeMap;

use crate::load::frame::{Opcode, masked};
use crate::random::Random;

/// More values than a room distinguishes.
const VALUES: u64 = 200;

/// The last request: its answer comes after all others.
const LAST: &str = r#"{"type":"join","id":"last","room":""}"#;

/// The most spaces and letters of a single signal.
const PADDING_MAX: u64 = 4_000;

/// The answers to a viewer.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// The codes of refusals, and how often each came.
    pub(super) codes: BTreeMap<String, u64>,
    /// The number of claps and votes that were refused.
    pub(super) claps: u64,
    pub(super) votes: u64,
    /// Whether the last request was answered.
    pub(super) is_over: bool,
}

impl Refusals {
    /// Takes one text. Returns whether a viewer may get it.
    pub(super) fn hear(&mut self, text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text);
        let Some(rest) = text.strip_prefix(r#"{"type":"error","#) else {
            // The room's own frames arrive meanwhile.
            let others = ["message", "skipped", "reset", "owner", "audience", "alive", "closed"];
            return others.iter().any(|other| text.starts_with(&format!(r#"{{"type":"{other}","#)));
        };
        let member =
            |name: &str| rest.split_once(&format!(r#""{name}":""#)).and_then(|(_, rest)| rest.split('"').next());
        let (id, code) = (member("id").unwrap_or_default(), member("code").unwrap_or_default());
        match id {
            "last" => self.is_over = true,
            "clap" => self.claps += 1,
            "vote" => self.votes += 1,
            _ => {}
        }
        if id == "last" {
            return code == "already_in_room";
        }
        *self.codes.entry(code.to_owned()).or_insert(0) += 1;
        match code {
            "rate" | "unavailable" | "bad_message" => true,
            // A signal that is too long to be counted. Votes, which carry an id, are not.
            "too_big" => id.is_empty(),
            _ => false,
        }
    }
}

/// Returns `count` claps and votes, of more values than one room distinguishes, and how many of them are claps.
pub(super) fn votes(count: usize, random: &mut Random) -> (Vec<u8>, u64) {
    let (mut texts, mut claps) = (Vec::new(), 0);
    for _ in 0..count {
        let key = if random.one_in(2) { "clap" } else { "vote" };
        claps += u64::from(key == "clap");
        let value = random.within(0..VALUES);
        let params = match random.index(3) {
            0 => format!("[{value}]"),
            1 => format!("[ {value} ]"),
            _ => format!(r#"["{value}","{}"]"#, "é".repeat(50)),
        };
        texts.push(format!(r#"{{"type":"signal","id":"{key}","key":"{key}","params":{params}}}"#));
    }
    (frames(texts), claps)
}

/// Returns `count` single signals, of all lengths.
pub(super) fn singles(count: usize, random: &mut Random) -> Vec<u8> {
    let single = |_| {
        let padding = if random.one_in(8) { random.within(0..PADDING_MAX) } else { random.within(0..40) };
        let padding = "x".repeat(usize::try_from(padding).unwrap_or_default());
        let kind = random.index(3);
        match kind {
            0 => format!(r#"{{"type":"signal","key":"hand","params":["{padding}"]}}"#),
            1 => format!(r#"{{"type":"signal","id":"{}","key":"hand","params":[{{"a":1,"a":2}}]}}"#, kind),
            _ => format!(r#"{{"type":"signal","key":"hand","params":["\u2028\ud800",1e999,"{padding}"]}}"#),
        }
    };
    frames((0..count).map(single).collect())
}

/// Returns `count` borderline signals. Of one viewer in four some are wrong, so that it is closed: refusals by rate do
/// not end a row of these.
pub(super) fn odd(count: usize, random: &mut Random) -> Vec<u8> {
    let is_rude = random.one_in(4);
    let odd = |_| {
        let key = format!("k{}", 2 + random.index(6));
        let value = random.next();
        match if is_rude { random.index(16) } else { 5 + random.index(11) } {
            // Too long to be counted, too deep, too long, twice, and no array.
            0 => format!(r#"{{"type":"signal","key":"{key}","params":["{}"]}}"#, "v".repeat(200)),
            1 => format!(r#"{{"type":"signal","key":"hand","params":{}{}}}"#, "[".repeat(40), "]".repeat(40)),
            2 => format!(r#"{{"type":"signal","key":"{key}","params":["{}"]}}"#, "v".repeat(5_000)),
            3 => format!(r#"{{"type":"signal","key":"{key}","params":[1],"params":[{value}]}}"#),
            4 => format!(r#"{{"type":"signal","key":"{key}","params":{{}}}}"#),
            // As deep as allowed, and values that hardly any other viewer sends.
            5 => format!(r#"{{"type":"signal","key":"{key}","params":{}{}}}"#, "[".repeat(31), "]".repeat(31)),
            6 | 8 => format!(r#"{{"type":"signal","key":"{key}","params":["\ud800\u0000",{value}]}}"#),
            7 | 9 => format!(r#"{{"type":"signal","key":"{key}","params":[{{"a":{value},"a":null}}]}}"#),
            10 => format!("{{\"type\":\"signal\",\"key\":\"{key}\",\"params\":[\r\n{value}\t ]}}"),
            11 => format!(r#"{{"type":"signal","key":"\u0001{}","params":[]}}"#, r"\u0001".repeat(200)),
            _ => format!(r#"{{"type":"signal","key":"{key}","params":[{}]}}"#, value % VALUES),
        }
    };
    frames((0..count).map(odd).collect())
}

/// Returns these texts and the last one as frames.
fn frames(mut texts: Vec<String>) -> Vec<u8> {
    texts.push(LAST.to_owned());
    texts.iter().flat_map(|text| masked(Opcode::Text, text.as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_up_to_the_answer_to_the_last_thing() {
        let mut refusals = Refusals::default();
        for text in [
            r#"{"type":"error","id":"clap","code":"rate","message":"m","retryInMs":1000}"#,
            r#"{"type":"error","code":"unavailable","message":"m","retryInMs":1000}"#,
            r#"{"type":"error","code":"too_big","message":"m"}"#,
            r#"{"type":"audience","viewers":1}"#,
        ] {
            assert!(refusals.hear(text.as_bytes()) && !refusals.is_over, "{text}");
        }
        assert_eq!((refusals.claps, refusals.votes, refusals.codes.len()), (1, 0, 3));
        assert!(!refusals.hear(br#"{"type":"error","code":"no_room","message":"m"}"#));
        assert!(!refusals.hear(br#"{"type":"signal","key":"hand","params":[],"from":1}"#), "that is for the owner");
        assert!(!refusals.hear(br#"{"type":"error","id":"vote","code":"too_big","message":"m"}"#));
        assert!(refusals.hear(br#"{"type":"error","id":"last","code":"already_in_room","message":"m"}"#));
        assert!(refusals.is_over);
    }
}
